//! Streams that are over, or forgotten, before the other side of their flow knows it.

use crate::kit::{Pair, RST_STREAM, connect, frame, greeted_server, tunnel};
use bytes::Bytes;
use http::Response;
use wirestack_http2::Http2Config;
use wirestack_layer::{Error, Flow};

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

#[test]
fn a_stream_that_is_forgotten_before_its_request_was_seen_stays_forgotten() {
    let mut pair = Pair::usual();
    let [kept, _] = pair.tunnel();
    for n in 0..100 {
        let c = pair.client.from_app.open(tunnel()).unwrap();
        let mut pipe = pair.client.from_app.write(c).unwrap();
        if n % 2 == 0 {
            pipe.abort(Error::local("app", "had enough"));
        } else {
            pipe.finish();
        }
        drop(pipe);
        pair.client.to_app.forget(c);
        pair.settle();
        if n % 2 == 1 {
            let (s, _) = pair.server.request().expect("a request");
            pair.server.to_app.forget(s);
            let error = Error::local("app", "no");
            pair.server.from_app.respond(s, Response::new(Bytes::new()));
            pair.server.from_app.write(s).unwrap().abort(error);
            pair.settle();
        }
        assert_eq!(pair.client.to_app.len(), 1, "{n}");
        assert_eq!(pair.client.from_app.len(), 1, "{n}");
    }
    pair.client.to_app.forget(kept);
    assert_eq!(pair.client.to_app.len(), 0);
}
