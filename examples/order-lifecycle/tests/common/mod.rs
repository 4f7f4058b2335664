//! A server as a child process, and its client. A server that was killed is started again on the same directory.
#![allow(clippy::unwrap_used, dead_code, reason = "a test panics where it fails, and uses of this what it needs")]

use std::path::{Path, PathBuf};
use std::process::Stdio;

use order_lifecycle::ledger::{Operation, path_in, read_entries};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Real orders; the last one is free.
const KEPT: &str = include_str!("../../orders.jsonl");

/// One of the kept orders.
pub(crate) fn kept(at: usize) -> Value {
    serde_json::from_str(KEPT.lines().nth(at).unwrap()).unwrap()
}

/// The kept order that costs nothing.
pub(crate) fn free() -> Value {
    KEPT.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).find(|it| it["amount_cents"] == 0).unwrap()
}

pub(crate) struct Server {
    dir: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
    url: String,
    http: Client,
    /// Where the client's next page of orders begins, if it is not the first one.
    pub(crate) next: Option<String>,
    /// How often the process was started.
    pub(crate) starts: u32,
}

/// An answer: its status, and its body if that is JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Server {
    /// A server on a directory of its own.
    pub(crate) async fn start() -> Server {
        Server::start_with(&[]).await
    }

    pub(crate) async fn start_with(arguments: &[&str]) -> Server {
        let http = Client::builder().no_proxy().build().unwrap();
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut server = Server { dir, arguments, child: None, url: String::new(), http, next: None, starts: 0 };
        server.up().await;
        server
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Starts it, and waits until it serves. One that dies before that is started again: it may be told to.
    pub(crate) async fn up(&mut self) {
        for _ in 0..20 {
            self.starts += 1;
            let mut child = command(&self.data(), &self.arguments).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
            if !line.is_empty() {
                (self.child, self.url) = (Some(child), line.trim_end().to_owned());
                return;
            }
            let status = child.wait().await.unwrap();
            assert_eq!(status.code(), None, "it ended by itself, and not by a signal");
        }
        panic!("it does not come up");
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.child.take().unwrap().kill().await.unwrap();
    }

    pub(crate) async fn kill_and_restart(&mut self) {
        self.kill().await;
        self.up().await;
    }

    /// The process.
    pub(crate) fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.url)).header("idempotency-key", key).json(body)
    }

    /// Asks, again and again, until there is an answer; a server that has died meanwhile is started again.
    pub(crate) async fn ask(&mut self, request: impl Fn(&Server) -> RequestBuilder) -> Answer {
        loop {
            match answer(request(self)).await {
                Some(answer) => return answer,
                None => self.kill_and_restart().await,
            }
        }
    }

    /// Gets what is there.
    pub(crate) async fn show(&mut self, path: &str) -> Value {
        let answer = self.ask(|server| server.get(path)).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    /// Posts; each time with the same key.
    pub(crate) async fn tell(&mut self, path: &str, key: &str, body: &Value) -> Answer {
        self.ask(|server| server.post(path, key, body)).await
    }

    /// Turns a page of orders, and gives what is on it: what does not depend on the moment.
    pub(crate) fn turn(&mut self, page: &Value) -> Vec<Value> {
        self.next = page["next"].as_str().map(str::to_owned);
        page["orders"].as_array().unwrap().iter().cloned().map(lasting).collect()
    }

    /// What the provider and the carrier did, in order. The keys are left out: they are of the data directory.
    pub(crate) fn ledger(&self) -> Vec<(Operation, String, u64)> {
        let entries = read_entries(&path_in(&self.data())).unwrap();
        entries.into_iter().map(|entry| (entry.operation, entry.about, entry.cents)).collect()
    }
}

