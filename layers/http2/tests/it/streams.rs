//! Many streams between a client and a server of ours.

use crate::kit::{
    DATA, END_STREAM, GOAWAY, PING, Pair, SECOND, WINDOW_UPDATE, frame, greeted_server, headers,
    most, of_kind, streams, tunnel, window,
};
use bytes::Bytes;
use http::Response;
use std::collections::VecDeque;
use wirestack_http2::{Http2Config, Keepalive};
use wirestack_layer::{Error, Flow, Layer};

#[test]
fn a_stream_that_is_never_read_does_not_hold_up_the_others() {
    let mut pair = Pair::new(Http2Config::default(), window(100_000));
    let pairs: Vec<_> = (0..100).map(|_| pair.tunnel()).collect();
    // Each frame costs more than its bytes.
    for _ in 0..50_000 {
        if let Some(mut pipe) = pair.client.from_app.write(pairs[0][0])
            && pipe.room() > 0
        {
            pipe.write(b"tiny!");
        }
        pair.client.process();
        pair.client.to_wire.transfer_to(&mut pair.server.from_wire);
        pair.server.process();
        pair.server.to_wire.transfer_to(&mut pair.client.from_wire);
    }
    let held = pair.server.to_app.read(pairs[0][1]).unwrap();
    assert_eq!(held.len(), 100_000, "the window is what it may hold");
    assert!(held.capacity() < 400_000, "{}", held.capacity());
    drop(held);
    for [c, s] in &pairs[1..] {
        pair.client.write(*c, &[3; 30_000]);
        pair.client.finish(*c);
        pair.settle();
        assert_eq!(pair.server.read(*s).len(), 30_000);
        assert_eq!(pair.server.end(*s).as_deref(), Some(""));
    }
    assert!(
        pair.client.to_app.closed().is_none(),
        "no ENHANCE_YOUR_CALM"
    );
}

#[test]
fn unread_streams_do_not_pin_the_connections_window() {
    let mut server = window(100_000);
    server.connection_window = 2_000_000;
    let mut pair = Pair::new(Http2Config::default(), server);
    for _ in 0..19 {
        let [c, _] = pair.tunnel();
        while pair.client.from_app.write(c).unwrap().room() > 0 {
            let room = pair.client.from_app.write(c).unwrap().room();
            pair.client.write(c, &vec![1; room]);
            pair.settle();
        }
    }
    let [c, s] = pair.tunnel();
    let mut heard = 0;
    for _ in 0..20 {
        pair.client.write(c, &[2; 60_000]);
        pair.settle();
        heard += pair.server.read(s).len();
        pair.settle();
    }
    assert_eq!(heard, 1_200_000);
}

#[test]
fn a_writer_that_is_faster_than_its_peer_is_held_at_the_limits() {
    let mut client = Http2Config::default();
    client.send_buffer = 100_000;
    let mut pair = Pair::new(client, window(50_000));
    let [c, s] = pair.tunnel();
    let mut taken = 0;
    for _ in 0..1000 {
        let room = pair.client.from_app.write(c).unwrap().room();
        pair.client.write(c, &vec![1; room]);
        taken += room;
        pair.settle();
    }
    assert!(taken <= 50_000 + 100_000 + 64 * 1024, "{taken}");
    let mut heard = pair.server.read(s).len();
    while heard < taken {
        pair.settle();
        heard += pair.server.read(s).len();
    }
    assert_eq!(heard, taken);
}

#[test]
fn a_reader_may_require_more_than_a_window() {
    let mut pair = Pair::new(Http2Config::default(), window(1000));
    let [c, s] = pair.tunnel();
    pair.client.write(c, &[1; 50_000]);
    pair.settle();
    pair.server.to_app.read(s).unwrap().require(50_000);
    pair.settle();
    assert_eq!(pair.server.to_app.read(s).unwrap().len(), 50_000);
}

#[test]
fn the_number_of_streams_is_bounded_here() {
    let mut pair = Pair::new(most(3), Http2Config::server());
    let tunnels: Vec<_> = (0..3).map(|_| pair.tunnel()).collect();
    let fourth = pair.client.from_app.open(tunnel()).unwrap();
    pair.settle();
    assert!(
        pair.client
            .end(fourth)
            .unwrap()
            .contains("3 streams already")
    );
    let [c, s] = tunnels[0];
    pair.client.finish(c);
    pair.server.finish(s);
    pair.settle();
    pair.tunnel();
}

