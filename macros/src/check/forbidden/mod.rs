//! What the body of a saga or a handler must not call, as far as tokens can tell.
//!
//! A body runs again after every crash, and must then do what it did before.
//! What an import hides from here is caught in the replay, as a divergence.

mod calls;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;

use super::kind::Kind;
use calls::{ENDS, STARTS, Why};

/// What to say of a path, if it must not be used.
pub(super) fn path(kind: Kind, path: &Path) -> Option<String> {
    let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    names(kind, &segments)
}

fn names(kind: Kind, segments: &[String]) -> Option<String> {
    let same = |(a, b): (&String, &&str)| a == b;
    let ends = ENDS.iter().find(|(end, _)| {
        segments.len() >= end.len() && segments[segments.len() - end.len()..].iter().zip(*end).all(same)
    });
    let starts =
        || STARTS.iter().find(|(start, _)| segments.len() >= start.len() && segments.iter().zip(*start).all(same));
    let (_, why) = ends.or_else(starts)?;
    Some(why.message(kind, &segments.join("::")))
}

/// What to say of a macro, if it must not be used.
pub(super) fn macro_name(kind: Kind, path: &Path) -> Option<String> {
    let mut segments = path.segments.iter().rev();
    let name = segments.next()?.ident.to_string();
    let krate = segments.last().map(|segment| segment.ident.to_string());
    let is_async_crate =
        krate.is_none_or(|krate| ["tokio", "futures", "futures_util", "std"].contains(&krate.as_str()));
    let why = match name.as_str() {
        "select" | "select_biased" => Why::First,
        "join" | "try_join" => Why::Branches("join((a, b))"),
        _ => return None,
    };
    let full = path.to_token_stream().to_string().replace(' ', "");
    is_async_crate.then(|| why.message(kind, &format!("{full}!")))
}

/// The paths in tokens that must not be used.
pub(super) fn tokens(tokens: &TokenStream) -> Vec<(TokenStream, String)> {
    tokens_in(Kind::Saga, tokens)
}

/// What to say of the paths in tokens that cannot be parsed.
pub(super) fn tokens_in(kind: Kind, tokens: &TokenStream) -> Vec<(TokenStream, String)> {
    let mut found = Vec::new();
    let mut segments: Vec<String> = Vec::new();
    let mut spelt = TokenStream::new();
    let mut colons = 0;
    let mut end = |segments: &mut Vec<String>, spelt: &mut TokenStream| {
        if let Some(message) = names(kind, segments) {
            found.push((spelt.clone(), message));
        }
        segments.clear();
        *spelt = TokenStream::new();
    };
    let mut inner = Vec::new();
    for token in tokens.clone() {
        match &token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    end(&mut segments, &mut spelt);
                }
                segments.push(ident.to_string());
                spelt.extend([token]);
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && !segments.is_empty() => {
                colons += 1;
                spelt.extend([token]);
            }
            TokenTree::Group(group) => {
                end(&mut segments, &mut spelt);
                inner.push(group.stream());
                colons = 0;
            }
            _ => {
                end(&mut segments, &mut spelt);
                colons = 0;
            }
        }
    }
    end(&mut segments, &mut spelt);
    inner.iter().for_each(|stream| found.extend(tokens_in(kind, stream)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn what_changes_from_run_to_run_is_found_by_its_path() {
        for wrong in [
            "SystemTime::now",
            "std::time::SystemTime::now",
            "chrono::Utc::now",
            "rand::random",
            "rand::rngs::OsRng",
            "thread_rng",
            "Uuid::new_v4",
            "tokio::spawn",
            "tokio::task::spawn_blocking",
            "spawn_blocking",
            "tokio::time::sleep",
            "std::env::var",
            "env::var",
            "std::fs::read",
            "std::thread::spawn",
        ] {
            let wrong: Path = syn::parse_str(wrong).unwrap_or_else(|error| panic!("{error}"));
            assert!(path(Kind::Saga, &wrong).is_some(), "{}", quote!(#wrong));
        }
    }

    #[test]
    fn what_only_looks_alike_is_left_alone() {
        for right in [
            "now",
            "clock::now",
            "rand::draw",
            "tokio::time::Duration",
            "std::net::Ipv4Addr::new",
            "random",
            "sleep",
            "std::time::Duration::from_secs",
            "spawn",
            "Uuid::from_u128",
            "factum::now",
            "factum::random",
            "factum::uuid",
            "factum::sleep",
            "factum::sleep_until",
            "factum::spawn",
            "factum::join",
            "factum::all",
            "factum::try_all",
            "factum::race",
            "ops::spawn",
            "join_all",
        ] {
            let right: Path = syn::parse_str(right).unwrap_or_else(|error| panic!("{error}"));
            assert!(path(Kind::Saga, &right).is_none(), "{}", quote!(#right));
        }
    }

    #[test]
    fn a_message_names_what_is_recorded_instead() {
        for (wrong, durable) in [
            ("SystemTime::now", "`now()"),
            ("tokio::time::Instant::now", "`now()"),
            ("rand::random", "`random::<T>()"),
            ("getrandom::fill", "`random::<T>()"),
            ("Uuid::new_v4", "`uuid()"),
            ("tokio::time::sleep", "`sleep(..)"),
            ("std::thread::sleep", "`sleep(..)"),
            ("tokio::time::interval", "`sleep(..)"),
            ("tokio::time::timeout", "`race((a, sleep(..)))"),
            ("tokio::spawn", "`spawn(saga(..))"),
            ("std::thread::scope", "`spawn(saga(..))"),
            ("futures::future::join_all", "`all(..)"),
            ("futures::future::select", "`race((a, b))"),
            ("std::env::var", "`#[step]`"),
            ("TcpStream::connect", "`#[step]`"),
        ] {
            let wrong: Path = syn::parse_str(wrong).unwrap_or_else(|error| panic!("{error}"));
            let message = path(Kind::Saga, &wrong).unwrap_or_default();
            assert!(message.contains(durable), "{message}");
        }
        for (wrong, durable) in
            [("tokio::join", "`join((a, b))"), ("try_join", "`join((a, b))"), ("select", "`race((a, b))")]
        {
            let wrong: Path = syn::parse_str(wrong).unwrap_or_else(|error| panic!("{error}"));
            let message = macro_name(Kind::Saga, &wrong).unwrap_or_default();
            assert!(message.contains(durable), "{message}");
        }
        let own: Path = syn::parse_quote!(my::join);
        assert_eq!(macro_name(Kind::Saga, &own), None);
    }

    #[test]
    fn paths_are_found_in_tokens_too() {
        assert_eq!(tokens(&quote!(a => { std::env::var("X"), Instant::now() })).len(), 2);
        assert_eq!(tokens(&quote!(env, var::now)).len(), 0);
    }
}
