//! Requests with an absolute URI.

use super::{Running, users};
use crate::support::{TIMEOUT, listen};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use wirestack::{AccessPolicy, ForwardProxy, ProxyProtocol};

/// A web server that gives each connection the same answer, and hands on all that it reads.
pub(super) async fn web(answer: &'static str) -> (SocketAddr, UnboundedReceiver<String>) {
    let (listener, address) = listen().await;
    let (seen, requests) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (mut io, _) = listener.accept().await.unwrap();
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut has_answered = false;
                loop {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if !has_answered && is_whole(&text) {
                        has_answered = true;
                        io.write_all(answer.as_bytes()).await.unwrap();
                        let ends = answer.contains("close") || answer.contains("HTTP/1.0");
                        if ends {
                            io.shutdown().await.unwrap();
                        }
                    }
                    match io.read_buf(&mut bytes).await {
                        Ok(n) if n > 0 => {}
                        _ => break,
                    }
                }
                let _ = seen.send(String::from_utf8(bytes).unwrap());
            });
        }
    });
    (address, requests)
}

/// Returns `true` if a request has arrived with its content.
fn is_whole(text: &str) -> bool {
    let Some((head, content)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    if head.contains("transfer-encoding: chunked") {
        return content.ends_with("0\r\n\r\n");
    }
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
    content.len() >= length.unwrap_or(0)
}

async fn read_response(io: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while !String::from_utf8_lossy(&bytes).ends_with(end) {
            if io.read_buf(&mut bytes).await.unwrap() == 0 {
                break;
            }
        }
    };
    timeout(TIMEOUT, reading).await.expect("a response in time");
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn next(requests: &mut UnboundedReceiver<String>) -> String {
    timeout(TIMEOUT, requests.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn requests_are_forwarded_with_their_contents_and_the_client_keeps_its_connection() {
    let (server, mut requests) =
        web("HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nContent-Length: 3\r\n\r\nyes")
            .await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()).users(users()));
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let login = "Proxy-Authorization: Basic YWRhOnNlY3JldA==\r\n"; // ada:secret
    for (request, wanted) in [
        (
            format!(
                "GET http://{server}/a?b HTTP/1.1\r\nHost: inside.test\r\n{login}X-A: 1\r\n\r\n"
            ),
            format!(
                "GET /a?b HTTP/1.1\r\nhost: {server}\r\nx-a: 1\r\nvia: 1.1 wirestack\r\nconnection: close\r\n\r\n"
            ),
        ),
        (
            format!(
                "POST http://{server}/ HTTP/1.1\r\nHost: x\r\n{login}Content-Length: 5\r\n\r\nhello"
            ),
            format!(
                "POST / HTTP/1.1\r\nhost: {server}\r\nvia: 1.1 wirestack\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello"
            ),
        ),
        (
            format!(
                "POST http://{server}/ HTTP/1.1\r\nHost: x\r\n{login}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
            ),
            format!(
                "POST / HTTP/1.1\r\nhost: {server}\r\nvia: 1.1 wirestack\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            ),
        ),
    ] {
        io.write_all(request.as_bytes()).await.unwrap();
        let response = read_response(&mut io, "\r\n\r\nyes").await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("via: 1.1 wirestack\r\n"), "{response}");
        assert!(!response.contains("x-hop"), "{response}");
        let seen = next(&mut requests).await;
        assert!(seen.starts_with(&wanted), "{seen}");
        if wanted.contains("chunked") {
            assert_eq!(
                seen.matches("hello").count() + seen.matches("he\r\n").count(),
                1,
                "{seen}"
            );
            assert!(
                seen.ends_with("0\r\n\r\n") && !seen.contains("x=y"),
                "{seen}"
            );
        }
        let record = running.record().await;
        assert_eq!(record.protocol, Some(ProxyProtocol::Http1));
        assert_eq!((record.status, record.received), (Some(200), 3), "{record}");
        let sent = if wanted.starts_with("POST") { 5 } else { 0 };
        assert_eq!((record.sent, record.error.as_deref()), (sent, None));
        assert_eq!(record.user.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn a_client_that_ends_its_direction_behind_its_request_gets_the_answer() {
    let (listener, server) = listen().await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let request = format!("POST http://{server}/ HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi");
    io.write_all(request.as_bytes()).await.unwrap();
    io.shutdown().await.unwrap();
    let (mut asked, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"hi") {
        assert_ne!(asked.read_buf(&mut bytes).await.unwrap(), 0);
    }
    // The proxy has read the end of the client by now, or reads it before the answer.
    asked
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes")
        .await
        .unwrap();
    let response = read_response(&mut io, "yes").await;
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    let record = running.record().await;
    assert_eq!(
        (record.status, record.received, record.error),
        (Some(200), 3, None)
    );
    // And the connection ends with the client.
    let mut rest = Vec::new();
    timeout(TIMEOUT, io.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    // A request that breaks off is none, however its client ends.
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let request = format!("POST http://{server}/ HTTP/1.1\r\nContent-Length: 9\r\n\r\nhi");
    io.write_all(request.as_bytes()).await.unwrap();
    io.shutdown().await.unwrap();
    timeout(TIMEOUT, io.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("200"), "{rest:?}");
}

#[tokio::test]
async fn contents_without_a_length_reach_the_client_whole() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nyes",
    ] {
        let (server, _requests) = web(answer).await;
        let running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let request = format!("GET http://{server}/ HTTP/1.1\r\nHost: x\r\n\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        let response = read_response(&mut io, "0\r\n\r\n").await;
        assert!(
            response.ends_with("\r\n\r\n3\r\nyes\r\n0\r\n\r\n"),
            "{response}"
        );
        assert!(
            response.contains("transfer-encoding: chunked\r\n"),
            "{response}"
        );
        // The connection is for another request.
        io.write_all(request.as_bytes()).await.unwrap();
        read_response(&mut io, "0\r\n\r\n").await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_for_the_client_too() {
    let (server, _requests) =
        web("HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: close\r\n\r\nyes").await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET http://{server}/ HTTP/1.1\r\nHost: x\r\n\r\n");
    io.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let _ = timeout(TIMEOUT, io.read_to_end(&mut response))
        .await
        .unwrap();
    let response = String::from_utf8(response).unwrap();
    assert!(response.contains("content-length: 9"), "{response}");
    assert!(response.ends_with("\r\n\r\nyes"), "{response}");
    let record = running.record().await;
    assert!(record.error.is_some(), "{record}");
}

#[tokio::test]
async fn no_second_request_hides_in_a_first_one() {
    let hidden = "GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n";
    let (server, mut requests) = web("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").await;
    let long = hidden.len();
    for (head, is_forwarded) in [
        // Both lengths: the coding counts, and the length goes (RFC 9112 §6.3).
        (
            format!("Content-Length: {long}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            true,
        ),
        (
            format!("Transfer-Encoding: chunked\r\nContent-Length: {long}\r\n\r\n0\r\n\r\n"),
            true,
        ),
        (
            "Content-Length: 0\r\nContent-Length: 5\r\n\r\n".to_owned(),
            false,
        ),
        ("Content-Length: +5\r\n\r\n".to_owned(), false),
        ("Transfer-Encoding: xchunked\r\n\r\n".to_owned(), false),
        (
            "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(),
            false,
        ),
        (
            "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n".to_owned(),
            false,
        ),
        ("X: 1\r\n folded: 2\r\n\r\n".to_owned(), false),
        (
            "Connection: content-length, host\r\nContent-Length: 0\r\n\r\n".to_owned(),
            true,
        ),
    ] {
        let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let request = format!("POST http://{server}/first HTTP/1.1\r\nHost: x\r\n{head}");
        io.write_all(request.as_bytes()).await.unwrap();
        io.write_all(hidden.as_bytes()).await.unwrap();
        io.shutdown().await.unwrap();
        let mut response = Vec::new();
        let _ = timeout(TIMEOUT, io.read_to_end(&mut response))
            .await
            .unwrap();
        let response = String::from_utf8(response).unwrap();
        running.record().await;
        if is_forwarded {
            let seen = next(&mut requests).await;
            assert!(!seen.contains("hidden"), "{head:?}: {seen}");
            assert_eq!(seen.matches("host: ").count(), 1, "{head:?}: {seen}");
            let framings = seen.matches("content-length").count() + seen.matches("chunked").count();
            assert!(framings <= 1, "{head:?}: {seen}");
        } else {
            assert!(
                response.starts_with("HTTP/1.1 4") || response.starts_with("HTTP/1.1 501"),
                "{head:?}: {response}"
            );
        }
        // What stands behind is no absolute URI, so that it goes nowhere.
        assert!(requests.try_recv().is_err(), "{head:?}");
    }
}

#[tokio::test]
async fn bytes_behind_a_refused_connect_are_no_request() {
    let (server, mut requests) = web("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").await;
    let policy = AccessPolicy::loopback().deny_host("denied.test", ..);
    for (proxy, status) in [
        (ForwardProxy::new(policy.clone()), "403"),
        (ForwardProxy::new(policy).users(users()), "407"),
    ] {
        let running = Running::new(proxy);
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let login = if status == "403" {
            ""
        } else {
            "Proxy-Authorization: Basic eDp5\r\n"
        };
        let hidden = format!("GET http://{server}/ HTTP/1.1\r\nHost: x\r\n\r\n");
        let request = format!("CONNECT denied.test:80 HTTP/1.1\r\n{login}\r\n{hidden}");
        io.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let _ = timeout(TIMEOUT, io.read_to_end(&mut response))
            .await
            .unwrap();
        let response = String::from_utf8(response).unwrap();
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status}")),
            "{response}"
        );
        assert!(response.contains("connection: close"), "{response}");
        assert_eq!(response.matches("HTTP/1.1").count(), 1, "{response}");
        assert!(requests.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_tunnel_may_follow_requests_and_its_first_bytes_may_come_at_once() {
    let (server, mut requests) = web("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let first = format!("GET http://{server}/ HTTP/1.1\r\nHost: x\r\n\r\n");
    io.write_all(first.as_bytes()).await.unwrap();
    read_response(&mut io, "yes").await;
    next(&mut requests).await;
    running.record().await;
    let inside = "GET /inside HTTP/1.1\r\n\r\n";
    let request = format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n\r\n{inside}");
    io.write_all(request.as_bytes()).await.unwrap();
    let response = read_response(&mut io, "yes").await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(
        !response[..response.find("\r\n\r\n").unwrap()].contains("length"),
        "{response}"
    );
    drop(io);
    assert_eq!(next(&mut requests).await, inside);
    let record = running.record().await;
    assert_eq!(record.sent, inside.len() as u64, "{record}");
}

#[tokio::test]
async fn a_request_goes_to_the_next_http_proxy_as_a_request_and_to_a_socks_proxy_in_a_tunnel() {
    let (server, mut requests) = web("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").await;
    let mut next_proxy = Running::new(ForwardProxy::new(AccessPolicy::loopback()).users(users()));
    for (scheme, method) in [("http", "GET"), ("socks5h", "CONNECT"), ("h2c", "CONNECT")] {
        let hop = format!("{scheme}://ada:secret@{}", next_proxy.address);
        let proxy = ForwardProxy::new(AccessPolicy::loopback()).via(hop.as_str());
        let mut running = Running::new(proxy);
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let request = format!("GET http://{server}/a?b HTTP/1.1\r\nHost: x\r\n\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        let response = read_response(&mut io, "yes").await;
        assert!(response.starts_with("HTTP/1.1 200"), "{scheme}: {response}");
        let seen = next(&mut requests).await;
        assert!(seen.starts_with("GET /a?b HTTP/1.1\r\n"), "{seen}");
        assert_eq!(
            seen.matches(&format!("host: {server}\r\n")).count(),
            1,
            "{seen}"
        );
        let vias = seen.matches("via: 1.1 wirestack").count();
        assert_eq!(vias, if scheme == "http" { 2 } else { 1 }, "{seen}");
        assert!(!seen.contains("authorization"), "{seen}");
        assert_eq!(next_proxy.record().await.method, method, "{scheme}");
        running.record().await;
    }
}
