//! Credit that is given late or early: a peer must neither stand still nor be asked for too much.

use crate::kit::{
    DATA, END_STREAM, GOAWAY, PREFACE, RST_STREAM, SECOND, Side, WINDOW_UPDATE, frame,
    greeted_client, greeted_server, headers, of_kind, open_client, settings, streams, tunnel,
    window,
};
use std::time::Duration;
use wirestack_http2::{Client, ConnectRequest, Http2Config, Server};
use wirestack_layer::Flow;

/// The credit that these frames give to a stream, or to the connection as stream 0.
fn credit(said: &[u8], stream: u32) -> usize {
    let updates = of_kind(said, WINDOW_UPDATE).into_iter();
    updates
        .filter(|update| update.stream == stream)
        .map(|update| u32::from_be_bytes(update.payload[..4].try_into().unwrap()) as usize)
        .sum()
}

const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "example.org"),
    (":path", "/"),
];

#[test]
fn a_content_that_fills_the_window_and_is_read_before_the_answer_gives_credit() {
    let mut server = greeted_server(window(20_000));
    server.receive(&headers(1, 0, &POST));
    let (id, _) = server.request().unwrap();
    for _ in 0..5 {
        let said = [10_000, 10_000].map(|n| server.receive(&frame(DATA, 0, 1, &vec![7; n])));
        assert_eq!(credit(&said.concat(), 1), 0, "nothing was read");
        assert_eq!(server.read(id).len(), 20_000);
        assert_eq!(credit(&server.sent(), 1), 20_000);
    }
}

/// A reader that has read a little, and then needs more than a window, must be heard.
#[test]
fn what_is_required_behind_a_small_read_gives_credit() {
    let (mut client, id) = open_client(window(20_000), &[]);
    client.receive(&frame(DATA, 0, 1, &[7; 10_000]));
    client.receive(&frame(DATA, 0, 1, &[7; 10_000]));
    let mut pipe = client.to_app.read(id).unwrap();
    pipe.consume(100);
    pipe.require(30_000);
    drop(pipe);
    assert!(credit(&client.sent(), 1) >= 10_100);
    client.receive(&frame(DATA, 0, 1, &[7; 10_100]));
    assert_eq!(client.read(id).len(), 30_000);
}

/// A server that serves one tunnel throws away what comes on other streams. It must not count
/// against the window of the connection.
#[test]
fn the_content_of_a_stream_that_is_no_tunnel_does_not_pin_the_window() {
    let config = Http2Config::server().connection_window(65_535);
    let mut side = Side::new(Server::new(config));
    side.receive(&[PREFACE, &settings(&[])].concat());
    side.receive(&headers(
        1,
        0,
        &[(":method", "CONNECT"), (":authority", "example.org:22")],
    ));
    side.layer.accept(http::HeaderMap::new());
    side.sent();
    let mut given = 0;
    for n in 0..8 {
        let number = 3 + 2 * n;
        given += credit(&side.receive(&headers(number, 0, &POST)), 0);
        given += credit(
            &side.receive(&frame(DATA, END_STREAM, number, &[7; 16_000])),
            0,
        );
    }
    let most_held = 65_535 / 2; // less is not told at once
    assert!(
        8 * 16_000 - given <= most_held,
        "{given} bytes were given back"
    );
    let said = side.receive(&frame(DATA, 0, 1, b"hello"));
    assert_eq!(side.to_app.unread(), b"hello");
    assert!(of_kind(&said, RST_STREAM).is_empty());
}

#[test]
fn a_tunnel_sends_nothing_before_the_response_that_opens_it() {
    let mut client = greeted_client(Http2Config::default(), &[]);
    let id = client.from_app.open(tunnel()).unwrap();
    client.write(id, b"early");
    assert!(of_kind(&client.sent(), DATA).is_empty());
    let said = client.receive(&headers(1, 0, &[(":status", "200")]));
    assert_eq!(of_kind(&said, DATA)[0].payload, b"early");
}

/// A client of a tunnel whose window is ten bytes, and whose application reads no more.
fn unread_tunnel() -> Side<Client> {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let mut side = Side::new(Client::new(request, Http2Config::default()));
    side.sent();
    side.receive(&settings(&[(crate::kit::WINDOW, 10)]));
    side.receive(&headers(1, 0, &[(":status", "200")]));
    side.to_app
        .refuse(wirestack_layer::Error::local("app", "enough"));
    side
}

/// An application that reads no more may still write, for as long as it likes.
#[test]
fn a_tunnel_that_is_read_no_more_goes_on_until_its_application_has_sent_everything() {
    let mut side = unread_tunnel();
    side.from_app.write(&[7; 25]);
    side.from_app.finish();
    let mut said = side.sent();
    for sent in [10, 10, 5] {
        assert_eq!(of_kind(&said, DATA)[0].payload.len(), sent);
        assert!(of_kind(&said, RST_STREAM).is_empty() && !side.to_wire.is_closed());
        side.now += SECOND - Duration::from_millis(1); // all the time that it gets behind the end
        said = side.receive(&frame(WINDOW_UPDATE, 0, 1, &10_u32.to_be_bytes()));
    }
    side.now += SECOND;
    assert_eq!(of_kind(&side.sent(), RST_STREAM).len(), 1);
}

#[test]
fn a_tunnel_that_is_read_no_more_is_no_reason_to_go_away_while_its_application_writes() {
    let mut side = unread_tunnel();
    for bytes in [0, 5, 25] {
        side.from_app.write(&vec![7; bytes]);
        let said = side.sent();
        assert!(of_kind(&said, GOAWAY).is_empty() && side.to_app.closed().is_none());
    }
}

/// The connection throws away the bytes of a stream that nobody reads, and gives their credit back.
#[test]
fn what_comes_for_a_forgotten_stream_is_given_back_to_the_connection() {
    let config = Http2Config::default().connection_window(65_535);
    let (mut client, id) = open_client(config, &[]);
    client.finish(id);
    client.to_app.forget(id);
    client.sent();
    let given: usize = (0..12)
        .map(|_| credit(&client.receive(&frame(DATA, 0, 1, &[7; 10_000])), 0))
        .sum();
    assert!(given >= 120_000 - 65_535 / 2, "{given} bytes");
}

#[test]
fn streams_that_are_finished_and_forgotten_are_reset_each() {
    let mut client = greeted_client(Http2Config::default(), &[]);
    for number in [1, 3, 5] {
        let id = client.from_app.open(tunnel()).unwrap();
        client.sent();
        client.receive(&headers(number, 0, &[(":status", "200")]));
        client.head().expect("the response");
        client.finish(id);
        client.to_app.forget(id);
        client.sent();
    }
    assert_eq!(streams(&client), 3);
    client.now += SECOND;
    let resets: Vec<_> = of_kind(&client.sent(), RST_STREAM)
        .iter()
        .map(|reset| reset.stream)
        .collect();
    assert_eq!(resets, [1, 3, 5]);
    assert_eq!(streams(&client), 0);
}
