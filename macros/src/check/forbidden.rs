//! What a saga's body must not call, as far as tokens can tell.
//!
//! A body runs again after every crash, and must then do what it did before.
//! What an import hides from here is caught in the replay, as a divergence.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Path;

/// Why it must not be called.
#[derive(Clone, Copy)]
enum Why {
    /// It gives another value each time.
    Value,
    /// It acts on the world.
    Effect,
    /// It starts something that a replay would start again.
    Spawn,
    /// It waits without a record.
    Wait,
}

impl Why {
    fn message(self, name: &str) -> String {
        match self {
            Why::Value => format!(
                "`{name}` in a saga: its value would differ in a replay; read it in a `#[step]` and return it from there"
            ),
            Why::Effect => format!("`{name}` in a saga: a replay would do it again; do it in a `#[step]`"),
            Why::Spawn => format!(
                "`{name}` in a saga: a replay would start it again, and nothing records how it ends; make it a `#[step]`, or a `#[saga]` that this one awaits"
            ),
            Why::Wait => format!(
                "`{name}` in a saga: this wait is lost in a crash; write `sleep(..)` of `factum::prelude`, which is recorded"
            ),
        }
    }
}

/// Paths that end like this, with their first segment where that is needed to tell.
const ENDS: &[(&[&str], Why)] = &[
    (&["SystemTime", "now"], Why::Value),
    (&["Instant", "now"], Why::Value),
    (&["Utc", "now"], Why::Value),
    (&["Local", "now"], Why::Value),
    (&["Zoned", "now"], Why::Value),
    (&["Timestamp", "now"], Why::Value),
    (&["OffsetDateTime", "now_utc"], Why::Value),
    (&["OffsetDateTime", "now_local"], Why::Value),
    (&["Uuid", "new_v1"], Why::Value),
    (&["Uuid", "new_v4"], Why::Value),
    (&["Uuid", "new_v6"], Why::Value),
    (&["Uuid", "new_v7"], Why::Value),
    (&["Uuid", "now_v1"], Why::Value),
    (&["Uuid", "now_v6"], Why::Value),
    (&["Uuid", "now_v7"], Why::Value),
    (&["thread_rng"], Why::Value),
    (&["env", "var"], Why::Value),
    (&["env", "var_os"], Why::Value),
    (&["env", "vars"], Why::Value),
    (&["env", "args"], Why::Value),
    (&["env", "current_dir"], Why::Value),
    (&["thread", "sleep"], Why::Wait),
    (&["thread", "spawn"], Why::Spawn),
    (&["spawn_blocking"], Why::Spawn),
    (&["task", "spawn"], Why::Spawn),
    (&["task", "spawn_local"], Why::Spawn),
    (&["fs", "read"], Why::Effect),
    (&["fs", "read_to_string"], Why::Effect),
    (&["fs", "read_dir"], Why::Effect),
    (&["fs", "write"], Why::Effect),
    (&["fs", "copy"], Why::Effect),
    (&["fs", "rename"], Why::Effect),
    (&["fs", "remove_file"], Why::Effect),
    (&["fs", "create_dir"], Why::Effect),
    (&["fs", "create_dir_all"], Why::Effect),
    (&["File", "open"], Why::Effect),
    (&["File", "create"], Why::Effect),
    (&["OpenOptions", "new"], Why::Effect),
    (&["Command", "new"], Why::Effect),
    (&["io", "stdin"], Why::Value),
    (&["process", "exit"], Why::Effect),
    (&["process", "abort"], Why::Effect),
];

