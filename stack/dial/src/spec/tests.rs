use super::*;

fn parsed(text: &str) -> StackSpec {
    match text.parse() {
        Ok(spec) => spec,
        Err(error) => panic!("{error}\n{}", error.picture()),
    }
}

#[test]
fn a_stack_names_its_hops_and_its_target() {
    for (text, hops, url) in [
        ("socks5(gate:1080)", "socks5h://gate:1080", None),
        (
            "socks5(gate) | tcp(host:22)",
            "socks5h://gate:1080",
            Some("tcp://host:22"),
        ),
        ("tls(host:443)", "", Some("tls://host:443")),
        ("websocket(h/chat?x=1)", "", Some("ws://h:80/chat?x=1")),
        ("tls|websocket(h)", "", Some("wss://h:443/")),
        (
            "tls(h:8443) | websocket(/chat)",
            "",
            Some("wss://h:8443/chat"),
        ),
        (
            "connect(p:3128, tls) | tls(h:1)",
            "https://p:3128",
            Some("tls://h:1"),
        ),
        ("connect(p, http2)", "h2c://p:80", None),
        ("connect(p, tls, http2)", "h2://p:443", None),
        (
            "https(p) | socks4(q)",
            "https://p:443, socks4a://q:1080",
            None,
        ),
        (
            "socks5(p, tls) | h2([::1]:8443)",
            "socks5h+tls://p:1080, h2://[::1]:8443",
            None,
        ),
        (
            "CONNECT ( p:1 , user = me , password = \"a, \\\"b\\\"\" )",
            "http://p:1",
            None,
        ),
        ("http(unix=/run/proxy.sock)", "http://localhost:80", None),
    ] {
        let spec = parsed(text);
        let shown: Vec<_> = spec.hops().unwrap().iter().map(Hop::to_string).collect();
        assert_eq!(shown.join(", "), hops, "{text}");
        assert_eq!(spec.target_url().as_deref(), url, "{text}");
    }
}

#[test]
fn a_fault_points_at_its_place() {
    for (text, mark, says) in [
        ("", "^", "a layer is missing here"),
        ("socks5(g) |", "           ^", "a layer is missing here"),
        (
            "socks5(g) | conect(p)",
            "            ^^^^^^",
            "no layer has this name",
        ),
        ("socks5(g", "        ^", ", or ) is wanted here"),
        ("socks5(g) x", "          ^", "| or the end is wanted here"),
        ("socks5", "^^^^^^", "the host and the port are missing"),
        (
            "socks5(g, ntlm)",
            "          ^^^^",
            "a SOCKS proxy does not take this",
        ),
        (
            "connect(p, user)",
            "           ^^^^",
            "a value is missing: write user=…",
        ),
        (
            "connect(p, ntlm=1)",
            "           ^^^^^^",
            "this takes no value",
        ),
        (
            "connect(p, ntlm, ntlm)",
            "                 ^^^^",
            "this is written twice",
        ),
        (
            "connect(p:99999)",
            "        ^^^^^^^",
            "the port in the URL is not a number",
        ),
        (
            "connect(p, password=\"x)",
            "                    ^",
            "the quote has no end",
        ),
        (
            "connect(p, password=x)",
            "           ^^^^^^^^^^",
            "a password needs user=",
        ),
        ("tls(h:1) | tcp(h:1)", "           ^^^", "the order is"),
        (
            "websocket(h) | socks5(g)",
            "               ^^^^^^",
            "the order is",
        ),
        (
            "socks5(a) | connect(unix=/x)",
            "                    ^^^^^^^",
            "only the nearest",
        ),
        (
            "tls(h:1, cert=a)",
            "         ^^^^^^",
            "cert= and key= belong together",
        ),
        (
            "connect(p, header=x)",
            "           ^^^^^^^^",
            "a field is written",
        ),
        ("tcp(h)", "    ^", "the URL has no port"),
        (
            "socks4(g, user=u, password=p)",
            "                  ^^^^^^^^^^",
            "the URL has a password, but SOCKS4",
        ),
    ] {
        let error = text.parse::<StackSpec>().expect_err(text);
        let picture = error.picture().to_string();
        let lines: Vec<_> = picture.lines().collect();
        assert_eq!(lines[1], mark, "{text}\n{picture}");
        assert!(lines[2].trim_start().starts_with(says), "{picture}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let text = "connect(p, user=me, password=\"hunt, er2\", ntlm)";
    let spec = parsed(text);
    let shown = "connect(p, user=me, password=***, ntlm)";
    assert_eq!(spec.to_string(), shown);
    assert!(!format!("{spec:?}").contains("hunt"));
    for wrong in [
        "connect(p, user=me, password=\"hunt, er2\", x)",
        "connect(p, password = hunter2",
        "connect(p, user=me, password=\"hunter2",
        "connect(me:hunter2@p)",
        "http://me:hunter2@p:3128",
        "me:hunter2@p",
        "tls(me:hunter2@h:1)",
        "websocket(me:hunter2@h:1/x)",
    ] {
        let error = wrong.parse::<StackSpec>().expect_err(wrong);
        let all = format!("{error} {error:?} {}", error.picture());
        assert!(!all.contains("hunt") && !all.contains("er2"), "{all}");
    }
}

#[test]
fn a_password_is_read_from_its_place_and_not_without_it() {
    let spec = parsed(
        "connect(p, user=me, password-file=/run/secret) | socks5(q, user=me, password-env=PW)",
    );
    let error = spec.hops().expect_err("nobody has read it");
    assert!(matches!(error.problem(), SpecProblem::SecretNotRead));
    let mut asked = Vec::new();
    let spec = spec.with_secrets(|source| {
        asked.push(source.to_string());
        Ok(b"hunter2".to_vec())
    });
    let spec = spec.unwrap();
    assert_eq!(asked, ["the file /run/secret", "the variable PW"]);
    for hop in spec.hops().unwrap() {
        let known = hop.known_credentials().expect("credentials");
        assert_eq!(known.password, b"hunter2");
    }
    let gone = parsed("connect(p, user=me, password-file=/gone)")
        .with_secrets(|_| Err("no such file".into()));
    let error = gone.expect_err("the file is gone");
    let says = "column 21 of the stack (\"password-file=/gone\"): the password cannot be read: no such file";
    assert_eq!(error.to_string(), says);
}
