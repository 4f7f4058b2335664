//! Steps of the user's own, with names of operations.

mod steps {
    use factum::step;

    #[step]
    pub async fn join(a: u32) -> u32 {
        a
    }

    #[step]
    pub async fn spawn(a: (u32, u32)) -> u32 {
        a.0 + a.1
    }
}

mod unqualified {
    use factum::{saga, step};

    fn twice(n: u32) -> u32 {
        2 * n
    }

    #[step]
    async fn join(a: u32, b: u32) -> u32 {
        a + b
    }

    #[step]
    async fn race(pair: (u32, u32)) -> u32 {
        pair.0
    }

    #[step]
    async fn all(list: Vec<u32>) -> usize {
        list.len()
    }

    #[step]
    async fn again(one: u32) -> u32 {
        one
    }

    #[step]
    async fn publish(one: &str) -> usize {
        one.len()
    }

    #[step]
    async fn pause(one: u32) -> u32 {
        one
    }

    #[saga]
    pub async fn own(a: u32) {
        join(a, 2).await;
        join(twice(a), twice(2)).await;
        race((a, 2)).await;
        let pair = (a, 2);
        race(pair).await;
        all(vec![a, 2]).await;
        all((0..3).map(|n| n + 1).collect()).await;
        again(a).await;
        publish("a").await;
        pause(twice(a)).await;
    }
}

#[factum::saga]
async fn qualified(a: u32) {
    steps::join(a).await;
    steps::spawn((a, 2)).await;
}

fn main() {
    let _ = (qualified(1), unqualified::own(1));
}
