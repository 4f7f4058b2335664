//! The attribute macros of factum.
//!
//! `tokens → parse → model → check → expand`, with one sink of errors. What
//! must always hold: all errors of an item are reported at once, each at the
//! user's own token; the item is emitted all the same, so that nothing that
//! uses it fails as well; and no input makes a macro panic.

mod check;
mod diag;
mod expand;
mod model;
mod parse;

use diag::Diag;
use parse::ParsedItem;
use proc_macro2::TokenStream;
use quote::quote;

/// Makes an `async fn` a step: a piece of work that is done once, and whose
/// result is kept.
///
/// The function then gives an inert call, which a [`macro@saga`] awaits. What it
/// returns, and a `Result`'s error, are kept as JSON; its arguments are borrowed
/// or taken for the call. A first parameter `io: &mut Io` or `io: &mut Io<App>`
/// is the step's window to the engine, and is no argument.
///
/// | key | meaning |
/// |---|---|
/// | `retry(attempts, initial, factor, max, jitter, when)` | how often it is tried, the first time counted, and how long between: `initial` (100 ms), times `factor` (2.0) after each failure, at most `max` (60 s), of which chance takes off or adds the share `jitter` (0.0); `when = path` decides by the error |
/// | `timeout = "30s"` | how long one attempt may take; the error is `From<TimedOut>` |
/// | `compensate = f(&output, &arg)` | the call of a step that undoes it |
/// | `unknown = f(&arg)` or `ignore` | the call that undoes an attempt whose end nobody knows |
/// | `unknown_when = path` | which errors leave the end unknown |
/// | `cancel = "abort"` or `"finish"` | what a cancel, or a race that is lost, does to an attempt: drops it at its next wait, its end unknown, or lets it end, which is what holds unless it is given |
/// | `rate(limit = 100, per = "1s")` | how many attempts may begin in that time, by all runs of one engine together, evenly after a first burst of as many, so that no stretch of that length has more than twice the limit: it is not kept on disk, and not shared with other processes |
/// | `pure`, `idempotent`, `pivot` | what doing it once more would do; whether what came before can still be undone |
/// | `name = ".."` | its name on disk, else the function's |
/// | `app = Type` | the app that its undo needs, where `io` does not say it |
/// | `crate = path` | where factum is, else `::factum` |
///
/// Durations are whole numbers with units: `"100ms"`, `"1m 30s"`, `"3 days"`.
#[proc_macro_attribute]
pub fn step(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    step_of(attr.into(), item.into()).into()
}

/// Makes an `async fn` a saga: ordinary code over steps, that goes on after a
/// crash where it was, and whose finished steps are undone when it fails.
///
/// Its body awaits steps, timers, signals and other sagas, and nothing else; it
/// runs again after every crash, so it must not look at the clock, at chance or
/// at the world: it takes them from `now()`, `random::<T>()` and `uuid()`, and all
/// else from its steps. Going through a `HashMap` or `HashSet`, whose order is
/// another one each time, is warned of as far as the function's own tokens show it.
/// Arguments and result are kept as JSON. Where it is documented, a drawing of what
/// it awaits stands below.
///
/// | key | meaning |
/// |---|---|
/// | `app = Type` | the app that its steps need |
/// | `version = 2` | its version, from 1 |
/// | `name = ".."` | its name on disk, else the function's |
/// | `concurrency = 10` | how many of its runs are under way at once in a data directory, from their begin to their end; the others wait for their turn in the order of their starts. A run that is paused, stuck, diverged or poisoned half way keeps its place, and so does one that waits for a child |
/// | `key = order.customer` | with `concurrency`: the limit is for the runs of one key, which is an expression over the arguments, by reference, and is compared as text; a run keeps the key that it was started with |
/// | `strict` | every step that it awaits says what its effect is: `pure`, `idempotent`, `compensate` or `pivot` |
/// | `crate = path` | where factum is, else `::factum` |
#[proc_macro_attribute]
pub fn saga(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    saga_of(attr.into(), item.into()).into()
}

