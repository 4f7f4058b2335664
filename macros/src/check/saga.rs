//! A saga: its keys and its body.

use proc_macro2::TokenStream;

use super::keys::{self, APP, CRATE, NAME, whole};
use super::sig::{Kind, sig};
use super::{Broken, Checked, Verdict, body};
use crate::diag::Diag;
use crate::model::Saga;
use crate::parse::{self, Function, Key, Shape};

const KEYS: &[Key] = &[NAME, Key { name: "version", shape: Shape::Expr, example: "version = 2" }, APP, CRATE];

/// The saga that an attribute and a function make; none if the body cannot be
/// read, which the compiler tells better.
pub(crate) fn saga(attr: TokenStream, function: Box<Function>, diag: &mut Diag) -> Option<Verdict<Saga>> {
    let block: syn::Block = syn::parse2(TokenStream::from(proc_macro2::TokenTree::from(function.body.clone()))).ok()?;
    let mut entries = parse::entries(attr, "#[saga]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, &function.sig.ident, diag);
    let app = entries.ty("app").map(|(_, app)| app);
    let version = entries.expr("version").and_then(|(_, expr)| {
        let version = whole(&expr, "version", "version = 2", diag)?;
        if version == 0 {
            diag.error(expr, "versions begin at 1; leave `version` out for the first one");
            return None;
        }
        Some(version)
    });
    let sig = sig(Kind::Saga, &function, diag);
    let before = diag.len();
    body::body(&block, diag);
    let body = (diag.len() == before).then_some(block);
    Some(match sig {
        Some((sig, _)) => {
            Verdict::Usable(Box::new(Checked(Saga { krate, sig, body, app, name, version: version.unwrap_or(1) })))
        }
        None => Verdict::Broken(Broken { krate, function }),
    })
}