/// Paths that begin like this.
const STARTS: &[(&[&str], Why)] = &[
    (&["fastrand"], Why::Value),
    (&["rand", "random"], Why::Value),
    (&["rand", "random_range"], Why::Value),
    (&["rand", "random_bool"], Why::Value),
    (&["rand", "random_ratio"], Why::Value),
    (&["rand", "random_iter"], Why::Value),
    (&["rand", "fill"], Why::Value),
    (&["rand", "rng"], Why::Value),
    (&["rand", "rngs"], Why::Value),
    (&["tokio", "spawn"], Why::Spawn),
    (&["tokio", "task"], Why::Spawn),
    (&["tokio", "time", "Instant"], Why::Value),
    (&["tokio", "time", "sleep"], Why::Wait),
    (&["tokio", "time", "sleep_until"], Why::Wait),
    (&["tokio", "time", "interval"], Why::Wait),
    (&["tokio", "time", "interval_at"], Why::Wait),
    (&["tokio", "time", "timeout"], Why::Wait),
    (&["tokio", "time", "timeout_at"], Why::Wait),
    (&["tokio", "fs"], Why::Effect),
    (&["tokio", "net"], Why::Effect),
    (&["tokio", "process"], Why::Effect),
    (&["std", "thread"], Why::Spawn),
    (&["std", "env"], Why::Value),
    (&["std", "fs"], Why::Effect),
    (&["std", "process", "Command"], Why::Effect),
    (&["std", "process", "id"], Why::Value),
    (&["std", "net", "TcpStream"], Why::Effect),
    (&["std", "net", "TcpListener"], Why::Effect),
    (&["std", "net", "UdpSocket"], Why::Effect),
];

/// What to say of a path, if it must not be used.
pub(super) fn path(path: &Path) -> Option<String> {
    let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    names(&segments)
}

fn names(segments: &[String]) -> Option<String> {
    let same = |(a, b): (&String, &&str)| a == b;
    let ends = ENDS.iter().find(|(end, _)| {
        segments.len() >= end.len() && segments[segments.len() - end.len()..].iter().zip(*end).all(same)
    });
    let starts =
        || STARTS.iter().find(|(start, _)| segments.len() >= start.len() && segments.iter().zip(*start).all(same));
    let (_, why) = ends.or_else(starts)?;
    Some(why.message(&segments.join("::")))
}

/// What to say of a macro, if it must not be used.
pub(super) fn macro_name(path: &Path) -> Option<String> {
    let mut segments = path.segments.iter().rev();
    let name = segments.next()?.ident.to_string();
    let krate = segments.last().map(|segment| segment.ident.to_string());
    let is_async_crate =
        krate.is_none_or(|krate| ["tokio", "futures", "futures_util", "std"].contains(&krate.as_str()));
    let what = match name.as_str() {
        "select" | "select_biased" => "which branch is first would differ in a replay",
        "join" | "try_join" => "the order in which its branches go on would differ in a replay",
        _ => return None,
    };
    let full = path.to_token_stream().to_string().replace(' ', "");
    is_async_crate.then(|| format!("`{full}!` in a saga: {what}; await one after the other"))
}

/// What to say of the paths in tokens that cannot be parsed.
pub(super) fn tokens(tokens: &TokenStream) -> Vec<(TokenStream, String)> {
    let mut found = Vec::new();
    let mut segments: Vec<String> = Vec::new();
    let mut spelt = TokenStream::new();
    let mut colons = 0;
    let mut end = |segments: &mut Vec<String>, spelt: &mut TokenStream| {
        if let Some(message) = names(segments) {
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
    inner.iter().for_each(|stream| found.extend(self::tokens(stream)));
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
            assert!(path(&wrong).is_some(), "{}", quote!(#wrong));
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
        ] {
            let right: Path = syn::parse_str(right).unwrap_or_else(|error| panic!("{error}"));
            assert!(path(&right).is_none(), "{}", quote!(#right));
        }
    }

    #[test]
    fn paths_are_found_in_tokens_too() {
        assert_eq!(tokens(&quote!(a => { std::env::var("X"), Instant::now() })).len(), 2);
        assert_eq!(tokens(&quote!(env, var::now)).len(), 0);
    }
}
