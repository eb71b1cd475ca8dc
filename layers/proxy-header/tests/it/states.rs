//! The states of both sides, as programs and traces see them.

use crate::kit::{Side, sent, tcp};
use wirestack_layer::{Flows, Instant, Layer, Pipe, Progress};
use wirestack_proxy_header::{Client, Server, kind};

#[test]
fn a_client_is_open_once_its_header_has_found_room() {
    let mut client = Client::v2(tcp("192.0.2.1:1", "192.0.2.7:2"));
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    to_wire.set_limit(1);
    to_wire.write(b"x");
    for (room, progress) in [
        (false, Progress::Opening("room for the header")),
        (true, Progress::Open),
    ] {
        if room {
            to_wire.consume(1);
        }
        let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
        client.process(flows, Instant::ORIGIN);
        assert_eq!(client.progress(), progress);
        assert_eq!(client.is_open(), room);
        assert_eq!(client.is_transparent(), room);
    }
    assert_eq!(to_wire.len(), 28);
}

#[test]
fn a_server_is_open_once_the_header_has_come() {
    let mut side = Side::new(Server::default());
    side.receive(b"PROXY TCP4 192.0.2.1 192.0.2.7 1 2\r");
    assert_eq!(side.server.progress(), Progress::Opening("the header"));
    assert!(!side.server.is_open() && !side.server.is_transparent());
    assert_eq!(side.server.status().facts.to_string(), "");
    side.receive(b"\n");
    assert_eq!(side.server.progress(), Progress::Open);
    assert!(side.server.is_open() && side.server.is_transparent());
    let facts = "v1 from 192.0.2.1:1 to 192.0.2.7:2";
    assert_eq!(side.server.status().facts.to_string(), facts);
}

/// They are kept as long as the layer.
#[test]
fn the_values_of_a_header_hold_no_memory_of_the_bytes_behind_it() {
    let header = tcp("192.0.2.1:1", "192.0.2.7:2");
    let header = header.with_tlv(kind::NETNS, "blue").unwrap();
    let mut side = Side::new(Server::default());
    side.receive(&[sent(Client::v2(header.clone())), vec![7; 5000]].concat());
    assert_eq!(side.server.header(), Some(&header));
    let behind = side.to_app.take(5000);
    assert!(behind.try_into_mut().is_ok(), "others hold them");
}

#[test]
fn both_sides_have_the_name_of_the_layer_in_traces() {
    let client = Client::v2(tcp("192.0.2.1:1", "192.0.2.7:2"));
    assert_eq!(client.name(), "proxy-header");
    assert_eq!(Server::default().name(), "proxy-header");
}
