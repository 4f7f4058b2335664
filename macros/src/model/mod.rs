//! What a step, a saga, a machine, a handler, a signal or a store is, once its words are understood.
//!
//! Owns plain data, no rules. What must always hold: everything of the user's
//! keeps its own tokens, and so its spans.

mod machine;
mod store;

use std::time::Duration;

use proc_macro2::{Group, Ident, Span, TokenStream};
use syn::{Attribute, Block, Expr, Pat, Path, Token, Type, Visibility};

pub(crate) use machine::{Group as StateGroup, Machine, Policy, State, Timeout, TimeoutOf};
pub(crate) use store::{StoreImpl, StoreMethod};

/// An argument: one name, one type.
#[derive(Debug, Clone)]
pub(crate) struct Arg {
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
}

/// The function that a step or a saga is written as.
#[derive(Debug, Clone)]
pub(crate) struct Sig {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    pub(crate) args: Vec<Arg>,
    pub(crate) ret: Ret,
}

/// What the function returns.
#[derive(Debug, Clone)]
pub(crate) struct Ret {
    pub(crate) ty: Type,
    /// Its name ends in `Result`.
    pub(crate) fallible: bool,
    /// The tokens of success and error, where both can be seen.
    pub(crate) parts: Option<(Type, Type)>,
}

/// A step's first parameter, `io: &mut Io<..>`.
#[derive(Debug)]
pub(crate) struct IoParam {
    pub(crate) arg: Arg,
    /// What is behind the `&mut`.
    pub(crate) target: Type,
    /// A plain `Io`, on any app.
    pub(crate) bare: bool,
}

/// What running a step's body once more would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Unspecified,
    Pure,
    Idempotent,
}

/// `retry(..)`, with the defaults of what is not given.
#[derive(Debug)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) initial: Duration,
    pub(crate) factor: f64,
    pub(crate) max: Duration,
    pub(crate) jitter: f64,
    pub(crate) when: Option<Expr>,
}

/// What becomes of an attempt when its run is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancel {
    Finish,
    Abort,
}

/// `rate(..)`.
#[derive(Debug)]
pub(crate) struct Rate {
    pub(crate) limit: u32,
    pub(crate) per: Duration,
}

/// An undo: the call, and the arguments it names by their index.
#[derive(Debug)]
pub(crate) struct UndoCall {
    pub(crate) call: Expr,
    pub(crate) args: Vec<usize>,
    /// Where `output` is named.
    pub(crate) output: Option<Span>,
}

/// `compensate` and `unknown` together.
#[derive(Debug)]
pub(crate) struct Undo {
    pub(crate) done: Option<UndoCall>,
    pub(crate) unknown: UnknownUndo,
}

/// What undoes an attempt whose end nobody knows.
#[derive(Debug)]
pub(crate) enum UnknownUndo {
    Nothing,
    SameAsDone,
    Call(UndoCall),
}

/// A step.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) krate: Path,
    pub(crate) sig: Sig,
    pub(crate) body: Group,
    pub(crate) io: Option<IoParam>,
    pub(crate) app: Option<Type>,
    pub(crate) name: String,
    pub(crate) effect: Effect,
    pub(crate) pivot: bool,
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) cancel: Cancel,
    pub(crate) rate: Option<Rate>,
    pub(crate) unknown_when: Option<Expr>,
    pub(crate) undo: Option<Undo>,
}

/// A body that awaits durable operations.
#[derive(Debug)]
pub(crate) struct Code {
    /// None when something in it is wrong.
    pub(crate) block: Option<Block>,
    /// As it was written.
    pub(crate) written: Group,
    /// Why it could not be read, which the compiler has most likely told, and better.
    pub(crate) unread: Option<String>,
}

/// What a machine does in one of its states.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) krate: Path,
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) ident: Ident,
    /// What the state is called in the body.
    pub(crate) pat: Pat,
    /// The state's type.
    pub(crate) state: Type,
    pub(crate) ret: Type,
    pub(crate) body: Code,
}

/// A saga.
#[derive(Debug)]
pub(crate) struct Saga {
    pub(crate) krate: Path,
    pub(crate) sig: Sig,
    pub(crate) body: Code,
    pub(crate) app: Option<Type>,
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) concurrency: Option<u32>,
    /// What runs with one limit have in common, over the arguments.
    pub(crate) key: Option<Expr>,
    pub(crate) strict: bool,
}

/// A signal.
#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) item: TokenStream,
    pub(crate) name: String,
}
