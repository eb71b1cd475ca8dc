//! A length that a peer merely claims takes no memory, in any layer that has lengths.

use crate::support::{TLS, connect_server};
use futures_util::FutureExt;
use tokio::io::{AsyncWriteExt, duplex};
use wirestack::runtime::TokioTransport;
use wirestack::websocket::{Client, Server, WebSocketConfig};
use wirestack::{
    BoxTunnel, Connection, Engine, Layer, Nest, Seed, http1, http2, proxy_header, tls,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Feeds a claim, and some bytes behind it while they are taken. Returns the memory that is held in
/// the flows of the wire and of the application, and the number of bytes that were sent.
async fn held<L>(layer: L, claim: &[u8]) -> (usize, usize)
where
    L: Layer<In: Default, Out: Default>,
{
    let (mut near, far) = duplex(1 << 20);
    let mut connection =
        Connection::from_transport(TokioTransport::new(far), Engine::new(layer)).unwrap();
    let mut sent = claim.len();
    near.write_all(claim).await.unwrap();
    let mut most = 0;
    for _ in 0..20 {
        // It never comes: this drives the connection as far as it goes.
        let _ = connection.wait_for(|_| None::<()>).now_or_never();
        most = most.max(connection.engine().from_wire().capacity());
        if near.write_all(&[0; 1000]).await.is_err() {
            break;
        }
        sent += 1000;
    }
    (most, sent)
}

#[tokio::test]
async fn a_claimed_length_takes_no_memory_in_any_layer() {
    let websocket = |len: u64, mask: bool| {
        let mut claim = vec![0x82, if mask { 0xff } else { 0x7f }];
        claim.extend(len.to_be_bytes());
        if mask {
            claim.extend([0; 4]);
        }
        claim
    };
    let server = || Server::established(WebSocketConfig::default());
    let client = || Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let mut all = Vec::new();
    for len in [1 << 62, 16 << 20, (16 << 20) + 1, 1 << 32] {
        all.push((
            "websocket server",
            held(server(), &websocket(len, true)).await,
        ));
        all.push((
            "websocket client",
            held(client(), &websocket(len, false)).await,
        ));
        let bytes = server().with_payload::<wirestack::Pipe>();
        all.push((
            "websocket of bytes",
            held(bytes, &websocket(len, true)).await,
        ));
    }
    for claim in [&[0xff, 0xff, 0xff][..], &[1, 0, 0], &[0, 0xff, 0xff]] {
        for kind in 0..=10 {
            let frame = [PREFACE, claim, &[kind, 0, 0, 0, 0, 1]].concat();
            let layer = http2::Connection::server(http2::Http2Config::server());
            all.push(("http2", held(layer, &frame).await));
        }
    }
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
    header.extend([0xff, 0xff]);
    all.push((
        "proxy header",
        held(proxy_header::Server::default(), &header).await,
    ));
    let large = proxy_header::Server::default().with_limit(1 << 20);
    all.push(("large proxy header", held(large, &header).await));
    for kind in [20, 21, 22, 23] {
        for length in [[0x40, 0], [0x47, 0xff], [0xff, 0xff]] {
            let record = [&[kind, 3, 3][..], &length].concat();
            let layer = tls::Server::new(TLS.server.clone()).unwrap();
            all.push(("tls record", held(layer, &record).await));
        }
    }
    // A ClientHello of 16 MiB, in a record that is not larger than it may be.
    let hello = [22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    let layer = tls::Server::new(TLS.server.clone()).unwrap();
    all.push(("tls handshake message", held(layer, &hello).await));
    let asking = || http1::connect::Client::new("example.org", 443).unwrap();
    for framing in [
        "Content-Length: 9223372036854775807",
        "Transfer-Encoding: chunked",
    ] {
        let refusal = format!("HTTP/1.1 407 No\r\n{framing}\r\n\r\n7fffffffffffffff\r\n");
        all.push(("http1 body", held(asking(), refusal.as_bytes()).await));
    }
    let request = b"CONNECT h:1 HTTP/1.1\r\nContent-Length: 9223372036854775807\r\n\r\n";
    let gate: BoxTunnel = connect_server().boxed();
    all.push(("http1 request", held(gate, request).await));
    for (name, (held, sent)) in all {
        assert!(
            held <= 5 * sent + 64 * 1024,
            "{name}: {held} bytes for {sent}"
        );
    }
}
