//! Bytes that are not a PROXY header, and headers that were not asked for.

use crate::kit::{block, read, read_by};
use wirestack_proxy_header::ProxyHeaderError::{self, *};
use wirestack_proxy_header::{Accepts, Server};

/// Received bytes, and the reason why they are not a header.
struct Refused {
    bytes: &'static [u8],
    cause: ProxyHeaderError,
}

#[test]
fn bytes_that_are_not_a_line_of_version_1_are_refused() {
    let bad_line = |line: &str| BadLine(line.to_owned());
    for Refused { bytes, cause } in [
        Refused {
            bytes: b"Gx",
            cause: no_header(b"Gx"),
        },
        Refused {
            bytes: b"PROXX TCP4",
            cause: no_header(b"PROXX"),
        },
        Refused {
            bytes: b"\r\n\r\n\0\r\nQUITE",
            cause: no_header(b"\r\n\r\n\0\r\nQUITE"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1 192.0.2.7 1\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1 192.0.2.7 1"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1 192.0.2.7 1 2 3\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1 192.0.2.7 1 2 3"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1  192.0.2.7 1 2\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1  192.0.2.7 1 2"),
        },
        Refused {
            bytes: b"PROXY TCP4 ::1 ::1 1 2\r\n",
            cause: bad_line("PROXY TCP4 ::1 ::1 1 2"),
        },
        Refused {
            bytes: b"PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
            cause: bad_line("PROXY TCP6 192.0.2.1 ::1 1 2"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1 192.0.2.7 01 2\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1 192.0.2.7 01 2"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1 192.0.2.7 +1 2\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1 192.0.2.7 +1 2"),
        },
        Refused {
            bytes: b"PROXY TCP4 192.0.2.1 192.0.2.7 1 65536\r\n",
            cause: bad_line("PROXY TCP4 192.0.2.1 192.0.2.7 1 65536"),
        },
        Refused {
            bytes: b"PROXY UDP4 192.0.2.1 192.0.2.7 1 2\r\n",
            cause: bad_line("PROXY UD"),
        },
        Refused {
            bytes: b"PROXY \r\n",
            cause: bad_line("PROXY \r"),
        },
    ] {
        assert_eq!(read(bytes), Err(cause), "{}", bytes.escape_ascii());
    }
    let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 93]].concat();
    assert_eq!(read(&endless), Err(LongLine));
}

#[test]
fn a_block_of_version_2_with_a_fault_is_refused() {
    for Refused { bytes, cause } in [
        Refused {
            bytes: b"\x11\x11\x00\x00",
            cause: UnknownVersion(1),
        },
        Refused {
            bytes: b"\x22\x11\x00\x00",
            cause: UnknownCommand(2),
        },
        Refused {
            bytes: b"\x21\x41\x00\x00",
            cause: UnknownFamily(0x41),
        },
        Refused {
            bytes: b"\x21\x13\x00\x00",
            cause: UnknownFamily(0x13),
        },
        Refused {
            bytes: b"\x21\x11\x0f\xf1",
            cause: TooLong {
                seen: 4097,
                limit: 4096,
            },
        },
        Refused {
            bytes: b"\x21\x11\x00\x02ab",
            cause: ShortAddresses {
                seen: 2,
                wanted: 12,
            },
        },
        Refused {
            bytes: b"\x21\x31\x00\x02ab",
            cause: ShortAddresses {
                seen: 2,
                wanted: 216,
            },
        },
        Refused {
            bytes: b"\x21\x11\x00\x0e\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x01\x00",
            cause: ShortTlv { at: 28 },
        },
        Refused {
            bytes: b"\x21\x11\x00\x0f\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x01\0\x01",
            cause: ShortTlv { at: 28 },
        },
        Refused {
            bytes: b"\x21\x11\x00\x10\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x03\0\x01x",
            cause: ChecksumLength(1),
        },
    ] {
        let bytes = block(bytes);
        assert_eq!(read(&bytes), Err(cause), "{}", bytes.escape_ascii());
    }
}

#[test]
fn only_what_was_asked_for_is_accepted() {
    let (line, block) = (b"PROXY UNKNOWN\r\n".to_vec(), block(b"\x21\x00\x00\x00"));
    for (accepts, bytes) in [(Accepts::V1, &block), (Accepts::V2, &line)] {
        let refused = read_by(Server::new(accepts), bytes);
        assert_eq!(refused, Err(no_header(bytes)));
    }
    let long = self::block(&[&b"\x21\x00\x10\x00"[..], &[0; 4096]].concat());
    assert!(read(&long).is_err());
    assert!(read_by(Server::default().with_limit(4112), &long).is_ok());
}

#[test]
fn a_unix_socket_that_lacks_its_second_path_is_refused() {
    let bytes = block(&[&b"\x21\x31\x00\x6d"[..], &[b'x'; 109]].concat());
    let (seen, wanted) = (109, 216);
    assert_eq!(read(&bytes), Err(ShortAddresses { seen, wanted }));
}

#[test]
fn a_peer_without_a_header_is_told_from_one_with_another_version() {
    let text = |accepts, bytes: &[u8]| {
        read_by(Server::new(accepts), bytes)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        text(Accepts::V2, b"PROXY UNKNOWN\r\n"),
        "the connection begins with a PROXY header, wanted a PROXY header: it has a version that \
         is not accepted here"
    );
    assert_eq!(
        text(Accepts::Both, b"GET / HTTP/1.1\r\n"),
        "the connection begins with an HTTP/1 request, wanted a PROXY header: the peer is no load \
         balancer, or one that is not told to send it"
    );
}

/// The cause of a peer that begins with other bytes.
fn no_header(bytes: &[u8]) -> ProxyHeaderError {
    let seen = wirestack_layer::FirstBytes::read(bytes, false).unwrap();
    NoHeader { seen }
}
