//! Connecting by URL, through proxies of this project.

use crate::support::{
    TLS, connect_server, echo, listen, proxy, secure_connect_server, socks_server,
};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wirestack::dial::{Hop, Reason, Timeouts};
use wirestack::websocket::{CloseCode, Message};
use wirestack::{AccessPolicy, Nest, ProxyServer, http1, socks, tls};
use wirestack::{connect, connect_stream};

#[tokio::test]
async fn a_websocket_opens_through_two_proxies_and_tls() {
    let target = echo(true).await;
    let (outer, mut results) =
        proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let gate = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "you", "hidden");
    let (inner, _) = proxy(gate, connect_server).await;

    let (mut socket, trace) = connect(format!("wss://localhost:{}/", target.port()))
        .via(format!("socks5h://me:secret@{outer}"))
        .via(format!("http://you:hidden@localhost:{}", inner.port()))
        .tls(TLS.client.clone())
        .traced()
        .await
        .unwrap();
    let names: Vec<_> = socket.describe().iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["socks", "connect", "tls", "websocket"]);
    assert!(socket.part::<socks::Client>().unwrap().bound().is_some());
    let response = socket.part::<http1::connect::Client>().unwrap().response();
    assert_eq!(response.unwrap().status(), 200);
    assert!(socket.part::<tls::Client>().unwrap().version().is_some());

    let messages = [Message::text("hello"), Message::binary(vec![7; 3 << 20])];
    for message in messages {
        socket.send(message.clone()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), message);
    }
    socket.close(CloseCode::NORMAL, "done").await.unwrap();
    let seen = &socket; // reading facts needs no `mut`
    assert_eq!(seen.closed().unwrap().code, CloseCode::NORMAL);
    assert_eq!(seen.subprotocol(), None);
    assert!(seen.nth_part::<tls::Client>(1).is_none());
    assert!(socket.part_mut::<tls::Client>().is_some());
    assert!(socket.nth_part_mut::<tls::Client>(1).is_none());
    drop(socket);
    let relayed = results.recv().await.unwrap();
    assert!(relayed.is_ok_and(|relayed| relayed.sent > 3 << 20));

    let trace = trace.to_string();
    for secret in ["secret", "hidden", "me:", "you:"] {
        assert!(!trace.contains(secret), "{trace}");
    }
}

#[tokio::test]
async fn pitfall_76_a_socks_proxy_is_reached_behind_tls() {
    let target = echo(false).await;
    let secure = || {
        let tls = tls::Server::new(TLS.server.clone()).unwrap();
        let socks =
            socks::Server::with_password(|user, password| (user, password) == (b"me", b"secret"));
        socks.over(tls).boxed()
    };
    let (hop, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), secure).await;
    let url = format!("ws://127.0.0.1:{}/", target.port());
    let via = format!("socks5+tls://me:secret@localhost:{}", hop.port());
    let mut socket = connect(&url)
        .via(via)
        .tls(TLS.client.clone())
        .await
        .unwrap();
    let names: Vec<_> = socket.describe().iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["tls", "socks", "websocket"]);
    assert!(socket.part::<tls::Client>().unwrap().alpn().is_none());
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
    // UDP does not go through TLS.
    let via = format!("socks5+tls://localhost:{}", hop.port());
    let error = wirestack::associate(via).await.err().unwrap().to_string();
    assert!(
        error.contains("because UDP needs a SOCKS5 proxy"),
        "{error}"
    );
}

#[tokio::test]
async fn the_roots_of_the_system_are_read_beside_the_runtime_and_shown_in_the_waterfall() {
    let (listener, address) = listen().await;
    drop(listener);
    let url = format!("wss://{address}/");
    let error = connect(&url)
        .routes(wirestack::dial::Routes::direct())
        .await
        .err()
        .unwrap();
    let events = error.trace().to_string();
    let (making, made) = (
        events.find("making the TLS settings"),
        events.find("made the TLS"),
    );
    assert!(making.is_some() && making < made, "{events}");
    // A machine without roots does not connect.
    let connecting = events.find("connecting to");
    assert!(connecting.is_none() || made < connecting, "{events}");
    assert!(
        error.trace().waterfall().to_string().contains("roots "),
        "{events}"
    );
}

