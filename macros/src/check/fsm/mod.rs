//! A state machine: the enum, its attributes, and the graph that they make.
//!
//! What must always hold: what is refused is told once, and what stands in its
//! place is what was most likely meant, so that nothing else is told because of it.

mod draft;
mod graph;
mod level;
mod links;
mod misspelt;
mod policy;
mod shape;
mod timeout;

use proc_macro2::{Ident, TokenStream};
use syn::Item;
use syn::ext::IdentExt;

use super::Checked;
use super::keys::{self, APP, CRATE, NAME, VERSION};
use crate::diag::Diag;
use crate::model::{Machine, StateGroup};
use crate::parse::{self, Key, MarkValue, Place, Shape};
use draft::Draft;
use graph::Node;
use level::Level;
use links::Names;

const KEYS: &[Key] = &[
    NAME,
    VERSION,
    Key { name: "error", shape: Shape::Type, example: "error = PurchaseError" },
    APP,
    Key { name: "endless", shape: Shape::Flag, example: "endless" },
    Key { name: "module", shape: Shape::Path, example: "module = purchase" },
    CRATE,
];

fn is_ours(word: &Ident) -> bool {
    parse::mark_names().any(|name| word == name)
}

/// The machine that an attribute and an enum make; none if it is no enum.
pub(crate) fn fsm(attr: TokenStream, item: &TokenStream, diag: &mut Diag) -> Option<Checked<Machine>> {
    let mut item = match syn::parse2::<Item>(item.clone()).ok()? {
        Item::Enum(item) => item,
        // The compiler reports what it cannot read better than a macro could.
        Item::Verbatim(_) => return None,
        _ => {
            let first = item.clone().into_iter().next();
            diag.error(first, "a machine is an `enum`; write `#[fsm]` on the enum of its states");
            return None;
        }
    };
    let mut entries = parse::entries(attr, "#[fsm]", KEYS, diag);
    let krate = keys::krate(&mut entries);
    let name = keys::name(&mut entries, &item.ident, diag);
    let version = entries.expr("version").and_then(|(_, expr)| keys::version(&expr, diag)).unwrap_or(1);
    let error = entries.ty("error").map(|(_, ty)| ty);
    let app = entries.ty("app").map(|(_, ty)| ty);
    let endless = entries.flag("endless").is_some();
    let module = shape::module(&item.ident, entries.path("module"), diag);

    misspelt::correct(&mut item, diag);
    let (machine, groups, told) = machine_level(&mut item, diag);
    let states: Vec<Level> = item
        .variants
        .iter_mut()
        .map(|variant| Level::of(parse::marks(&mut variant.attrs, Place::State, diag), diag))
        .collect();
    shape::shape(&mut item, diag);
    shape::clashes(&item, diag);
    let unread = shape::unread(&item, diag);

    let (group_names, group_levels): (Vec<Ident>, Vec<Level>) = groups.into_iter().unzip();
    let names = Names {
        machine: &item.ident,
        states: item.variants.iter().map(|variant| variant.ident.clone()).collect(),
        groups: group_names,
        told,
    };
    let mut draft =
        Draft { item: &item, names, module: &module, states, groups: group_levels, machine, timeouts: Vec::new() };
    draft.initial(diag);
    let groups = draft.groups(diag);
    let states = draft.states(&groups, diag);
    let nodes: Vec<Node> = (0..states.len()).map(|at| draft.node(at, &states, &groups)).collect();
    let signals = policy::signals(draft.states.iter().chain(&draft.groups));
    policy::unknown(draft.states.iter().chain(&draft.groups).chain([&draft.machine]), &signals, diag);
    draft.graph(&nodes, endless, diag);
    let states = draft.finish(&states, &groups, &nodes, &signals, diag);
    let groups = draft.names.groups.iter().zip(groups).map(|(ident, group)| StateGroup {
        ident: ident.clone(),
        parent: group.parent,
        next: group.next,
    });
    let groups = groups.collect();
    let timeouts = draft.timeouts;
    let signals = signals.into_iter().map(|signal| signal.path).collect();
    let whole = diag.len() == 0;
    if !shape::without_generics(&item) {
        item.generics.where_clause = None;
    }
    Some(Checked(Machine {
        krate,
        item,
        module,
        name,
        version,
        error,
        app,
        states,
        groups,
        timeouts,
        signals,
        unread,
        whole,
    }))
}

/// The attributes of the enum: what holds for all states, the groups, and which of these were refused.
fn machine_level(item: &mut syn::ItemEnum, diag: &mut Diag) -> (Level, Vec<(Ident, Level)>, Vec<usize>) {
    let mut told = Vec::new();
    let mut own = Vec::new();
    let mut groups: Vec<(Ident, Level)> = Vec::new();
    for mark in parse::marks(&mut item.attrs, Place::Machine, diag) {
        let MarkValue::Group(name, inner) = mark.value else {
            own.push(mark);
            continue;
        };
        let before = diag.len();
        if groups.iter().any(|(earlier, _)| earlier.unraw() == name.unraw()) {
            diag.error(&name, format!("the group `{name}` is given twice; keep one of them"));
        } else if item.variants.iter().any(|variant| variant.ident.unraw() == name.unraw()) {
            diag.error(&name, format!("`{name}` is a state already; give the group another name"));
        }
        if diag.len() > before {
            told.push(groups.len());
        }
        groups.push((name, Level::of(inner, diag)));
    }
    (Level::of(own, diag), groups, told)
}