/// The program on a data directory; it ends with the test.
pub(crate) fn command(data: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order-lifecycle"));
    command.args(["--listen", "127.0.0.1:0", "--data"]).arg(data).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// An answer, or none if the server died before there was one.
pub(crate) async fn answer(request: RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let (status, body) = (answer.status().as_u16(), answer.bytes().await.ok()?);
    Some(Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

/// Requests one after the other, and what is due after each.
pub(crate) struct Life {
    pub(crate) name: &'static str,
    pub(crate) requests: Vec<Request>,
}

/// One request of a life, and where its order comes to by it.
pub(crate) struct Request {
    order: String,
    ask: Ask,
    pub(crate) status: u16,
    /// The state that it comes to rest in, and on which visit.
    then: (&'static str, u32),
}

enum Ask {
    Place(Value),
    Tell(&'static str, Value),
    /// The next page of orders, which has this one and no other.
    Page,
}

/// The requests about one of the kept orders.
struct About(Value);

impl About {
    fn request(&self, ask: Ask, status: u16, state: &'static str, visit: u32) -> Request {
        Request { order: self.0["order"].as_str().unwrap().to_owned(), ask, status, then: (state, visit) }
    }

    fn place(&self) -> Request {
        self.request(Ask::Place(self.0.clone()), 201, "Placed", 0)
    }

    fn tell(&self, what: &'static str, body: Value, status: u16, state: &'static str, visit: u32) -> Request {
        self.request(Ask::Tell(what, body), status, state, visit)
    }

    fn page(&self, state: &'static str, visit: u32) -> Request {
        self.request(Ask::Page, 200, state, visit)
    }
}

/// The whole life of the first kept order, of 2933 cents: paid in parts, sent, sent back.
pub(crate) fn sent_back() -> Life {
    let it = About(kept(0));
    let requests = vec![
        it.place(),
        it.tell("pay", json!({"card": "declined"}), 202, "Placed", 1),
        it.tell("pay", json!({"card": "4000", "amount_cents": 1000}), 202, "Placed", 2),
        // More than there is to be paid.
        it.tell("pay", json!({"card": "4000", "amount_cents": 9999}), 202, "Paid", 3),
        // Rejected: it is paid.
        it.tell("pay", json!({"card": "4000"}), 409, "Paid", 3),
        it.tell("packed", json!({}), 202, "Shipped", 5),
        it.tell("cancel", json!({}), 409, "Shipped", 5),
        // Deferred: it has not come yet.
        it.tell("return", json!({"reason": "two of them"}), 202, "Shipped", 5),
        it.tell("delivered", json!({}), 202, "Returning", 8),
        // Ignored: carriers say it twice.
        it.tell("delivered", json!({}), 202, "Returning", 8),
        it.tell("received", json!({}), 202, "Refunded", 10),
    ];
    Life { name: "sent back", requests }
}

/// Two orders that are cancelled, one paid in part and the other in full, and the pages that they are on.
pub(crate) fn cancelled() -> Life {
    let (part, full) = (About(kept(1)), About(kept(2)));
    let requests = vec![
        part.place(),
        part.tell("pay", json!({"card": "4000", "amount_cents": 500}), 202, "Placed", 1),
        full.place(),
        full.tell("pay", json!({"card": "4000"}), 202, "Paid", 1),
        part.tell("pay", json!({"card": "4000", "amount_cents": 500}), 202, "Placed", 2),
        part.page("Placed", 2),
        part.tell("cancel", json!({}), 202, "Refunded", 4),
        full.page("Paid", 1),
        full.tell("cancel", json!({}), 202, "Refunded", 3),
        // Once more from the first page on.
        part.page("Refunded", 4),
        full.page("Refunded", 3),
    ];
    Life { name: "cancelled", requests }
}

impl Request {
    /// The request to this server; it is the same one if it has the same number.
    pub(crate) fn to(&self, server: &Server, number: usize) -> RequestBuilder {
        let key = number.to_string();
        match &self.ask {
            Ask::Place(order) => server.post("/orders", &key, order),
            Ask::Tell(what, body) => server.post(&format!("/orders/{}/{what}", self.order), &key, body),
            Ask::Page => match &server.next {
                None => server.get("/orders?limit=1"),
                Some(next) => server.get(&format!("/orders?limit=1&after={next}")),
            },
        }
    }

    pub(crate) fn is_page(&self) -> bool {
        matches!(self.ask, Ask::Page)
    }

    /// Whether the answer is the one that is due; of an order that is placed again after an answer was lost, 200 is, too.
    pub(crate) fn is_due(&self, answer: &Answer) -> bool {
        answer.status == self.status || self.status == 201 && answer.status == 200
    }
}

/// Waits until the order is where a request brings it, and shows it: what does not depend on the moment.
pub(crate) async fn settled(server: &mut Server, request: &Request) -> Value {
    let (state, visit) = request.then;
    let seen = server.show(&format!("/orders/{}?wait={state}&visit={visit}", request.order)).await;
    assert_eq!((seen["state"].as_str(), seen["visit"].as_u64()), (Some(state), Some(visit.into())), "{seen}");
    lasting(seen)
}

/// What is shown of an order, but for the status: that of its run, at one moment.
fn lasting(mut order: Value) -> Value {
    order.as_object_mut().unwrap().remove("status");
    order
}
