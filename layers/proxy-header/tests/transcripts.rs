//! What is written and what is read, byte by byte.

use wirestack_layer::Instant;
use wirestack_layer::{Flow, Flows, Layer, Pipe};
use wirestack_proxy_header::{
    Accepts, Addresses, Client, Header, HeaderError, ProxyHeaderError, Server, Transport, kind,
};

/// A server and its flows.
struct Side {
    server: Server,
    flows: [Pipe; 4],
}

impl Side {
    fn new(server: Server) -> Self {
        let flows = Default::default();
        Self { server, flows }
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.flows[0].write(bytes);
        self.process();
    }

    fn process(&mut self) {
        let [from_wire, to_wire, from_app, to_app] = &mut self.flows;
        let flows = Flows::new(from_wire, to_wire, from_app, to_app);
        self.server.process(flows, Instant::ORIGIN);
    }

    fn error(&self) -> Option<ProxyHeaderError> {
        match self.flows[3].closed()? {
            wirestack_layer::End::Aborted(error) => error.cause().cloned(),
            wirestack_layer::End::Finished => None,
        }
    }
}

fn emitted(mut client: Client) -> Vec<u8> {
    let [mut a, mut to_wire, mut c, mut d] = <[Pipe; 4]>::default();
    let flows = Flows::new(&mut a, &mut to_wire, &mut c, &mut d);
    client.process(flows, Instant::ORIGIN);
    assert!(client.is_open() && client.is_transparent());
    to_wire.unread().to_vec()
}

fn read(server: Server, bytes: &[u8]) -> Result<Header, ProxyHeaderError> {
    let mut side = Side::new(server);
    side.hear(bytes);
    assert!(side.flows[1].is_empty(), "a header is never answered");
    match side.server.header() {
        Some(header) => Ok(header.clone()),
        None => Err(side.error().expect("a header or an error")),
    }
}

fn both(bytes: &[u8]) -> Result<Header, ProxyHeaderError> {
    read(Server::new(Accepts::Both), bytes)
}

fn tcp(source: &str, destination: &str) -> Header {
    Header::tcp(source.parse().unwrap(), destination.parse().unwrap())
}

const SIGNATURE: &[u8] = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a";

fn block(rest: &[u8]) -> Vec<u8> {
    [SIGNATURE, rest].concat()
}

#[test]
fn lines_of_version_1() {
    let rows = [
        (
            tcp("192.0.2.1:4711", "192.0.2.7:443"),
            "PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\n",
        ),
        (
            tcp("[2001:db8::1]:0", "[2001:db8::7]:65535"),
            "PROXY TCP6 2001:db8::1 2001:db8::7 0 65535\r\n",
        ),
        (
            tcp("192.0.2.1:1", "[2001:db8::7]:2"),
            "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::7 1 2\r\n",
        ),
        (Header::unknown(), "PROXY UNKNOWN\r\n"),
    ];
    for (header, line) in rows {
        let bytes = emitted(Client::v1(header.clone()).unwrap());
        assert_eq!(String::from_utf8(bytes).unwrap(), line);
        assert_eq!(both(line.as_bytes()), Ok(header));
    }
    assert_eq!(
        emitted(Client::v1(Header::local()).unwrap()),
        b"PROXY UNKNOWN\r\n"
    );
    // "the receiver must ignore anything presented before the CRLF is found"
    let longest = "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n";
    assert_eq!(both(longest.as_bytes()), Ok(Header::unknown()));
}

#[test]
fn blocks_of_version_2() {
    let rows = [
        (
            tcp("192.0.2.1:4711", "192.0.2.7:443"),
            block(b"\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x07\x12\x67\x01\xbb"),
        ),
        (
            Header::udp(
                "[2001:db8::1]:1".parse().unwrap(),
                "[::]:2".parse().unwrap(),
            ),
            block(
                b"\x21\x22\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\
                  \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x01\x00\x02",
            ),
        ),
        (
            Header::unix(Transport::Stream, &b"/run/a"[..], &b"\0abstract"[..]).unwrap(),
            block(
                &[
                    &b"\x21\x31\x00\xd8/run/a"[..],
                    &[0; 102],
                    b"\0abstract",
                    &[0; 99],
                ]
                .concat(),
            ),
        ),
        (Header::local(), block(b"\x20\x00\x00\x00")),
        (Header::unknown(), block(b"\x21\x00\x00\x00")),
        (
            Header::unknown().with_tlv(kind::ALPN, &b"h2"[..]).unwrap(),
            block(b"\x21\x00\x00\x05\x01\x00\x02h2"),
        ),
        (
            tcp("192.0.2.1:1", "192.0.2.7:2")
                .with_tlv(kind::ALPN, &b"h2"[..])
                .unwrap()
                .with_tlv(0xe0, &b""[..])
                .unwrap(),
            block(
                b"\x21\x11\x00\x14\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02\
                  \x01\x00\x02h2\xe0\x00\x00",
            ),
        ),
    ];
    for (header, bytes) in rows {
        assert_eq!(emitted(Client::v2(header.clone())), bytes, "{header}");
        assert_eq!(both(&bytes), Ok(header.clone()));
        let checked = emitted(Client::v2(header.clone()).with_checksum());
        assert_eq!(checked.len(), bytes.len() + 7);
        assert_eq!(both(&checked), Ok(header.clone()), "{header}");
        // Every bit of it counts, where there are addresses to protect.
        for at in (16..checked.len()).filter(|_| header.source().is_some()) {
            let mut bent = checked.clone();
            bent[at] ^= 1;
            assert_ne!(both(&bent), Ok(header.clone()), "byte {at} of {header}");
        }
    }
    // "CRC32c", RFC 9260 appendix A: of "123456789" it is e3069283, whatever the header.
    let header = tcp("127.0.0.1:1", "127.0.0.1:2");
    let checked = emitted(Client::v2(header).with_checksum());
    assert_eq!(&checked[28..31], b"\x03\x00\x04");
    assert_eq!(
        checked[31..],
        crc32c(&[&checked[..31], &[0; 4]].concat()).to_be_bytes()
    );
    assert_eq!(crc32c(b"123456789"), 0xe306_9283);
}

