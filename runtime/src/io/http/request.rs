//! What is asked over HTTP, and what of it is recorded.
//!
//! What must always hold: what a request serialises as is all that is ever recorded of it, and that has no credentials
//! of its URL, no header and no parameter's value that is never recorded, and no large body.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use super::secret::{is_secret, is_secret_parameter};
use crate::codec::{self, EncodeError};
use crate::io::asked::Asked;
use crate::io::redact::HIDDEN;

/// A request of an [`Http`](super::Http): `HttpRequest::post(url).header("accept", "text/plain").json(&order)?`.
///
/// Recorded and digested are: the method, the URL without its credentials, the query by names and without the values of
/// those that [may hold a secret](super#what-is-never-recorded), the headers but those that may, and the body: as JSON
/// or as text, above 64 KiB and where it is neither its SHA-256 and its size. So a token that is renewed is no other request.
///
/// A mistake in it (no URL, a header's name that is none) is told by the call, and nobody is called.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: Option<Url>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    /// The first mistake.
    mistake: Option<String>,
}

impl HttpRequest {
    /// A request by any method: `HttpRequest::new("PROPFIND", url)`.
    pub fn new(method: impl AsRef<str>, url: impl AsRef<str>) -> Self {
        let (method, url) = (method.as_ref(), url.as_ref());
        let (parsed, wrong) = match Method::from_bytes(method.as_bytes()) {
            Ok(method) => (method, None),
            Err(_) => (Method::GET, Some(format!("`{method}` is no method"))),
        };
        // The URL itself is not told: it may have credentials.
        let (url, no_url) = match Url::parse(url) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                (None, Some(format!("a URL of the scheme `{}`: take `http` or `https`", url.scheme())))
            }
            Ok(url) => (Some(url), None),
            Err(error) => (None, Some(format!("its URL is none: {error}"))),
        };
        HttpRequest { method: parsed, url, headers: HeaderMap::new(), body: None, mistake: wrong.or(no_url) }
    }

    /// A `GET` of a URL.
    pub fn get(url: impl AsRef<str>) -> Self {
        Self::new(Method::GET, url)
    }

    /// A `POST` to a URL.
    pub fn post(url: impl AsRef<str>) -> Self {
        Self::new(Method::POST, url)
    }

    /// A `PUT` to a URL.
    pub fn put(url: impl AsRef<str>) -> Self {
        Self::new(Method::PUT, url)
    }

    /// A `PATCH` of a URL.
    pub fn patch(url: impl AsRef<str>) -> Self {
        Self::new(Method::PATCH, url)
    }

    /// A `DELETE` of a URL.
    pub fn delete(url: impl AsRef<str>) -> Self {
        Self::new(Method::DELETE, url)
    }

    /// Adds to the URL's query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        if let Some(url) = &mut self.url {
            url.query_pairs_mut().append_pair(name, &value.to_string());
        }
        self
    }

    /// Sets a header, in place of one of that name.
    #[must_use]
    pub fn header(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(name, value.as_ref(), false)
    }

    /// Sets a header whose value is never recorded, whatever its name. What every request is to have belongs to the
    /// transport: [`HttpBuilder::header`](super::HttpBuilder::header).
    #[must_use]
    pub fn secret_header(self, name: &str, value: impl AsRef<str>) -> Self {
        self.set(name, value.as_ref(), true)
    }

    /// Sends bytes.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = Some(bytes.into());
        self
    }

    /// Sends a value as JSON, of the type `application/json` unless a header tells otherwise.
    ///
    /// # Errors
    /// When JSON cannot hold it, or it has a [`Blob`](crate::Blob), which means nothing to others.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Result<Self, EncodeError> {
        let json = codec::encode(value)?;
        if !json.blobs().is_empty() {
            return Err(EncodeError::no_value("a blob means nothing to a server: send its bytes"));
        }
        let bytes = json.inline().map(|json| json.to_vec());
        self.body = Some(bytes.ok_or_else(|| EncodeError::no_value("its JSON is not in memory"))?);
        self.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        Ok(self)
    }

    fn set(mut self, name: &str, value: &str, secret: bool) -> Self {
        match header(name, value, secret) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
            }
            Err(mistake) => {
                self.mistake.get_or_insert(mistake);
            }
        }
        self
    }

    /// The URL, if nothing is wrong with the request; what is, if so.
    pub(super) fn checked(&self) -> Result<&Url, &str> {
        match (&self.url, &self.mistake) {
            (_, Some(mistake)) => Err(mistake),
            (Some(url), None) => Ok(url),
            (None, None) => Err("it has no URL"),
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(super) fn bytes(&self) -> Option<&Vec<u8>> {
        self.body.as_ref()
    }

    /// The URL's user and password, if it has any.
    pub(super) fn credentials(&self) -> impl Iterator<Item = &str> {
        let has = |url: &&Url| !url.username().is_empty() || url.password().is_some();
        let url = self.url.as_ref().filter(has);
        url.into_iter().flat_map(|url| [url.username(), url.password().unwrap_or_default()])
    }

    /// What of the query is never recorded: the names and the values.
    pub(super) fn hidden_query(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let query = self.url.as_ref().into_iter().flat_map(Url::query_pairs);
        query.filter(|(name, _)| is_secret_parameter(name))
    }

    /// The method and the URL, without what is secret in it, and without its query.
    pub(super) fn line(&self) -> String {
        match &self.url {
            Some(url) => format!("{} {}", self.method, open(url)),
            None => format!("{} of no URL", self.method),
        }
    }

    fn asked(&self) -> Option<Asked<'_>> {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let json = kind == "application/json" || kind.ends_with("+json");
        self.body.as_deref().map(|body| Asked::of(body, json))
    }
}