#[test]
fn streams_beyond_what_the_server_takes_wait_for_their_turn() {
    let mut pair = Pair::new(Http2Config::default(), most(2));
    let asked: Vec<_> = (0..5)
        .map(|_| pair.client.from_app.open(tunnel()).unwrap())
        .collect();
    let mut served = 0;
    while served < 5 {
        pair.settle();
        assert!(streams(&pair.server) <= 2);
        let (id, _) = pair.server.request().expect("the next request");
        let accepted = Response::new(Bytes::new());
        pair.server.from_app.respond(id, accepted);
        pair.server.finish(id);
        pair.settle();
        let (at_client, _) = pair.client.head().expect("its response");
        assert_eq!(at_client, asked[served]);
        pair.client.finish(at_client);
        served += 1;
    }
}

#[test]
fn finished_streams_are_forgotten() {
    let mut pair = Pair::usual();
    for n in 0..5_000 {
        let [c, s] = pair.tunnel();
        pair.client.write(c, b"short");
        match n % 3 {
            0 => pair.client.finish(c),
            1 => pair
                .client
                .from_app
                .write(c)
                .unwrap()
                .abort(Error::local("app", "no")),
            _ => pair
                .server
                .from_app
                .write(s)
                .unwrap()
                .abort(Error::local("app", "no")),
        }
        if n % 3 == 0 {
            pair.server.finish(s);
        }
        pair.settle();
        pair.client.to_app.forget(c);
        pair.server.to_app.forget(s);
        pair.settle();
    }
    for side in [&pair.client, &pair.server] {
        assert_eq!(streams(side), 0);
        assert_eq!(side.from_app.len() + side.to_app.len(), 0);
    }
}

#[test]
fn a_stream_that_its_reader_forgets_is_given_back_its_credit() {
    let mut server = window(100_000);
    server.connection_window = 200_000;
    let mut pair = Pair::new(Http2Config::default(), server);
    for _ in 0..20 {
        let [c, s] = pair.tunnel();
        for _ in 0..2 {
            pair.client.write(c, &[1; 50_000]);
            pair.settle();
        }
        pair.server.to_app.forget(s);
        pair.server.finish(s);
        pair.client.finish(c);
        pair.settle();
    }
}

#[test]
fn only_a_stream_where_something_happens_is_looked_at() {
    let mut pair = Pair::new(most(1000), most(1000));
    let pairs: Vec<_> = (0..1000).map(|_| pair.tunnel()).collect();
    let quiet = |streams: &mut wirestack_http2::Streams| {
        while streams.readable().is_some() || streams.writable().is_some() {}
    };
    for side in [&mut pair.client, &mut pair.server] {
        quiet(&mut side.from_app);
        quiet(&mut side.to_app);
    }
    let [c, s] = pairs[517];
    pair.client.write(c, b"here");
    pair.settle();
    assert_eq!(pair.server.to_app.readable(), Some(s));
    assert_eq!(pair.server.to_app.readable(), None);
    assert_eq!(pair.client.from_app.writable(), Some(c));
    assert_eq!(pair.client.from_app.writable(), None);
}

#[test]
fn a_silent_peer_is_asked_for_a_sign_of_life_and_given_up() {
    let mut settings = Http2Config::default();
    settings.keepalive = Some(Keepalive {
        interval: 30 * SECOND,
        timeout: 5 * SECOND,
    });
    let mut pair = Pair::new(settings, Http2Config::server());
    let [c, _] = pair.tunnel();
    // The peer answers, and is asked again an interval later.
    for _ in 0..3 {
        let due = pair.client.layer.deadline().unwrap();
        assert_eq!(due - pair.client.now, 30 * SECOND);
        pair.client.now = due;
        pair.settle();
    }
    // It does not answer.
    pair.client.now = pair.client.layer.deadline().unwrap();
    let said = pair.client.sent();
    assert_eq!(of_kind(&said, PING).len(), 1);
    let due = pair.client.layer.deadline().unwrap();
    assert_eq!(due - pair.client.now, 5 * SECOND);
    pair.client.now = due;
    pair.client.process();
    let farewell = of_kind(&pair.client.sent(), GOAWAY);
    assert_eq!(farewell[0].payload[..8], [0; 8], "NO_ERROR, no stream");
    assert_eq!(farewell[0].payload[8..], *b"no answer to a PING within 5s");
    assert_eq!(
        pair.client.end(c).unwrap(),
        "http2[0]: no answer to a PING within 5s"
    );
    assert_eq!(pair.client.layer.deadline(), None);
}