/// Bit by bit, as the RFC describes it.
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
fn what_a_receiver_does_not_know_or_need_is_passed_over() {
    let header = tcp("192.0.2.1:1", "192.0.2.7:2");
    let padded =
        block(b"\x21\x11\x00\x11\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02\x04\x00\x02\0\0");
    assert_eq!(both(&padded), Ok(header), "padding");
    let local = block(b"\x20\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x07\x00\x01\x00\x02");
    assert_eq!(both(&local), Ok(Header::local()), "addresses of a LOCAL");
    let unspecified = block(b"\x21\x00\x00\x03abc");
    assert_eq!(both(&unspecified), Ok(Header::unknown()));
    let half_known = block(b"\x21\x10\x00\x00");
    assert_eq!(both(&half_known), Ok(Header::unknown()));
}

#[test]
fn what_is_no_header() {
    use ProxyHeaderError::*;
    let line = |text: &str| BadLine(text.to_owned());
    let rows: &[(&[u8], ProxyHeaderError)] = &[
        (b"G", NoHeader { seen: b"G".into() }),
        (
            b"PROXX TCP4",
            NoHeader {
                seen: b"PROXX".into(),
            },
        ),
        (
            b"\r\n\r\n\0\r\nQUITE",
            NoHeader {
                seen: b"\r\n\r\n\0\r\nQUITE".into(),
            },
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 1\r\n",
            line("PROXY TCP4 192.0.2.1 192.0.2.7 1"),
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 1 2 3\r\n",
            line("PROXY TCP4 192.0.2.1 192.0.2.7 1 2 3"),
        ),
        (
            b"PROXY TCP4 192.0.2.1  192.0.2.7 1 2\r\n",
            line("PROXY TCP4 192.0.2.1  192.0.2.7 1 2"),
        ),
        (
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            line("PROXY TCP4 ::1 ::1 1 2"),
        ),
        (
            b"PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
            line("PROXY TCP6 192.0.2.1 ::1 1 2"),
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 01 2\r\n",
            line("PROXY TCP4 192.0.2.1 192.0.2.7 01 2"),
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 +1 2\r\n",
            line("PROXY TCP4 192.0.2.1 192.0.2.7 +1 2"),
        ),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.7 1 65536\r\n",
            line("PROXY TCP4 192.0.2.1 192.0.2.7 1 65536"),
        ),
        (b"PROXY UDP4 192.0.2.1 192.0.2.7 1 2\r\n", line("PROXY UD")),
        (b"PROXY \r\n", line("PROXY \r")),
    ];
    for (bytes, cause) in rows {
        assert_eq!(both(bytes), Err(cause.clone()), "{}", bytes.escape_ascii());
    }
    assert_eq!(
        both(&[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 93]].concat()),
        Err(LongLine)
    );

    let rows: &[(&[u8], ProxyHeaderError)] = &[
        (b"\x11\x11\x00\x00", UnknownVersion(1)),
        (b"\x22\x11\x00\x00", UnknownCommand(2)),
        (b"\x21\x41\x00\x00", UnknownFamily(0x41)),
        (b"\x21\x13\x00\x00", UnknownFamily(0x13)),
        (
            b"\x21\x11\x0f\xf1",
            TooLong {
                seen: 4097,
                limit: 4096,
            },
        ),
        (
            b"\x21\x11\x00\x02ab",
            ShortAddresses {
                seen: 2,
                wanted: 12,
            },
        ),
        (
            b"\x21\x11\x00\x0e\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x01\x00",
            ShortTlv { at: 28 },
        ),
        (
            b"\x21\x11\x00\x0f\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x01\0\x01",
            ShortTlv { at: 28 },
        ),
        (
            b"\x21\x11\x00\x10\xc0\0\x02\x01\xc0\0\x02\x07\0\x01\0\x02\x03\0\x01x",
            ChecksumLength(1),
        ),
    ];
    for (bytes, cause) in rows {
        let bytes = block(bytes);
        assert_eq!(both(&bytes), Err(cause.clone()), "{}", bytes.escape_ascii());
    }
}

