//! What a program is asked, and what of it is recorded.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::io::asked::Asked;

/// A program to run: `ProcessRequest::new("convert").args(["-resize", "50%"]).stdin(image)`.
///
/// Recorded and digested are the program's name, its arguments, its environment, and what it is given to read: as text,
/// above 64 KiB and where it is none its SHA-256 and its size. A secret belongs into [`secret_env`](Self::secret_env),
/// never into an argument, which every process of the machine can see.
#[derive(Clone)]
pub struct ProcessRequest {
    pub(super) program: String,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) secret_env: BTreeMap<String, String>,
    pub(super) stdin: Option<Vec<u8>>,
}

impl ProcessRequest {
    /// The program that the transport knows by this name.
    pub fn new(program: impl Into<String>) -> Self {
        ProcessRequest {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            secret_env: BTreeMap::new(),
            stdin: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(A::into));
        self
    }

    /// Sets a variable of the environment, which is empty but for this and for what the transport sets.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets a variable of the environment that is never recorded.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secret_env.insert(name.into(), value.into());
        self
    }

    /// What the program reads from its standard input; nothing unless told otherwise.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }
}

/// What is recorded.
#[derive(Serialize)]
struct Shown<'r> {
    program: &'r str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    args: &'r [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: &'r BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdin: Option<Asked<'r>>,
}

impl Serialize for ProcessRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stdin = self.stdin.as_deref().map(|bytes| Asked::of(bytes, false));
        Shown { program: &self.program, args: &self.args, env: &self.env, stdin }.serialize(serializer)
    }
}

impl fmt::Debug for ProcessRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessRequest({}, {:?})", self.program, self.args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn a_request_shows_what_tells_it_from_others_and_no_secret() {
        let request = ProcessRequest::new("convert").arg("-").args(["a", "b"]).env("LANG", "C").stdin("x");
        let shown = codec::canonical_of(&codec::encode(&request.secret_env("TOKEN", "planted")).unwrap()).unwrap().1;
        assert_eq!(shown, r#"{"args":["-","a","b"],"env":{"LANG":"C"},"program":"convert","stdin":{"text":"x"}}"#);
        let plain = codec::encode(&ProcessRequest::new("true")).unwrap().to_text();
        assert_eq!(plain, r#"{"program":"true"}"#);
    }
}
