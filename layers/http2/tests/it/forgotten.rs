//! Streams that are over, or forgotten, before the other side of their flow knows it.

use crate::kit::{RST_STREAM, connect, frame, greeted_server};
use bytes::Bytes;
use http::Response;
use wirestack_http2::Http2Config;
use wirestack_layer::Flow;

#[test]
fn an_answer_to_a_stream_that_is_over_is_forgotten() {
    let mut server = greeted_server(Http2Config::server());
    for n in 0..100 {
        let number = 2 * n + 1;
        server.receive(&connect(number));
        let (id, _) = server.request().expect("a request");
        server.receive(&frame(RST_STREAM, 0, number, &8_u32.to_be_bytes()));
        assert!(server.end(id).unwrap().contains("reset"));
        if n % 2 == 0 {
            let answer = Response::new(Bytes::new());
            server.from_app.respond(id, answer);
        } else {
            server.from_app.respond_streaming(id, Response::new(()));
            server.write(id, b"content");
        }
        server.to_app.forget(id);
        server.sent();
        assert_eq!(server.from_app.len() + server.to_app.len(), 0, "{n}");
        assert!(server.from_app.is_empty());
    }
}
