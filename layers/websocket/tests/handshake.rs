//! The opening handshake (RFC 6455 §4), both sides, in every split.

mod support;

use bytes::Bytes;
use support::*;
use wirestack_http1::Http1Error;
use wirestack_layer::{Error, Flow, Layer, Progress, Seed};
use wirestack_websocket::{Accept, Client, Message, Request, Server, Settings, WebSocketError};

const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
const UPGRADE: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";

fn request(fields: &str) -> String {
    format!("GET /chat?x=1 HTTP/1.1\r\n{fields}\r\n")
}

fn good() -> String {
    request(&[UPGRADE, KEY, VERSION].concat())
}

fn asking(request: Request) -> ClientPort {
    Port::new(Client::new(request, Settings::default(), Seed::new([3; 32])).unwrap())
}

fn new_server() -> ServerPort {
    Port::new(Server::new(Settings::default()))
}

/// Feeds a server whole, byte by byte and in two pieces, and calls `f` with each outcome.
fn splits(bytes: &[u8], mut f: impl FnMut(ServerPort)) {
    for cut in 0..bytes.len() {
        let mut port = new_server();
        match cut {
            0 => bytes.chunks(1).for_each(|byte| port.hear(byte)),
            _ => {
                port.hear(&bytes[..cut]);
                port.hear(&bytes[cut..]);
            }
        }
        f(port);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_example_of_rfc_6455_1_3() {
    let bytes = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    splits(bytes.as_bytes(), |mut port| {
        let waits = Progress::Deciding("the upgrade request");
        assert_eq!(port.layer.progress(), waits);
        assert_eq!(port.sent(), b"", "it parks");
        let offer = port.layer.request().unwrap();
        assert_eq!(offer.uri(), "/chat");
        assert_eq!(offer.origin(), Some("http://example.com"));
        assert_eq!(offer.headers()["host"], "server.example.com");
        let subprotocols: Vec<&str> = offer.subprotocols().collect();
        assert_eq!(subprotocols, ["chat", "superchat"]);
        port.layer
            .accept(Accept::new().subprotocol("chat"))
            .unwrap();
        port.turn();
        assert!(port.layer.is_open());
        assert!(port.layer.request().is_none());
        assert_eq!(
            port.layer.status().facts.to_string(),
            "101, subprotocol chat"
        );
        assert_eq!(port.layer.subprotocol(), Some("chat"));
        let sent = text(&port.sent()).to_ascii_lowercase();
        assert!(sent.starts_with("http/1.1 101 switching protocols\r\n"));
        for field in [
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-protocol: chat",
        ] {
            assert!(sent.contains(&format!("\r\n{field}\r\n")), "{sent}");
        }
        let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert!(sent.contains(&accept.to_ascii_lowercase()), "{sent}");
    });
}

#[test]
fn frames_right_behind_the_handshake_are_the_first_frames() {
    let mut bytes = good().into_bytes();
    bytes.extend(encode(
        &[frame(0x81, "early"), frame(0x89, "p"), frame(0x81, "more")],
        true,
    ));
    splits(&bytes, |mut port| {
        port.from_app.push(Message::text("queued before"));
        port.layer.accept(Accept::new()).unwrap();
        port.turn();
        let heard = [Message::text("early"), Message::text("more")];
        assert_eq!(messages(&mut port.to_app), heard);
        let sent = port.sent();
        let frames = [frame(0x8a, "p"), frame(0x81, "queued before")];
        assert!(sent.ends_with(&encode(&frames, false)), "{}", text(&sent));
    });
}

#[test]
fn client_and_server_open_over_one_another() {
    let request = Request::new("ws://example.org:8080/a b".replace(' ', "%20").as_str())
        .unwrap()
        .subprotocol("v2")
        .unwrap()
        .subprotocol("v1")
        .unwrap()
        .header("origin", "http://example.org")
        .unwrap();
    let (mut client, mut server) = (asking(request), new_server());
    client.turn();
    assert_eq!(
        client.layer.progress(),
        Progress::Opening("the upgrade response")
    );
    let sent = client.sent();
    assert!(text(&sent).starts_with("GET /a%20b HTTP/1.1\r\nHost: example.org:8080\r\n"));
    server.hear(&sent);
    let error = server.layer.accept(Accept::new().subprotocol("v3"));
    let cause = WebSocketError::UnofferedSubprotocol("v3".to_owned());
    assert_eq!(error.unwrap_err().cause(), Some(&cause));
    let accept = Accept::new().subprotocol("v1");
    let accept = accept.header("x-served-by", "test").unwrap();
    server.layer.accept(accept).unwrap();
    server.from_app.push(Message::text("at once"));
    server.turn();
    let response = server.sent();
    let seed = || Seed::new([3; 32]);
    for cut in 0..response.len() {
        let request = Request::new("ws://h/").unwrap().subprotocol("v1").unwrap();
        let client = Client::new(request, Settings::default(), seed()).unwrap();
        let mut client = Port::new(client);
        client.turn();
        client.hear(&response[..cut]);
        client.hear(&response[cut..]);
        assert!(client.layer.is_open());
        let heard = messages(&mut client.to_app);
        assert_eq!(heard, [Message::text("at once")]);
        assert_eq!(client.layer.subprotocol(), Some("v1"));
        assert_eq!(
            client.layer.status().facts.to_string(),
            "101, subprotocol v1"
        );
        let headers = client.layer.response().unwrap().headers();
        assert_eq!(headers["x-served-by"], "test");
    }
}

#[test]
fn a_client_asks_as_rfc_6455_4_1_says() {
    for (uri, target, host) in [
        ("ws://example.org", "/", "example.org"),
        ("ws://example.org:80/a?b=c", "/a?b=c", "example.org"),
        ("wss://example.org:443?q", "/?q", "example.org"),
        ("wss://example.org:80/", "/", "example.org:80"),
        ("ws://[::1]:8080/x", "/x", "[::1]:8080"),
        ("WS://[::1]/x", "/x", "[::1]"),
    ] {
        let mut port = asking(Request::new(uri).unwrap());
        port.turn();
        let sent = text(&port.sent());
        assert!(
            sent.starts_with(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n")),
            "{sent}"
        );
        let sent = sent.to_ascii_lowercase();
        for field in [
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-version: 13",
        ] {
            assert!(sent.contains(&format!("\r\n{field}\r\n")), "{sent}");
        }
        assert!(!sent.contains("sec-websocket-protocol"), "{sent}");
    }
}

#[test]
fn uris_that_are_not_a_websockets() {
    for uri in [
        "",
        "ws://",
        "/chat",
        "example.org",
        "http://example.org/",
        "ws://user:secret@example.org/",
        "ws://example.org/#fragment",
        "ws://example.org:0/",
        "ws://example.org:99999/",
        "ws://example.org/a b",
        "ws://exa\r\nmple.org/",
    ] {
        let error = Request::new(uri).unwrap_err();
        assert!(
            matches!(error.cause(), Some(WebSocketError::BadUri(_))),
            "{uri}"
        );
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn fields_of_the_handshake_cannot_be_overridden_nor_injected() {
    for name in [
        "host",
        "upgrade",
        "connection",
        "content-length",
        "sec-websocket-key",
        "Sec-WebSocket-Extensions",
        "sec-websocket-accept",
    ] {
        let request = Request::new("ws://h/").unwrap().header(name, "x");
        let cause = request.unwrap_err();
        assert!(matches!(
            cause.cause(),
            Some(WebSocketError::ReservedField(_))
        ));
        assert!(Accept::new().header(name, "x").is_err(), "{name}");
    }
    for (name, value) in [("x-a", "b\r\nc: d"), ("x a", "b"), ("x\r\n", "b")] {
        let request = Request::new("ws://h/").unwrap().header(name, value);
        let cause = request.unwrap_err();
        assert_eq!(cause.cause(), Some(&WebSocketError::InvalidField));
    }
    for name in ["", "a b", "a,b", "a\r\nb", "é"] {
        let request = Request::new("ws://h/").unwrap().subprotocol(name);
        assert!(request.is_err(), "{name}");
    }
    let request = Request::new("ws://h/").unwrap();
    let request = request.header("authorization", "Basic c2VjcmV0").unwrap();
    assert!(!format!("{request:?}").contains("c2VjcmV0"));
}

#[test]
fn the_key_is_fresh_for_each_seed() {
    let key = |seed| {
        let request = Request::new("ws://h/").unwrap();
        let seed = Seed::new([seed; 32]);
        let mut port = Port::new(Client::new(request, Settings::default(), seed).unwrap());
        port.turn();
        text(&port.sent())
    };
    assert_ne!(key(1), key(2));
}

/// A response with the right proof for the key of a client that was seeded as `asking` does.
fn response(fields: &str) -> (ClientPort, String) {
    let request = Request::new("ws://h/")
        .unwrap()
        .subprotocol("chat")
        .unwrap();
    let mut client = asking(request);
    client.turn();
    let mut server = new_server();
    server.hear(&client.sent());
    server.layer.accept(Accept::new()).unwrap();
    server.turn();
    let sent = text(&server.sent());
    let sent = sent.replacen("\r\n\r\n", &format!("\r\n{fields}\r\n"), 1);
    (client, sent)
}

#[test]
fn the_accept_is_verified() {
    let accept = |sent: &str| {
        let start = sent
            .to_ascii_lowercase()
            .find("sec-websocket-accept")
            .unwrap();
        let end = start + sent[start..].find("\r\n").unwrap() + 2;
        sent[start..end].to_owned()
    };
    type Change = fn(&str) -> String;
    let changes: [Change; 4] = [
        |_| String::new(),
        |line| line.repeat(2),
        |line| line.to_ascii_lowercase(),
        |_| "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n".to_owned(),
    ];
    for change in changes {
        let (mut client, sent) = response("");
        let line = accept(&sent);
        client.hear(sent.replace(&line, &change(&line)).as_bytes());
        assert_eq!(cause(&client.to_app), Some(Err(WebSocketError::BadAccept)));
        assert!(!client.layer.is_open());
        assert_eq!(client.layer.progress(), Progress::Over);
        assert!(client.to_wire.is_closed());
    }
}

#[test]
fn what_was_not_offered_cannot_be_chosen() {
    let protocol = |value: &str| Some(WebSocketError::UnofferedSubprotocol(value.to_owned()));
    for (fields, wanted) in [
        ("", None),
        ("Sec-WebSocket-Protocol: chat\r\n", None),
        ("Sec-WebSocket-Protocol: Chat\r\n", protocol("Chat")),
        (
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
            protocol("chat, chat"),
        ),
        (
            "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            Some(WebSocketError::UnofferedExtension(
                "permessage-deflate".to_owned(),
            )),
        ),
    ] {
        let (mut client, sent) = response(fields);
        client.hear(sent.as_bytes());
        assert_eq!(cause(&client.to_app), wanted.clone().map(Err), "{fields}");
        assert_eq!(client.layer.is_open(), wanted.is_none());
    }
}

#[test]
fn a_refusal_reaches_the_client_with_its_status() {
    let mut port = asking(Request::new("ws://h/").unwrap());
    port.turn();
    port.hear(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let error = end(&port.to_app).unwrap().unwrap_err();
    let Some(Http1Error::Refused(refusal)) = error.cause() else {
        panic!("{error}");
    };
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.body, "no");
}

#[test]
fn malformed_handshakes_are_refused_with_the_right_status() {
    let all = [UPGRADE, KEY, VERSION].concat();
    let key = |value: &str| request(&format!("{UPGRADE}{VERSION}Sec-WebSocket-Key: {value}\r\n"));
    let bad_key = || WebSocketError::BadField("sec-websocket-key".parse().unwrap());
    for (bytes, status, wanted) in [
        (
            good().replace("GET", "POST"),
            "405",
            WebSocketError::NotGet(http::Method::POST),
        ),
        (
            good().replace("HTTP/1.1", "HTTP/1.0"),
            "400",
            WebSocketError::OldHttp(http::Version::HTTP_10),
        ),
        (
            good().replace("Upgrade: websocket", "Upgrade: h2c"),
            "426",
            WebSocketError::NoUpgrade,
        ),
        (
            good().replace("Connection: Upgrade", "Connection: close"),
            "426",
            WebSocketError::NoUpgrade,
        ),
        (request("Host: h\r\n"), "426", WebSocketError::NoUpgrade),
        (
            good().replace("Version: 13", "Version: 8"),
            "426",
            WebSocketError::UnsupportedVersion,
        ),
        (
            good().replace(VERSION, ""),
            "426",
            WebSocketError::UnsupportedVersion,
        ),
        (
            request(&[&all, VERSION].concat()),
            "426",
            WebSocketError::UnsupportedVersion,
        ),
        (good().replace(KEY, ""), "400", bad_key()),
        (request(&[&all, KEY].concat()), "400", bad_key()),
        (key("dGhlIHNhbXBsZSBub25j"), "400", bad_key()),
        (key("not base64 at all!!!"), "400", bad_key()),
        (
            request(&format!("{all}Sec-WebSocket-Protocol: a b\r\n")),
            "400",
            WebSocketError::BadField("sec-websocket-protocol".parse().unwrap()),
        ),
        (
            request(&format!("{all}Sec-WebSocket-Protocol: a, a\r\n")),
            "400",
            WebSocketError::BadField("sec-websocket-protocol".parse().unwrap()),
        ),
    ] {
        splits(bytes.as_bytes(), |mut port| {
            assert_eq!(cause(&port.to_app), Some(Err(wanted.clone())));
            assert!(port.layer.request().is_none());
            assert!(!port.layer.is_open());
            let sent = text(&port.sent());
            assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}");
            let lower = sent.to_ascii_lowercase();
            if wanted == WebSocketError::UnsupportedVersion {
                assert!(lower.contains("\r\nsec-websocket-version: 13\r\n"));
            }
            if status == "426" {
                assert!(lower.contains("\r\nupgrade: websocket\r\n"), "{sent}");
            }
            assert!(port.to_wire.is_closed());
        });
    }
}

#[test]
fn tokens_of_the_upgrade_are_compared_without_case() {
    for (upgrade, connection) in [
        ("WebSocket", "upgrade"),
        ("h2c, WEBSOCKET", "keep-alive, Upgrade"),
    ] {
        let bytes = request(&format!(
            "Host: h\r\nUpgrade: {upgrade}\r\nConnection: {connection}\r\n{KEY}{VERSION}"
        ));
        let mut port = new_server();
        port.hear(bytes.as_bytes());
        assert!(port.layer.request().is_some(), "{bytes}");
    }
}

#[test]
fn a_request_without_host_is_refused() {
    let mut port = new_server();
    port.hear(good().replace("Host: h\r\n", "").as_bytes());
    assert!(text(&port.sent()).starts_with("HTTP/1.1 400 "));
    let error = end(&port.to_app).unwrap().unwrap_err();
    assert!(error.cause::<Http1Error>().is_some(), "{error}");
}

/// CVE-2023-43669: a handshake's head was unbounded.
#[test]
fn the_head_of_the_handshake_is_bounded() {
    let mut port = new_server();
    port.hear(b"GET / HTTP/1.1\r\n");
    let mut fed = 0;
    while !port.to_app.is_closed() {
        port.hear(&[b'x'; 1000]);
        fed += 1000;
        assert!(fed < 100_000, "unbounded");
    }
    let mut settings = Settings::default();
    settings.head.head = 100;
    let mut port = Port::new(Server::new(settings));
    port.hear(good().as_bytes());
    let error = end(&port.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1Error::HeadTooLarge(100))));
}

