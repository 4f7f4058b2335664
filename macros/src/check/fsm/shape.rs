//! The enum itself: what no machine can be made of is told, and taken out.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Field, Generics, ItemEnum, Lit, LitStr, Path, Type, Variant, parse_quote};

use super::misspelt;
use crate::diag::Diag;
use crate::parse::{derives, is_named, serde_word, serde_words};

/// How many states a machine can have.
const MOST: usize = 1024;

pub(super) fn shape(item: &mut ItemEnum, diag: &mut Diag) {
    if !item.generics.params.is_empty() {
        diag.error(
            &item.generics.params,
            "a machine cannot be generic: its states have one shape on disk; write one enum for each",
        );
    } else if let Some(clause) = &item.generics.where_clause {
        diag.error(clause, "a machine has no parameters to say something of; leave the `where` out");
    }
    if let Some(variant) = item.variants.iter().nth(MOST) {
        diag.error(&variant.ident, format!("a machine has at most {MOST} states; divide it into several"));
    }
    if item.variants.is_empty() {
        diag.error(&item.ident, format!("`{}` has no states; write a variant for each", item.ident));
    }
    told_apart(item, diag);
    for variant in &mut item.variants {
        if let Some((_, value)) = variant.discriminant.take() {
            diag.error(value, "a state is known by its name; leave this number out");
        }
        cfgs(&mut variant.attrs, "a state", diag);
        if let Some((word, span)) = serde_word(&variant.attrs, &["skip", "skip_serializing", "skip_deserializing"]) {
            let name = &variant.ident;
            diag.at(span, format!("every state is recorded when it is entered; leave `{word}` of `{name}` out"));
        }
        for field in variant.fields.iter_mut() {
            cfgs(&mut field.attrs, "a part of a state", diag);
            owned(field, diag);
        }
    }
}

/// The graph is made of tokens, and so is the same in every build.
fn cfgs(attrs: &mut Vec<Attribute>, what: &str, diag: &mut Diag) {
    attrs.retain(|attr| {
        let decides = attr.path().is_ident("cfg")
            || attr.path().is_ident("cfg_attr") && says(attr, &|word| word == "cfg" || super::is_ours(word));
        if decides {
            diag.error(
                attr,
                format!("{what} cannot be there in some builds only: runs on disk may be in it; leave this out"),
            );
        }
        !decides
    });
}

/// Whether an identifier stands directly behind a comma in a list.
fn says(attr: &Attribute, is: &dyn Fn(&Ident) -> bool) -> bool {
    let Ok(list) = attr.meta.require_list() else { return false };
    let mut after_comma = false;
    list.tokens.clone().into_iter().any(|token| {
        let found = after_comma && matches!(&token, proc_macro2::TokenTree::Ident(ident) if is(ident));
        after_comma = matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ',');
        found
    })
}

/// What is on disk says by itself which state it is: serde takes the first that it could be.
fn told_apart(item: &ItemEnum, diag: &mut Diag) {
    let all = std::iter::once(&item.attrs).chain(item.variants.iter().map(|variant| &variant.attrs));
    for (word, span) in all.filter_map(|attrs| serde_word(attrs, &["untagged"])) {
        diag.at(
            span,
            format!("a state is read back from disk by its name, without which it may be taken for another one; leave `{word}` out"),
        );
    }
    let by_ident = serde_word(&item.attrs, &["rename_all"]).is_none();
    let renamed = |variant: &Variant| serde_word(&variant.attrs, &["rename"]).is_some();
    let own = item.variants.iter().filter(|variant| by_ident && !renamed(variant));
    let mut names: BTreeMap<String, &Ident> =
        own.map(|variant| (variant.ident.unraw().to_string(), &variant.ident)).collect();
    for variant in &item.variants {
        for name in serde_names(&variant.attrs) {
            let of = *names.entry(name.value()).or_insert(&variant.ident);
            if *of != variant.ident {
                let text = name.value();
                diag.error(
                    name,
                    format!("`{text}` is what serde calls the state `{of}`, and would be read back as that; give this state another name"),
                );
            }
        }
    }
}

/// The names by which serde knows a variant, as far as its attributes say them.
fn serde_names(attrs: &[Attribute]) -> Vec<LitStr> {
    let mut names = Vec::new();
    serde_words(attrs, |path, literal| match literal {
        Some(Lit::Str(name)) if path.is_ident("rename") || path.is_ident("alias") => names.push(name),
        _ => {}
    });
    names
}

