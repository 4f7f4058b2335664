//! Several operations at once, of which the first to end counts.

use std::convert::Infallible;

use super::branches::{Group, branch, run};
use super::{Cx, Durable};
use crate::engine::GroupKind;
use crate::plan::{Described, Plan};
use crate::platform::BoxFuture;
use crate::step::Site;

/// Several operations at once, of which the first to end counts: a call of [`race`].
#[derive(Debug)]
#[must_use = "nothing of it runs unless it is awaited in a saga: add `.await`"]
pub struct Race<T>(T);

/// Awaits 2 to 12 operations at once, and gives the result of the first that ends as a [`Winner`]; which one that is is recorded.
///
/// ```
/// # use factum::prelude::*;
/// # #[signal] #[derive(serde::Serialize, serde::Deserialize)] struct Approval { by: String }
/// #[saga]
/// async fn approved() -> bool {
///     match race((signal::<Approval>(), sleep(days(2)))).await {
///         First(_) => true,
///         Second(_) => false,
///     }
/// }
/// ```
///
/// It returns when the others have ended, too: a wait ends and takes no signal, a step's attempt in the air ends by the
/// step's `cancel`, no further one begins, and the steps that they completed are undone.
pub fn race<T>(operations: T) -> Race<T> {
    Race(operations)
}

const RACE: Group = Group { kind: GroupKind::Race, limit: usize::MAX };

/// Which operation of a [`race`] ended first, and what it gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Winner<
    A,
    B,
    C = Infallible,
    D = Infallible,
    E = Infallible,
    F = Infallible,
    G = Infallible,
    H = Infallible,
    I = Infallible,
    J = Infallible,
    K = Infallible,
    L = Infallible,
> {
    /// The first one.
    First(A),
    /// The second one.
    Second(B),
    /// The third one.
    Third(C),
    /// The fourth one.
    Fourth(D),
    /// The fifth one.
    Fifth(E),
    /// The sixth one.
    Sixth(F),
    /// The seventh one.
    Seventh(G),
    /// The eighth one.
    Eighth(H),
    /// The ninth one.
    Ninth(I),
    /// The tenth one.
    Tenth(J),
    /// The eleventh one.
    Eleventh(K),
    /// The twelfth one.
    Twelfth(L),
}

macro_rules! races {
    ($($name:ident $index:tt $variant:ident)*) => {
        impl<$($name: Described),*> Described for Race<($($name,)*)> {
            const PLAN: Plan = Plan::Race(&[$($name::PLAN),*]);
        }

        impl<App: Send + Sync + 'static, $($name),*> Durable<App> for Race<($($name,)*)>
        where
            $($name: Durable<App>, $name::Output: Send,)*
        {
            type Output = Winner<$($name::Output),*>;

            #[allow(non_snake_case, reason = "the names of the types are those of the branches")]
            fn perform<'c>(self, cx: &'c Cx<App>, site: Site) -> BoxFuture<'c, Self::Output>
            where
                Self: 'c,
            {
                let at = cx.take_position();
                Box::pin(async move {
                    $(let $name = branch(cx, &at, $index, site, self.0.$index, |_| true);)*
                    let branches = vec![$($name.0),*];
                    let won = run(&*cx.host, at, site, RACE, branches).await;
                    match won {
                        $(Some($index) => Winner::$variant($name.1.taken().await),)*
                        // A race has branches, and the first that ends decides it.
                        _ => std::future::pending().await,
                    }
                })
            }
        }
    };
}

races!(A 0 First B 1 Second);
races!(A 0 First B 1 Second C 2 Third);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh H 7 Eighth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh H 7 Eighth I 8 Ninth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh H 7 Eighth I 8 Ninth J 9 Tenth);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh H 7 Eighth I 8 Ninth J 9 Tenth K 10 Eleventh);
races!(A 0 First B 1 Second C 2 Third D 3 Fourth E 4 Fifth F 5 Sixth G 6 Seventh H 7 Eighth I 8 Ninth J 9 Tenth K 10 Eleventh L 11 Twelfth);
