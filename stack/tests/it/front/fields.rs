//! The fields of a handshake, as the builders set them.

use super::{start, values};
use crate::support::TLS;
use std::time::Duration;
use wirestack::websocket::Message;
use wirestack::{Connector, connect, connect_http2, connect_stream};

fn text(message: Option<Result<Message, wirestack::Error>>) -> String {
    match message.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        Message::Binary(_) => panic!("not a text"),
    }
}

/// Sets one field by each method.
macro_rules! with_all {
    ($builder:expr) => {
        $builder
            .bearer("before")
            .bearer("t0ken")
            .user_agent("test/1")
            .origin("https://page.test")
            .cookie("a", "1")
            .header("cookie", "b=2")
            .cookie("c", "\"3\"")
            .header("x-text", String::from("plain"))
            .header(http::header::ACCEPT_LANGUAGE, "eo")
            .subprotocol("b")
    };
}

fn check(told: &str) {
    assert_eq!(values(told, "authorization"), ["Bearer t0ken"]);
    assert_eq!(values(told, "user-agent"), ["test/1"]);
    assert_eq!(values(told, "origin"), ["https://page.test"]);
    // HTTP/2 may split the field and joins it again (RFC 9113 §8.2.3).
    assert_eq!(values(told, "cookie"), ["a=1; b=2; c=\"3\""]);
    assert_eq!(values(told, "x-text"), ["plain"]);
    assert_eq!(values(told, "accept-language"), ["eo"]);
    assert_eq!(values(told, "sec-websocket-protocol"), ["b"]);
}

#[tokio::test]
async fn every_method_for_a_field_works_over_each_version() {
    let plain = format!("ws://127.0.0.1:{}", start(false).await);
    let secure = format!("wss://localhost:{}", start(true).await);
    let mut socket = with_all!(connect(&plain).direct()).await.unwrap();
    check(&text(socket.next().await));
    let over_http2 = connect(&secure).direct().tls(TLS.client.clone());
    let mut socket = with_all!(over_http2.http2_only()).await.unwrap();
    check(&text(socket.next().await));
    let http2 = connect_http2(&secure).direct().tls(TLS.client.clone());
    let http2 = http2.await.unwrap();
    let mut socket = with_all!(http2.websocket("/")).await.unwrap();
    check(&text(socket.next().await));
}

#[cfg(feature = "blocking")]
#[test]
fn every_method_for_a_field_works_in_a_thread() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let port = tokio.block_on(start(false));
    let connect = connect(format!("ws://127.0.0.1:{port}")).direct();
    let mut socket = with_all!(connect).blocking().unwrap();
    check(&text(socket.next()));
    socket.close(1000, "").unwrap();
}

#[tokio::test]
async fn credentials_that_are_set_replace_those_of_the_url() {
    let url = format!("ws://me:secret@127.0.0.1:{}", start(false).await);
    let basic = "Basic bWU6c2VjcmV0"; // me:secret
    let connect = || connect(&url).direct();
    for (connect, wanted) in [
        (connect(), basic),
        (connect().bearer("x"), "Bearer x"),
        (connect().header("Authorization", "Other x"), "Other x"),
        (connect().bearer("x").basic_auth("me", "secret"), basic),
    ] {
        let mut socket = connect.await.unwrap();
        let told = text(socket.next().await);
        assert_eq!(values(&told, "authorization"), [wanted]);
    }
}

#[tokio::test]
async fn a_wrong_field_is_told_when_it_is_awaited_and_nothing_is_sent() {
    let connect = || connect("ws://127.0.0.1:9").direct();
    for (connect, wanted) in [
        (connect().header("a b", "x"), "no token"),
        (connect().header("x", "a\r\nb: c"), "control character"),
        (connect().bearer("a\nb"), "control character"),
        (connect().user_agent("a\0"), "control character"),
        (connect().basic_auth("a:b", "x"), "colon"),
        (connect().cookie("a", "b; c=d"), "cookie"),
        (connect().cookie("a=b", "c"), "cookie"),
        (
            connect().header("host", "other.test"),
            "set by the handshake",
        ),
        (
            connect().header("sec-websocket-key", "x"),
            "set by the handshake",
        ),
        (connect().subprotocol("a b"), "not a token"),
    ] {
        let error = connect.await.unwrap_err().to_string();
        assert!(error.contains(wanted), "{wanted}: {error}");
    }
}

#[test]
fn no_debug_of_a_builder_shows_a_secret() {
    let url = "wss://u:hunter2@h.test/?token=hunter2";
    let hop = "http://u:hunter2@proxy.test:3128";
    let request = || {
        let request = http::Request::get(url).header("x-api-key", "hunter2");
        wirestack::WebSocketRequest::try_from(request.body(()).unwrap()).unwrap()
    };
    let full = connect(request())
        .via(hop)
        .bearer("hunter2")
        .cookie("a", "hunter2");
    let full = full
        .basic_auth("me", "hunter2")
        .header("authorization", "hunter2");
    let stream = || connect_stream("tls://h.test:1").proxy(hop);
    let shown = [
        format!("{full:?} {full:#?}"),
        format!("{:?}", request()),
        format!("{:?}", stream()),
        format!("{:?}", stream().then(|_| Ok(wirestack::Identity))),
        format!("{:?}", connect_http2(url).via(hop)),
        format!("{:?}", Connector::default().via(hop)),
        format!("{:?}", wirestack::associate("socks5://u:hunter2@h.test")),
        format!(
            "{:?}",
            full.clone()
                .reconnecting(wirestack::dial::Backoff::default())
        ),
        format!("{:?}", full.plan().unwrap()),
    ];
    for shown in shown {
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(
            shown.contains("h.test") || shown.contains("proxy.test"),
            "{shown}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_out_of_the_whole_ends_each_step() {
    // A proxy that takes connections and says nothing.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let start = tokio::time::Instant::now();
    let connect = connect("ws://target.test").proxy(proxy);
    let error = connect.timeout(Duration::from_secs(3)).await.unwrap_err();
    assert!(error.to_string().contains("timed out after 3 s"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(4));
}
