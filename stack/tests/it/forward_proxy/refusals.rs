//! What a client reads that is refused, and what the log says of it.

use super::Running;
use crate::support::{TIMEOUT, TLS};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::{AccessPolicy, ForwardProxy, ProxyProtocol};

/// Sends a head and much behind it, and returns the answer. Fails if the server cuts the client off.
async fn answer_to_all(to: SocketAddr, head: &[u8]) -> std::io::Result<String> {
    let mut io = TcpStream::connect(to).await?;
    let (mut from, mut into) = io.split();
    let sending = async {
        into.write_all(head).await?;
        for _ in 0..64 {
            into.write_all(&[b'x'; 16 * 1024]).await?;
        }
        into.shutdown().await
    };
    let mut heard = Vec::new();
    let both = async { tokio::join!(sending, from.read_to_end(&mut heard)) };
    let (sent, read) = timeout(TIMEOUT, both).await.expect("an end in time");
    sent.and(read)?;
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

#[tokio::test]
async fn a_client_that_sends_on_behind_a_refused_request_reads_the_refusal_and_an_end() {
    let plain = Running::new(ForwardProxy::new(AccessPolicy::nothing()));
    for (head, status) in [
        ("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", 403),
        (
            "CONNECT http://192.0.2.1:443/ HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
        ),
        ("CONNECT me@192.0.2.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (
            "CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            400,
        ),
        ("CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: x, y\r\n\r\n", 400),
        ("GET http://192.0.2.1/ HTTP/1.1\r\nHost: x, y\r\n\r\n", 400),
        ("\x01\x02\r\n\r\n", 400),
        (
            "GET http://192.0.2.1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
            403,
        ),
    ] {
        let heard = answer_to_all(plain.address, head.as_bytes()).await;
        let heard = heard.unwrap_or_else(|error| panic!("{head:?}: {error}"));
        let wanted = format!("HTTP/1.1 {status} ");
        assert!(heard.starts_with(&wanted), "{head:?}: {heard}");
    }
}

#[tokio::test]
async fn a_proxy_without_a_time_for_handshakes_answers() {
    let proxy = ForwardProxy::new(AccessPolicy::nothing()).handshake_timeout(Duration::MAX);
    let running = Running::new(proxy);
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let request = b"CONNECT 192.0.2.1:443 HTTP/1.1\r\nHost: x\r\n\r\n";
    io.write_all(request).await.unwrap();
    io.shutdown().await.unwrap();
    let mut heard = String::new();
    let reading = timeout(TIMEOUT, io.read_to_string(&mut heard));
    reading.await.expect("an end in time").unwrap();
    assert!(heard.starts_with("HTTP/1.1 403 "), "{heard:?}");
}

#[tokio::test]
async fn a_client_that_speaks_no_tls_reads_the_alert() {
    let proxy = ForwardProxy::new(AccessPolicy::nothing()).tls(TLS.server.clone());
    let running = Running::new(proxy);
    let heard = answer_to_all(running.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let heard = heard.expect("no reset");
    assert!(heard.starts_with("\x15\x03"), "{heard:?}"); // an alert (RFC 8446 §5.1)
}

#[tokio::test]
async fn the_log_names_the_protocol_of_a_client_that_speaks_another_one() {
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::nothing()));
    for (bytes, wanted) in [
        (
            &b"\x16\x03\x01\x00\xff\x01\x00\x00\xfb\x03\x03"[..],
            "the client begins TLS",
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\n",
            "a load balancer",
        ),
        (b"SSH-2.0-x\r\n\r\n", "SSH"),
    ] {
        let mut io = TcpStream::connect(running.address).await.unwrap();
        io.write_all(bytes).await.unwrap();
        io.shutdown().await.unwrap();
        let record = running.record().await;
        let error = record.error.as_deref().unwrap_or_default();
        assert!(error.contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn a_connection_of_http2_that_fails_before_a_request_has_an_entry_in_the_log() {
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::nothing()));
    let mut io = TcpStream::connect(running.address).await.unwrap();
    io.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        .await
        .unwrap();
    io.write_all(&[0, 0, 0, 6, 0, 0, 0, 0, 0]).await.unwrap(); // no SETTINGS
    io.shutdown().await.unwrap();
    let record = running.record().await;
    assert_eq!(record.protocol, Some(ProxyProtocol::Http2));
    assert!(record.error.is_some(), "{record}");
}
