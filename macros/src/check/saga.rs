//! A saga: its keys and its body.

use proc_macro2::TokenStream;

use super::body::read;
use super::keys::{self, APP, CRATE, NAME, VERSION};
use super::kind::Kind;
use super::sig::sig;
use super::{Broken, Checked, Verdict, flow};
use crate::diag::Diag;
use crate::model::Saga;
use crate::parse::{self, Function, Key, Shape};

const KEYS: &[Key] = &[
    NAME,
    VERSION,
    APP,
    Key { name: "concurrency", shape: Shape::Expr, example: "concurrency = 10" },
    Key { name: "key", shape: Shape::Expr, example: "key = order.customer" },
    Key { name: "strict", shape: Shape::Flag, example: "strict" },
    CRATE,
];

/// The saga that an attribute and a function make. A body that cannot be read, as
/// while it is typed, leaves a saga of its signature: those who call it see no change.
pub(crate) fn saga(attr: TokenStream, function: Box<Function>, diag: &mut Diag) -> Verdict<Saga> {
    let mut entries = parse::entries(attr, "#[saga]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, &function.sig.ident, diag);
    let app = entries.ty("app").map(|(_, app)| app);
    let version = entries.expr("version").and_then(|(_, expr)| keys::version(&expr, diag));
    let limit = entries.expr("concurrency");
    let concurrency = limit.as_ref().and_then(|(_, expr)| flow::concurrency(expr, diag));
    let key = entries.expr("key");
    if let (Some((key, _)), None) = (&key, &limit) {
        diag.error(key, "`key` says which runs share a limit, and there is none; write `concurrency = 10` beside it");
    }
    let strict = entries.flag("strict").is_some();
    let sig = sig(Kind::Saga, &function, diag);
    let body = read(Kind::Saga, &function.body, diag);
    match sig {
        Some((sig, _)) => {
            let key = key.and_then(|(_, expr)| flow::key(expr, &sig.args, diag));
            let version = version.unwrap_or(1);
            let saga = Saga { krate, sig, body, app, name, version, concurrency, key, strict };
            Verdict::Usable(Box::new(Checked(saga)))
        }
        None => Verdict::Broken(Broken { krate, function }),
    }
}
