//! Who may do what at a server: the policy of a proxy, refused requests, and origins.

use crate::support::{TIMEOUT, connect_server, listen, proxy, socks_server};
use http::header::{HeaderValue, ORIGIN};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::http2::{self, Http2Config};
use wirestack::websocket::{Accept, Client, ClientRequest, Message, Origins, WebSocketConfig};
use wirestack::{
    AccessPolicy, Connection, Engine, Instant, Layer, Pipe, ProxyServer, Queue, Seed, ServerSocket,
    WebSocketServer, connect, http1, serve_proxy, socks,
};

/// A server that must not be connected to.
fn untouched() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// Sends bytes to a server, and returns all that it answers.
async fn answer(to: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut io = TcpStream::connect(to).await.unwrap();
    io.write_all(bytes).await.unwrap();
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(TIMEOUT, io.read_to_end(&mut heard))
        .await
        .expect("an end");
    heard
}

fn denying() -> Vec<AccessPolicy> {
    vec![
        AccessPolicy::nothing(),
        AccessPolicy::public().ports([..]),
        AccessPolicy::everything()
            .deny("127.0.0.0/8".parse().unwrap(), ..)
            .deny("::1".parse().unwrap(), ..),
        AccessPolicy::everything().deny_host("*", ..),
    ]
}

#[tokio::test]
async fn pitfall_61_an_http_proxy_connects_to_no_target_that_its_policy_denies() {
    let (target, port) = untouched();
    for policy in denying() {
        let (gate, _) = proxy(ProxyServer::connect(policy.clone()), connect_server).await;
        for host in [
            "127.0.0.1",
            "localhost",
            "LOCALHOST.",
            "127.1",
            "0x7f.1",
            "2130706433",
            "0177.0.0.1",
            "[::ffff:127.0.0.1]",
        ] {
            let request = format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n");
            let heard = answer(gate, request.as_bytes()).await;
            let heard = String::from_utf8_lossy(&heard);
            // Not every system finds a name with a dot at its end.
            let is_refused = heard.starts_with("HTTP/1.1 403 ")
                || (host.ends_with('.') && heard.starts_with("HTTP/1.1 502 "));
            assert!(is_refused, "{policy:?} {host}: {heard}");
        }
        let accepted = target.accept().unwrap_err();
        assert_eq!(accepted.kind(), ErrorKind::WouldBlock, "{policy:?}");
    }
    // The same spellings lead there where the policy permits it.
    let (gate, _) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        connect_server,
    )
    .await;
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "[::ffff:127.0.0.1]",
    ] {
        let mut io = TcpStream::connect(gate).await.unwrap();
        let request = format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n");
        io.write_all(request.as_bytes()).await.unwrap();
        let mut heard = [0; 12];
        io.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"HTTP/1.1 200", "{host}");
        target.accept().unwrap();
    }
}

#[tokio::test]
async fn pitfall_61_a_socks_proxy_connects_to_no_target_that_its_policy_denies() {
    let (target, port) = untouched();
    for policy in denying() {
        let layer = || wirestack::Nest::boxed(socks::Server::new());
        let (gate, _) = proxy(ProxyServer::socks(policy.clone()), layer).await;
        for host in [
            "localhost",
            "localhost.",
            "127.1",
            "0x7f000001",
            "127.0.0.1",
        ] {
            // A name, whatever it looks like.
            let mut request = vec![5, 1, 0, 5, 1, 0, 3, host.len() as u8];
            request.extend(host.as_bytes());
            request.extend(port.to_be_bytes());
            let heard = answer(gate, &request).await;
            let is_refused = heard[..4] == [5, 0, 5, 2] // not allowed
                || (host.ends_with('.') && heard[..4] == [5, 0, 5, 4]); // not found
            assert!(is_refused, "{policy:?} {host}: {heard:?}");
        }
        let by_address = [
            &[5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1][..],
            &port.to_be_bytes(),
        ]
        .concat();
        assert_eq!(
            answer(gate, &by_address).await[..4],
            [5, 0, 5, 2],
            "{policy:?}"
        );
        let accepted = target.accept().unwrap_err();
        assert_eq!(accepted.kind(), ErrorKind::WouldBlock, "{policy:?}");
    }
}

