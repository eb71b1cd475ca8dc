//! The time-outs of a proxy, and its end.

use super::{Running, echo};
use crate::support::{TIMEOUT, listen};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::{AccessPolicy, ForwardProxy, ProxyTimeouts};

const SHORT: Duration = Duration::from_millis(50);

fn short() -> ForwardProxy {
    ForwardProxy::new(AccessPolicy::loopback())
        .handshake_timeout(SHORT)
        .timeouts(ProxyTimeouts::default().idle(SHORT))
}

/// Sends these bytes, and returns all that comes until the proxy ends the connection.
async fn answer(running: &Running, bytes: &str) -> String {
    let mut io = TcpStream::connect(running.address).await.unwrap();
    io.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(TIMEOUT, io.read_to_end(&mut answer)).await;
    let _ = read.expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_forward_proxy_bounds_each_way_to_begin() {
    let mut running = Running::new(short());
    for begin in [
        "",
        "\u{5}",
        "\u{4}\u{1}",
        "GET http://127.0.0.1/ HTT",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        answer(&running, begin).await;
        if !begin.is_empty() && !begin.starts_with("PRI") {
            let record = running.record().await;
            assert!(record.error.is_some(), "{begin:?}: {record}");
        }
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_with_504() {
    let (silent, address) = listen().await;
    let mut running = Running::new(short());
    let request = format!("GET http://{address}/ HTTP/1.1\r\nHost: x\r\n\r\n");
    let answer = answer(&running, &request).await;
    assert!(answer.starts_with("HTTP/1.1 504"), "{answer}");
    assert_eq!(running.record().await.status, Some(504));
    drop(silent);
}

#[tokio::test]
async fn a_tunnel_of_http_without_bytes_ends() {
    let target = echo().await;
    let mut running = Running::new(short());
    let answer = answer(&running, &format!("CONNECT {target} HTTP/1.1\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let record = running.record().await;
    assert!(record.error.unwrap().contains("nothing was relayed"));
}

#[tokio::test]
async fn a_head_has_a_limit() {
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let long = "x".repeat(17 * 1024);
    for head in [
        format!("GET http://127.0.0.1/ HTTP/1.1\r\nX: {long}\r\n\r\n"),
        format!(
            "GET http://127.0.0.1/ HTTP/1.1\r\n{}\r\n",
            "X: 1\r\n".repeat(101)
        ),
    ] {
        let answer = answer(&running, &head).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        assert!(running.record().await.error.is_some());
    }
}

#[tokio::test]
async fn at_its_end_a_proxy_ends_idle_connections_and_lets_tunnels_go_on() {
    let target = echo().await;
    let running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut tunnels = Vec::new();
    for scheme in ["http", "h2c", "socks5h"] {
        tunnels.push(running.through(scheme, &target.to_string()).await.unwrap());
    }
    let mut idle = TcpStream::connect(running.address).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    idle.write_all(request.as_bytes()).await.unwrap();
    let mut byte = [0];
    idle.read_exact(&mut byte).await.unwrap();
    running.stop.send(()).unwrap();
    let mut rest = Vec::new();
    timeout(TIMEOUT, idle.read_to_end(&mut rest))
        .await
        .unwrap()
        .unwrap();
    for tunnel in tunnels {
        super::echoes(tunnel).await;
    }
    timeout(TIMEOUT, running.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_tunnel_that_is_cut_is_in_the_log_with_its_bytes() {
    let target = echo().await;
    let mut running = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let mut tunnels = Vec::new();
    for scheme in ["http", "h2c", "socks5h"] {
        let mut tunnel = running.through(scheme, &target.to_string()).await.unwrap();
        tunnel.write_all(b"hello").await.unwrap();
        tunnel.flush().await.unwrap();
        tunnel.read_exact(&mut [0; 5]).await.unwrap();
        tunnels.push(tunnel);
    }
    running.ended.abort();
    for _ in &tunnels {
        let record = running.record().await;
        assert_eq!((record.sent, record.received), (5, 5), "{record}");
        assert_eq!(record.error.as_deref(), Some("the connection was cut"));
    }
}
