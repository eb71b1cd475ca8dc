//! Responses that end with their head, or open a tunnel.

use crate::kit::{
    DATA, END_STREAM, HEADERS, Pair, RST_STREAM, extended, frame, greeted_server, headers, of_kind,
    streams, tunnel,
};
use crate::requests::ordinary;
use http::Response;
use wirestack_http2::{Head, Http2Config};
use wirestack_layer::{Error, Flow};

#[test]
fn must_9110_9_3_2_the_answer_to_a_head_has_no_content() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("HEAD")));
    let (id, _) = server.request().unwrap();
    let response = Response::builder().header("content-length", "7");
    let response = response.body("content".into()).unwrap();
    server.from_app.respond(id, response);
    let said = server.sent();
    assert!(of_kind(&said, DATA).is_empty() && of_kind(&said, RST_STREAM).is_empty());
    let head = &of_kind(&said, HEADERS)[0];
    assert_eq!(head.flags & END_STREAM, END_STREAM);
    assert_eq!(streams(&server), 0);
}

/// The layer throws the content away: an application need not know which responses have none.
#[test]
fn must_9110_6_4_1_a_streamed_response_without_content_ends_with_its_head() {
    for (method, status) in [
        ("HEAD", 200),
        ("HEAD", 404),
        ("GET", 204),
        ("GET", 304),
        ("POST", 304),
    ] {
        let mut server = greeted_server(Http2Config::server());
        let ends = if method == "POST" { 0 } else { END_STREAM };
        server.receive(&headers(1, ends, &ordinary(method)));
        let (id, _) = server.request().unwrap();
        let response = Response::builder().status(status).body(()).unwrap();
        server.from_app.respond_streaming(id, response);
        let said = server.sent();
        assert_eq!(
            of_kind(&said, HEADERS)[0].flags & END_STREAM,
            END_STREAM,
            "{method} {status}"
        );
        for _ in 0..20 {
            server.write(id, &[7; 60_000]);
            let said = server.sent();
            assert!(of_kind(&said, DATA).is_empty() && of_kind(&said, RST_STREAM).is_empty());
            assert!(server.from_app.read(id).unwrap().is_empty());
        }
        if method == "POST" {
            server.receive(&frame(DATA, END_STREAM, 1, b"the content of the request"));
            assert_eq!(server.read(id), b"the content of the request");
        }
        assert_eq!(streams(&server), 1);
        server.finish(id);
        let said = server.sent();
        assert!(of_kind(&said, DATA).is_empty() && of_kind(&said, RST_STREAM).is_empty());
        assert_eq!(streams(&server), 0, "{method} {status}");
    }
}

/// The application may also leave such a stream without a word.
#[test]
fn a_response_without_content_is_over_when_its_application_aborts() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("HEAD")));
    let (id, _) = server.request().unwrap();
    server.from_app.respond_streaming(id, Response::new(()));
    server.write(id, b"content");
    let mut pipe = server.from_app.write(id).unwrap();
    pipe.abort(Error::local("app", "had enough"));
    drop(pipe);
    server.to_app.forget(id);
    let said = server.sent();
    assert_eq!(of_kind(&said, HEADERS).len(), 1);
    assert!(of_kind(&said, DATA).is_empty());
    assert_eq!(streams(&server), 0);
}

#[test]
fn must_9110_9_3_6_a_2xx_that_opens_a_tunnel_has_no_length() {
    for request in [tunnel(), extended()] {
        let mut pair = Pair::usual();
        let at_client = pair.client.from_app.open(request).unwrap();
        pair.settle();
        let (at_server, _) = pair.server.request().unwrap();
        let response = Response::builder().header("content-length", "1");
        let response = response.body("x".into()).unwrap();
        pair.server.from_app.respond(at_server, response);
        pair.server.write(at_server, b"the bytes of the tunnel");
        pair.settle();
        let Some((_, Head::Response(response))) = pair.client.head() else {
            panic!("no response")
        };
        assert!(response.headers().is_empty(), "{:?}", response.headers());
        assert_eq!(pair.client.read(at_client), b"the bytes of the tunnel");
    }
}