/// Makes an `async fn` the handler of a state: what a machine does from when it
/// enters the state until it goes on to the next one.
///
/// ```text
/// #[state]
/// async fn placed(state: purchase::Placed) -> Result<Next<purchase::Placed>, PurchaseError> {
///     let pay = signal::<Pay>().await;
///     Ok(go(purchase::Paid { payment: settle(pay).await?, cart: state.cart }))
/// }
/// ```
///
/// Its one argument is the state, by value, and the argument's type says which state it
/// is. What it returns is made by `go(..)`, of one of the successors that the state
/// declares with `#[next(..)]`: a `Next`, or where the machine has an `error`, a
/// `Result<Next<..>, _>` with that error, after which the machine has failed, and what it
/// did is undone. Its body is that of a [`macro@saga`], under the same rules. Nothing
/// else calls it, so no function of its name is left.
///
/// | key | meaning |
/// |---|---|
/// | `crate = path` | where factum is, else `::factum` |
#[proc_macro_attribute]
pub fn state(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    state_of(attr.into(), item.into()).into()
}

/// Makes a `struct` or `enum` with `Serialize` and `Deserialize` a signal: a
/// message that a run can be sent, and waits for with `signal::<T>()`.
///
/// Its name on disk is the type's, or `#[signal(name = "..")]`.
#[proc_macro_attribute]
pub fn signal(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    signal_of(attr.into(), item.into()).into()
}

/// Makes an `enum` a state machine: a run is in one of its states at a time, and each
/// state has a handler, a function with `#[state]`, that says what comes next.
///
/// It stands first, above the enum's derives, which its states then have, too. Beside
/// the enum it makes a module, named after it, in which each state is a struct with the
/// variant's data: `purchase::Placed`. The enum derives `Serialize` and `Deserialize`, as a
/// run is recorded as its JSON. An enum inside a function cannot be a machine.
///
/// ```text
/// #[fsm(error = PurchaseError)]
/// #[group(Open, next(Cancelled), accepts(Cancel), timeout("30 days" => Expired {}))]
/// #[reject]
/// #[derive(Debug, Clone, Serialize, Deserialize)]
/// pub enum Purchase {
///     #[initial] #[next(Paid)] #[parent(Open)] #[accepts(Pay)] #[timeout("3 days" => Cancelled {})]
///     Placed { cart: Cart },
///     #[commit] #[next(Shipped, Refunded)] Paid { cart: Cart, payment: Payment },
///     #[terminal] Shipped { tracking: String },
///     #[terminal] Refunded(String),
///     #[terminal] Cancelled,
///     #[terminal] Expired,
/// }
/// ```
///
/// Below the words that document it, the enum's documentation gets a diagram of its states, for Mermaid; one that has no
/// words stays without. `Purchase::diagram()` gives the same, a drawing for Graphviz and the table of states and signals.
///
/// | key | meaning |
/// |---|---|
/// | `error = Type` | the error that its handlers return; without it they return none |
/// | `app = Type` | the app that its steps need |
/// | `version = 2` | its version, from 1 |
/// | `name = ".."` | its name on disk, else the enum's |
/// | `endless` | not every state needs a way to a terminal one |
/// | `module = ident` | the module of its states, else the enum's name in lower case |
/// | `crate = path` | where factum is, else `::factum` |
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[initial]` | a variant | a run begins in this state; one state has it |
/// | `#[terminal]` | a variant | a run ends in this state |
/// | `#[next(A, B)]` | a variant or group | the states that its handler may go to |
/// | `#[commit]` | a variant | entering it makes what came before final: it is not undone any more |
/// | `#[timeout("3 days" => A { .. })]` | a variant or group | what follows when the state was not left in that time, or its group. The expression makes the state that follows from `state`: what was left, for a group's timeout as the enum. It awaits nothing, and needs no `next` |
/// | `#[accepts(S, T)]` | a variant or group | the signals that its handler waits for |
/// | `#[reject]`, `#[defer]`, `#[ignore]` | a variant, group or the enum | what becomes of signals that a state does not accept: the sender is told, they are kept for a later state, or they are taken and forgotten; with a list, as in `#[defer(S)]`, of these. The state's word outweighs its groups', and theirs the enum's, and a name outweighs what is said of all others |
/// | `#[parent(G)]` | a variant or group | it is in this group |
/// | `#[group(G, ..)]` | the enum | a group, and what holds for all of its states: `next(..)`, `timeout(..)`, `accepts(..)`, `reject`, `defer`, `ignore`, `parent(..)`, written as the attributes are. A group's time runs from when it was entered from outside |
///
/// What is worth knowing before the first one:
///
/// * **Entering a state is one record** with the whole state. Older records of the run go; what it keeps is the undos of
///   what was done, the signals that wait and the senders' ids, its deadline and its children. A machine that undoes nothing, or
///   passes a `#[commit]` now and then, stays as small as its state for ever, and a state that goes to itself is the cursor of a
///   long job.
/// * **A timeout stops the handler** as the loser of a `race` is stopped: what it did in this visit is undone. So a `pivot` in
///   such a handler does not compile: what cannot be undone gets a state of its own, without a timeout.
/// * **A handler that fails fails the run**: everything that is not final is undone, newest first, through all the states. Behind a
///   `#[commit]`, as behind a `pivot`, nothing is undone behind anybody's back: the run cannot be cancelled any more, and one that fails is
///   `Stuck`, until somebody says `retry`, `resolve` or `abandon`. A step that can be undone is still undone there when its handler is
///   out of time, its branch has lost or the saga around it has failed; when the run fails it is not. A state that gives back by steps of its own what earlier states took is
///   a `#[commit]`, too: else its failure would have it undone a second time.
/// * **A signal that was taken in stays until a state waits for it.** One that was accepted, and that the state was left without,
///   waits in the next ones, also in those that reject such signals: its sender was told that the run has it. It is dropped by a state
///   that ignores it.
///
/// The graph is checked: every state is reached from the first one and leads to a
/// terminal one, and says what becomes of every signal. Where the enum is documented, a
/// drawing of it stands below.
#[proc_macro_attribute]
pub fn fsm(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    fsm_of(attr.into(), item.into()).into()
}