#[tokio::test]
async fn three_megabytes_pass_a_proxy_over_tls_in_both_directions() {
    let target = echo(true).await;
    let (hop, _) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        secure_connect_server,
    )
    .await;
    let socket = connect(format!("wss://localhost:{}/", target.port()))
        .via(format!("https://localhost:{}", hop.port()))
        .tls(TLS.client.clone());
    let (mut writer, mut reader) = socket.await.unwrap().split();
    let message = Message::binary(vec![9; 3 << 20]);
    let sent = message.clone();
    let (sent, received) = tokio::join!(writer.send(sent), reader.next());
    sent.unwrap();
    assert_eq!(received.unwrap().unwrap(), message);
}

#[tokio::test]
async fn a_stream_carries_half_close_through_proxies() {
    let (listener, target) = listen().await;
    let (hop, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let server = tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        io.read_to_string(&mut heard).await.unwrap();
        io.write_all(b"after the end").await.unwrap();
        heard
    });
    let mut stream = connect_stream(format!("tcp://{target}"))
        .via(format!("socks5://me:secret@{hop}"))
        .await
        .unwrap();
    stream.write_all(b"before the end").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "after the end");
    assert_eq!(server.await.unwrap(), "before the end");
}

#[tokio::test]
async fn a_reset_behind_a_proxy_is_a_reset_and_not_an_end() {
    let (listener, target) = listen().await;
    let (hop, mut results) = proxy(
        ProxyServer::connect(AccessPolicy::loopback()),
        connect_server,
    )
    .await;
    let server = tokio::spawn(async move {
        let (mut io, _) = listener.accept().await.unwrap();
        io.write_all(b"so far").await.unwrap();
        let mut one = [0];
        io.read_exact(&mut one).await.unwrap();
        io.set_zero_linger().unwrap();
    });
    let mut stream = connect_stream(format!("tcp://{target}"))
        .via(format!("http://{hop}"))
        .await
        .unwrap();
    let mut heard = [0; 6];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"so far");
    stream.write_all(b"x").await.unwrap();
    let error = stream.read(&mut heard).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    server.await.unwrap();
    assert!(results.recv().await.unwrap().is_err());
}

#[tokio::test]
async fn credentials_on_challenge_open_the_same_tunnel() {
    let target = echo(false).await;
    let gate = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "you", "hidden");
    let (hop, _) = proxy(gate, connect_server).await;
    let hop: Hop = format!("http://you:hidden@{hop}").parse().unwrap();
    let mut socket = connect(format!("ws://{target}/"))
        .via(hop.on_challenge())
        .await
        .unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
}

#[tokio::test]
async fn a_proxy_that_closes_with_its_challenge_is_asked_again_on_a_new_connection() {
    let (listener, hop) = listen().await;
    let server = tokio::spawn(async move {
        let mut heads = Vec::new();
        for answer in [
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello",
        ] {
            let (mut io, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                io.read_buf(&mut head).await.unwrap();
            }
            heads.push(String::from_utf8(head).unwrap());
            io.write_all(answer.as_bytes()).await.unwrap();
        }
        heads
    });
    let hop: Hop = format!("http://you:hidden@{hop}").parse().unwrap();
    let (mut stream, trace) = connect_stream("tcp://nowhere.test:22")
        .via(hop.on_challenge())
        .traced()
        .await
        .unwrap();
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "hello");
    assert!(
        trace.to_string().contains("a new connection is needed"),
        "{trace}"
    );
    let heads = server.await.unwrap();
    assert!(!heads[0].contains("Authorization"));
    assert!(heads[1].contains("Proxy-Authorization: Basic eW91OmhpZGRlbg=="));
}