/// On a slow way, the PING stands behind much that is sent, and so does its answer.
#[test]
fn a_peer_that_sends_anything_is_not_silent_although_its_answer_is_late() {
    let mut settings = Http2Config::default();
    settings.keepalive = Some(Keepalive {
        interval: 30 * SECOND,
        timeout: 5 * SECOND,
    });
    let mut pair = Pair::new(settings, Http2Config::server());
    pair.tunnel();
    pair.client.now = pair.client.layer.deadline().unwrap();
    assert_eq!(of_kind(&pair.client.sent(), PING).len(), 1);
    for _ in 0..5 {
        pair.client.now += 4 * SECOND;
        pair.client.receive(b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01"); // WINDOW_UPDATE
    }
    let due = pair.client.layer.deadline().unwrap();
    assert_eq!(due - pair.client.now, 30 * SECOND);
    pair.client.now = due;
    pair.client.process();
    assert!(of_kind(&pair.client.sent(), GOAWAY).is_empty());
}

#[test]
fn one_stream_fills_a_long_fat_pipe() {
    // 100 ms there and back, a turn a millisecond, and a wire that is never full.
    const WAY: usize = 50;
    const TURNS: usize = 2_000;
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    let mut ways = [(); 2].map(|()| VecDeque::from(vec![Vec::new(); WAY]));
    let mut heard = 0;
    for _ in 0..TURNS {
        let arrived = ways.each_mut().map(|way| way.pop_front().unwrap());
        // The server writes as fast as the window allows.
        let mut sent = pair.server.receive(&arrived[0]);
        loop {
            let room = pair.server.from_app.write(s).unwrap().room();
            pair.server.write(s, &vec![1; room]);
            let more = pair.server.sent();
            if more.is_empty() {
                break;
            }
            sent.extend(more);
        }
        ways[1].push_back(sent);
        let mut credit = pair.client.receive(&arrived[1]);
        heard += pair.client.read(c).len();
        credit.extend(pair.client.sent());
        ways[0].push_back(credit);
    }
    let window = 4 << 20;
    let whole = TURNS / (2 * WAY) * window;
    assert!(heard > whole * 8 / 10, "{heard} of {whole} bytes");
}

#[test]
fn a_forgotten_stream_is_heard_of_no_more() {
    for forgotten_first in [true, false] {
        let mut pair = Pair::usual();
        let c = pair.client.from_app.open(tunnel()).unwrap();
        pair.settle();
        let (s, _) = pair.server.request().unwrap();
        pair.server.from_app.respond(s, Response::new(Bytes::new()));
        let given_up = |pair: &mut Pair| {
            let error = Error::local("app", "had enough");
            pair.client.from_app.write(c).unwrap().abort(error);
            pair.client.to_app.forget(c);
        };
        if forgotten_first {
            given_up(&mut pair);
        }
        pair.settle();
        if !forgotten_first {
            given_up(&mut pair);
            pair.settle();
        }
        assert!(pair.client.head().is_none());
        assert_eq!(pair.client.to_app.len() + pair.client.from_app.len(), 0);
        assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
        assert!(pair.server.end(s).unwrap().contains("reset"));
    }
}

/// The bytes of a request wait in the pipe when its end comes, and are read behind it.
#[test]
fn what_is_read_behind_the_end_of_a_request_is_credit_for_the_connection() {
    const CONTENT: usize = 30_000;
    for answered_first in [true, false] {
        let mut config = Http2Config::server().stream_window(65_535);
        config.connection_window = 65_535;
        let mut server = greeted_server(config);
        let mut credit = 65_535;
        for n in 0..20 {
            let number = 2 * n + 1;
            let post = [
                (":method", "POST"),
                (":scheme", "https"),
                (":authority", "example.org"),
                (":path", "/"),
            ];
            assert!(credit >= CONTENT, "the client may send {credit} bytes");
            let mut said = server.receive(
                &[
                    headers(number, 0, &post),
                    frame(DATA, 0, number, &[7; CONTENT / 2]),
                    frame(DATA, END_STREAM, number, &[7; CONTENT / 2]),
                ]
                .concat(),
            );
            let (id, _) = server.request().expect("a request");
            if answered_first {
                server.from_app.respond_streaming(id, Response::new(()));
                said.extend(server.sent());
            }
            if n % 2 == 0 {
                assert_eq!(server.read(id).len(), CONTENT);
            } else {
                server.to_app.forget(id);
            }
            said.extend(server.sent());
            if !answered_first && n % 2 == 0 {
                server.from_app.respond_streaming(id, Response::new(()));
            }
            said.extend(server.sent());
            let updates = of_kind(&said, WINDOW_UPDATE).into_iter();
            let given = updates
                .filter(|update| update.stream == 0)
                .map(|update| u32::from_be_bytes(update.payload[..4].try_into().unwrap()) as usize);
            credit = credit - CONTENT + given.sum::<usize>();
        }
    }
}
