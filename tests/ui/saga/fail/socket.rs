use factum::prelude::*;

#[saga]
async fn checkout(order: u32) {
    let stream = std::net::TcpStream::connect("provider:80");
    let _ = (order, stream);
}

fn main() {}
