use factum::prelude::*;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

struct Response;

impl Future for Response {
    type Output = Result<String, std::io::Error>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

fn get(_url: &str) -> Response {
    Response
}

#[saga]
async fn look() -> String {
    let page = get("https://example.org").await;
    page.unwrap_or_default()
}

fn main() {}
