//! Failures below every layer, and time-outs.

use super::*;

#[test]
fn failures_below_every_layer_read_well() {
    check(vec![
        Failure {
            peer: "the resolver",
            does: "knows no such name",
            dial: to("wss://example.org/chat").fault(Fault::NoName),
            moves: vec![],
            text: "target (wss://example.org:443/chat): could not look up the name: failed to lookup address information: Name or service not known",
        },
        Failure {
            peer: "the resolver",
            does: "knows no such name of a proxy",
            dial: to("wss://example.org/chat")
                .via("http://proxy.test:3128")
                .fault(Fault::NoName),
            moves: vec![],
            text: "hop 1 (http://proxy.test:3128): could not look up the name: failed to lookup address information: Name or service not known",
        },
        Failure {
            peer: "the resolver",
            does: "finds no addresses",
            dial: to("wss://example.org/chat").fault(Fault::NoAddresses),
            moves: vec![],
            text: "target (wss://example.org:443/chat): the name has no addresses",
        },
        Failure {
            peer: "the resolver",
            does: "never answers",
            dial: to("wss://example.org/chat").fault(Fault::LookupHangs),
            moves: vec![],
            text: "target (wss://example.org:443/chat): timed out after 10 s while looking up the name",
        },
        Failure {
            peer: "a host",
            does: "has no such port",
            dial: to("ws://example.org/chat").fault(Fault::Refused),
            moves: vec![],
            text: "target (ws://example.org:80/chat): could not connect: 192.0.2.1:80: Connection refused (os error 111)",
        },
        Failure {
            peer: "a proxy",
            does: "is in another network",
            dial: to("ws://example.org/chat")
                .via("socks5h://gate.test")
                .fault(Fault::Unreachable),
            moves: vec![],
            text: "hop 1 (socks5h://gate.test:1080): could not connect: 192.0.2.1:1080: Network is unreachable (os error 101)",
        },
        Failure {
            peer: "a host",
            does: "drops all packets",
            dial: to("ws://example.org/chat").fault(Fault::ConnectHangs),
            moves: vec![],
            text: "target (ws://example.org:80/chat): could not connect: 192.0.2.1:80: timed out after 10 s",
        },
        Failure {
            peer: "a server",
            does: "never answers in HTTP",
            dial: to("ws://example.org/chat"),
            moves: vec![],
            text: "target (ws://example.org:80/chat): timed out after 10 s while waiting for the upgrade response, 0 bytes received",
        },
        Failure {
            peer: "a server",
            does: "never answers in TLS",
            dial: to("wss://example.org/chat"),
            moves: vec![],
            text: "target (wss://example.org:443/chat): timed out after 10 s while waiting for the peer's Hello, 0 bytes received",
        },
        Failure {
            peer: "a SOCKS proxy",
            does: "never chooses a method",
            dial: to("ws://example.org/chat").via("socks5h://gate.test"),
            moves: vec![],
            text: "hop 1 (socks5h://gate.test:1080): timed out after 10 s while waiting for the choice of a method, 0 bytes received",
        },
        Failure {
            peer: "an HTTP proxy",
            does: "sends half a head",
            dial: to("ws://example.org/chat").via("http://proxy.test:3128"),
            moves: vec![says("HTTP/1.1 200 OK\r\nVia: x")],
            text: "hop 1 (http://proxy.test:3128): timed out after 10 s while waiting for the CONNECT response, 23 bytes received",
        },
        Failure {
            peer: "a server",
            does: "resets at once",
            dial: to("ws://example.org/chat"),
            moves: vec![Move::Resets],
            text: "target (ws://example.org:80/chat): the connection broke: Connection reset by peer (os error 104)",
        },
        Failure {
            peer: "a server",
            does: "resets in the handshake of TLS",
            dial: to("wss://example.org/chat"),
            moves: vec![says(b"\x16\x03\x03\0\x7a"), Move::Resets],
            text: "target (wss://example.org:443/chat): the connection broke: Connection reset by peer (os error 104)",
        },
    ]);
}

#[test]
fn the_making_of_tls_settings_is_a_step_and_a_span_of_its_own() {
    let target: Target = "wss://192.0.2.1/chat".parse().unwrap();
    let options = WebSocketOptions::new(ClientRequest::new(&target.request_url()).unwrap());
    let plan: Plan<BoxSocket> = Plan::websocket(Routes::direct(), target, None, options).unwrap();
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), START);
    let Step::MakeTls { mut task } = dialer.step(START) else {
        panic!("wanted MakeTls");
    };
    assert!(matches!(dialer.step(START), Step::Wait { .. }));
    task.run();
    let later = START + Duration::from_millis(350);
    dialer.made_tls(Some(task), later);
    // A machine without roots ends here; another one goes on.
    let went_on = matches!(dialer.step(later), Step::Open { .. } | Step::Failed(_));
    assert!(went_on);
    let spans = dialer.trace().spans();
    let (roots, opens) = (&spans[0], spans.get(1));
    assert_eq!(
        (roots.what, roots.end),
        ("roots", Duration::from_millis(350))
    );
    assert!(
        opens.is_none_or(|span| span.start == roots.end),
        "{spans:?}"
    );
}
