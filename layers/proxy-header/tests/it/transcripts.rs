//! Headers as they are sent and as they are received, byte by byte.

use crate::kit::{Side, block, read, sent, tcp, udp};
use wirestack_layer::Flow;
use wirestack_proxy_header::{Client, Header, ProxyHeaderError, Server, TransportProtocol, kind};

#[test]
fn version_1_is_a_line() {
    struct Row {
        header: Header,
        line: &'static str,
    }
    for Row { header, line } in [
        Row {
            header: tcp("192.0.2.1:4711", "192.0.2.7:443"),
            line: "PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\n",
        },
        Row {
            header: tcp("[2001:db8::1]:0", "[2001:db8::7]:65535"),
            line: "PROXY TCP6 2001:db8::1 2001:db8::7 0 65535\r\n",
        },
        Row {
            header: tcp("192.0.2.1:1", "[2001:db8::7]:2"),
            line: "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::7 1 2\r\n",
        },
        Row {
            header: Header::unknown(),
            line: "PROXY UNKNOWN\r\n",
        },
    ] {
        let bytes = sent(Client::v1(header.clone()).unwrap());
        assert_eq!(String::from_utf8(bytes).unwrap(), line);
        assert_eq!(read(line.as_bytes()), Ok(header));
    }
    let local = sent(Client::v1(Header::local()).unwrap());
    assert_eq!(local, b"PROXY UNKNOWN\r\n");
    // "the receiver must ignore anything presented before the CRLF is found"
    let longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
    assert_eq!(read(longest.as_bytes()), Ok(Header::unknown()));
}

#[test]
fn version_2_is_a_block() {
    struct Row {
        header: Header,
        bytes: Vec<u8>,
    }
    for Row { header, bytes } in [
        Row {
            header: tcp("192.0.2.1:4711", "192.0.2.7:443"),
            bytes: block(b"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x07\x12\x67\x01\xbb"),
        },
        Row {
            header: udp("[2001:db8::1]:1", "[::]:2"),
            bytes: block(
                b"\x21\x22\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
                  \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x01\x00\x02",
            ),
        },
        Row {
            header: Header::unix(
                TransportProtocol::Stream,
                &b"/run/a"[..],
                &b"\0abstract"[..],
            )
            .unwrap(),
            bytes: block(
                &[
                    &b"\x21\x31\x00\xd8/run/a"[..],
                    &[0; 102],
                    b"\0abstract",
                    &[0; 99],
                ]
                .concat(),
            ),
        },
        Row {
            header: Header::local(),
            bytes: block(b"\x20\x00\x00\x00"),
        },
        Row {
            header: Header::unknown(),
            bytes: block(b"\x21\x00\x00\x00"),
        },
        Row {
            header: Header::unknown().with_tlv(kind::ALPN, &b"h2"[..]).unwrap(),
            bytes: block(b"\x21\x00\x00\x05\x01\x00\x02h2"),
        },
        Row {
            header: tcp("192.0.2.1:1", "192.0.2.7:2")
                .with_tlv(kind::ALPN, &b"h2"[..])
                .unwrap()
                .with_tlv(0xe0, &b""[..])
                .unwrap(),
            bytes: block(
                b"\x21\x11\x00\x14\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02\
                  \x01\x00\x02h2\xe0\x00\x00",
            ),
        },
    ] {
        assert_eq!(sent(Client::v2(header.clone())), bytes, "{header}");
        assert_eq!(read(&bytes), Ok(header.clone()));
        let checked = sent(Client::v2(header.clone()).with_checksum());
        assert_eq!(checked.len(), bytes.len() + 7);
        assert_eq!(read(&checked), Ok(header.clone()), "{header}");
        // The checksum covers every bit, where there are addresses to protect.
        for at in (16..checked.len()).filter(|_| header.source().is_some()) {
            let mut bent = checked.clone();
            bent[at] ^= 1;
            assert_ne!(read(&bent), Ok(header.clone()), "byte {at} of {header}");
        }
    }
}

/// "CRC32c", RFC 9260 appendix A: of "123456789" it is e3069283.
#[test]
fn the_checksum_is_crc32c() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    let header = tcp("127.0.0.1:1", "127.0.0.1:2");
    let checked = sent(Client::v2(header).with_checksum());
    assert_eq!(&checked[28..31], b"\x03\x00\x04");
    assert_eq!(
        checked[31..],
        crc32c(&[&checked[..31], &[0; 4]].concat()).to_be_bytes()
    );
}

/// Computes CRC32c bit by bit, as the RFC describes it.
fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

#[test]
fn a_receiver_passes_over_what_it_does_not_know_or_need() {
    let header = tcp("192.0.2.1:1", "192.0.2.7:2");
    let padded =
        block(b"\x21\x11\x00\x11\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02\x04\x00\x02\0\0");
    assert_eq!(read(&padded), Ok(header), "padding");
    let local = block(b"\x20\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02");
    assert_eq!(read(&local), Ok(Header::local()), "addresses of a LOCAL");
    let unspecified = block(b"\x21\x00\x00\x03abc");
    assert_eq!(read(&unspecified), Ok(Header::unknown()));
    let half_known = block(b"\x21\x10\x00\x00");
    assert_eq!(read(&half_known), Ok(Header::unknown()));
}

/// "The receiver should ignore address information", and these could be read as values: a checksum
/// of 4 bytes, which is wrong, and a name.
#[test]
fn the_addresses_of_a_known_family_without_a_transport_are_no_values() {
    let named = || Header::unknown().with_tlv(kind::ALPN, "h2").unwrap();
    for (fixed, addresses) in [
        (
            b"\x21\x10\x00\x11",
            &b"\x03\x00\x04\x01\x02\x00\x02ab\x04\x00\x00"[..],
        ),
        (
            b"\x21\x20\x00\x29",
            &[&b"\x02\x00\x21"[..], &[b'a'; 33]].concat()[..],
        ),
        (
            b"\x21\x30\x00\xdd",
            &[&b"\x02\x00\xd5"[..], &[b'a'; 213]].concat()[..],
        ),
    ] {
        let bytes = block(&[&fixed[..], addresses, b"\x01\x00\x02h2"].concat());
        assert_eq!(read(&bytes), Ok(named()), "{fixed:?}");
    }
    let short = block(b"\x21\x10\x00\x05\x02\x00\x02ab");
    assert_eq!(read(&short), Ok(Header::unknown()));
}

#[test]
fn a_header_may_be_cut_anywhere_and_end_anywhere() {
    let header = tcp("192.0.2.1:4711", "192.0.2.7:443").with_tlv(kind::NETNS, &b"blue"[..]);
    let line = b"PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\n".to_vec();
    for bytes in [line, sent(Client::v2(header.unwrap()).with_checksum())] {
        for at in 0..bytes.len() {
            let mut side = Side::new(Server::default());
            side.receive(&bytes[..at]);
            let undecided = side.server.header().is_none() && side.error().is_none();
            assert!(undecided, "{at}");
            let required = side.from_wire.required();
            assert!(required > at && required <= bytes.len(), "{at}: {required}");
            side.receive(&[&bytes[at..], b"behind it"].concat());
            assert!(side.server.header().is_some(), "{at}");
            assert_eq!(side.to_app.unread(), b"behind it");

            let mut side = Side::new(Server::default());
            side.receive(&bytes[..at]);
            side.from_wire.finish();
            side.process();
            assert_eq!(side.error(), Some(ProxyHeaderError::Truncated { seen: at }));
        }
    }
}
