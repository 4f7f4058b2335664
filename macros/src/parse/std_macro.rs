//! The arguments of the standard macros, in which a saga may await.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Expr, Macro, Path, Token};

/// Macros whose arguments are expressions, each evaluated once where it stands.
const LISTS: [&str; 18] = [
    "assert",
    "assert_eq",
    "assert_ne",
    "dbg",
    "eprint",
    "eprintln",
    "format",
    "format_args",
    "panic",
    "print",
    "println",
    "todo",
    "unimplemented",
    "unreachable",
    "vec",
    "write",
    "writeln",
    "matches",
];

/// What stands inside a standard macro.
#[derive(Debug)]
pub(crate) enum MacroArgs {
    /// `format!("{}", a)`.
    List(Punctuated<Expr, Token![,]>),
    /// `vec![a; n]`.
    Repeat(Box<(Expr, Token![;], Expr)>),
    /// `matches!(a, pattern)`; the rest is left as it is.
    First(Box<Expr>, TokenStream),
}

impl MacroArgs {
    /// The expressions, in the order in which they are evaluated.
    pub(crate) fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            MacroArgs::List(list) => list.iter_mut().collect(),
            MacroArgs::Repeat(parts) => vec![&mut parts.0, &mut parts.2],
            MacroArgs::First(expr, _) => vec![expr],
        }
    }

    /// The expressions, in the order in which they are evaluated.
    pub(crate) fn exprs(&self) -> Vec<&Expr> {
        match self {
            MacroArgs::List(list) => list.iter().collect(),
            MacroArgs::Repeat(parts) => vec![&parts.0, &parts.2],
            MacroArgs::First(expr, _) => vec![expr],
        }
    }
}

impl ToTokens for MacroArgs {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            MacroArgs::List(list) => list.to_tokens(tokens),
            MacroArgs::Repeat(parts) => {
                parts.0.to_tokens(tokens);
                parts.1.to_tokens(tokens);
                parts.2.to_tokens(tokens);
            }
            MacroArgs::First(expr, rest) => {
                expr.to_tokens(tokens);
                tokens.append_all(rest.clone());
            }
        }
    }
}

/// The arguments of a macro, if it is one of the standard library's that take expressions.
pub(crate) fn macro_args(mac: &Macro) -> Option<MacroArgs> {
    let name = std_name(&mac.path)?;
    let tokens = mac.tokens.clone();
    if name == "matches" {
        let first = |input: ParseStream<'_>| Ok((input.parse::<Expr>()?, input.parse::<TokenStream>()?));
        let (expr, rest) = first.parse2(tokens).ok()?;
        return (!has_await(rest.clone())).then(|| MacroArgs::First(Box::new(expr), rest));
    }
    if name == "vec" {
        let repeat = |input: ParseStream<'_>| Ok((input.parse()?, input.parse()?, input.parse()?));
        if let Ok(parts) = repeat.parse2(tokens.clone()) {
            return Some(MacroArgs::Repeat(Box::new(parts)));
        }
    }
    Punctuated::parse_terminated.parse2(tokens).ok().map(MacroArgs::List)
}

/// The name of a macro of the standard library that takes expressions.
fn std_name(path: &Path) -> Option<String> {
    let mut segments = path.segments.iter().rev();
    let name = segments.next()?.ident.to_string();
    let from_std = match segments.next() {
        None => true,
        Some(krate) => segments.next().is_none() && ["std", "core", "alloc"].iter().any(|std| krate.ident == std),
    };
    (from_std && LISTS.contains(&name.as_str())).then_some(name)
}

/// Whether `.await` stands anywhere in the tokens.
pub(crate) fn has_await(tokens: TokenStream) -> bool {
    first_await(tokens).is_some()
}

/// The first `await` of an `.await` in the tokens.
pub(crate) fn first_await(tokens: TokenStream) -> Option<Span> {
    let mut after_dot = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if let Some(span) = first_await(group.stream()) {
                    return Some(span);
                }
                after_dot = false;
            }
            TokenTree::Ident(ident) if after_dot && ident == "await" => return Some(ident.span()),
            TokenTree::Punct(punct) => after_dot = punct.as_char() == '.',
            _ => after_dot = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn args(mac: Macro) -> Option<usize> {
        macro_args(&mac).map(|args| args.exprs().len())
    }

    #[test]
    fn the_arguments_of_standard_macros_are_found() {
        assert_eq!(args(syn::parse_quote!(format!("{a} {}", b, c = d))), Some(3));
        assert_eq!(args(syn::parse_quote!(std::vec![a; n])), Some(2));
        assert_eq!(args(syn::parse_quote!(vec![a, b,])), Some(2));
        assert_eq!(args(syn::parse_quote!(matches!(a, Some(x) if x > 1))), Some(1));
        assert_eq!(args(syn::parse_quote!(println!())), Some(0));
        assert_eq!(args(syn::parse_quote!(my::vec![a])), None);
        assert_eq!(args(syn::parse_quote!(other!(a))), None);
    }

    #[test]
    fn an_await_is_found_at_any_depth() {
        assert!(has_await(quote!(f(a, { b.await }))));
        assert!(!has_await(quote!(f(await_all, a.awaits, x))));
    }
}
