//! Which names an expression's tokens use, format strings included.

use proc_macro2::{Span, TokenStream, TokenTree};

/// Where `name` is used, if it is: as a value, not as a field, a method or a path's part.
pub(super) fn mention(tokens: TokenStream, name: &str) -> Option<Span> {
    search(tokens, name, false)
}

fn search(tokens: TokenStream, name: &str, in_macro: bool) -> Option<Span> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Ident(ident) if ident == name && is_value(&tokens, at) => return Some(ident.span()),
            TokenTree::Group(group) => {
                let in_macro = in_macro || (at > 0 && is_punct(&tokens, at - 1, '!'));
                if let Some(span) = search(group.stream(), name, in_macro) {
                    return Some(span);
                }
            }
            TokenTree::Literal(literal) if in_macro => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string());
                if text.is_ok_and(|text| formats(&text.value(), name)) {
                    return Some(literal.span());
                }
            }
            _ => {}
        }
    }
    None
}

fn is_value(tokens: &[TokenTree], at: usize) -> bool {
    let before = |n: usize, c: char| at >= n && is_punct(tokens, at - n, c);
    let after = |n: usize, c: char| is_punct(tokens, at + n, c);
    let is_member = before(1, '.') && !before(2, '.');
    let is_path_part = (before(1, ':') && before(2, ':')) || (after(1, ':') && after(2, ':'));
    let is_field_name = after(1, ':') && !after(2, ':');
    !is_member && !is_path_part && !is_field_name
}

fn is_punct(tokens: &[TokenTree], at: usize, c: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == c)
}

/// Whether a format string names a variable: `{name}`, `{name:>8}`, `{:name$}`, `{:.name$}`.
fn formats(text: &str, name: &str) -> bool {
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        if let Some(escaped) = rest.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let Some(close) = rest.find('}') else {
            return false;
        };
        let (hole, tail) = rest.split_at(close);
        rest = tail;
        let (variable, spec) = hole.split_once(':').unwrap_or((hole, ""));
        let in_spec = spec
            .split('$')
            .rev()
            .skip(1)
            .any(|part| part.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next() == Some(name));
        if variable.trim() == name || in_spec {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn a_value_is_found_at_any_depth() {
        for tokens in [
            quote!(refund(&order.id)),
            quote!(refund(Key { order })),
            quote!(refund(a..order)),
            quote!(refund(Key { id: order })),
            quote!(refund(vec![1, (order)])),
            quote!(refund(format!("{order}"))),
            quote!(refund(format!("{:>order$}", 1))),
            quote!(refund(format!("{:>8.order$}", 1))),
            quote!(refund(format!("{{}} {order:?}"))),
            quote!(if order.free { a() } else { b() }),
        ] {
            assert!(mention(tokens.clone(), "order").is_some(), "{tokens}");
        }
    }

    #[test]
    fn a_field_a_path_and_a_text_are_no_values() {
        for tokens in [
            quote!(refund(payment.order)),
            quote!(refund(payment.order())),
            quote!(refund(order::Key)),
            quote!(refund(super::order(1))),
            quote!(refund(Key { order: 1 })),
            quote!(refund("{order}")),
            quote!(refund(format!("{{order}} {orders}"))),
        ] {
            assert!(mention(tokens.clone(), "order").is_none(), "{tokens}");
        }
    }
}
