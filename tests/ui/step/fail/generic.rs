use factum::prelude::*;

#[step]
async fn charge<T: Send, const N: usize>(what: T, how: impl Clone) -> [u8; N]
where
    T: Clone,
{
    let _ = (what, how);
    [0; N]
}

fn main() {}
