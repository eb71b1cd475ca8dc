//! Handshakes that open, are rejected, or are aborted.

use super::{asking, good, head, new_server, splits};
use crate::kit::*;
use bytes::Bytes;
use wirestack_http1::Http1Error as Http1;
use wirestack_layer::{Error, Flow, Layer, Progress, Seed};
use wirestack_websocket::{
    Accept, Client, ClientRequest, Message, WebSocketConfig, WebSocketError,
};

#[test]
fn the_example_of_rfc_6455_1_3_opens() {
    let bytes = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\
        Sec-WebSocket-Version: 13\r\n\r\n";
    splits(bytes.as_bytes(), |mut side| {
        let waits = Progress::Deciding("the upgrade request");
        assert_eq!(side.layer.progress(), waits);
        assert_eq!(side.sent(), b"", "it parks");
        let offer = side.layer.request().unwrap();
        assert_eq!(offer.uri(), "/chat");
        assert_eq!(offer.origin(), Some("http://example.com"));
        assert_eq!(offer.headers()["host"], "server.example.com");
        let subprotocols: Vec<&str> = offer.subprotocols().collect();
        assert_eq!(subprotocols, ["chat", "superchat"]);
        side.layer
            .accept(Accept::new().subprotocol("chat"))
            .unwrap();
        side.process();
        assert!(side.layer.is_open());
        assert!(side.layer.request().is_none());
        assert_eq!(
            side.layer.status().facts.to_string(),
            "101, subprotocol chat"
        );
        assert_eq!(side.layer.subprotocol(), Some("chat"));
        let sent = head(&side.sent()).to_ascii_lowercase();
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
    bytes.extend(client_bytes(&[
        frame(FIN | TEXT, "early"),
        frame(FIN | PING, "p"),
        frame(FIN | TEXT, "more"),
    ]));
    splits(&bytes, |mut side| {
        side.from_app.push(Message::text("queued before"));
        side.layer.accept(Accept::new()).unwrap();
        side.process();
        let heard = [Message::text("early"), Message::text("more")];
        assert_eq!(messages(&mut side.to_app), heard);
        let sent = side.sent();
        let frames = [frame(FIN | PONG, "p"), frame(FIN | TEXT, "queued before")];
        assert!(sent.ends_with(&server_bytes(&frames)), "{}", head(&sent));
    });
}

#[test]
fn client_and_server_open_over_one_another() {
    let request = ClientRequest::new("ws://example.org:8080/a b".replace(' ', "%20").as_str())
        .unwrap()
        .subprotocol("v2")
        .unwrap()
        .subprotocol("v1")
        .unwrap()
        .header("origin", "http://example.org:8080")
        .unwrap();
    let (mut client, mut server) = (asking(request), new_server());
    client.process();
    assert_eq!(
        client.layer.progress(),
        Progress::Opening("the upgrade response")
    );
    let sent = client.sent();
    assert!(head(&sent).starts_with("GET /a%20b HTTP/1.1\r\nHost: example.org:8080\r\n"));
    server.receive(&sent);
    let error = server.layer.accept(Accept::new().subprotocol("v3"));
    let cause = WebSocketError::UnofferedSubprotocol("v3".to_owned());
    assert_eq!(error.unwrap_err().cause(), Some(&cause));
    let accept = Accept::new().subprotocol("v1");
    let accept = accept.header("x-served-by", "test").unwrap();
    server.layer.accept(accept).unwrap();
    server.from_app.push(Message::text("at once"));
    server.process();
    let response = server.sent();
    let seed = || Seed::new([3; 32]);
    for cut in 0..response.len() {
        let request = ClientRequest::new("ws://h/")
            .unwrap()
            .subprotocol("v1")
            .unwrap();
        let client = Client::new(request, WebSocketConfig::default(), seed()).unwrap();
        let mut client = Side::new(client);
        client.process();
        client.receive(&response[..cut]);
        client.receive(&response[cut..]);
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
fn an_application_may_reject() {
    let mut side = new_server();
    let nothing = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert_eq!(error.cause(), Some(&WebSocketError::NothingToDecide));
    };
    nothing(side.layer.accept(Accept::new()).map(drop));
    side.receive(good().as_bytes());
    let mut response = http::Response::new(Bytes::from_static(b"who are you"));
    *response.status_mut() = http::StatusCode::UNAUTHORIZED;
    side.layer.reject(response).unwrap();
    nothing(side.layer.accept(Accept::new()).map(drop));
    side.process();
    let sent = head(&side.sent());
    assert!(sent.starts_with("HTTP/1.1 401 ") && sent.ends_with("\r\n\r\nwho are you"));
    let error = end(&side.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1::Rejected(status)) if *status == 401));
    nothing(side.layer.accept(Accept::new()).map(drop));
}

#[test]
fn a_layer_that_is_opening_passes_aborts_on() {
    let broke = || Error::local("test", "it broke");
    let mut side = new_server();
    side.receive(good().as_bytes());
    side.from_wire.abort(broke());
    side.process();
    assert_eq!(end(&side.to_app).unwrap().unwrap_err().origin(), "test");

    let mut side = asking(ClientRequest::new("ws://h/").unwrap());
    side.process();
    side.from_app.push(Message::text("unsent"));
    side.from_app.abort(broke());
    side.process();
    side.sent();
    assert_eq!(end(&side.to_wire).unwrap().unwrap_err().origin(), "test");
    assert_eq!(end(&side.to_app).unwrap().unwrap_err().origin(), "test");
    assert!(side.from_app.is_empty());

    let mut side = asking(ClientRequest::new("ws://h/").unwrap());
    side.process();
    side.from_wire.finish();
    side.process();
    let error = end(&side.to_app).unwrap().unwrap_err();
    assert!(matches!(error.cause(), Some(Http1::Truncated { .. })));
}
