//! The attributes that say what a state machine does: `#[next(..)]` and the others.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, LitStr, Meta, Path, Token};

use crate::diag::Diag;
use crate::model::Policy;

/// Where an attribute can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Machine,
    Group,
    State,
}

/// One of these attributes, as it was written.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) key: Ident,
    pub(crate) value: MarkValue,
}

/// What it says.
#[derive(Debug)]
pub(crate) enum MarkValue {
    Initial,
    Terminal,
    Commit,
    Next(Vec<Ident>),
    Parent(Ident),
    Timeout(LitStr, Expr),
    /// With a list, of these signals; without, of all that nothing is said of.
    Policy(Policy, Option<Vec<Path>>),
    Group(Ident, Vec<Mark>),
    /// It could not be read, which was told.
    Unread,
}

/// A name, where it can stand, and how it is written.
type Word = (&'static str, &'static [Place], &'static str);

const WORDS: [Word; 11] = [
    ("initial", &[Place::State], "initial"),
    ("next", &[Place::State, Place::Group], "next(Paid, Cancelled)"),
    ("terminal", &[Place::State], "terminal"),
    ("commit", &[Place::State], "commit"),
    ("timeout", &[Place::State, Place::Group], "timeout(\"3 days\" => Cancelled {})"),
    ("accepts", &[Place::State, Place::Group], "accepts(Pay)"),
    ("parent", &[Place::State, Place::Group], "parent(Open)"),
    ("reject", &[Place::State, Place::Group, Place::Machine], "reject"),
    ("defer", &[Place::State, Place::Group, Place::Machine], "defer"),
    ("ignore", &[Place::State, Place::Group, Place::Machine], "ignore"),
    ("group", &[Place::Machine], "group(Open, next(Cancelled))"),
];

/// The names of all these attributes.
pub(crate) fn mark_names() -> impl Iterator<Item = &'static str> {
    WORDS.iter().map(|(name, ..)| *name)
}

/// Whether an attribute is one of these.
pub(crate) fn is_mark(attr: &Attribute) -> bool {
    attr.path().get_ident().is_some_and(|ident| mark_names().any(|name| ident == name))
}

/// Takes these attributes off an item.
pub(crate) fn marks(attrs: &mut Vec<Attribute>, place: Place, diag: &mut Diag) -> Vec<Mark> {
    let (ours, others) = std::mem::take(attrs).into_iter().partition(is_mark);
    *attrs = others;
    let ours: Vec<Attribute> = ours;
    ours.iter().filter_map(|attr| attribute(attr, place, diag)).collect()
}

/// One attribute, which is one of these.
fn attribute(attr: &Attribute, place: Place, diag: &mut Diag) -> Option<Mark> {
    let key = attr.path().get_ident()?.clone();
    let tokens = match &attr.meta {
        Meta::Path(_) => None,
        Meta::List(list) => Some(list.tokens.clone()),
        Meta::NameValue(_) => {
            let example = example(&key);
            diag.error(&key, format!("`{key}` takes no `=`; write `#[{example}]`"));
            return Some(Mark { key, value: MarkValue::Unread });
        }
    };
    mark(key, tokens, place, diag)
}

fn example(key: &Ident) -> &'static str {
    WORDS.iter().find(|(name, ..)| key == name).map_or("", |(_, _, example)| example)
}

fn mark(key: Ident, tokens: Option<TokenStream>, place: Place, diag: &mut Diag) -> Option<Mark> {
    let (name, places, example) = WORDS.iter().find(|(name, ..)| key == name)?;
    if !places.contains(&place) {
        let where_ = match (places, place) {
            ([Place::Machine], Place::State) => "the enum",
            ([Place::Machine], _) => "the enum, as an attribute of its own",
            ([Place::State], _) => "a variant",
            _ => "a variant or in a `#[group(..)]`",
        };
        diag.error(&key, format!("`{name}` stands on {where_}; write `#[{example}]` there"));
        return None;
    }
    let written = match place {
        Place::Group => format!("`{example}`"),
        Place::Machine | Place::State => format!("`#[{example}]`"),
    };
    let value = match *name {
        "initial" | "terminal" | "commit" => {
            if tokens.is_some() {
                diag.error(&key, format!("`{name}` takes no value; write {written}"));
            }
            match *name {
                "initial" => MarkValue::Initial,
                "terminal" => MarkValue::Terminal,
                _ => MarkValue::Commit,
            }
        }
        "reject" => policy(Policy::Reject, tokens, &key, diag),
        "defer" => policy(Policy::Defer, tokens, &key, diag),
        "ignore" => policy(Policy::Ignore, tokens, &key, diag),
        _ => {
            let Some(tokens) = tokens.filter(|tokens| !tokens.is_empty()) else {
                diag.error(&key, format!("`{name}` needs a value; write {written}"));
                return Some(Mark { key, value: MarkValue::Unread });
            };
            let value = match *name {
                "next" => next(tokens, &key, diag),
                "parent" => only(tokens, &key, &written, diag).and_then(|path| bare(path, diag)).map(MarkValue::Parent),
                "accepts" => Some(policy(Policy::Accept, Some(tokens), &key, diag)),
                "timeout" => timeout(tokens, &key, &written, diag),
                _ => group(tokens, &key, &written, diag),
            };
            value.unwrap_or(MarkValue::Unread)
        }
    };
    Some(Mark { key, value })
}