#[tokio::test]
async fn pitfall_56_a_proxy_answers_one_connect_of_a_client_that_it_refuses() {
    let (target, port) = untouched();
    let gate = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "you", "hidden");
    let (challenging, _) = proxy(gate, connect_server).await;
    let (refusing, _) = proxy(
        ProxyServer::connect(AccessPolicy::nothing()),
        connect_server,
    )
    .await;
    let right = "Proxy-Authorization: Basic eW91OmhpZGRlbg==\r\n";
    for (gate, status) in [(challenging, "407"), (refusing, "403")] {
        let two = format!(
            "CONNECT 192.0.2.1:1 HTTP/1.1\r\n\r\nCONNECT 127.0.0.1:{port} HTTP/1.1\r\n{right}\r\n"
        );
        let heard = answer(gate, two.as_bytes()).await;
        let heard = String::from_utf8(heard).unwrap();
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
        assert_eq!(heard.matches("HTTP/1.1").count(), 1, "{heard}");
        assert!(heard.contains("Connection: close\r\n"), "{heard}");
    }
    assert_eq!(target.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn pitfall_56_the_bytes_behind_a_refused_socks_request_are_dropped() {
    let (target, port) = untouched();
    let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::nothing()), socks_server).await;
    let greeting = b"\x05\x01\x02\x01\x02me\x06secret";
    let asked = |ip: [u8; 4]| [&[5, 1, 0, 1][..], &ip, &port.to_be_bytes()].concat();
    let bytes = [
        &greeting[..],
        &asked([192, 0, 2, 1]),
        &greeting[..],
        &asked([127, 0, 0, 1]),
    ];
    let heard = answer(gate, &bytes.concat()).await;
    assert_eq!(
        heard[..6],
        [5, 2, 1, 0, 5, 2],
        "method, password, and one refusal"
    );
    assert_eq!(heard.len(), 4 + 10);
    assert_eq!(target.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_proxy_for_clients_that_wait_keeps_their_connection_through_a_challenge() {
    let (listener, gate) = listen().await;
    let target = listen().await;
    let server = tokio::spawn(async move {
        let proxy = ProxyServer::connect(AccessPolicy::loopback());
        let proxy = proxy.with_basic("here", "you", "hidden");
        let (io, _) = listener.accept().await.unwrap();
        let layer = http1::connect::Server::new().with_waiting_clients();
        let client = Connection::from_transport(io, Engine::new(layer)).unwrap();
        serve_proxy(client, &proxy, TIMEOUT).await
    });
    let hop: wirestack::dial::Hop = format!("http://you:hidden@{gate}").parse().unwrap();
    let stream = wirestack::connect_stream(format!("tcp://{}", target.1));
    let stream = stream.via(hop.on_challenge()).await.unwrap(); // on the one connection
    drop((stream, target));
    let _ = server.await.unwrap(); // a reset
}

#[tokio::test]
async fn pitfall_59_a_websocket_server_refuses_pages_of_other_origins_before_it_asks() {
    let echo = |mut socket: ServerSocket, _| async move {
        while let Some(Ok(message)) = socket.next().await {
            let _ = socket.send(message).await;
        }
    };
    for permits in [
        None,
        Some(Origins::any()),
        Some(Origins::only("https://evil.test").unwrap()),
    ] {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        let mut server = WebSocketServer::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Accept::new())
        });
        let opened = permits.is_some();
        if let Some(origins) = permits {
            server = server.origins(origins);
        }
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.unwrap();
                let server = server.clone();
                tokio::spawn(async move { server.serve_connection(io, echo).await });
            }
        });
        for http2 in [false, true] {
            let origin = HeaderValue::from_static("https://evil.test");
            let opening = connect(format!("ws://{address}/"))
                .direct()
                .header(ORIGIN, origin);
            let opening = if http2 {
                opening.http2_only()
            } else {
                opening.http1_only()
            };
            match opening.await {
                Ok(_) => assert!(opened),
                Err(error) => {
                    assert!(!opened && error.to_string().contains("403"), "{error}");
                }
            }
        }
        assert_eq!(asked.load(Ordering::SeqCst), if opened { 2 } else { 0 });
    }
}

/// Writes to a client before anything has come back, and returns what it sends.
fn sent_at_once<L>(client: L, data: L::In) -> Vec<u8>
where
    L: Layer<In: Default, Out: Default>,
{
    let mut engine = Engine::new(client);
    *engine.from_app() = data;
    for _ in 0..3 {
        engine.process(Instant::ORIGIN);
    }
    engine.to_wire().unread().to_vec()
}

fn bytes() -> Pipe {
    let mut data = Pipe::new();
    data.write(b"optimistic");
    data
}

/// RFC 9931 §8: "Wait for a 2xx (Successful) response before forwarding any TCP payload data."
#[test]
fn pitfall_56_no_client_sends_data_before_its_request_is_granted() {
    let target = || socks::Address::new("h", 1).unwrap();
    let request = || ClientRequest::new("ws://h/").unwrap();
    let upgrade = http::Request::get("http://h/").body(()).unwrap();
    let tunnel = || http2::ConnectRequest::tunnel("h", 1).unwrap();
    let mut messages = Queue::default();
    messages.push(Message::text("optimistic"));
    let config = WebSocketConfig::default;
    let websocket = Client::new(request(), config(), Seed::new([1; 32])).unwrap();
    for (name, sent) in [
        (
            "connect",
            sent_at_once(http1::connect::Client::new("h", 1).unwrap(), bytes()),
        ),
        (
            "upgrade",
            sent_at_once(http1::upgrade::Client::new("x", upgrade).unwrap(), bytes()),
        ),
        (
            "socks5",
            sent_at_once(socks::Client::new(target()), bytes()),
        ),
        (
            "socks4",
            sent_at_once(socks::Client::new(target()).socks4("u").unwrap(), bytes()),
        ),
        (
            "http2",
            sent_at_once(
                http2::Client::new(tunnel(), Http2Config::default()),
                bytes(),
            ),
        ),
        ("websocket", sent_at_once(websocket, messages)),
    ] {
        let text = String::from_utf8_lossy(&sent);
        assert!(
            !sent.is_empty() && !text.contains("optimistic"),
            "{name}: {text}"
        );
    }
}
