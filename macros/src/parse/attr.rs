//! The keys and values of an attribute, for any table of keys.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Path, Token, Type};

use crate::diag::{Diag, nearest};

/// A key that an attribute understands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    /// How it is written, for messages.
    pub(crate) example: &'static str,
}

/// What stands after a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Flag,
    Expr,
    Type,
    Path,
    List(&'static [Key]),
}

/// A key as it was written.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Ident,
    pub(crate) value: Raw,
}

/// A value as it was written.
#[derive(Debug)]
pub(crate) enum Raw {
    Flag,
    Expr(Expr),
    Type(Type),
    Path(Path),
    List(Entries),
}

/// The keys of one list, each at most once.
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<Entry>);

impl Entries {
    /// Takes an entry out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Entry> {
        let at = self.0.iter().position(|entry| entry.key == name)?;
        Some(self.0.swap_remove(at))
    }

    /// The key of an entry, which stays.
    pub(crate) fn key(&self, name: &str) -> Option<&Ident> {
        self.0.iter().map(|entry| &entry.key).find(|key| *key == name)
    }

    /// The key of a flag that is given.
    pub(crate) fn flag(&mut self, name: &str) -> Option<Ident> {
        self.take(name).map(|entry| entry.key)
    }

    /// The key and expression of a key.
    pub(crate) fn expr(&mut self, name: &str) -> Option<(Ident, Expr)> {
        match self.take(name)? {
            Entry { key, value: Raw::Expr(expr) } => Some((key, expr)),
            _ => None,
        }
    }

    /// The key and type of a key.
    pub(crate) fn ty(&mut self, name: &str) -> Option<(Ident, Type)> {
        match self.take(name)? {
            Entry { key, value: Raw::Type(ty) } => Some((key, ty)),
            _ => None,
        }
    }

    /// The path of a key.
    pub(crate) fn path(&mut self, name: &str) -> Option<Path> {
        match self.take(name)?.value {
            Raw::Path(path) => Some(path),
            _ => None,
        }
    }
}

/// Reads `#[of(tokens)]` by a table of keys.
pub(crate) fn entries(tokens: TokenStream, of: &str, keys: &'static [Key], diag: &mut Diag) -> Entries {
    let mut found = Entries::default();
    let parsed = (|input: ParseStream<'_>| -> syn::Result<()> {
        list(input, of, keys, &mut found, diag);
        Ok(())
    })
    .parse2(tokens);
    if let Err(error) = parsed {
        diag.at(error.span(), error.to_string());
    }
    found
}

fn list(input: ParseStream<'_>, of: &str, keys: &'static [Key], found: &mut Entries, diag: &mut Diag) {
    while !input.is_empty() {
        if let Some(entry) = entry(input, of, keys, diag) {
            if found.0.iter().any(|earlier| earlier.key == entry.key) {
                diag.error(&entry.key, format!("`{}` is given twice; keep one of them", entry.key));
            } else {
                found.0.push(entry);
            }
        } else {
            skip_to_comma(input);
        }
        if input.is_empty() {
            break;
        }
        if input.parse::<Token![,]>().is_err() {
            diag.at(input.span(), "expected `,` before this");
            skip_to_comma(input);
            let _ = input.parse::<Token![,]>();
        }
    }
}

/// One entry; `None` when it was reported and the rest of it is to be skipped.
fn entry(input: ParseStream<'_>, of: &str, keys: &'static [Key], diag: &mut Diag) -> Option<Entry> {
    let Ok(key) = input.call(Ident::parse_any) else {
        diag.at(input.span(), format!("expected a key; {}", supported(of, keys)));
        return None;
    };
    let name = key.to_string();
    let Some(spec) = keys.iter().find(|spec| spec.name == name) else {
        diag.error(&key, unknown_key(&name, of, keys));
        return None;
    };
    let value = match spec.shape {
        Shape::Flag if input.peek(Token![=]) || input.peek(syn::token::Paren) => {
            diag.error(&key, format!("`{name}` takes no value; write `{}`", spec.example));
            return None;
        }
        Shape::Flag => Raw::Flag,
        Shape::List(inner) => {
            if !input.peek(syn::token::Paren) {
                diag.error(&key, format!("`{name}` takes a list; write `{}`", spec.example));
                return None;
            }
            let mut found = Entries::default();
            if let Err(error) = inner_list(input, &name, inner, &mut found, diag) {
                diag.at(error.span(), error.to_string());
            }
            Raw::List(found)
        }
        Shape::Expr | Shape::Type | Shape::Path => {
            if !input.peek(Token![=]) {
                diag.error(&key, format!("`{name}` needs a value; write `{}`", spec.example));
                return None;
            }
            let parsed = input.parse::<Token![=]>().and_then(|_| match spec.shape {
                Shape::Type => input.parse().map(Raw::Type),
                Shape::Path => input.call(Path::parse_mod_style).map(Raw::Path),
                _ => input.parse().map(Raw::Expr),
            });
            match parsed {
                Ok(value) => value,
                Err(error) => {
                    let span = if input.is_empty() { key.span() } else { error.span() };
                    diag.at(span, format!("the value of `{name}` cannot be read: {error}; write `{}`", spec.example));
                    return None;
                }
            }
        }
    };
    Some(Entry { key, value })
}

fn inner_list(
    input: ParseStream<'_>,
    of: &str,
    keys: &'static [Key],
    found: &mut Entries,
    diag: &mut Diag,
) -> syn::Result<()> {
    let content;
    syn::parenthesized!(content in input);
    list(&content, of, keys, found, diag);
    Ok(())
}

fn unknown_key(name: &str, of: &str, keys: &[Key]) -> String {
    let elsewhere = keys.iter().find_map(|outer| match outer.shape {
        Shape::List(inner) => inner.iter().find(|key| key.name == name).map(|key| (outer, key)),
        _ => None,
    });
    let proposal = match (elsewhere, nearest(name, keys.iter().map(|key| key.name))) {
        (Some((outer, inner)), _) => {
            return format!(
                "`{name}` is not a key of `{of}`, but of `{0}`; write `{0}(.., {1})`",
                outer.name, inner.example
            );
        }
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => return format!("`{name}` is not a key of `{of}`; {}", supported(of, keys)),
    };
    format!("`{name}` is not a key of `{of}`; {proposal} {}", supported(of, keys))
}

fn supported(of: &str, keys: &[Key]) -> String {
    let names: Vec<_> = keys.iter().map(|key| format!("`{}`", key.name)).collect();
    format!("`{of}` knows {}", names.join(", "))
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        if input.parse::<proc_macro2::TokenTree>().is_err() {
            return;
        }
    }
}
