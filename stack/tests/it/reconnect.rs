//! A WebSocket that is connected again when it is lost.

use crate::support::{TIMEOUT, TLS, connect_server, echo, listen, proxy};
use std::net::SocketAddr;
use std::time::Duration;
use wirestack::dial::Backoff;
use wirestack::tls::ClientSettings;
use wirestack::websocket::{Accept, CloseCode, Message};
use wirestack::{AccessPolicy, Connect, NotConnected, ProxyServer, ReconnectEvent, Reconnecting};
use wirestack::{ServerSocket, WebSocketServer, connect};

/// The behaviour of a server with one client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Behaviour {
    /// It sends its number and breaks the connection.
    Breaks,
    Closes(u16),
    Refuses(u16),
}

/// Serves one client for each behaviour, and then refuses connections.
async fn server(behaviours: &[Behaviour]) -> SocketAddr {
    let behaviours = behaviours.to_vec();
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        for (n, behaviour) in (1..).zip(behaviours) {
            let (io, _) = listener.accept().await.unwrap();
            let server = WebSocketServer::new(move |_| match behaviour {
                Behaviour::Refuses(status) => {
                    let response = http::Response::builder().status(status);
                    Err(Box::new(response.body("no".into()).unwrap()))
                }
                _ => Ok(Accept::new()),
            });
            let each = move |socket, _| talk(socket, behaviour, n);
            let _ = server.serve_connection(io, each).await;
        }
    });
    address
}

async fn talk(mut socket: ServerSocket, behaviour: Behaviour, n: u32) {
    socket.send(Message::text(n.to_string())).await.unwrap();
    let heard = socket.next().await.unwrap().unwrap();
    assert_eq!(heard, Message::text("thanks"));
    if let Behaviour::Closes(code) = behaviour {
        let _ = socket.close(CloseCode::new(code), "").await;
        let _ = socket.finish(TIMEOUT).await;
    }
}

fn client(address: SocketAddr, failures: Option<u32>) -> Reconnecting {
    let mut backoff = Backoff::default();
    (backoff.first, backoff.most) = (Duration::from_millis(2), Duration::from_millis(5));
    backoff.failures = failures;
    connect(format!("ws://{address}/"))
        .direct()
        .reconnecting(backoff)
}

/// Returns the events, in a word each.
async fn story(mut client: Reconnecting) -> Vec<String> {
    let mut story = Vec::new();
    while let Some(event) = client.next().await {
        story.push(match event {
            ReconnectEvent::Connected(_) => "connected".to_owned(),
            ReconnectEvent::Message(message) => {
                client.send(Message::text("thanks")).await.unwrap();
                format!("{message:?}")
                    .chars()
                    .filter(char::is_ascii_digit)
                    .collect()
            }
            ReconnectEvent::Failed(_) => "failed".to_owned(),
            ReconnectEvent::Broke(_) => "broke".to_owned(),
            ReconnectEvent::Closed(_) => "closed".to_owned(),
            ReconnectEvent::Waiting(_) => {
                let error = client.send(Message::text("?")).await.unwrap_err();
                assert!(error.cause::<NotConnected>().is_some());
                "waiting".to_owned()
            }
            ReconnectEvent::GaveUp => "gave up".to_owned(),
            other => panic!("{other}"),
        });
    }
    story
}

#[tokio::test]
async fn reconnecting_goes_on_until_a_normal_close() {
    let behaviours = [
        Behaviour::Breaks,
        Behaviour::Closes(1012),
        Behaviour::Refuses(503),
        Behaviour::Closes(1000),
    ];
    let client = client(server(&behaviours).await, None);
    let wanted =
        "connected 1 broke waiting connected 2 closed waiting failed waiting connected 4 closed";
    assert_eq!(story(client).await.join(" "), wanted);
}

#[tokio::test]
async fn reconnecting_gives_up_after_a_final_refusal_or_close() {
    for (behaviour, wanted) in [
        (Behaviour::Refuses(403), "failed gave up"),
        (Behaviour::Closes(1008), "connected 1 closed gave up"),
    ] {
        let client = client(server(&[behaviour]).await, None);
        assert_eq!(story(client).await.join(" "), wanted);
    }
}

#[tokio::test]
async fn reconnecting_gives_up_after_the_allowed_failures() {
    let client = client(server(&[Behaviour::Breaks]).await, Some(3));
    let wanted = "connected 1 broke waiting failed waiting failed gave up";
    assert_eq!(story(client).await.join(" "), wanted);
}

/// Servers and proxies that refuse for a reason that a person must mend, and a client of each.
async fn hopeless() -> Vec<(&'static str, Reconnecting)> {
    let backoff = Backoff::default();
    let of = |connect: Connect| connect.reconnecting(backoff);
    let untrusted = ClientSettings::new().without_system_roots();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let untrusted = untrusted.ca_certificates(other.cert.pem()).build().unwrap();
    let secure = format!("wss://localhost:{}", echo(true).await.port());
    let plain = echo(false).await;
    let nobody = ProxyServer::connect(AccessPolicy::nothing());
    let (forbids, _) = proxy(nobody, connect_server).await;
    let guarded = ProxyServer::connect(AccessPolicy::loopback()).with_basic("r", "me", "secret");
    let (asks, _) = proxy(guarded, connect_server).await;
    let url = format!("ws://{plain}");
    let mut clients = vec![
        ("an issuer", of(connect(&secure).direct().tls(untrusted))),
        (
            "no TLS",
            of(connect(format!("wss://{plain}"))
                .direct()
                .tls(TLS.client.clone())),
        ),
        ("a URL", of(connect("nonsense").direct())),
        ("a hop", of(connect(&url).via("ftp://127.0.0.1:1"))),
        ("403", of(connect(&url).via(format!("http://{forbids}")))),
        ("407", of(connect(&url).via(format!("http://{asks}")))),
        (
            "a password",
            of(connect(&url).via(format!("http://me:wrong@{asks}"))),
        ),
        ("SOCKS", of(connect(&url).via(format!("socks5h://{asks}")))),
    ];
    for status in [400, 401, 404, 501] {
        let address = server(&[Behaviour::Refuses(status)]).await;
        clients.push(("a status", of(connect(format!("ws://{address}")).direct())));
    }
    clients
}

#[tokio::test]
async fn pitfall_79_a_client_ends_at_what_a_person_must_mend() {
    for (name, client) in hopeless().await {
        assert_eq!(story(client).await.join(" "), "failed gave up", "{name}");
    }
}

/// The servers run on tokio, and the client where it is awaited.
#[cfg(all(feature = "smol", feature = "blocking"))]
#[test]
fn pitfall_79_a_client_ends_at_what_a_person_must_mend_on_every_runtime() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    for (name, client) in tokio.block_on(hopeless()) {
        assert_eq!(
            ::smol::block_on(story(client)).join(" "),
            "failed gave up",
            "{name}"
        );
    }
    for (name, client) in tokio.block_on(hopeless()) {
        let story = wirestack::blocking::block_on(story(client));
        assert_eq!(story.join(" "), "failed gave up", "{name}");
    }
}

#[tokio::test]
async fn a_client_goes_on_at_what_may_heal() {
    for status in [408, 429, 500, 502, 503] {
        let behaviours = [Behaviour::Refuses(status), Behaviour::Closes(1000)];
        let client = client(server(&behaviours).await, None);
        let wanted = "failed waiting connected 2 closed";
        assert_eq!(story(client).await.join(" "), wanted, "{status}");
    }
}
