//! Mistakes that receivers of this protocol make.

use crate::kit::{block, receive, sent};
use wirestack_proxy_header::{Accepts, Client, Header, ProxyHeaderError, Server, kind};

#[test]
fn a_health_check_is_welcome_whatever_its_family() {
    // "discard the protocol block including the family which is ignored"
    for family in [0x00, 0x11, 0x13, 0x41, 0xff] {
        let bytes = block(&[0x20, family, 0, 3, 1, 2, 3]);
        let seen = receive_any(&bytes);
        assert_eq!(seen, Some(Ok(Header::local())), "{family:#04x}");
    }
}

#[test]
fn bytes_that_cannot_become_a_header_are_refused_at_the_byte_that_tells() {
    for (rest, cause) in [
        (&b"\x31"[..], ProxyHeaderError::UnknownVersion(3)),
        (b"\x22", ProxyHeaderError::UnknownCommand(2)),
        (b"\x21\x41", ProxyHeaderError::UnknownFamily(0x41)),
    ] {
        let bytes = block(rest);
        assert_eq!(receive_any(&bytes), Some(Err(cause)));
        assert_eq!(receive_any(&bytes[..bytes.len() - 1]), None);
    }
    // Lines with an unknown protocol, or with an end that is not CRLF: more bytes change nothing.
    for line in [
        "PROXY H",
        "PROXY TCP5",
        "PROXY UNKNOWNX",
        "PROXY UNKNOWN\rX",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\n",
        "PROXY TCP4 192.0.2.1 192.0.2.7 1 2\rG",
    ] {
        let bad = ProxyHeaderError::BadLine(line.to_owned());
        assert_eq!(receive_any(line.as_bytes()), Some(Err(bad)));
        let shorter = &line.as_bytes()[..line.len() - 1];
        assert_eq!(receive_any(shorter), None);
    }
}

#[test]
fn a_line_is_read_by_the_grammar_and_an_unknown_one_by_its_end_alone() {
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
        let seen = receive_any(format!("{line}\r\n").as_bytes());
        assert!(matches!(seen, Some(Err(_))), "{line}: {seen:?}");
    }
    // "the receiver must ignore anything presented before the CRLF is found"
    for rest in ["", " ", " x\ry\nz", " \0\u{e9}"] {
        let seen = receive(
            Server::new(Accepts::V1),
            format!("PROXY UNKNOWN{rest}\r\n").as_bytes(),
        );
        assert_eq!(seen, Some(Ok(Header::unknown())), "{rest:?}");
    }
    let seen = receive(Server::new(Accepts::V1), b"PROXY UNKNOWN \xff\xfe\r\n");
    assert_eq!(seen, Some(Ok(Header::unknown())), "bytes that are not text");
}

/// The headers are recorded: HAProxy 2.6.12 sent them over the loopback, for these sockets.
#[test]
fn the_headers_of_haproxy_are_read_and_written_alike() {
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
    struct Row {
        header: Header,
        client: Client,
        bytes: Vec<u8>,
    }
    for row in [
        Row {
            header: Header::local(), // of a health check
            client: Client::v2(Header::local()).with_checksum(),
            bytes: block(b"\x20\x00\x00\x07\x03\x00\x04\xa9\xb8\x7e\x8f"),
        },
        Row {
            header: ip4(51382, 59283),
            client: Client::v1(ip4(51382, 59283)).unwrap(),
            bytes: b"PROXY TCP4 127.0.0.1 127.0.0.1 51382 59283\r\n".to_vec(),
        },
        Row {
            header: ip6(56756, 58457),
            client: Client::v1(ip6(56756, 58457)).unwrap(),
            bytes: b"PROXY TCP6 ::1 ::1 56756 58457\r\n".to_vec(),
        },
        Row {
            header: ip4(58172, 49539),
            client: Client::v2(ip4(58172, 49539)),
            bytes: block(b"\x21\x11\x00\x0c\x7f\0\0\x01\x7f\0\0\x01\xe3\x3c\xc1\x83"),
        },
        Row {
            header: ip6(34034, 55089),
            client: Client::v2(ip6(34034, 55089)),
            bytes: with6(b"\x21\x21\x00\x24", b"\x84\xf2\xd7\x31"),
        },
        Row {
            header: ip4(55944, 34027),
            client: Client::v2(ip4(55944, 34027)).with_checksum(),
            bytes: block(
                b"\x21\x11\x00\x13\x7f\0\0\x01\x7f\0\0\x01\xda\x88\x84\xeb\
                  \x03\x00\x04\x00\x76\xd4\x4b",
            ),
        },
        Row {
            header: ip6(47738, 41679),
            client: Client::v2(ip6(47738, 41679)).with_checksum(),
            bytes: with6(
                b"\x21\x21\x00\x2b",
                b"\xba\x7a\xa2\xcf\x03\x00\x04\x35\x00\xa8\x40",
            ),
        },
    ] {
        assert_eq!(receive_any(&row.bytes), Some(Ok(row.header)));
        assert_eq!(sent(row.client), row.bytes);
    }
    // HAProxy puts its checksum in front of the other values.
    let named = block(
        b"\x21\x11\x00\x1c\x7f\0\0\x01\x7f\0\0\x01\x8f\xac\xab\x1f\
          \x03\x00\x04\x3f\xff\x3c\x22\x05\x00\x06conn-7",
    );
    let header = ip4(36780, 43807).with_tlv(kind::UNIQUE_ID, &b"conn-7"[..]);
    assert_eq!(receive_any(&named), Some(Ok(header.unwrap())));
}

/// Feeds some bytes to a server that accepts both versions.
fn receive_any(bytes: &[u8]) -> Option<Result<Header, ProxyHeaderError>> {
    receive(Server::new(Accepts::Both), bytes)
}
