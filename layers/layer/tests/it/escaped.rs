//! Texts of a peer, and first bytes.

use wirestack_layer::{Error, Escaped, FirstBytes, SeenProtocol, decode_text};

/// Every character that could deceive a reader, one of each kind.
const DECEPTIVE: &str = "\0\u{7}\u{8}\t\n\r\u{1b}\u{7f}\u{80}\u{85}\u{9b}\u{9d}\u{a0}\u{ad}\u{300}\
    \u{34f}\u{61c}\u{115f}\u{17b4}\u{180e}\u{2003}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\
    \u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{202f}\u{2060}\u{2061}\u{2066}\u{2067}\
    \u{2068}\u{2069}\u{206a}\u{2800}\u{3164}\u{e000}\u{fe0f}\u{feff}\u{ffa0}\u{fff9}\u{ffff}\
    \u{e0001}\u{e0041}\u{e007f}\u{e0100}\u{f0000}\u{10ffff}";

#[test]
fn no_deceptive_character_is_shown_as_it_is() {
    let shown = Escaped::new(DECEPTIVE).to_string();
    assert!(shown.is_ascii(), "{}", shown.escape_debug());
    assert!(shown.chars().all(|c| !c.is_control()), "{shown:?}");
    let cause = format!("see {DECEPTIVE}");
    let error = Error::peer("tls", &*cause);
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(
            text.is_ascii() && !text.contains(char::is_control),
            "{text:?}"
        );
    }
}

#[test]
fn texts_in_any_script_stay_as_they_are() {
    for text in [
        "",
        "Zugriff verweigert: größer",
        "アクセス拒否",
        "доступ закрыт",
        "😀 \\ \"q\"",
    ] {
        assert_eq!(Escaped::new(text).to_string(), text);
    }
}

#[test]
fn an_excerpt_and_an_error_are_bounded() {
    let long = "x".repeat(100_000);
    assert_eq!(Escaped::excerpt(&long).to_string().chars().count(), 129);
    let error = Error::peer("tls", &*long);
    assert!(error.to_string().len() < 5_000);
    assert_eq!(Escaped::new("abc").at_most(3).to_string(), "abc");
}

#[test]
fn bytes_that_are_not_utf_8_are_latin_1() {
    assert_eq!(decode_text(b"gesch\xfctzt"), "geschützt");
    assert_eq!(decode_text("geschützt".as_bytes()), "geschützt");
}

#[test]
fn first_bytes_have_a_name_however_they_are_cut() {
    use SeenProtocol::*;
    let rows: &[(&[u8], Option<SeenProtocol>, &str)] = &[
        (b"\x16\x03\x01\x02\x00\x01", Some(Tls), "TLS"),
        (b"\x15\x03\x03\x00\x02\x02\x28", Some(Tls), "TLS"),
        (b"\x05\xff", Some(Socks5), "SOCKS5"),
        (b"\x04\x01\x00\x50", Some(Socks4), "a SOCKS4 request"),
        (b"\x00\x5b\x00\x00", Some(Socks4Reply), "a SOCKS4 reply"),
        (
            b"HTTP/1.1 400 Bad",
            Some(HttpResponse),
            "an HTTP/1 response",
        ),
        (
            b"GET / HTTP/1.1\r\n",
            Some(HttpRequest),
            "an HTTP/1 request",
        ),
        (
            b"PRI * HTTP/2.0\r\n\r\nSM",
            Some(Http2Preface),
            "the preface of an HTTP/2 client",
        ),
        (
            b"\0\0\x12\x04\0\0\0\0\0",
            Some(Http2Settings),
            "an HTTP/2 SETTINGS frame",
        ),
        (b"SSH-2.0-x\r\n", Some(Ssh), "the greeting of SSH"),
        (
            b"220 mail.test ESMTP",
            Some(Greeting220),
            "the greeting of a mail or FTP server (220)",
        ),
        (b"* OK IMAP4", Some(Imap), "the greeting of an IMAP server"),
        (b"+OK POP3", Some(Pop3), "the greeting of a POP3 server"),
        (b"PROXY TCP4 ", Some(ProxyHeader), "a PROXY header"),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21",
            Some(ProxyHeader),
            "a PROXY header",
        ),
        (
            b"<!DOCTYPE html>",
            Some(Markup),
            "the beginning of a web page (HTML or XML)",
        ),
        (b"Hi", None, "the bytes \"Hi\""),
        (b"\x1b[2J", None, "the byte 0x1b"),
        (b"GET\x1b[2J", None, "the bytes 0x47 0x45 0x54 0x1b"),
        (b"\xff", None, "the byte 0xff"),
    ];
    for (bytes, protocol, shown) in rows {
        let whole = FirstBytes::read(bytes, false).unwrap();
        assert_eq!((whole.protocol(), &*whole.to_string()), (*protocol, *shown));
        let verdicts = (1..=bytes.len()).map(|n| FirstBytes::read(&bytes[..n], false));
        let first = verdicts.into_iter().find_map(Result::ok);
        assert_eq!(first, Some(whole), "{shown}");
    }
    assert_eq!(FirstBytes::read(b"", false), Err(1));
    let cut = FirstBytes::read(b"GE", true).unwrap();
    assert_eq!(cut.to_string(), "the bytes \"GE\"");
    assert_eq!(FirstBytes::read(b"", true).unwrap().to_string(), "nothing");
}
