//! An HTTP server that does what its paths say, and remembers what it heard.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A request that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }
}

pub struct Server {
    pub at: SocketAddr,
    heard: watch::Receiver<Vec<Heard>>,
    /// What the next requests are answered with, in place of what their paths say.
    pub next: Arc<Mutex<Vec<u16>>>,
    /// The bytes of bodies that were taken from it.
    pub written: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (said, heard) = watch::channel(Vec::new());
        let (said, next, written) = (Arc::new(said), Arc::<Mutex<Vec<u16>>>::default(), Arc::<AtomicU64>::default());
        let each = (said, next.clone(), written.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (said, next, written) = each.clone();
                tokio::spawn(async move {
                    // A caller that goes away is none of its business.
                    let _ = serve(stream, &said, &next, &written).await;
                });
            }
        });
        Server { at, heard, next, written, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    /// Completes when it has heard so many requests.
    pub async fn has_heard(&self, count: usize) {
        self.heard.clone().wait_for(|heard| heard.len() >= count).await.unwrap();
    }
}

async fn serve(
    stream: TcpStream,
    said: &watch::Sender<Vec<Heard>>,
    next: &Mutex<Vec<u16>>,
    written: &AtomicU64,
) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    loop {
        let Some(heard) = hear(&mut stream).await? else { return Ok(()) };
        let path = heard.line.split(' ').nth(1).unwrap().split('?').next().unwrap().to_owned();
        said.send_modify(|all| all.push(heard));
        let forced = {
            let mut next = next.lock().unwrap();
            if next.is_empty() { None } else { Some(next.remove(0)) }
        };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (forced, &*parts) {
            (Some(0), _) | (None, ["close"]) => return Ok(()),
            (Some(1), _) | (None, ["silent"]) => std::future::pending().await,
            (Some(status), _) => answer(&mut stream, status, "", format!("forced {status}").as_bytes()).await?,
            (None, ["status", status]) => answer(&mut stream, status.parse().unwrap(), "", b"text").await?,
            (None, ["large", len]) => answer(&mut stream, 200, "", &vec![b'x'; len.parse().unwrap()]).await?,
            (None, ["bytes"]) => answer(&mut stream, 200, "", &[0, 159, 146, 150]).await?,
            (None, ["odd"]) => answer(&mut stream, 200, "content-type: application/json\r\n", b"{\"id\": ").await?,
            (None, ["number"]) => answer(&mut stream, 200, "", b"7").await?,
            (None, ["elsewhere"]) => answer(&mut stream, 307, "location: /status/200\r\n", b"").await?,
            (None, ["signed"]) => {
                let to = "location: https://ann:planted@a/b?page=2&sig=planted\r\n";
                let more = format!("{to}link: </c?token=planted>; rel=next\r\nlink: </d>\r\n");
                answer(&mut stream, 302, &more, b"").await?;
            }
            (None, ["cookie"]) => {
                let more =
                    "set-cookie: id=planted-cookie\r\nETag: \"v1\"\r\nlink: a\r\nlink: b\r\nx-odd: planted-odd\r\n";
                answer(&mut stream, 200, more, b"text").await?;
            }
            (None, ["short"]) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nten bytes.").await?;
                return stream.flush().await;
            }
            (None, ["announced"]) => {
                stream
                    .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", 1u64 << 30).as_bytes())
                    .await?;
                return endless(&mut stream, written).await;
            }
            (None, ["endless"]) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                return endless(&mut stream, written).await;
            }
            (None, ["nonsense"]) => {
                stream.write_all(b"this is not the protocol\r\n\r\n").await?;
                return stream.flush().await;
            }
            other => panic!("nothing is said of {other:?}"),
        }
    }
}

async fn hear(stream: &mut BufStream<TcpStream>) -> std::io::Result<Option<Heard>> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next().unwrap();
    let headers: Vec<(String, String)> =
        lines.map(|line| line.split_once(':').map(|(k, v)| (k.to_lowercase(), v.trim().to_owned())).unwrap()).collect();
    let mut heard = Heard { line, headers, body: Vec::new() };
    if let Some(len) = heard.header("content-length") {
        heard.body = vec![0; len.parse().unwrap()];
        stream.read_exact(&mut heard.body).await?;
    }
    Ok(Some(heard))
}

async fn answer(stream: &mut BufStream<TcpStream>, status: u16, more: &str, body: &[u8]) -> std::io::Result<()> {
    let len = body.len();
    let head = format!("HTTP/1.1 {status} So\r\ncontent-type: text/plain\r\ncontent-length: {len}\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.flush().await
}

/// Writes for as long as somebody takes it, but no more than 1 GiB.
async fn endless(stream: &mut BufStream<TcpStream>, written: &AtomicU64) -> std::io::Result<()> {
    let chunk = vec![b'x'; 1 << 16];
    while written.load(Ordering::Relaxed) < 1 << 30 {
        stream.write_all(&chunk).await?;
        written.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}