fn next(tokens: TokenStream, key: &Ident, diag: &mut Diag) -> Option<MarkValue> {
    let targets = list(tokens, key, diag)?;
    Some(MarkValue::Next(targets.into_iter().filter_map(|path| bare(path, diag)).collect()))
}

fn policy(policy: Policy, tokens: Option<TokenStream>, key: &Ident, diag: &mut Diag) -> MarkValue {
    let Some(tokens) = tokens else { return MarkValue::Policy(policy, None) };
    if tokens.is_empty() {
        diag.error(key, format!("`{key}` has an empty list; name signals in it, or write `{key}` alone"));
    }
    list(tokens, key, diag).map_or(MarkValue::Unread, |signals| MarkValue::Policy(policy, Some(signals)))
}

/// Paths with commas between them.
fn list(tokens: TokenStream, key: &Ident, diag: &mut Diag) -> Option<Vec<Path>> {
    let paths = Punctuated::<Path, Token![,]>::parse_terminated.parse2(tokens);
    match paths {
        Ok(paths) => Some(paths.into_iter().collect()),
        Err(error) => {
            let example = example(key);
            diag.at(error.span(), format!("the list of `{key}` cannot be read: {error}; write `{example}`"));
            None
        }
    }
}

fn only(tokens: TokenStream, key: &Ident, written: &str, diag: &mut Diag) -> Option<Path> {
    let mut paths = list(tokens, key, diag)?.into_iter();
    let first = paths.next()?;
    if let Some(second) = paths.next() {
        diag.error(second, format!("`{key}` names one group, which can have a `parent` of its own; write {written}"));
    }
    Some(first)
}

/// A state or group goes by its name alone.
fn bare(path: Path, diag: &mut Diag) -> Option<Ident> {
    let last = path.segments.last()?.ident.clone();
    if path.get_ident().is_none() {
        diag.error(&path, format!("states and groups go by their names alone here; write `{last}`"));
    }
    Some(last)
}

fn timeout(tokens: TokenStream, key: &Ident, written: &str, diag: &mut Diag) -> Option<MarkValue> {
    let parse = |input: ParseStream<'_>| -> syn::Result<Result<MarkValue, Option<Span>>> {
        if !input.peek(LitStr) {
            let first = input.span();
            return Ok(Err(input.parse::<TokenStream>().map(|_| Some(first))?));
        }
        let after = input.parse()?;
        if !input.peek(Token![=>]) {
            return Ok(Err(input.parse::<TokenStream>().map(|_| None)?));
        }
        input.parse::<Token![=>]>()?;
        let value = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(Ok(MarkValue::Timeout(after, value)))
    };
    match parse.parse2(tokens) {
        Ok(Ok(value)) => return Some(value),
        Ok(Err(None)) => diag.error(key, format!("`{key}` says after what time which state follows; write {written}")),
        Ok(Err(Some(first))) => {
            diag.at(first, format!("the time of a `{key}` stands here in quotes, as it is drawn; write {written}"));
        }
        Err(error) => diag.at(error.span(), format!("this `{key}` cannot be read: {error}; write {written}")),
    }
    None
}

fn group(tokens: TokenStream, key: &Ident, written: &str, diag: &mut Diag) -> Option<MarkValue> {
    let mut marks = Vec::new();
    let parse = |input: ParseStream<'_>| -> syn::Result<Ident> {
        let name = input.parse()?;
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let key = input.call(Ident::parse_any)?;
            let inner = if input.peek(syn::token::Paren) {
                let content;
                syn::parenthesized!(content in input);
                Some(content.parse::<TokenStream>()?)
            } else {
                None
            };
            if mark_names().any(|name| key == name) {
                marks.extend(mark(key, inner, Place::Group, diag));
            } else {
                unknown_in_group(&key, diag);
            }
        }
        Ok(name)
    };
    match parse.parse2(tokens) {
        Ok(name) => Some(MarkValue::Group(name, marks)),
        Err(error) => {
            diag.at(error.span(), format!("this `{key}` cannot be read: {error}; write {written}"));
            None
        }
    }
}

fn unknown_in_group(key: &Ident, diag: &mut Diag) {
    let known = || WORDS.iter().filter(|(_, places, _)| places.contains(&Place::Group)).map(|(name, ..)| *name);
    let name = key.to_string();
    let proposal = crate::diag::nearest(&name, known()).map(|near| format!("did you mean `{near}`? "));
    let all: Vec<_> = known().map(|name| format!("`{name}`")).collect();
    let proposal = proposal.unwrap_or_default();
    diag.error(key, format!("`{name}` is nothing that a `#[group(..)]` says; {proposal}it knows {}", all.join(", ")));
}
