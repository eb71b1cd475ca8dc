//! The phases of a server: each ends in time, however the client drips.

use super::{assert_passed, http2_client, seconds, wire};
use crate::support::{TLS, connect_server, socks_server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};
use wirestack::http2::Http2Error;
use wirestack::runtime::TokioTransport;
use wirestack::websocket::Accept;
use wirestack::{
    AccessPolicy, BoxTunnel, Error, Nest, OpeningTimedOut, ProxyServer, ServerSocket,
    WebSocketServer, proxy_header, serve_proxy, socks, tls,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

async fn serve(server: WebSocketServer, io: tokio::io::DuplexStream) -> Result<(), Error> {
    let io = TokioTransport::new(io);
    server
        .serve_connection(io, async |_: ServerSocket, _| ())
        .await
}

/// Sends a byte each second, for ever.
async fn drip(io: &mut tokio::io::DuplexStream, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if io.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(seconds(1)).await; // on the paused clock
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_server_bounds_each_way_to_begin() {
    let long_head = "GET / HTTP/1.1\r\nHost: example.org\r\nX-Long: value\r\n";
    let long = [PREFACE, &[0; 100]].concat();
    let begins: [&[u8]; 4] = [b"", PREFACE, long_head.as_bytes(), &long];
    for secure in [false, true] {
        for begin in begins {
            let (mut near, far) = wire();
            let mut server = WebSocketServer::new(|_| Ok(Accept::new()));
            if secure {
                server = server.tls(TLS.server.clone());
            }
            let start = Instant::now();
            let served = tokio::spawn(serve(server, far));
            let dripping = async {
                if begin.is_empty() || begin == PREFACE {
                    near.write_all(begin).await.unwrap();
                    std::future::pending::<()>().await;
                }
                drip(&mut near, begin).await;
            };
            let error = tokio::select! {
                served = served => served.unwrap().unwrap_err(),
                () = dripping => panic!("the server went away without an end"),
            };
            if secure && error.cause::<OpeningTimedOut>().is_none() {
                continue; // it is no TLS, and that shows at once
            }
            assert_passed(start, seconds(10));
            assert!(error.cause::<OpeningTimedOut>().is_some(), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_preface_behind_tls_has_no_time_of_its_own() {
    let (near, far) = wire();
    let server = WebSocketServer::new(|_| Ok(Accept::new())).tls(TLS.server.clone());
    let start = Instant::now();
    let served = tokio::spawn(serve(server, far));
    sleep(seconds(6)).await; // on the paused clock
    let mut config = (*TLS.client).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let name = tls::server_name("localhost").unwrap();
    let mut client = super::on(near, tls::Client::new(config.into(), name).unwrap());
    client.open().await.unwrap();
    client.write_all(PREFACE).await.unwrap();
    client.flush().await.unwrap();
    let error = served.await.unwrap().unwrap_err();
    assert_passed(start, seconds(10));
    assert!(error.cause::<OpeningTimedOut>().is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_http2_connection_without_streams_ends_in_time() {
    let (near, far) = wire();
    let server = WebSocketServer::new(|_| Ok(Accept::new()));
    let served = tokio::spawn(serve(server, far));
    let client = http2_client(near);
    let start = Instant::now();
    client.with(|connection| connection.engine().is_open());
    served.await.unwrap().unwrap();
    assert_passed(start, seconds(60));
    let request = wirestack::http2::ConnectRequest::tunnel("example.org", 1).unwrap();
    let error = client.open(request).await.err().unwrap();
    assert!(matches!(error.cause(), Some(Http2Error::Closed)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_bounds_the_handshake_of_each_protocol_from_the_accept() {
    type Stack = fn() -> BoxTunnel;
    let stacks: [(&str, Stack, &[u8]); 5] = [
        ("socks", socks_server, &[5, 200, 0]),
        (
            "socks4",
            || socks::Server::new().with_socks4(|_| true).boxed(),
            &[4, 1, 0, 80, 127, 0, 0, 1, b'a'],
        ),
        (
            "connect",
            connect_server,
            b"CONNECT example.org:443 HTTP/1.1\r\nX-Long: value\r\n",
        ),
        (
            "tls",
            crate::support::secure_connect_server,
            &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3],
        ),
        (
            "proxy header",
            || {
                let header = proxy_header::Server::new(proxy_header::Accepts::Both);
                socks::Server::new().over(header).boxed()
            },
            b"PROXY TCP4 192.0.2.1 192.0.2.2 ",
        ),
    ];
    for (name, stack, begin) in stacks {
        let (mut near, far) = wire();
        let client = super::on(far, stack());
        let server = match name {
            "connect" | "tls" => ProxyServer::connect(AccessPolicy::nothing()),
            _ => ProxyServer::socks(AccessPolicy::nothing()),
        };
        let start = Instant::now();
        let serving = serve_proxy(client, &server, seconds(10));
        let error = tokio::select! {
            served = serving => served.unwrap_err(),
            () = drip(&mut near, begin) => panic!("{name}"),
        };
        // The refusal may take as long again, for a client that does not read.
        let passed = start.elapsed();
        assert!(
            passed >= seconds(10) && passed <= seconds(21),
            "{name}: {passed:?}"
        );
        assert!(
            error.cause::<OpeningTimedOut>().is_some(),
            "{name}: {error}"
        );
        let mut answer = Vec::new();
        let _ = near.read_to_end(&mut answer).await;
    }
}
