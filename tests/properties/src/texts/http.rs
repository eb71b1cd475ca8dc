//! Challenges, credentials, extensions, fields, and hosts.

use super::{PASSWORD, error, hides, shown};
use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE, SEC_WEBSOCKET_EXTENSIONS};
use http::{Method, Response, StatusCode};
use wirestack_dial::auth::{Action, Authenticator, Awaiting, Credentials, Input, Login};
use wirestack_dial::serve::{AccessPolicy, ProxyServer};
use wirestack_http::grammar::{is_token, quote, read_quoted, split_list};
use wirestack_http::{Challenge, Refusal, challenges as read, read_basic_credentials};
use wirestack_http1::connect;
use wirestack_http2::ConnectRequest;
use wirestack_layer::{Instant, Seed};
use wirestack_nest::Engine;
use wirestack_websocket::{
    Accept, Client, ClientRequest, Deflate, Offer, Origins, Server, WebSocketConfig,
};

pub(crate) const CHALLENGES: &[&str] = &[
    "Digest realm=\"a\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256-sess, \
     opaque=\"x\", userhash=true, charset=UTF-8\nBasic realm=\"b\"",
    "Negotiate, NTLM TlRMTVNTUAAC==, Basic realm=\"a \\\"b\\\"\"",
    "Digest realm=a, nonce=n, stale=true\nDigest realm=a,nonce=m,stale=true",
];

/// A field a line. A client with credentials gets them twice.
pub(crate) fn challenges(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    let mut headers = HeaderMap::new();
    for line in text.split('\n').take(20) {
        if let Ok(value) = HeaderValue::from_str(line) {
            headers.append(PROXY_AUTHENTICATE, value);
        }
    }
    let all = read(&headers, &PROXY_AUTHENTICATE);
    for challenge in &all {
        assert!(!challenge.scheme().is_empty());
        let joined = format!("{} {}", challenge.scheme(), challenge.rest());
        assert_eq!(
            Challenge::new(joined.trim_end_matches(' ')).rest(),
            challenge.rest()
        );
        for name in ["realm", "nonce", "qop", "algorithm"] {
            let value = challenge.parameter(name).unwrap_or_default();
            assert!(value.len() <= text.len());
            let quoted = format!("x {name}={}", quote(&value));
            let seen: String = value
                .chars()
                .map(|c| if becomes_blank(c) { ' ' } else { c })
                .collect();
            assert_eq!(Challenge::new(quoted).parameter(name), Some(seen));
        }
    }
    let refusal = Refusal::new(StatusCode::PROXY_AUTHENTICATION_REQUIRED, headers);
    assert_eq!(refusal.proxy_challenges(), all);
    shown(&refusal);
    for reusable in [true, false] {
        let login = Login::new("example.org:443", Seed::new([1; 32]));
        let credentials = Credentials::new("m\u{fc}\"e", PASSWORD);
        answer(login.with_credentials(credentials), &refusal, reusable);
        answer(
            Login::new("example.org:443", Seed::new([1; 32])).asking(),
            &refusal,
            reusable,
        );
    }
}

/// Lets a client answer the same challenge until it gives up, which it has to.
fn answer(mut login: Login, refusal: &Refusal, reusable: bool) {
    let mut awaiting = Awaiting::Request;
    for round in 0..20 {
        let mut action = login.step(Input::Awaiting(&awaiting));
        if let Action::Ask { scheme, realm, .. } = &action {
            hides((scheme, realm));
            let given = (round < 5).then(|| Credentials::new("u", PASSWORD));
            action = login.step(Input::Credentials(given));
        }
        hides(&action);
        match action {
            Action::Authorize(value) => {
                if let Some(value) = value {
                    assert!(value.is_sensitive());
                    let bad = |byte: &u8| *byte < b' ' && *byte != b'\t'; // a quoted string may have tabs
                    assert!(!value.as_bytes().iter().any(bad));
                }
                awaiting = Awaiting::Challenge {
                    refusal: refusal.clone(),
                    reusable,
                };
            }
            Action::GiveUp(why) => {
                shown(why);
                return;
            }
            Action::Ask { .. } | Action::Reconnect => {}
            other => panic!("{other:?}"),
        }
    }
    // Only new nonces can go on: Digest with `stale` has a bound of its own.
    panic!("it answers the same challenge for ever");
}

pub(crate) const AUTHORIZATIONS: &[&str] = &[
    "Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"h:1\", response=\"x\", qop=auth, \
     nc=00000001, cnonce=\"c\", algorithm=SHA-256",
    "Basic dTpw",
    "Basic dTpodW50ZXIy",
];

/// A proxy lets nobody in without the password, however the field looks.
pub(crate) fn authorization(text: &str) {
    // A parser of HTTP leaves the blanks around a value out (RFC 9110 §5.5).
    let Ok(value) = HeaderValue::from_str(text.trim_matches([' ', '\t'])) else {
        return;
    };
    let read = read_basic_credentials(&value);
    let known = read.is_some_and(|(user, password)| user == "u" && password == PASSWORD);
    let policy = || ProxyServer::connect(AccessPolicy::loopback());
    for (digest, proxy) in [
        (
            true,
            policy().with_digest("r", "u", PASSWORD, Seed::new([3; 32]), Instant::ORIGIN),
        ),
        (false, policy().with_basic("r", "u", PASSWORD)),
    ] {
        let mut engine = Engine::new(connect::Server::new());
        let head = "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: ";
        engine.from_wire().write(head.as_bytes());
        engine.from_wire().write(value.as_bytes());
        engine.from_wire().write(b"\r\n\r\n");
        engine.process(Instant::ORIGIN);
        let request = proxy.request(&mut engine, Instant::ORIGIN);
        // The nonce comes from a seed that no fuzzer knows.
        assert!(
            request.is_none() || (known && !digest),
            "let in by {text:?}"
        );
    }
}

