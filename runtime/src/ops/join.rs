//! Several operations at once, and all of their results.

use super::branches::{Group, branch, run};
use super::{Cx, Durable};
use crate::engine::GroupKind;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// Several operations at once: a call of [`join`].
#[derive(Debug)]
#[must_use = "nothing of it runs unless it is awaited in a saga: add `.await`"]
pub struct Join<T>(T);

/// Awaits up to 12 operations at once, each to its end, and gives their results as a tuple:
/// `let (label, invoice) = join((print(hold), write(payment))).await`. One that fails does not stop the others.
///
/// Where the saga fails later, what they did is undone in reverse order of completion.
pub fn join<T>(operations: T) -> Join<T> {
    Join(operations)
}

const JOIN: Group = Group { kind: GroupKind::Join, limit: usize::MAX };

macro_rules! joins {
    ($($name:ident $index:tt)*) => {
        impl<$($name: Described),*> Described for Join<($($name,)*)> {
            const PLAN: Plan = Plan::Join(&[$($name::PLAN),*]);
        }

        impl<App: Send + Sync + 'static, $($name),*> Durable<App> for Join<($($name,)*)>
        where
            $($name: Durable<App>, $name::Output: Send,)*
        {
            type Output = ($($name::Output,)*);

            #[allow(non_snake_case, reason = "the names of the types are those of the branches")]
            fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
            where
                Self: 'c,
            {
                let at = cx.take_position();
                Box::pin(async move {
                    $(let $name = branch(cx, &at, $index, site, self.0.$index, |_| false);)*
                    let branches = vec![$($name.0),*];
                    run(&*cx.host, at, site, JOIN, branches).await;
                    ($($name.1.taken().await,)*)
                })
            }
        }
    };
}

joins!(A 0);
joins!(A 0 B 1);
joins!(A 0 B 1 C 2);
joins!(A 0 B 1 C 2 D 3);
joins!(A 0 B 1 C 2 D 3 E 4);
joins!(A 0 B 1 C 2 D 3 E 4 F 5);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
joins!(A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
