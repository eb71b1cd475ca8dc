//! A hostile peer, at every place where its text can reach one of ours.

use super::*;
use wirestack_http1::connect as connect_layer;
use wirestack_nest::{BoxTunnel, Nest};
use wirestack_proxy_header as proxy_header;
use wirestack_websocket::{Accept, Origins, Server};

/// Characters that no terminal may see: a control sequence in C0 and in C1, bidirectional and invisible
/// characters, separators of lines, tags.
const EVIL: &str = "\u{9b}31m\u{202e}\u{2066}\u{200e}\u{61c}\u{200b}\u{2028}\u{feff}\u{e0041}evil";

/// The same with a NUL-free C0 control, where the protocol lets it through.
const ESCAPE: &str = "\u{1b}]0;evil\u{7}";

/// Panics if a text holds a character that could deceive its reader.
fn assert_harmless(place: &str, text: &str) {
    let wrong = text.chars().find(|c| {
        let is_line = matches!(c, '\n');
        let is_bad = c.is_control()
            || matches!(*c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        is_bad && !is_line
    });
    assert!(
        wrong.is_none(),
        "{place}: {wrong:?} in {}",
        text.escape_debug()
    );
    assert!(!text.contains("hunter2"), "{place}: {text}");
}

fn hostile(head: &str, body: &str) -> Vec<Move> {
    answer(
        &head.replace("EVIL", EVIL),
        &body.replace("EVIL", &format!("{EVIL}{ESCAPE}")),
    )
}

#[test]
fn pitfall_62_no_text_of_a_hostile_peer_reaches_a_terminal_as_it_is() {
    let target = || to("ws://example.org/chat");
    let proxy = || to("ws://example.org/chat").via("http://me:hunter2@proxy.test:3128");
    let location = "Location: https://me:hunter2@EVIL.test/EVIL?hunter2";
    let rows: Vec<(&str, Dial, Vec<Move>)> = vec![
        ("reason of a server", target(), hostile("403 EVIL", "")),
        ("reason of a proxy", proxy(), hostile("403 EVIL", "")),
        ("body", target(), hostile("403 No", "EVIL")),
        ("title", proxy(), hostile("502 No", "<title>EVIL</title>")),
        (
            "location",
            target(),
            hostile(&format!("302 Found\n{location}"), ""),
        ),
        (
            "location of a proxy",
            proxy(),
            hostile(&format!("302 Found\n{location}"), ""),
        ),
        (
            "location that is followed",
            target().follow(Redirects::Any),
            hostile(&format!("302 Found\n{location}"), ""),
        ),
        (
            "location of another kind",
            target().follow(Redirects::Any),
            hostile("302 Found\nLocation: ftp://me:hunter2@EVIL/EVIL", ""),
        ),
        (
            "schemes of challenges",
            proxy(),
            hostile(
                "407 EVIL\nProxy-Authenticate: EVIL realm=\"EVIL\", NTLM",
                "",
            ),
        ),
        (
            "parameters of challenges",
            to("ws://example.org/").via("http://proxy.test"),
            hostile("407 No\nProxy-Authenticate: Basic realm=\"EVIL\"", ""),
        ),
        (
            "schemes of a server",
            target(),
            hostile("401 No\nWWW-Authenticate: EVIL", ""),
        ),
        (
            "error of squid",
            proxy(),
            hostile("503 No\nX-Squid-Error: EVIL", ""),
        ),
        (
            "via and cache",
            target(),
            hostile("200 OK\nVia: EVIL\nX-Cache: EVIL", ""),
        ),
        (
            "other telling fields",
            target(),
            hostile("426 No\nUpgrade: EVIL\nRetry-After: EVIL\nAllow: EVIL", ""),
        ),
        (
            "upgrade to another protocol",
            target(),
            vec![says(format!(
                "HTTP/1.1 101 EVIL\r\nUpgrade: {EVIL}\r\nConnection: Upgrade\r\n\r\n"
            ))],
        ),
        (
            "banner",
            target(),
            vec![says(format!("220 {EVIL}{ESCAPE}\r\n")), Move::Ends],
        ),
        ("first bytes", target(), vec![says(ESCAPE), Move::Ends]),
        (
            "first bytes in TLS",
            to("wss://example.org/"),
            vec![says(ESCAPE), Move::Ends],
        ),
        (
            "first bytes in SOCKS",
            to("ws://example.org/").via("socks5h://gate.test"),
            vec![says(ESCAPE), Move::Ends],
        ),
        (
            "bound name of SOCKS",
            to("ws://example.org/").via("socks5h://gate.test"),
            vec![says(b"\x05\x00"), says(bound()), says("x"), Move::Ends],
        ),
        (
            "subprotocol",
            target().subprotocol("a"),
            vec![Move::AcceptsWith(
                "Sec-WebSocket-Protocol: \u{9b}\u{202e}evil\r\n",
            )],
        ),
        (
            "extension",
            target(),
            vec![Move::AcceptsWith(
                "Sec-WebSocket-Extensions: \u{9b}\u{202e}evil\r\n",
            )],
        ),
        (
            "close reason",
            target(),
            vec![Move::Accepts(""), also(close())],
        ),
        (
            "issuer",
            to("wss://example.org/"),
            vec![Move::Secures(evil_authority().build().unwrap())],
        ),
        (
            "names of a certificate",
            to("wss://example.org/"),
            vec![Move::Secures(
                TLS.server("xn--evil.test", |_| {}).build().unwrap(),
            )],
        ),
        (
            "reason of a tunnel that opens",
            proxy(),
            vec![
                says(format!("HTTP/1.1 200 {EVIL}\r\n\r\n")),
                says("x"),
                Move::Ends,
            ],
        ),
        (
            "debug data of HTTP/2",
            to("ws://example.org/").via("h2c://proxy.test"),
            vec![
                says(b"\0\0\0\x04\0\0\0\0\0"),
                says(
                    [
                        &b"\0\0\x11\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b"[..],
                        b"\xc2\x9b\x1b[2Jevil",
                    ]
                    .concat(),
                ),
            ],
        ),
    ];
    for (place, dial, moves) in rows {
        eprintln!("{place}"); // the place of a panic
        let (text, trace) = dial.run_traced(moves);
        assert_harmless(place, &text);
        assert_harmless(place, &trace);
        assert!(!text.contains('\n'), "{place}: {text:?}");
        assert!(text.chars().count() < 1_000, "{place}: {text}");
    }
}

/// A reply of SOCKS5 whose bound address is a name.
fn bound() -> Vec<u8> {
    let name = "\u{9b}\u{202e}evil";
    let mut reply = vec![5, 0, 0, 3, name.len() as u8];
    reply.extend_from_slice(name.as_bytes());
    reply.extend_from_slice(&[0, 80]);
    reply
}

/// A Close frame with a code that is a fault.
fn close() -> Vec<u8> {
    let reason = format!("{}{ESCAPE}", &EVIL[..19]);
    let mut frame = vec![0x88, 2 + reason.len() as u8, 0x03, 0xf3];
    frame.extend_from_slice(reason.as_bytes());
    frame
}

fn evil_authority() -> wirestack_tls::ServerSettings {
    let mut params = rcgen::CertificateParams::default();
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, format!("{EVIL}{ESCAPE}"));
    let key = rcgen::KeyPair::generate().unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let leaf = rcgen::CertificateParams::new(vec!["example.org".to_owned()]).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = leaf.signed_by(&key, &issuer).unwrap().pem();
    wirestack_tls::ServerSettings::new(chain, key.serialize_pem())
}

