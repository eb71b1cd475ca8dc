//! Values behind the addresses (TLVs), and headers that cannot be sent.

use crate::kit::{read, read_by, sent, tcp, udp};
use wirestack_proxy_header::{
    Addresses, Client, Header, HeaderError, Server, TransportProtocol, kind,
};

#[test]
fn a_header_that_cannot_be_sent_is_an_error_at_once() {
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
    let bytes = sent(Client::v2(largest.clone()).with_checksum());
    let server = Server::default().with_limit(1 << 20);
    assert_eq!(read_by(server, &bytes), Ok(largest));

    let unix = |n: usize| Header::unix(TransportProtocol::Datagram, vec![b'x'; n], &b""[..]);
    assert_eq!(unix(109), Err(HeaderError::UnixPath(109)));
    let not_of_version_1 = [
        with(kind::ALPN, 2).unwrap(),
        unix(108).unwrap(),
        udp("192.0.2.1:1", "192.0.2.7:2"),
    ];
    for header in not_of_version_1 {
        let refused = Client::v1(header).unwrap_err();
        assert!(matches!(refused, HeaderError::Version1(_)), "{refused}");
    }
}

#[test]
fn a_header_carries_what_the_proxy_knows_of_tls_and_more() {
    let tls = b"\x01\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x02me";
    let header = tcp("192.0.2.1:1", "192.0.2.7:2")
        .with_tlv(kind::SSL, &tls[..])
        .and_then(|header| header.with_tlv(kind::AUTHORITY, &b"example.org"[..]))
        .and_then(|header| header.with_tlv(kind::ALPN, &b"h2"[..]))
        .and_then(|header| header.with_tlv(kind::UNIQUE_ID, &b"7"[..]))
        .unwrap();
    let header = read(&sent(Client::v2(header))).unwrap();
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

#[test]
fn each_fact_about_the_tls_of_a_client_is_told_from_the_others() {
    for (value, facts) in [
        (b"\x00\0\0\0\x01", [false, false, false, false]),
        (b"\x01\0\0\0\x01", [true, false, false, false]),
        (b"\x02\0\0\0\x01", [false, true, false, false]),
        (b"\x04\0\0\0\x01", [false, false, true, false]),
        (b"\xf8\0\0\0\0", [false, false, false, true]),
    ] {
        let header = Header::unknown().with_tlv(kind::SSL, &value[..]).unwrap();
        let tls = header.tls().unwrap();
        let seen = [
            tls.over_tls,
            tls.certificate_here,
            tls.certificate,
            tls.verified,
        ];
        assert_eq!(seen, facts, "{}", value.escape_ascii());
    }
}

#[test]
fn a_header_tells_its_addresses_and_its_values_in_their_order() {
    let header = tcp("192.0.2.1:1", "192.0.2.7:2");
    assert_eq!(header.source(), Some("192.0.2.1:1".parse().unwrap()));
    assert_eq!(header.destination(), Some("192.0.2.7:2".parse().unwrap()));
    let header = Header::unknown()
        .with_tlv(kind::ALPN, &b"h2"[..])
        .and_then(|header| header.with_tlv(0xe0, &b"x"[..]))
        .unwrap();
    assert_eq!((header.source(), header.destination()), (None, None));
    let kinds: Vec<_> = header.tlvs().iter().map(|tlv| tlv.kind).collect();
    assert_eq!(kinds, [kind::ALPN, 0xe0]);
}
