//! Hostile peers, in frames written by hand: a side gives them up or holds them within bounds.

use crate::kit::{
    CONTINUATION, DATA, END_HEADERS, EXTENDED, HEADERS, PING, PREFACE, RST_STREAM, STREAMS, Side,
    accept, connect, failure, fields, frame, greeted_server, of_kind, open_client, settings,
    streams, websocket,
};
use wirestack_http2::{Connection, Http2Config};
use wirestack_layer::Flow;

/// Feeds a server until it gives up, at most so often. Returns `true` if it did.
fn gives_up(server: &mut Side<Connection>, times: u32, part: impl Fn(u32) -> Vec<u8>) -> bool {
    for n in 0..times {
        server.receive(&part(n));
        while server.request().is_some() {}
        if server.to_wire.is_closed() {
            return true;
        }
        assert!(streams(server) <= 300, "{} streams", streams(server));
    }
    false
}

#[test]
fn rapid_resets_end_the_connection() {
    let mut server = greeted_server(Http2Config::server());
    let cancel = 8_u32.to_be_bytes();
    // Many at a time, so that the application has no chance to take one.
    let ended = gives_up(&mut server, 1000, |n| {
        let pairs = (0..100).map(|i| {
            let stream = 2 * (100 * n + i) + 1;
            [connect(stream), frame(RST_STREAM, 0, stream, &cancel)].concat()
        });
        pairs.collect::<Vec<_>>().concat()
    });
    assert!(ended);
    assert!(
        failure(&server).starts_with("http2[0]: "),
        "{}",
        failure(&server)
    );
}

#[test]
fn endless_continuations_end_the_connection() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&frame(HEADERS, 0, 1, &fields(&[(":method", "GET")])));
    let more = fields(&[("x", "0123456789012345678901234567890123456789")]).repeat(300);
    assert!(gives_up(&mut server, 1000, |_| frame(
        CONTINUATION,
        0,
        1,
        &more
    )));
}

#[test]
fn too_many_fields_are_refused_and_nothing_more() {
    let mut server = greeted_server(Http2Config::server());
    let mut block = fields(&[(":method", "CONNECT"), (":authority", "h:1")]);
    for _ in 0..200 {
        block.extend(fields(&[("x", &"y".repeat(120))]));
    }
    let half = block.len() / 2;
    let (first, second) = block.split_at(half);
    server.receive(&frame(HEADERS, 0, 1, first));
    let said = server.receive(&frame(CONTINUATION, END_HEADERS, 1, second));
    assert!(!of_kind(&said, HEADERS).is_empty() || !of_kind(&said, RST_STREAM).is_empty());
    assert!(server.request().is_none());
    server.receive(&connect(3));
    assert!(server.request().is_some());
}

#[test]
fn floods_of_empty_data_end_the_connection() {
    let mut server = greeted_server(Http2Config::server());
    server.receive(&connect(1));
    accept(&mut server);
    server.sent();
    let empty = frame(DATA, 0, 1, &[]).repeat(100);
    assert!(gives_up(&mut server, 10_000, |_| empty.clone()));
}

#[test]
fn a_flood_of_pings_or_settings_is_not_answered_faster_than_it_is_read() {
    for flood in [
        frame(PING, 0, 0, &[7; 8]).repeat(100),
        settings(&[(STREAMS, 5)]).repeat(100),
    ] {
        let mut server = greeted_server(Http2Config::server());
        // The wire takes nothing: answers may pile up to a bound, then nothing more is read.
        let mut taken = 0;
        for _ in 0..10_000 {
            if server.to_wire.is_closed() {
                break;
            }
            if server.from_wire.room() >= flood.len() {
                server.from_wire.write(&flood);
                taken += flood.len();
            }
            server.process();
            assert!(
                server.to_wire.len() <= 80 * 1024,
                "{}",
                server.to_wire.len()
            );
        }
        assert!(taken < 1_000_000, "{taken}");
        // The connection goes on once the wire takes the answers.
        if !server.to_wire.is_closed() {
            server.sent();
            server.receive(&connect(1));
            assert!(server.request().is_some());
        }
    }
}

#[test]
fn junk_does_not_panic() {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    println!("seed {state:#x}");
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2000 {
        let mut junk = Vec::new();
        for _ in 0..8 {
            let length = random() as usize % 40;
            let payload: Vec<u8> = (0..length).map(|_| random() as u8).collect();
            let (kind, flags) = (random() as u8 % 11, random() as u8);
            junk.extend(frame(kind, flags, random() as u32 % 5, &payload));
        }
        let mut server = greeted_server(Http2Config::server());
        server.receive(&[connect(1), websocket(3, "websocket")].concat());
        accept(&mut server);
        server.receive(&junk);
        let (mut client, _) = open_client(Http2Config::default(), &[(EXTENDED, 1)]);
        client.receive(&junk);
        let mut begun = Side::new(Connection::server(Http2Config::server()));
        begun.receive(&[PREFACE, &junk].concat());
        let mut raw = Side::new(Connection::client(Http2Config::default()));
        raw.receive(&junk);
    }
}

/// The memory of h2 is as large as the largest frames. They are of a type that nobody knows, or the
/// data of a stream that is read, and small ones of a stream that nobody reads lie between them.
#[test]
fn bytes_that_nobody_reads_do_not_hold_the_memory_of_the_frames_between_them() {
    const UNKNOWN: u8 = 0xfa;
    const MANY: usize = 70_000;
    for kind in [UNKNOWN, DATA] {
        let mut server = greeted_server(Http2Config::server());
        server.receive(&[connect(1), connect(3)].concat());
        let [unread, read] = [(); 2].map(|()| accept(&mut server));
        server.sent();
        let between = frame(kind, 0, 3, &[0; MANY]);
        for _ in 0..64 {
            server.receive(&between);
            server.to_app.read(read).unwrap().discard();
            server.receive(&frame(DATA, 0, 1, &[7; 4096]));
        }
        server.receive(&between);
        server.to_app.read(read).unwrap().discard();
        let mut pipe = server.to_app.read(unread).unwrap();
        assert_eq!(pipe.len(), 64 * 4096);
        let mut holding = 0;
        while !pipe.is_empty() {
            let n = pipe.first().len();
            let mut memory = pipe.take(n).try_into_mut().expect("nobody else has it");
            memory.clear();
            holding += usize::from(memory.try_reclaim(MANY));
        }
        assert!(holding <= 1, "{holding} of 64 pieces hold {MANY} bytes");
    }
}