#[tokio::test]
async fn refusals_name_the_hop_and_the_layer_and_no_secret() {
    let (socks_hop, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let (strict, mut results) = proxy(
        ProxyServer::connect(AccessPolicy::nothing()),
        connect_server,
    )
    .await;
    let gate = ProxyServer::connect(AccessPolicy::loopback()).with_basic("here", "you", "hidden");
    let (guarded, _) = proxy(gate, connect_server).await;

    let wrong = connect("ws://localhost:1/").via(format!("socks5h://me:pssst@{socks_hop}"));
    let error = wrong.await.err().unwrap().to_string();
    let begins = format!("hop 1 (socks5h://{socks_hop}): socks[0]: ");
    assert!(
        error.starts_with(&begins) && !error.contains("pssst"),
        "{error}"
    );

    let dead = connect_stream("tcp://127.0.0.1:1").via(format!("socks5h://me:secret@{socks_hop}"));
    let error = dead.await.err().unwrap();
    let cause = error.layer_error().unwrap().cause::<socks::SocksError>();
    let refused = socks::Reply::ConnectionRefused;
    assert!(matches!(cause, Some(socks::SocksError::Refused { reply, .. }) if *reply == refused));

    let forbidden = connect_stream("tcp://127.0.0.1:1")
        .via(format!("socks5h://me:secret@{socks_hop}"))
        .via(format!("http://{strict}"));
    let error = forbidden.await.err().unwrap();
    let begins = format!("hop 2 (http://{strict}): connect[1]: ");
    assert!(error.to_string().starts_with(&begins), "{error}");
    let Some(http1::Http1Error::Refused(refusal)) = error.layer_error().unwrap().cause() else {
        panic!("{error}");
    };
    assert_eq!(refusal.status, 403);
    assert_eq!(
        &refusal.body[..],
        b"the policy of the proxy does not permit the target\n"
    );
    assert!(results.recv().await.unwrap().is_err());

    let unknown = connect_stream("tcp://127.0.0.1:1").via(format!("http://you:guess@{guarded}"));
    let error = unknown.await.err().unwrap().to_string();
    assert!(error.contains("407") && !error.contains("guess"), "{error}");
}

#[tokio::test]
async fn a_silent_proxy_times_out_by_name() {
    let (_listener, hop) = listen().await;
    let mut timeouts = Timeouts::default();
    timeouts.layer = Duration::from_millis(50);
    let error = connect("ws://localhost:1/")
        .via(format!("socks5h://{hop}"))
        .timeouts(timeouts)
        .await
        .err()
        .unwrap();
    let text = format!(
        "hop 1 (socks5h://{hop}): timed out after 50 ms while waiting for \
         the choice of a method, 0 bytes received"
    );
    assert_eq!(error.to_string(), text);
    assert!(matches!(error.reason(), Reason::TimedOut { seen: 0, .. }));
}

#[tokio::test]
async fn an_impossible_route_is_refused_before_anything_is_sent() {
    struct Case {
        url: &'static str,
        hop: &'static str,
        error: &'static str,
    }
    for Case { url, hop, error } in [
        Case {
            url: "wss://h",
            hop: "ftp://h",
            error: "hop 1: the URL must begin with socks5://, ",
        },
        Case {
            url: "http://h",
            hop: "http://h",
            error: "the URL names a web server (http:// or https://), but a WebSocket",
        },
        Case {
            url: "tcp://h:1",
            hop: "http://h",
            error: "the URL names a stream",
        },
        Case {
            url: "ws://[::1]",
            hop: "socks4://me@h",
            error: "SOCKS4 cannot ask for an IPv6 address",
        },
    ] {
        let refused = connect(url).via(hop).await.err().unwrap();
        assert!(matches!(refused.reason(), Reason::Invalid(_)), "{refused}");
        let text = refused.to_string();
        assert!(text.contains(error), "{url} {hop}: {text}");
    }
}
