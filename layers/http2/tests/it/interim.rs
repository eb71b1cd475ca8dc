//! Interim responses, before the response itself.

use crate::kit::{
    DATA, END_STREAM, HEADERS, RST_STREAM, connect, greeted_server, headers, of_kind,
};
use crate::requests::ordinary;
use bytes::Bytes;
use http::Response;
use wirestack_http2::Http2Config;

fn interim(status: u16) -> Response<()> {
    let response = Response::builder()
        .status(status)
        .header("link", "</a.css>");
    let response = response
        .header("connection", "close")
        .header("content-length", "7");
    response.body(()).unwrap()
}

#[test]
fn interim_responses_come_before_the_response_and_have_no_end() {
    for request in [headers(1, END_STREAM, &ordinary("GET")), connect(1)] {
        let mut server = greeted_server(Http2Config::server());
        server.receive(&request);
        let (id, _) = server.request().unwrap();
        for status in [100, 103, 103, 199] {
            server.from_app.respond_interim(id, interim(status));
            let said = server.sent();
            let head = &of_kind(&said, HEADERS)[0];
            assert_eq!(head.flags & END_STREAM, 0, "{status}");
            assert!(of_kind(&said, RST_STREAM).is_empty());
        }
        server.from_app.respond(id, Response::new(Bytes::new()));
        assert_eq!(of_kind(&server.sent(), HEADERS).len(), 1);
        server.from_app.respond_interim(id, interim(103)); // it is too late
        assert!(server.sent().is_empty());
    }
}

#[test]
fn what_is_no_interim_response_is_not_sent_as_one() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&headers(1, END_STREAM, &ordinary("GET")));
    let (id, _) = server.request().unwrap();
    for status in [101, 200, 204, 304, 500] {
        server.from_app.respond_interim(id, interim(status));
        assert!(server.sent().is_empty(), "{status}");
    }
    server.from_app.respond(id, Response::new("page".into()));
    let said = server.sent();
    assert_eq!(of_kind(&said, DATA)[0].payload, b"page");
}
