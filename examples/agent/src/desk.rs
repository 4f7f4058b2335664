//! What every step can reach: the way to the API, and the token that opens it.

use std::net::SocketAddr;

use factum::Secret;
use factum::http::{Http, HttpError};

use crate::api::HOST;

/// The agent's way to the API: `io.app()`.
#[derive(Debug)]
pub struct Desk {
    pub(crate) http: Http,
    /// As long as it lives, its text is hidden in whatever is recorded, if an error should tell it.
    _token: Option<Secret<String>>,
}

impl Desk {
    /// The API at an address. The token goes out with every request and is in none that is recorded.
    ///
    /// # Errors
    /// When there is no HTTP client to be had, or the token cannot stand in a header.
    pub fn at(address: SocketAddr, token: Secret<String>) -> Result<Desk, HttpError> {
        let http = Http::builder()
            .header("authorization", format!("Bearer {}", token.expose()))
            .header("user-agent", concat!("agent/", env!("CARGO_PKG_VERSION")).to_owned() + &process())
            // The API is known by its name; here is where it is. No proxy stands between.
            .client(|client| client.no_proxy().resolve(HOST, address))
            .build()?;
        Ok(Desk { http, _token: Some(token) })
    }

    /// One that reaches nobody: for a replay.
    ///
    /// # Errors
    /// When there is no HTTP client to be had.
    pub fn nowhere() -> Result<Desk, HttpError> {
        Ok(Desk { http: Http::new()?, _token: None })
    }
}

/// Tells the server's log which process has asked.
fn process() -> String {
    format!(" (process {})", std::process::id())
}
