//! Mistakes in URLs, hops and settings, which are found before anything is sent.

use super::*;
use wirestack_tls::{ClientSettings, ServerSettings};

#[test]
fn mistakes_in_urls_read_well() {
    let row = |does: &'static str, dial: Dial, text: &'static str| Failure {
        peer: "a user",
        does,
        dial,
        moves: vec![],
        text,
    };
    let good = || to("wss://example.org/chat");
    check(vec![
        row(
            "forgets the scheme of the target",
            to("example.org/chat"),
            "route: the URL has no scheme, write wss:// before it for a WebSocket, or tls:// for a stream",
        ),
        row(
            "asks for a file",
            to("ftp://example.org/chat"),
            "route: the URL must begin with ws://, wss://, http://, https://, tcp:// or tls://",
        ),
        row(
            "asks for a page",
            to("https://example.org/chat"),
            "route: the URL names a web server (http:// or https://), but a WebSocket (ws:// or wss://) is wanted",
        ),
        row(
            "asks for a stream",
            to("tcp://example.org:22"),
            "route: the URL names a stream (tcp:// or tls://), but a WebSocket (ws:// or wss://) is wanted",
        ),
        row(
            "forgets the host",
            to("wss:///chat"),
            "route: the URL has no host",
        ),
        row(
            "writes a fragment",
            to("wss://example.org/chat#top"),
            "route: the URL of a target must have no fragment",
        ),
        row(
            "writes a bad port",
            to("wss://example.org:99999/"),
            "route: the port in the URL is not a number from 1 to 65535",
        ),
        row(
            "forgets the scheme of a proxy",
            good().via("proxy.corp:3128"),
            "route: the URL has no scheme, write http:// before it for an HTTP proxy, or socks5h:// for a SOCKS proxy",
        ),
        row(
            "writes an unknown scheme of a proxy",
            good().via("quic://proxy.corp:3128"),
            "route: the URL must begin with socks5://, socks5h://, socks4://, socks4a://, http://, https://, h2://, h2c://, socks5+tls:// or socks4+tls://",
        ),
        row(
            "writes a path of a proxy",
            good().via("http://proxy.corp:3128/pac"),
            "route: the URL of a proxy must have no path, no query and no fragment",
        ),
        row(
            "gives SOCKS4 a password",
            good().via("socks4://me:hunter2@gate.test"),
            "route: the URL has a password, but SOCKS4 sends a user only",
        ),
        row(
            "writes a control character in a password",
            good().via("http://me:%07@proxy.corp"),
            "route: the user or the password in the URL has a control character, which HTTP cannot send",
        ),
    ]);
}

#[test]
fn mistakes_in_settings_of_tls_read_well() {
    let der = [0x30, 0x82, 1, 2, 0x30, 0x82];
    let pkcs12 = [0x30, 0x82, 9, 9, 2, 1, 3, 0x30];
    let client = || ClientSettings::new().without_system_roots();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let chain = &TLS.root;
    let rows = [
        (
            client().ca_certificates(der).build().err(),
            "tls: the CA certificate is DER, wanted plain PEM: convert it with `openssl x509 -inform der -in FILE`",
        ),
        (
            client().ca_certificates(pkcs12).build().err(),
            "tls: the CA certificate is PKCS #12, wanted plain PEM: convert it with `openssl pkcs12 -in FILE -nodes`",
        ),
        (
            client().ca_certificates("").build().err(),
            "tls: the PEM text holds no CA certificate",
        ),
        (
            ServerSettings::new(&**chain, der).build().err(),
            "tls: the private key is DER, wanted plain PEM: convert it with `openssl pkey -inform der -in FILE`",
        ),
        (
            ServerSettings::new(&**chain, encrypted).build().err(),
            "tls: the private key is encrypted, wanted plain PEM: convert it with `openssl pkey -in FILE`",
        ),
        (
            ServerSettings::new(&**chain, &*key).build().err(),
            "tls: the certificate chain and private key cannot be used: the private key is not that of the certificate",
        ),
    ];
    check_texts(rows.map(|(error, text)| (error.expect("a mistake").to_string(), text)));
}

#[test]
fn mistakes_in_the_request_of_a_websocket_read_well() {
    let request = || ClientRequest::new("wss://example.org/chat").unwrap();
    let rows = [
        (
            request().header("bad name", "x").err(),
            "websocket: HTTP does not allow the name or the value of a field: the name is no token, or the value has a control character",
        ),
        (
            request().header("x-note", "a\nb").err(),
            "websocket: HTTP does not allow the name or the value of a field: the name is no token, or the value has a control character",
        ),
        (
            request().header("host", "other.test").err(),
            "websocket: the field host is set by the handshake itself",
        ),
        (
            request().subprotocol("chat v2").err(),
            "websocket: the subprotocol \"chat v2\" is not a token, or is offered twice",
        ),
    ];
    check_texts(rows.map(|(error, text)| (error.expect("a mistake").to_string(), text)));
}