pub(crate) const EXTENSIONS: &[&str] = &[
    "permessage-deflate; client_max_window_bits, permessage-deflate",
    "permessage-deflate; server_no_context_takeover; client_max_window_bits=\"9\"; \
     server_max_window_bits=10",
    "x-other; a=\"b\", , permessage-deflate;server_max_window_bits=08",
];

/// Both sides read a list of extensions. What a server answers, a client with its settings takes.
pub(crate) fn extensions(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    let Ok(value) = HeaderValue::from_str(text) else {
        return;
    };
    let mut config = WebSocketConfig::default();
    config.deflate = Some(Deflate::default());
    let client = || ClientRequest::new("ws://h/").unwrap();
    let mut response = Response::new(());
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_EXTENSIONS, value.clone());
    if let Err(cause) =
        Client::from_response(&client(), response, config.clone(), Seed::new([7; 32]))
    {
        error(&cause);
    }
    let mut request = client().to_http2(&config);
    *request.method_mut() = Method::CONNECT;
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_EXTENSIONS, value);
    match Offer::of_http2(&request, &Origins::same()) {
        Ok(offer) => {
            let (_, answer) = Server::from_request(&offer, Accept::new(), config).unwrap();
            let fields = answer.headers().get_all(SEC_WEBSOCKET_EXTENSIONS);
            assert!(fields.iter().count() <= 1);
            for field in fields {
                let field = field.to_str().unwrap();
                assert!(
                    field.starts_with("permessage-deflate") && field.len() < 200,
                    "{field}"
                );
            }
        }
        Err(refusal) => assert!(refusal.status().is_client_error()),
    }
}

pub(crate) const FIELDS: &[&str] = &[
    "x-test\nvalue",
    "cookie\na=b; c=\"d\"",
    "a, \"b,c\", d\n\"\\\"\" x",
];

/// A name and a value. Also a list, and a quoted string.
pub(crate) fn fields(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    let (name, value) = text.split_once('\n').unwrap_or((text, ""));
    match ClientRequest::new("ws://h/").unwrap().header(name, value) {
        Ok(request) => {
            assert!(is_token(name), "{name:?}");
            request.to_http2(&WebSocketConfig::default());
        }
        Err(cause) => error(&cause),
    }
    if let Err(cause) = Accept::new().header(name, value) {
        error(&cause);
    }
    let request = ClientRequest::new("ws://h/").unwrap();
    if let Err(cause) = request.clone().subprotocol(name) {
        error(&cause);
    }
    if let Err(cause) = request.redirected(value, true) {
        error(&cause);
    }
    let elements: Vec<&str> = split_list(name, ',').collect();
    assert_eq!(elements.join(","), name);
    let plain: String = name
        .chars()
        .map(|c| if becomes_blank(c) { ' ' } else { c })
        .collect();
    assert_eq!(read_quoted(&quote(name)), Some((plain, "")));
    if let Some((inside, behind)) = read_quoted(name) {
        assert!(inside.len() + behind.len() + 2 <= name.len());
    }
}

/// Returns `true` for what may not stand in a quoted string (RFC 9110 §5.6.4).
fn becomes_blank(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

pub(crate) const HOSTS: &[&str] = &[
    "example.org",
    "[fe80::1%25eth0]",
    "192.0.2.1",
    "::1",
    "h\n2",
    "ws://h/\u{80}",
];

/// Wherever a host is taken, it is refused, or it cannot break out of its place.
pub(crate) fn hosts(text: &str) {
    if text.contains(PASSWORD) {
        return; // a host is shown
    }
    match wirestack_tls::server_name(text) {
        Ok(name) => drop(name.to_str()),
        Err(cause) => error(&cause),
    }
    match wirestack_socks::Address::new(text, 1) {
        Ok(address) => drop(shown(address)),
        Err(cause) => error(&cause),
    }
    match connect::Client::new(text, 1) {
        Ok(client) => {
            let mut engine = Engine::new(client);
            engine.process(Instant::ORIGIN);
            let sent = engine.to_wire().unread().to_vec();
            let sent = String::from_utf8(sent).expect("a head of ASCII");
            assert_eq!(sent.matches("\r\n").count(), 3, "{sent:?}");
            assert!(
                !sent.replace("\r\n", "").contains(char::is_control),
                "{sent:?}"
            );
        }
        Err(cause) => error(&cause),
    }
    if let Err(cause) = ConnectRequest::tunnel(text, 1) {
        error(&cause);
    }
    match ClientRequest::new(text) {
        Ok(request) => {
            let uri = request.uri().to_string();
            assert!(
                !uri.contains(|c: char| c.is_control() || c == ' '),
                "{uri:?}"
            );
        }
        Err(cause) => error(&cause),
    }
}