#[test]
fn pitfall_62_no_text_of_a_hostile_client_reaches_a_terminal_as_it_is() {
    let line = format!("PROXY TCP4 {EVIL} 192.0.2.7 1 2\r\n");
    let target = format!("CONNECT {EVIL}:80 HTTP/1.1\r\n\r\n");
    let rows: Vec<(&str, BoxTunnel, Vec<u8>)> = vec![
        (
            "PROXY line",
            proxy_header::Server::default().boxed(),
            line.into_bytes(),
        ),
        (
            "target of a CONNECT",
            connect_layer::Server::new().boxed(),
            target.into_bytes(),
        ),
        (
            "name in SOCKS",
            wirestack_socks::Server::new().boxed(),
            [
                &[5, 1, 0, 5, 1, 0, 3, 10][..],
                "\u{9b}\u{202e}evil!".as_bytes(),
                &[0, 80],
            ]
            .concat(),
        ),
    ];
    for (place, layer, bytes) in rows {
        let mut engine = Engine::new(layer);
        engine.from_wire().write(&bytes);
        engine.process(START);
        let Some(End::Aborted(error)) = engine.to_app().closed() else {
            panic!("{place}: wanted an error");
        };
        for text in [error.to_string(), format!("{error:?}")] {
            assert_harmless(place, &text);
            assert!(
                text.contains("evil") || text.contains("u{9b}"),
                "{place}: {text}"
            );
        }
        let facts: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
        assert_harmless(place, &facts.concat());
    }
}

#[test]
fn pitfall_62_no_request_of_a_hostile_client_is_shown_as_it_is() {
    let mut engine =
        Engine::new(Server::new(WebSocketConfig::default()).with_origins(Origins::any()));
    let path = "/\u{202e}evil?hunter2";
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nOrigin: {EVIL}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Evil: {EVIL}\r\n\r\n"
    );
    engine.from_wire().write(request.as_bytes());
    engine.process(START);
    let server = engine.part_mut::<Server>().unwrap();
    let offer = server.request().expect("a request");
    assert_harmless("offer", &format!("{offer:?}"));
    let _ = server.accept(Accept::new());
    engine.process(START);
    let facts: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
    assert_harmless("facts", &facts.concat());
}

#[test]
fn a_question_for_credentials_is_safe_to_show() {
    let hop: Hop = "http://proxy.test:3128".parse().unwrap();
    let target: Target = "ws://example.org/".parse().unwrap();
    let options = WebSocketOptions::new(ClientRequest::new(&target.request_url()).unwrap());
    let routes = Routes::hops(vec![hop.asking()]);
    let plan: Plan<BoxSocket> = Plan::websocket(routes, target, None, options).unwrap();
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), START);
    let challenge = format!("407 No\nProxy-Authenticate: Basic realm=\"{EVIL}\"");
    let mut peer = Peer::new(answer(&challenge, ""));
    let mut open = None;
    for _ in 0..100 {
        match dialer.step(START) {
            Step::Resolve { lookup, port, .. } => {
                let found = Ok(vec![SocketAddr::from(([192, 0, 2, 1], port))]);
                dialer.resolved(lookup, found, START);
            }
            Step::Open { attempt, .. } => {
                open = dialer
                    .opened(attempt, START)
                    .map(|engine| (attempt, engine));
            }
            Step::Ask { request, .. } => {
                let text = request.to_string();
                assert_harmless("question", &text);
                assert!(
                    text.starts_with("http://proxy.test:3128 wants a user and a password (Basic")
                );
                return;
            }
            Step::Wait { .. } => {
                let (attempt, engine) = open.as_mut().expect("is open");
                exchange(engine, &mut peer, START);
                dialer.observe(*attempt, engine, START);
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("it never asks");
}