/// Lets `impl CheckpointStore for ..` be written with plain `async fn`s.
///
/// ```text
/// #[checkpoint_store]
/// impl CheckpointStore for MyStore {
///     async fn append(&self, run: u64, sequence: u64, row: &[u8]) -> Result<(), CheckpointError> { .. }
///     // .. and the others
/// }
/// ```
///
/// Each becomes the method of the trait, which gives a boxed future that is `Send`.
///
/// | key | meaning |
/// |---|---|
/// | `crate = path` | where factum is, else `::factum` |
#[proc_macro_attribute]
pub fn checkpoint_store(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    checkpoint_store_of(attr.into(), item.into()).into()
}

fn step_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    on_function("#[step]", item, |function, diag| {
        Some(match check::step(attr, function, diag) {
            check::Verdict::Usable(step) => expand::step(&step),
            check::Verdict::Broken(broken) => expand::broken_step(&broken),
        })
    })
}

fn saga_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    on_function("#[saga]", item, |function, diag| {
        Some(match check::saga(attr, function, diag) {
            check::Verdict::Usable(saga) => expand::saga(&saga),
            check::Verdict::Broken(broken) => expand::broken_saga(&broken),
        })
    })
}

fn state_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    on_function("#[state]", item, |function, diag| {
        Some(match check::state(attr, &function, diag) {
            check::Verdict::Usable(handler) => expand::state(&handler),
            check::Verdict::Broken(broken) => expand::broken_state(&broken),
        })
    })
}

fn signal_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let signal = check::signal(attr, item.clone(), &mut diag);
    let expanded = signal.map_or(item, |signal| expand::signal(&signal));
    with_errors(expanded, diag)
}

fn fsm_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let machine = check::fsm(attr, &item, &mut diag);
    let expanded = machine.map_or(item, |machine| expand::fsm(&machine));
    with_errors(expanded, diag)
}

fn checkpoint_store_of(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut diag = Diag::default();
    let store = check::store(attr, &item, &mut diag);
    let expanded = store.map_or(item, |store| expand::store(&store));
    with_errors(expanded, diag)
}

fn on_function(
    attribute: &str,
    item: TokenStream,
    expand: impl FnOnce(Box<parse::Function>, &mut Diag) -> Option<TokenStream>,
) -> TokenStream {
    let mut diag = Diag::default();
    let expanded = match parse::function(&item) {
        ParsedItem::Function(function) => expand(function, &mut diag),
        ParsedItem::Other(what) => {
            let first = item.clone().into_iter().next();
            diag.error(first, format!("`{attribute}` on a {what}; write it on an `async fn`"));
            None
        }
        // The compiler reports what it cannot read better than a macro could.
        ParsedItem::Unreadable => None,
    };
    with_errors(expanded.unwrap_or(item), diag)
}

fn with_errors(expanded: TokenStream, diag: Diag) -> TokenStream {
    let errors = diag.into_tokens();
    quote!(#errors #expanded)
}

#[cfg(test)]
mod tests;
