//! The types that name a server, and a request as the start.

use super::{start, values};
use http::{Method, Request, Uri};
use wirestack::dial::{DialError, Reason, RouteError, Target};
use wirestack::websocket::Message;
use wirestack::{Connect, WebSocket, connect, connect_http2, connect_stream};

/// Returns what the server tells of the request.
async fn told(connect: Connect) -> String {
    let mut socket = connect.direct().await.unwrap();
    text(&mut socket).await
}

async fn text(socket: &mut WebSocket) -> String {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => text.to_string(),
        Message::Binary(_) => panic!("not a text"),
    }
}

#[test]
fn an_error_that_a_main_returns_prints_its_sentence() {
    let errors: Vec<Box<dyn std::error::Error>> = vec![
        Box::new("ws://h:0/".parse::<Target>().unwrap_err()),
        Box::new("proxy:3128".parse::<wirestack::dial::Hop>().unwrap_err()),
        Box::new(
            "conect(h)"
                .parse::<wirestack::dial::StackSpec>()
                .unwrap_err(),
        ),
        Box::new("10.0.0.0/33".parse::<wirestack::Network>().unwrap_err()),
        Box::new(wirestack::websocket::Origins::only("nowhere").unwrap_err()),
        Box::new(wirestack::socks::Address::new("", 1).unwrap_err()),
        Box::new(wirestack::socks::Server::with_credentials("a".repeat(300), "").unwrap_err()),
        Box::new(wirestack::socks::datagram::parse(b"").unwrap_err()),
        Box::new(
            wirestack::tls::ClientSettings::new()
                .ca_certificates("x")
                .build()
                .unwrap_err(),
        ),
        Box::new(connect("ws://h/").header("a b", "").plan().unwrap_err()),
    ];
    for error in errors {
        assert_eq!(format!("{error:?}"), error.to_string());
        assert_eq!(format!("{error:#?}"), error.to_string());
    }
}

#[test]
fn the_error_of_a_field_names_it_and_not_its_value() {
    let error = connect("ws://h/")
        .header("x-key", "hunter2\n")
        .plan()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "http: the value of the field x-key has a control character, which HTTP cannot send"
    );
    let error = connect("ws://h/")
        .header("x key", "hunter2")
        .plan()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("http: the name of a field is no token"),
        "{error}"
    );
}

#[tokio::test]
async fn connect_takes_each_type_that_names_a_url() {
    let url = format!("ws://127.0.0.1:{}/chat?room=7", start(false).await);
    let uri: Uri = url.parse().unwrap();
    let target: Target = url.parse().unwrap();
    for connect in [
        connect(url.as_str()),
        connect(&url),
        connect(url.clone()),
        connect(&uri),
        connect(uri.clone()),
        connect(target.clone()),
    ] {
        assert!(told(connect).await.starts_with("GET /chat?room=7\n"));
    }
    let plain = url.split("/chat").next().unwrap().replace("ws:", "tcp:");
    assert!(connect_stream(&plain).direct().await.is_ok());
    let http2 = connect_http2(uri).direct().await.unwrap();
    assert!(http2.websocket("/").await.is_ok());
}

#[cfg(feature = "url")]
#[tokio::test]
async fn a_url_of_the_crate_url_is_taken_as_each_of_them() {
    let url = format!("ws://127.0.0.1:{}/chat?room=7", start(false).await);
    let parsed: url::Url = url.parse().unwrap();
    for connect in [connect(&parsed), connect(parsed.clone())] {
        assert!(told(connect).await.starts_with("GET /chat?room=7\n"));
    }
    let stream = url.split("/chat").next().unwrap().replace("ws:", "tcp:");
    let stream: url::Url = stream.parse().unwrap();
    for stream in [connect_stream(&stream), connect_stream(stream)] {
        assert!(stream.direct().await.is_ok());
    }
    let hop: url::Url = "http://127.0.0.1:9".parse().unwrap();
    let base = || connect("ws://target.test/");
    for connect in [base().via(&hop), base().proxy(hop)] {
        let shown = format!("{connect:?}");
        assert!(shown.contains("Hop(http://127.0.0.1:9)"), "{shown}");
    }
}

#[tokio::test]
async fn a_hop_may_be_of_each_type_that_names_a_url() {
    let url = "http://127.0.0.1:9"; // nothing listens there, and nothing is connected
    let uri: Uri = url.parse().unwrap();
    let hop: wirestack::dial::Hop = url.parse().unwrap();
    let base = || connect("ws://target.test/");
    for connect in [
        base().via(url),
        base().proxy(url.to_owned()),
        base().via(&uri),
        base().proxy(uri),
        base().proxy(hop),
    ] {
        assert!(
            format!("{connect:?}").contains("Hop(http://127.0.0.1:9)"),
            "{connect:?}"
        );
    }
}

#[tokio::test]
async fn a_request_brings_its_fields_and_subprotocols_and_not_its_handshake() {
    let port = start(false).await;
    let request = Request::get(format!("ws://127.0.0.1:{port}/chat"))
        .header("host", format!("127.0.0.1:{port}"))
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "a, b")
        .header("authorization", "Bearer token")
        .header("x-one", "1")
        .header("x-one", "2")
        .body(())
        .unwrap();
    let mut socket = connect(request).direct().await.unwrap();
    assert_eq!(socket.subprotocol(), Some("b"));
    let told = text(&mut socket).await;
    assert_eq!(values(&told, "x-one"), ["1", "2"]);
    assert_eq!(values(&told, "authorization"), ["Bearer token"]);
    assert_eq!(values(&told, "host"), [format!("127.0.0.1:{port}")]);
    let keys = values(&told, "sec-websocket-key");
    assert!(
        keys.len() == 1 && keys != ["dGhlIHNhbXBsZSBub25jZQ=="],
        "{told}"
    );
    assert_eq!(values(&told, "sec-websocket-version"), ["13"]);
    assert_eq!(values(&told, "sec-websocket-protocol"), ["a, b"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_told_when_it_is_awaited() {
    let get = || Request::get("ws://example.test/");
    let requests = [
        ("method", get().method(Method::POST).body(())),
        ("Host", get().header("host", "other.test").body(())),
        ("Upgrade", get().header("upgrade", "h2c").body(())),
        (
            "Version",
            get().header("sec-websocket-version", "8").body(()),
        ),
        (
            "Extensions",
            get().header("sec-websocket-extensions", "x").body(()),
        ),
    ];
    for (part, request) in requests {
        let error = failed(connect(request.unwrap())).await;
        assert!(error.to_string().contains(part), "{part}: {error}");
        let cause = error.layer_error().or(invalid(&error));
        let cause = cause.and_then(|error| error.cause::<RouteError>());
        assert!(matches!(cause, Some(RouteError::Request(_))), "{error:?}");
    }
    let relative: Uri = "/chat".parse().unwrap();
    for connect in [
        connect(""),
        connect(relative),
        connect("ws://example.test/ x"),
    ] {
        let error = failed(connect).await;
        assert!(invalid(&error).is_some(), "{error}");
    }
}

async fn failed(connect: Connect) -> DialError {
    connect.direct().await.unwrap_err()
}

fn invalid(error: &DialError) -> Option<&wirestack::Error> {
    match error.reason() {
        Reason::Invalid(error) => Some(error),
        _ => None,
    }
}