/// What is read back from disk borrows from nothing; what stands in its place can be read.
fn owned(field: &mut Field, diag: &mut Diag) {
    struct Owned<'d> {
        diag: &'d mut Diag,
        by_serde: bool,
    }
    impl VisitMut for Owned<'_> {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            visit_mut::visit_type_mut(self, ty);
            let Type::Reference(reference) = ty else { return };
            // What serde is told of it may be that it is not read back.
            let fixed = reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static");
            if fixed && self.by_serde {
                return;
            }
            self.diag.error(&*reference, "a state owns its data, which is read back from disk; take it by value");
            *ty = match &*reference.elem {
                Type::Path(path) if path.path.is_ident("str") => parse_quote!(::std::string::String),
                Type::Slice(slice) => {
                    let elem = &slice.elem;
                    parse_quote!(::std::vec::Vec<#elem>)
                }
                elem => elem.clone(),
            };
        }
    }
    let by_serde = field.attrs.iter().any(|attr| attr.path().is_ident("serde"));
    Owned { diag, by_serde }.visit_type_mut(&mut field.ty);
}

/// The serde derives that a machine lacks, as far as its tokens tell.
pub(super) fn unread(item: &ItemEnum, diag: &mut Diag) -> Vec<&'static str> {
    // Where an attribute may bring them, or the user's own implementations, nothing is said.
    if !misspelt::all_known(item) {
        return Vec::new();
    }
    let derived: Vec<Path> = item.attrs.iter().filter_map(derives).flatten().collect();
    let mut missing = vec!["Serialize", "Deserialize"];
    missing.retain(|name| !derived.iter().any(|path| is_named(path, &[name])));
    if !missing.is_empty() {
        let name = &item.ident;
        let list = missing.join(", ");
        diag.error(
            name,
            format!(
                "`{name}` is recorded and read back: write `#[derive({list})]` (from `serde`) on it, below `#[fsm]`"
            ),
        );
    }
    missing
}

/// What the enum has no more of after its faults were told.
pub(super) fn without_generics(item: &ItemEnum) -> bool {
    let Generics { params, where_clause, .. } = &item.generics;
    params.is_empty() && where_clause.is_none()
}

/// The module's name: the enum's in lower case, with underscores.
pub(super) fn module(machine: &Ident, given: Option<Path>, diag: &mut Diag) -> Ident {
    if let Some(path) = given {
        if let Some(ident) = path.get_ident() {
            return ident.clone();
        }
        diag.error(path, "`module` is the name of a module that is made here; write `module = purchase`");
    }
    let name = snake_case(&machine.unraw().to_string());
    if machine.unraw() == name {
        diag.error(
            machine,
            format!(
                "the module of this machine's states would be called `{name}` as well; write `#[fsm(module = ..)]`"
            ),
        );
        return Ident::new(&format!("{name}_states"), machine.span());
    }
    match syn::parse_str::<Ident>(&name) {
        Ok(_) => Ident::new(&name, machine.span()),
        Err(_) if ["self", "super", "crate"].contains(&name.as_str()) => {
            diag.error(machine, format!("no module can be called `{name}`; write `#[fsm(module = ..)]`"));
            Ident::new(&format!("{name}_states"), machine.span())
        }
        Err(_) => Ident::new_raw(&name, machine.span()),
    }
}

fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let begins = letter.is_uppercase()
            && at > 0
            && letters[at - 1] != '_'
            && (!letters[at - 1].is_uppercase() || letters.get(at + 1).is_some_and(|next| next.is_lowercase()));
        if begins {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// The structs of the states and the enums of their successors stand side by side.
pub(super) fn clashes(item: &ItemEnum, diag: &mut Diag) {
    let names: std::collections::BTreeSet<String> =
        item.variants.iter().map(|variant| variant.ident.unraw().to_string()).collect();
    for variant in &item.variants {
        let name = variant.ident.unraw().to_string();
        if let Some(of) = name.strip_suffix("Next").filter(|of| names.contains(*of)) {
            diag.error(
                &variant.ident,
                format!("`{name}` is what the successors of `{of}` are called; give this state another name"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_called_after_its_enum() {
        for (name, wanted) in [
            ("Purchase", "purchase"),
            ("OrderLifecycle", "order_lifecycle"),
            ("HTTPServer", "http_server"),
            ("A", "a"),
            ("Order2Go", "order2_go"),
            ("My_Machine", "my_machine"),
        ] {
            assert_eq!(snake_case(name), wanted);
        }
    }
}
