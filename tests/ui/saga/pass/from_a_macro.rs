//! Steps and sagas that a macro of the user's writes.
#![deny(warnings)]

use factum::prelude::*;

macro_rules! steps {
    ($($name:ident: $ty:ty => $undo:ident),* $(,)?) => {
        $(
            #[step(compensate = $undo(value, output), unknown = $undo(value, 1))]
            async fn $name(value: $ty) -> u32 {
                let _ = value;
                1
            }

            #[step]
            async fn $undo(value: $ty, made: u32) {
                let _ = (value, made);
            }
        )*

        #[saga]
        async fn all() -> u32 {
            let mut sum = 0;
            $(sum += $name(<$ty>::default()).await;)*
            sum
        }
    };
}

steps!(number: u64 => unnumber, text: String => untext);

fn main() {
    drop(all());
}
