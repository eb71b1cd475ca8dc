//! The settings of a connection: what sets them, and what of them a peer gets to see.

use crate::kit::{PREFACE, SECOND, SETTINGS, Side, WINDOW_UPDATE, of_kind};
use wirestack_http2::{Connection, Http2Config, Keepalive};

#[test]
fn each_setter_sets_one_value_and_no_other() {
    type Set = fn(Http2Config) -> Http2Config;
    type Assign = fn(&mut Http2Config);
    let cases: [(Set, Assign); 13] = [
        (|it| it.stream_window(7), |it| it.stream_window = 7),
        (|it| it.connection_window(7), |it| it.connection_window = 7),
        (|it| it.send_buffer(7), |it| it.send_buffer = 7),
        (|it| it.streams(7), |it| it.streams = 7),
        (|it| it.frame(7), |it| it.frame = 7),
        (|it| it.fields(7), |it| it.fields = 7),
        (|it| it.excerpt(7), |it| it.excerpt = 7),
        (|it| it.opening(SECOND), |it| it.opening = SECOND),
        (|it| it.head_timeout(SECOND), |it| it.head_timeout = SECOND),
        (
            |it| it.idle_timeout(SECOND),
            |it| it.idle_timeout = Some(SECOND),
        ),
        (
            |it| it.write_timeout(SECOND),
            |it| it.write_timeout = SECOND,
        ),
        (
            |it| it.extended_connect(false),
            |it| it.extended_connect = false,
        ),
        (
            |it| it.keepalive(Keepalive::new(SECOND, SECOND)),
            |it| it.keepalive = Some(Keepalive::new(SECOND, SECOND)),
        ),
    ];
    let before = || Http2Config::default().streams(99).excerpt(98);
    for (set, assign) in cases {
        let mut wanted = before();
        assign(&mut wanted);
        let (seen, wanted) = (format!("{:?}", set(before())), format!("{wanted:?}"));
        assert_eq!(seen, wanted);
        assert_ne!(seen, format!("{:?}", before()));
    }
}

/// Returns the window of a stream, the largest frame, and the window of the connection.
fn announced(mut side: Side<Connection>) -> (u32, u32, u32) {
    let said = side.sent();
    let pairs = of_kind(&said, SETTINGS)[0].payload.clone();
    let value = |name: u8| {
        let mut pairs = pairs.chunks(6);
        let pair = pairs.find(|pair| pair[..2] == [0, name]);
        pair.map(|pair| u32::from_be_bytes(pair[2..].try_into().unwrap()))
    };
    let updates = of_kind(&said, WINDOW_UPDATE).into_iter();
    let more = updates
        .filter(|update| update.stream == 0)
        .map(|update| u32::from_be_bytes(update.payload[..].try_into().unwrap()));
    (
        value(4).unwrap_or(65_535),
        value(5).unwrap_or(16_384),
        65_535 + more.sum::<u32>(),
    )
}

#[test]
fn a_peer_sees_the_windows_and_the_frame_in_the_range_that_the_protocol_allows() {
    const LARGEST: u32 = (1 << 31) - 1; // RFC 9113 §6.9.1
    let sized = |size| {
        let config = Http2Config::default().stream_window(size);
        config.connection_window(size).frame(size)
    };
    for (name, config, wanted) in [
        (
            "a client",
            Http2Config::default(),
            (4 << 20, 80 << 10, 64 << 20),
        ),
        (
            "a server",
            Http2Config::server(),
            (1 << 20, 80 << 10, 16 << 20),
        ),
        ("nothing", sized(0), (1, 16_384, 65_535)),
        (
            "the most",
            sized(u32::MAX),
            (LARGEST, (1 << 24) - 1, LARGEST),
        ),
    ] {
        let client = Side::new(Connection::client(config.clone()));
        assert_eq!(announced(client), wanted, "{name}");
        let mut server = Side::new(Connection::server(config));
        server.from_wire.write(PREFACE);
        assert_eq!(announced(server), wanted, "{name}, as a server");
    }
}