/// A header as it is sent; what is wrong with it. Its value is not told.
pub(super) fn header(name: &str, value: &str, secret: bool) -> Result<(HeaderName, HeaderValue), String> {
    let key = HeaderName::try_from(name).map_err(|_| format!("`{name}` is no header's name"))?;
    let mut sent = HeaderValue::try_from(value).map_err(|_| format!("the value of header `{name}` is none"))?;
    sent.set_sensitive(secret || is_secret(name));
    Ok((key, sent))
}

/// A URL up to its path, without credentials.
fn open(url: &Url) -> Url {
    let mut open = url.clone();
    // Both fail only for URLs that have no host, and so none of these.
    let _ = open.set_username("");
    let _ = open.set_password(None);
    open.set_query(None);
    open.set_fragment(None);
    open
}

/// A value of a query, or those of one name.
#[derive(Serialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

/// The query as it is recorded: a parameter that may hold a secret has none of its values.
fn by_name(url: &Url) -> BTreeMap<String, Values> {
    let mut names: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in url.query_pairs() {
        let value = if is_secret_parameter(&name) { HIDDEN.to_owned() } else { value.into_owned() };
        let several = match names.remove(&*name) {
            None => Values::One(value),
            Some(Values::One(first)) => Values::Several(vec![first, value]),
            Some(Values::Several(mut values)) => {
                values.push(value);
                Values::Several(values)
            }
        };
        names.insert(name.into_owned(), several);
    }
    names
}

/// What is recorded.
#[derive(Serialize)]
struct Shown<'r> {
    method: &'r str,
    url: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query: BTreeMap<String, Values>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Asked<'r>>,
}

impl Serialize for HttpRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let url = self.checked().map_err(S::Error::custom)?;
        let shown = self.headers.iter().filter(|(_, value)| !value.is_sensitive());
        let text = |(name, value): (&'_ HeaderName, &'_ HeaderValue)| {
            // Every one was made of a text.
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Shown {
            method: self.method.as_str(),
            url: open(url).into(),
            query: by_name(url),
            headers: shown.map(text).collect(),
            body: self.asked(),
        }
        .serialize(serializer)
    }
}

impl fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpRequest({})", self.line())
    }
}

#[cfg(test)]
mod tests;
