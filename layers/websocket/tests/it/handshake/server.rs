//! The requests that a server reads, and those that it refuses.

use super::{KEY, UPGRADE, VERSION, good, head, new_server, request, splits};
use crate::kit::*;
use wirestack_http1::Http1Error as Http1;
use wirestack_layer::{Flow, Layer};
use wirestack_websocket::{Origins, Server, WebSocketConfig, WebSocketError};

#[test]
fn pitfall_59_a_page_of_another_origin_gets_a_403_and_the_application_is_not_asked() {
    let asked = |origins: Option<Origins>, fields: &str| {
        let server = Server::new(WebSocketConfig::default());
        let mut side = Side::new(match origins {
            Some(origins) => server.with_origins(origins),
            None => server,
        });
        side.receive(good().replace("Host: h\r\n", fields).as_bytes());
        side
    };
    for (fields, passes) in [
        ("Host: h\r\n", true),
        ("Host: h\r\nOrigin: https://h\r\n", true),
        ("Host: h:8080\r\nOrigin: http://h:8080\r\n", true),
        ("Host: h\r\nOrigin: https://evil.example\r\n", false),
        ("Host: h\r\nOrigin: null\r\n", false),
        ("Host: h\r\nOrigin: \r\n", false),
        (
            "Host: h\r\nOrigin: https://h\r\nOrigin: https://h\r\n",
            false,
        ),
        ("Host: h\r\nOrigin: https://h:8443\r\n", false),
    ] {
        let mut side = asked(None, fields);
        assert_eq!(side.layer.request().is_some(), passes, "{fields}");
        assert!(
            asked(Some(Origins::any()), fields)
                .layer
                .request()
                .is_some()
        );
        if !passes {
            let answer = head(&side.sent());
            assert!(answer.starts_with("HTTP/1.1 403 "), "{fields}: {answer}");
            let error = end(&side.to_app).unwrap().unwrap_err();
            let cause = error.cause::<WebSocketError>();
            assert!(
                matches!(cause, Some(WebSocketError::ForeignOrigin(_))),
                "{error}"
            );
        }
    }
    let named = Origins::only("https://app.example").unwrap();
    let mut side = asked(Some(named), "Host: h\r\nOrigin: https://app.example\r\n");
    assert!(side.layer.request().is_some() && side.sent().is_empty());
}

