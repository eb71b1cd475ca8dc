//! What stands in front of a proxy, and its own way to the targets.

use super::{Running, echo, echoes};
use crate::support::{TIMEOUT, TLS};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wirestack::dial::{Endpoint, Timeouts};
use wirestack::proxy_header::Accepts;
use wirestack::{AccessPolicy, ForwardProxy, ProxyTimeouts, connect_stream};

const HEADER: &str = "PROXY TCP4 192.0.2.9 192.0.2.1 4711 3128\r\n";

/// Sends a request, and returns the head of the response, or what comes until the proxy ends.
async fn answer(io: &mut TcpStream, request: &str) -> String {
    io.write_all(request.as_bytes()).await.unwrap();
    let mut seen = Vec::new();
    let reading = async {
        while !seen.ends_with(b"\r\n\r\n") {
            match io.read_u8().await {
                Ok(byte) => seen.push(byte),
                Err(_) => break, // the end, or a reset
            }
        }
    };
    timeout(TIMEOUT, reading).await.expect("an answer in time");
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn the_client_is_the_one_of_the_proxy_header() {
    let target = echo().await;
    let proxy = ForwardProxy::new(AccessPolicy::loopback()).proxy_header(Accepts::Both);
    let connect = format!("CONNECT {target} HTTP/1.1\r\n\r\n");
    for (proxy, request, answers) in [
        (proxy.clone(), format!("{HEADER}{connect}"), true),
        (proxy.clone(), connect.clone(), false),
        (
            proxy.tls(TLS.server.clone()),
            format!("{HEADER}{connect}"),
            false,
        ), // no TLS
    ] {
        let mut running = Running::new(proxy);
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let own = io.local_addr().unwrap();
        let seen = answer(&mut io, &request).await;
        assert_eq!(seen.starts_with("HTTP/1.1 200 "), answers, "{seen:?}");
        drop(io);
        let record = running.record().await;
        let wanted = if request.starts_with(HEADER) {
            "192.0.2.9:4711".parse().unwrap()
        } else {
            own
        };
        assert_eq!(record.peer, Some(wanted), "{record}");
        assert_eq!(record.error.is_none(), answers, "{record}");
    }
}

#[tokio::test]
async fn a_function_connects_to_what_the_policy_permits() {
    let target = echo().await;
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let policy = AccessPolicy::everything().deny_host("secret.test", ..);
    let proxy = ForwardProxy::new(policy).connect_with(move |asked: Endpoint| {
        counted.fetch_add(1, Ordering::Relaxed);
        async move {
            if asked.host == "gone.test" {
                return Err("the far end is in 10.9.8.7".to_owned());
            }
            let stream = connect_stream(format!("tcp://{target}")).direct().await;
            stream.map_err(|error| error.to_string())
        }
    });
    let mut running = Running::new(proxy);
    for scheme in ["http", "h2c", "socks5h"] {
        // No resolver knows the name: the function has connected.
        echoes(running.through(scheme, "somewhere.test:7").await.unwrap()).await;
        let record = running.record().await;
        assert_eq!(record.target.as_deref(), Some("somewhere.test:7"));
        assert_eq!(record.error, None, "{scheme}");

        let error = running.through(scheme, "gone.test:7").await.unwrap_err();
        assert!(!error.to_string().contains("10.9"), "{error}");
        let why = running.record().await.error.unwrap();
        assert_eq!(why, "the far end is in 10.9.8.7", "{scheme}");

        let before = calls.load(Ordering::Relaxed);
        assert!(running.through(scheme, "secret.test:7").await.is_err());
        assert!(running.record().await.error.is_some());
        assert_eq!(calls.load(Ordering::Relaxed), before, "{scheme}");
    }
    // The server echoes the request, which is no response.
    let mut io = TcpStream::connect(running.address).await.unwrap();
    let request = "GET http://somewhere.test/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let seen = answer(&mut io, request).await;
    assert!(seen.starts_with("HTTP/1.1 502 "), "{seen}");
    assert_eq!(
        running.record().await.target.as_deref(),
        Some("somewhere.test:80")
    );
}

#[tokio::test]
async fn a_function_that_does_not_end_is_given_up() {
    let mut timeouts = ProxyTimeouts::default();
    timeouts.connect = Timeouts::default().total(Duration::from_millis(20));
    let proxy = ForwardProxy::new(AccessPolicy::everything()).timeouts(timeouts);
    let never = |_| std::future::pending::<Result<_, wirestack::Error>>();
    let mut running = Running::new(proxy.connect_with(never));
    for scheme in ["http", "socks5h"] {
        assert!(running.through(scheme, "somewhere.test:7").await.is_err());
        let why = running.record().await.error.unwrap();
        assert!(why.contains("timed out"), "{why}");
    }
}