#[test]
fn an_application_rejects() {
    let mut port = new_server();
    let nothing = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.cause(), Some(&WebSocketError::NothingToDecide));
    };
    nothing(port.layer.accept(Accept::new()));
    port.hear(good().as_bytes());
    let mut response = http::Response::new(Bytes::from_static(b"who are you"));
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    port.layer.reject(response).unwrap();
    nothing(port.layer.accept(Accept::new()));
    port.turn();
    let sent = text(&port.sent());
    assert!(sent.starts_with("HTTP/1.1 401 ") && sent.ends_with("\r\n\r\nwho are you"));
    let error = end(&port.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1Error::Rejected(status)) if *status == 401));
    nothing(port.layer.accept(Accept::new()));
}

#[test]
fn a_layer_that_is_opening_heeds_aborts() {
    let broke = || Error::local("test", "it broke");
    let mut port = new_server();
    port.hear(good().as_bytes());
    port.from_wire.abort(broke());
    port.turn();
    assert_eq!(end(&port.to_app).unwrap().unwrap_err().layer(), "test");

    let mut port = asking(Request::new("ws://h/").unwrap());
    port.turn();
    port.from_app.push(Message::text("unsent"));
    port.from_app.abort(broke());
    port.turn();
    port.sent();
    assert_eq!(end(&port.to_wire).unwrap().unwrap_err().layer(), "test");
    assert_eq!(end(&port.to_app).unwrap().unwrap_err().layer(), "test");
    assert!(port.from_app.is_empty());

    let mut port = asking(Request::new("ws://h/").unwrap());
    port.turn();
    port.from_wire.finish();
    port.turn();
    let error = end(&port.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1Error::Truncated { .. })));
}
