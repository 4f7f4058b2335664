//! What a body may hold beside its awaits.
#![deny(warnings)]
#![allow(clippy::all)]

use factum::prelude::*;

#[step]
pub(crate) async fn a(n: u32) -> u32 {
    n
}

mod names {
    pub(crate) use super::a as renamed;
}

#[saga]
async fn body(n: u32) -> u32 {
    use names::*;
    const ONE: u32 = 1;

    // A function of its own: nothing in it is the saga's.
    fn clock() -> bool {
        std::time::SystemTime::now() > std::time::UNIX_EPOCH
    }
    async fn elsewhere() {
        tokio::time::sleep(std::time::Duration::ZERO).await;
    }
    enum Local {
        Variant,
    }
    use Local::Variant;
    macro_rules! twice {
        ($n:expr) => {
            2 * $n
        };
    }

    let _ = (clock as fn() -> bool, elsewhere, Variant);
    let doubled: Vec<u32> = (0..n).map(|n| twice!(n)).collect();
    let total = {
        use self::names::renamed as again;
        again(ONE).await + renamed(2).await
    };
    let lazy = async { 1 };
    drop(lazy);
    let Some(first) = doubled.first() else { return total };
    *first + unsafe_free(total).await
}

#[saga]
async fn unsafe_free(n: u32) -> u32 {
    let n = &mut { n };
    *n += a(*n).await;
    *n
}

#[saga]
async fn waits_for_its_own_signal() -> u32 {
    #[signal]
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Go {
        n: u32,
    }
    signal::<Go>().await.n
}

fn main() {
    drop(body(1));
    drop(waits_for_its_own_signal());
}