#[test]
fn malformed_handshakes_are_refused_with_the_right_status() {
    let all = [UPGRADE, KEY, VERSION].concat();
    let key = |value: &str| request(&format!("{UPGRADE}{VERSION}Sec-WebSocket-Key: {value}\r\n"));
    let bad_key = || WebSocketError::BadField("sec-websocket-key".parse().unwrap());
    struct Row {
        request: String,
        status: &'static str,
        cause: WebSocketError,
    }
    for row in [
        Row {
            request: good().replace("GET", "POST"),
            status: "405",
            cause: WebSocketError::NotGet(http::Method::POST),
        },
        Row {
            request: good().replace("HTTP/1.1", "HTTP/1.0"),
            status: "400",
            cause: WebSocketError::OldHttp(http::Version::HTTP_10),
        },
        Row {
            request: good().replace("Upgrade: websocket", "Upgrade: h2c"),
            status: "426",
            cause: WebSocketError::NoUpgrade,
        },
        Row {
            request: good().replace("Connection: Upgrade", "Connection: close"),
            status: "426",
            cause: WebSocketError::NoUpgrade,
        },
        Row {
            request: request("Host: h\r\n"),
            status: "426",
            cause: WebSocketError::NoUpgrade,
        },
        Row {
            request: good().replace("Version: 13", "Version: 8"),
            status: "426",
            cause: WebSocketError::UnsupportedVersion,
        },
        Row {
            request: good().replace(VERSION, ""),
            status: "426",
            cause: WebSocketError::UnsupportedVersion,
        },
        Row {
            request: request(&[&all, VERSION].concat()),
            status: "426",
            cause: WebSocketError::UnsupportedVersion,
        },
        Row {
            request: good().replace(KEY, ""),
            status: "400",
            cause: bad_key(),
        },
        Row {
            request: request(&[&all, KEY].concat()),
            status: "400",
            cause: bad_key(),
        },
        Row {
            request: key("dGhlIHNhbXBsZSBub25j"),
            status: "400",
            cause: bad_key(),
        },
        Row {
            request: key("not base64 at all!!!"),
            status: "400",
            cause: bad_key(),
        },
        Row {
            request: request(&format!("{all}Sec-WebSocket-Protocol: a b\r\n")),
            status: "400",
            cause: WebSocketError::BadField("sec-websocket-protocol".parse().unwrap()),
        },
        Row {
            request: request(&format!("{all}Sec-WebSocket-Protocol: a, a\r\n")),
            status: "400",
            cause: WebSocketError::BadField("sec-websocket-protocol".parse().unwrap()),
        },
    ] {
        let status = row.status;
        splits(row.request.as_bytes(), |mut side| {
            assert_eq!(cause(&side.to_app), Some(Err(row.cause.clone())));
            assert!(side.layer.request().is_none());
            assert!(!side.layer.is_open());
            let sent = head(&side.sent());
            assert!(sent.starts_with(&format!("HTTP/1.1 {status} ")), "{sent}");
            let lower = sent.to_ascii_lowercase();
            if row.cause == WebSocketError::UnsupportedVersion {
                assert!(lower.contains("\r\nsec-websocket-version: 13\r\n"));
            }
            if status == "426" {
                assert!(lower.contains("\r\nupgrade: websocket\r\n"), "{sent}");
            }
            assert!(side.to_wire.is_closed());
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
        let mut side = new_server();
        side.receive(bytes.as_bytes());
        assert!(side.layer.request().is_some(), "{bytes}");
    }
}

#[test]
fn a_request_without_host_is_refused() {
    let mut side = new_server();
    side.receive(good().replace("Host: h\r\n", "").as_bytes());
    assert!(head(&side.sent()).starts_with("HTTP/1.1 400 "));
    let error = end(&side.to_app).unwrap().unwrap_err();
    assert!(error.cause::<Http1>().is_some(), "{error}");
}

/// CVE-2023-43669 was a handshake whose head had no limit.
#[test]
fn the_head_of_the_handshake_is_bounded() {
    let mut side = new_server();
    side.receive(b"GET / HTTP/1.1\r\n");
    let mut fed = 0;
    while !side.to_app.is_closed() {
        side.receive(&[b'x'; 1000]);
        fed += 1000;
        assert!(fed < 100_000, "unbounded");
    }
    let mut settings = WebSocketConfig::default();
    settings.head.head = 100;
    let mut side = Side::new(Server::new(settings));
    side.receive(good().as_bytes());
    let error = end(&side.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1::HeadTooLarge(100))));
}

#[test]
fn a_request_that_asks_for_no_websocket_is_answered_by_the_application_that_wants_to() {
    let answering = || Side::new(Server::new(WebSocketConfig::default()).with_other_requests());
    let mut side = answering();
    side.receive(b"GET /health?x HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(side.layer.request().is_none());
    assert_eq!(side.layer.other_request().unwrap().uri(), "/health?x");
    side.layer.request_extensions_mut().unwrap().insert(7_u8);
    let other = side.layer.other_request().unwrap();
    assert_eq!(other.extensions().get(), Some(&7_u8));
    side.layer
        .reject(http::Response::new("well".into()))
        .unwrap();
    assert!(side.layer.other_request().is_none());
    assert!(side.layer.request_extensions_mut().is_none());
    side.process();
    let answer = head(&side.sent());
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with("\r\n\r\nwell"), "{answer}");

    // One that asks for a WebSocket, and wrongly, is refused without it.
    let mut side = answering();
    side.receive(request(UPGRADE).as_bytes());
    assert!(side.layer.other_request().is_none());
    assert!(head(&side.sent()).starts_with("HTTP/1.1 426 "));

    // One that asks for it rightly is no other request, and has its extensions too.
    let mut side = answering();
    side.receive(good().as_bytes());
    assert!(side.layer.other_request().is_none());
    side.layer.request_extensions_mut().unwrap().insert(8_u8);
    let asked = side
        .layer
        .accept(wirestack_websocket::Accept::new())
        .unwrap();
    assert_eq!(asked.extensions().get(), Some(&8_u8));
    assert!(side.layer.request_extensions_mut().is_none());
}
