//! The request of a client, and the responses that it refuses.

use super::{asking, head, new_server};
use crate::kit::*;
use wirestack_http1::Http1Error as Http1;
use wirestack_layer::{Flow, Layer, Progress, Seed};
use wirestack_websocket::{Accept, Client, ClientRequest, WebSocketConfig, WebSocketError};

#[test]
fn a_client_sends_the_request_of_rfc_6455_4_1() {
    struct Row {
        uri: &'static str,
        target: &'static str,
        host: &'static str,
    }
    for Row { uri, target, host } in [
        Row {
            uri: "ws://example.org",
            target: "/",
            host: "example.org",
        },
        Row {
            uri: "ws://example.org:80/a?b=c",
            target: "/a?b=c",
            host: "example.org",
        },
        Row {
            uri: "wss://example.org:443?q",
            target: "/?q",
            host: "example.org",
        },
        Row {
            uri: "wss://example.org:80/",
            target: "/",
            host: "example.org:80",
        },
        Row {
            uri: "ws://[::1]:8080/x",
            target: "/x",
            host: "[::1]:8080",
        },
        Row {
            uri: "WS://[::1]/x",
            target: "/x",
            host: "[::1]",
        },
    ] {
        let mut side = asking(ClientRequest::new(uri).unwrap());
        side.process();
        let sent = head(&side.sent());
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
fn a_uri_that_is_not_of_a_websocket_is_refused() {
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
        "ws://example.org/caf\u{e9}",
        "ws://example.org/?\u{80}",
        "ws://ex\u{e4}mple.org/",
    ] {
        let error = ClientRequest::new(uri).unwrap_err();
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
        let request = ClientRequest::new("ws://h/").unwrap().header(name, "x");
        let cause = request.unwrap_err();
        assert!(matches!(
            cause.cause(),
            Some(WebSocketError::ReservedField(_))
        ));
        assert!(Accept::new().header(name, "x").is_err(), "{name}");
    }
    for (name, value) in [("x-a", "b\r\nc: d"), ("x a", "b"), ("x\r\n", "b")] {
        let request = ClientRequest::new("ws://h/").unwrap().header(name, value);
        let cause = request.unwrap_err();
        assert_eq!(cause.cause(), Some(&WebSocketError::InvalidField));
    }
    for name in ["", "a b", "a,b", "a\r\nb", "é"] {
        let request = ClientRequest::new("ws://h/").unwrap().subprotocol(name);
        assert!(request.is_err(), "{name}");
    }
    let request = ClientRequest::new("ws://h/").unwrap();
    let request = request.header("authorization", "Basic c2VjcmV0").unwrap();
    assert!(!format!("{request:?}").contains("c2VjcmV0"));
}

#[test]
fn the_key_is_fresh_for_each_seed() {
    let key = |seed| {
        let request = ClientRequest::new("ws://h/").unwrap();
        let seed = Seed::new([seed; 32]);
        let mut side = Side::new(Client::new(request, WebSocketConfig::default(), seed).unwrap());
        side.process();
        head(&side.sent())
    };
    assert_ne!(key(1), key(2));
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
        client.receive(sent.replace(&line, &change(&line)).as_bytes());
        assert_eq!(cause(&client.to_app), Some(Err(WebSocketError::BadAccept)));
        assert!(!client.layer.is_open());
        assert_eq!(client.layer.progress(), Progress::Over);
        assert!(client.to_wire.is_closed());
    }
}

#[test]
fn a_server_cannot_choose_what_was_not_offered() {
    let protocol = |value: &str| Some(WebSocketError::UnofferedSubprotocol(value.to_owned()));
    struct Row {
        fields: &'static str,
        cause: Option<WebSocketError>,
    }
    for row in [
        Row {
            fields: "",
            cause: None,
        },
        Row {
            fields: "Sec-WebSocket-Protocol: chat\r\n",
            cause: None,
        },
        Row {
            fields: "Sec-WebSocket-Protocol: Chat\r\n",
            cause: protocol("Chat"),
        },
        Row {
            fields: "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n",
            cause: protocol("chat, chat"),
        },
        Row {
            fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n",
            cause: Some(WebSocketError::UnofferedExtension(
                "permessage-deflate".to_owned(),
            )),
        },
    ] {
        let (mut client, sent) = response(row.fields);
        client.receive(sent.as_bytes());
        assert_eq!(client.layer.is_open(), row.cause.is_none());
        assert_eq!(cause(&client.to_app), row.cause.map(Err), "{}", row.fields);
    }
}

#[test]
fn a_refusal_reaches_the_client_with_its_status() {
    let mut side = asking(ClientRequest::new("ws://h/").unwrap());
    side.process();
    side.receive(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    let error = end(&side.to_app).unwrap().unwrap_err();
    let Some(Http1::Refused(refusal)) = error.cause() else {
        panic!("{error}");
    };
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.body, "no");
}

/// A client that offers the subprotocol `chat`, and a response with the right accept for its key
/// and with these fields.
fn response(fields: &str) -> (ClientSide, String) {
    let request = ClientRequest::new("ws://h/")
        .unwrap()
        .subprotocol("chat")
        .unwrap();
    let mut client = asking(request);
    client.process();
    let mut server = new_server();
    server.receive(&client.sent());
    server.layer.accept(Accept::new()).unwrap();
    server.process();
    let sent = head(&server.sent());
    let sent = sent.replacen("\r\n\r\n", &format!("\r\n{fields}\r\n"), 1);
    (client, sent)
}

#[test]
fn a_redirect_goes_to_another_uri_and_takes_no_secret_to_another_origin() {
    let mut secret = http::HeaderValue::from_static("key");
    secret.set_sensitive(true);
    let request = ClientRequest::new("wss://a.test/chat").unwrap();
    assert_eq!(
        (request.uri().to_string(), request.port()),
        ("wss://a.test/chat".into(), 443)
    );
    let request = request.header("authorization", "Basic dTpw").unwrap();
    let request = request.header("cookie", "a=b").unwrap();
    let request = request.header("x-key", secret).unwrap();
    let request = request.header("x-plain", "stays").unwrap();
    for (same_origin, kept) in [(true, 4), (false, 1)] {
        let moved = request.clone().redirected("ws://b.test/room", same_origin);
        let moved = moved.unwrap();
        assert_eq!(moved.uri().to_string(), "ws://b.test/room");
        assert_eq!((moved.host(), moved.port()), ("b.test", 80));
        let sent = moved.to_http2(&WebSocketConfig::default());
        let own = ["authorization", "cookie", "x-key", "x-plain"];
        let own = own
            .iter()
            .filter(|name| sent.headers().contains_key(**name));
        assert_eq!(own.count(), kept, "{same_origin}");
        assert!(sent.headers().contains_key("x-plain"));
    }
    assert_eq!(
        ClientRequest::new("ws://a.test:8080/").unwrap().port(),
        8080
    );
}
