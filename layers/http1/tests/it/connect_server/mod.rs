//! The CONNECT server: transcripts, decisions, and the pitfalls that are its own.

mod decisions;
mod requests;

use crate::kit::Bench;
use http::HeaderMap;
use wirestack_http1::connect::Server;

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

fn accept(server: &mut Server) {
    server.accept(HeaderMap::new());
}

/// A server that has this request to decide on.
fn parked(request: &str) -> Bench<Server> {
    let mut bench = Bench::new(Server::new());
    bench.receive(request.as_bytes());
    assert!(bench.layer.request().is_some(), "{request}");
    bench
}

/// An answer without a body that closes the connection.
fn closing(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}
