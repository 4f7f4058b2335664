//! The enum's visibility, as it is said one module further in.

use quote::quote;
use syn::{Path, Visibility, parse_quote};

/// The visibility of an item in the states' module that is seen from where the enum is.
pub(super) fn inside(vis: &Visibility) -> Visibility {
    match vis {
        Visibility::Public(_) => vis.clone(),
        Visibility::Inherited => parse_quote!(pub(super)),
        Visibility::Restricted(restricted) => further(vis, &restricted.path),
    }
}

fn further(vis: &Visibility, path: &Path) -> Visibility {
    let segments: Vec<_> = path.segments.iter().map(|segment| &segment.ident).collect();
    match segments.as_slice() {
        [first, rest @ ..] if *first == "self" => match rest {
            [] => parse_quote!(pub(super)),
            rest => parse_quote!(pub(in super #(::#rest)*)),
        },
        [first, ..] if *first == "super" => {
            let path = quote!(super #(::#segments)*);
            parse_quote!(pub(in #path))
        }
        _ => vis.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;

    #[test]
    fn what_the_enum_can_be_seen_from_its_states_can_be_seen_from() {
        for (enum_, state) in [
            ("", "pub(super)"),
            ("pub", "pub"),
            ("pub(crate)", "pub(crate)"),
            ("pub(self)", "pub(super)"),
            ("pub(super)", "pub(in super::super)"),
            ("pub(in super::super)", "pub(in super::super::super)"),
            ("pub(in crate::a)", "pub(in crate::a)"),
            ("pub(in self)", "pub(super)"),
        ] {
            let vis: Visibility = syn::parse_str(enum_).unwrap_or_else(|error| panic!("{enum_}: {error}"));
            let text = inside(&vis).to_token_stream().to_string().replace(' ', "").replace("in", "in ");
            assert_eq!(text, state, "{enum_}");
        }
    }
}
