//! Where receivers of this protocol go wrong.

use wirestack_layer::Instant;
use wirestack_layer::{End, Flow, Flows, Layer, Pipe};
use wirestack_proxy_header::{Accepts, Client, Header, ProxyHeaderError, Server, kind};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Lets a server hear some bytes, and returns what it made of them, if anything.
fn heard(accepts: Accepts, bytes: &[u8]) -> Option<Result<Header, ProxyHeaderError>> {
    let mut server = Server::new(accepts);
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_wire.write(bytes);
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    server.process(flows, Instant::ORIGIN);
    assert!(to_wire.is_empty(), "a header is never answered");
    match to_app.closed() {
        Some(End::Aborted(error)) => Some(Err(error.cause().cloned().expect("a cause of ours"))),
        _ => server.header().cloned().map(Ok),
    }
}

fn block(rest: &[u8]) -> Vec<u8> {
    [SIGNATURE, rest].concat()
}

#[test]
fn a_health_check_is_welcome_whatever_its_family() {
    // "discard the protocol block including the family which is ignored"
    for family in [0x00, 0x11, 0x13, 0x41, 0xff] {
        let bytes = block(&[0x20, family, 0, 3, 1, 2, 3]);
        let seen = heard(Accepts::Both, &bytes);
        assert_eq!(seen, Some(Ok(Header::local())), "{family:#04x}");
    }
}

#[test]
fn what_can_be_no_header_is_refused_at_the_byte_that_tells() {
    let rows: &[(&[u8], ProxyHeaderError)] = &[
        (b"\x31", ProxyHeaderError::UnknownVersion(3)),
        (b"\x22", ProxyHeaderError::UnknownCommand(2)),
        (b"\x21\x41", ProxyHeaderError::UnknownFamily(0x41)),
    ];
    for (rest, cause) in rows {
        let bytes = block(rest);
        assert_eq!(heard(Accepts::Both, &bytes), Some(Err(cause.clone())));
        assert_eq!(heard(Accepts::Both, &bytes[..bytes.len() - 1]), None);
    }
    // A line whose protocol is none, and one that ends in LF alone: more bytes change nothing.
    let lines = [
        "PROXY H",
        "PROXY TCP5",
        "PROXY UNKNOWNX",
        "PROXY UNKNOWN\rX",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\rG",
    ];
    for line in lines {
        let bad = ProxyHeaderError::BadLine(line.to_owned());
        assert_eq!(heard(Accepts::Both, line.as_bytes()), Some(Err(bad)));
        assert_eq!(
            heard(Accepts::Both, &line.as_bytes()[..line.len() - 1]),
            None
        );
    }
}

#[test]
fn what_a_line_may_and_may_not_be() {
    let refused = [
        "PROXY TCP4 192.0.2.01 192.0.2.7 1 2",
        "PROXY TCP4 192.0.2 192.0.2.7 1 2",
        "PROXY TCP4 192.0.2.256 192.0.2.7 1 2",
        "PROXY TCP4 192.0.2.1 192.0.2.7 -1 2",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 2 ",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 00",
        "PROXY TCP6 ::1%lo ::1 1 2",
        "PROXY TCP6 [::1] ::1 1 2",
        "PROXY TCP6 1::2::3 ::1 1 2",
        "PROXY TCP6 00001::1 ::1 1 2",
        "PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2",
        "PROXY UNKNOWNX",
        "proxy TCP4 192.0.2.1 192.0.2.7 1 2",
    ];
    for line in refused {
        let seen = heard(Accepts::Both, format!("{line}\r\n").as_bytes());
        assert!(matches!(seen, Some(Err(_))), "{line}: {seen:?}");
    }
    // "the receiver must ignore anything presented before the CRLF is found"
    for rest in ["", " ", " x\ry\nz", " \0\u{e9}"] {
        let seen = heard(Accepts::V1, format!("PROXY UNKNOWN{rest}\r\n").as_bytes());
        assert_eq!(seen, Some(Ok(Header::unknown())), "{rest:?}");
    }
    let seen = heard(Accepts::V1, b"PROXY UNKNOWN \xff\xfe\r\n");
    assert_eq!(seen, Some(Ok(Header::unknown())), "bytes that are no text");
}

/// Sent by HAProxy 2.6.12 over the loopback, with what the sockets were.
#[test]
fn what_haproxy_sends_is_read_and_written_alike() {
    let ip4 = |source: u16, destination: u16| {
        let at = |port| ([127, 0, 0, 1], port).into();
        Header::tcp(at(source), at(destination))
    };
    let ip6 = |source: u16, destination: u16| {
        let at = |port| ([0, 0, 0, 0, 0, 0, 0, 1], port).into();
        Header::tcp(at(source), at(destination))
    };
    let lo6 = [&[0; 15][..], &[1], &[0; 15], &[1]].concat();
    let with6 = |first: &[u8], last: &[u8]| block(&[first, &lo6, last].concat());
    let rows = [
        (
            Header::local(),
            Client::v2(Header::local()).with_checksum(), // a health check
            block(b"\x20\x00\x00\x07\x03\x00\x04\xa9\xb8\x7e\x8f"),
        ),
        (
            ip4(51382, 59283),
            Client::v1(ip4(51382, 59283)).unwrap(),
            b"PROXY TCP4 127.0.0.1 127.0.0.1 51382 59283\r\n".to_vec(),
        ),
        (
            ip6(56756, 58457),
            Client::v1(ip6(56756, 58457)).unwrap(),
            b"PROXY TCP6 ::1 ::1 56756 58457\r\n".to_vec(),
        ),
        (
            ip4(58172, 49539),
            Client::v2(ip4(58172, 49539)),
            block(b"\x21\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01\xe3\x3c\xc1\x83"),
        ),
        (
            ip6(34034, 55089),
            Client::v2(ip6(34034, 55089)),
            with6(b"\x21\x21\x00\x24", b"\x84\xf2\xd7\x31"),
        ),
        (
            ip4(55944, 34027),
            Client::v2(ip4(55944, 34027)).with_checksum(),
            block(
                b"\x21\x11\x00\x13\x7f\0\0\x01\x7f\0\0\x01\xda\x88\x84\xeb\
      \x03\x00\x04\x00\x76\xd4\x4b",
            ),
        ),
        (
            ip6(47738, 41679),
            Client::v2(ip6(47738, 41679)).with_checksum(),
            with6(
                b"\x21\x21\x00\x2b",
                b"\xba\x7a\xa2\xcf\x03\x00\x04\x35\x00\xa8\x40",
            ),
        ),
    ];
    for (header, mut client, bytes) in rows {
        assert_eq!(heard(Accepts::Both, &bytes), Some(Ok(header)));
        let [mut a, mut to_wire, mut c, mut d] = <[Pipe; 4]>::default();
        let flows = Flows::new(&mut a, &mut to_wire, &mut c, &mut d);
        client.process(flows, Instant::ORIGIN);
        assert_eq!(to_wire.unread(), bytes);
    }
    // HAProxy puts its checksum in front of the other values.
    let named = block(
        b"\x21\x11\x00\x1c\x7f\0\0\x01\x7f\0\0\x01\x8f\xac\xab\x1f\
          \x03\x00\x04\x3f\xff\x3c\x22\x05\x00\x06conn-7",
    );
    let header = ip4(36780, 43807).with_tlv(kind::UNIQUE_ID, &b"conn-7"[..]);
    assert_eq!(heard(Accepts::Both, &named), Some(Ok(header.unwrap())));
}