#[test]
fn only_what_was_asked_for_is_accepted() {
    let (line, block) = (b"PROXY UNKNOWN\r\n".to_vec(), block(b"\x21\x00\x00\x00"));
    for (accepts, bytes) in [(Accepts::V1, &block), (Accepts::V2, &line)] {
        let refused = read(Server::new(accepts), bytes);
        assert_eq!(
            refused,
            Err(ProxyHeaderError::NoHeader {
                seen: bytes[..1].into()
            })
        );
    }
    let long = self::block(&[&b"\x21\x00\x10\x00"[..], &[0; 4096]].concat());
    assert!(both(&long).is_err());
    assert!(read(Server::default().with_limit(4112), &long).is_ok());
}

#[test]
fn a_header_may_be_cut_anywhere_and_end_anywhere() {
    let header = tcp("192.0.2.1:4711", "192.0.2.7:443").with_tlv(kind::NETNS, &b"blue"[..]);
    let line = b"PROXY TCP4 192.0.2.1 192.0.2.7 4711 443\r\n".to_vec();
    for bytes in [line, emitted(Client::v2(header.unwrap()).with_checksum())] {
        for at in 0..bytes.len() {
            let mut side = Side::new(Server::default());
            side.hear(&bytes[..at]);
            assert!(
                side.server.header().is_none() && side.error().is_none(),
                "{at}"
            );
            let required = side.flows[0].required();
            assert!(required > at && required <= bytes.len(), "{at}: {required}");
            side.hear(&[&bytes[at..], b"behind it"].concat());
            assert!(side.server.header().is_some(), "{at}");
            assert_eq!(side.flows[3].unread(), b"behind it");

            let mut side = Side::new(Server::default());
            side.hear(&bytes[..at]);
            side.flows[0].finish();
            side.process();
            assert_eq!(side.error(), Some(ProxyHeaderError::Truncated { seen: at }));
        }
    }
}

#[test]
fn what_cannot_be_said() {
    let header = tcp("192.0.2.1:1", "192.0.2.7:2");
    let with = |kind, len: usize| header.clone().with_tlv(kind, vec![0; len]);
    assert!(with(kind::UNIQUE_ID, 128).is_ok());
    assert_eq!(with(kind::UNIQUE_ID, 129), Err(HeaderError::UniqueId(129)));
    assert_eq!(with(kind::CRC32C, 4), Err(HeaderError::Checksum));
    assert!(with(0xe0, 65_535 - 12 - 3 - 7).is_ok());
    assert_eq!(
        with(0xe0, 65_536 - 12 - 3 - 7),
        Err(HeaderError::Length(65_529))
    );
    let largest = with(0xe0, 65_535 - 12 - 3 - 7).unwrap();
    let bytes = emitted(Client::v2(largest.clone()).with_checksum());
    assert_eq!(
        read(Server::default().with_limit(1 << 20), &bytes),
        Ok(largest)
    );

    let unix = |n: usize| Header::unix(Transport::Datagram, vec![b'x'; n], &b""[..]);
    assert_eq!(unix(109), Err(HeaderError::UnixPath(109)));
    let version_1 = [
        with(kind::ALPN, 2).unwrap(),
        unix(108).unwrap(),
        Header::udp(
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.7:2".parse().unwrap(),
        ),
    ];
    for header in version_1 {
        let refused = Client::v1(header).unwrap_err();
        assert!(matches!(refused, HeaderError::Version1(_)), "{refused}");
    }
}

#[test]
fn what_a_proxy_says_of_tls_and_more() {
    let tls = b"\x01\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x02me";
    let header = tcp("192.0.2.1:1", "192.0.2.7:2")
        .with_tlv(kind::SSL, &tls[..])
        .and_then(|it| it.with_tlv(kind::AUTHORITY, &b"example.org"[..]))
        .and_then(|it| it.with_tlv(kind::ALPN, &b"h2"[..]))
        .and_then(|it| it.with_tlv(kind::UNIQUE_ID, &b"7"[..]))
        .unwrap();
    let header = both(&emitted(Client::v2(header))).unwrap();
    let tls = header.tls().unwrap();
    assert!(tls.over_tls && !tls.certificate && !tls.certificate_here && tls.verified);
    assert_eq!(tls.text(kind::SSL_VERSION), Some("TLSv1.3"));
    assert_eq!(tls.text(kind::SSL_CN), Some("me"));
    assert_eq!(header.authority(), Some("example.org"));
    assert_eq!(header.alpn(), Some(&b"h2"[..]));
    assert_eq!(header.unique_id(), Some(&b"7"[..]));
    let cut = Header::unknown()
        .with_tlv(kind::SSL, &b"\x01\0\0\0\0\x21"[..])
        .unwrap();
    assert_eq!(cut.tls(), None);
    assert_eq!(cut.addresses(), &Addresses::Unknown);
    assert_eq!(header.to_string(), "from 192.0.2.1:1 to 192.0.2.7:2");
}
