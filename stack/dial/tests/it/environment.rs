//! The proxy that the environment names, as curl reads it.

use std::ffi::OsString;
use wirestack_dial::{
    Destination, Dialer, Environment, Hop, Plan, RouteError, Routes, Step, Target, Timeouts,
};
use wirestack_http::basic_credentials;
use wirestack_layer::{Flow, Instant, Seed};
use wirestack_nest::{BoxTunnel, Engine};

/// Cases in which curl was watched: the case, the variables, the URL, curl's answer, ours, and the
/// reason of a difference. `tests/peers/environment.py` holds both programs to it.
const TABLE: &str = include_str!("../../../../tests/peers/environment.tsv");

#[test]
fn curls_cases_are_read_as_curl_reads_them() {
    let rows = TABLE.lines().filter(|row| !row.starts_with('#'));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split('\t').collect()).collect();
    assert!(rows.len() >= 180, "{} rows", rows.len());
    for row in rows {
        let [case, variables, url, curls, ours, why] = row[..] else {
            panic!("a row of {} columns: {row:?}", row.len());
        };
        assert_eq!(
            curls == ours,
            why == "-",
            "{case}: a difference has a reason"
        );
        let Some(environment) = environment(variables) else {
            continue; // bytes that this system has in no variable
        };
        let seen = environment.proxy_for(&url.parse().unwrap());
        answers(case, seen, url, ours);
    }
}

/// Makes the environment of a row; `None` if this system cannot have it.
fn environment(variables: &str) -> Option<Environment> {
    let mut pairs = Vec::new();
    for pair in variables.split(' ') {
        let (name, value) = pair.split_once('=').unwrap();
        let value = value
            .replace("{A}", "127.0.0.1:1001")
            .replace("{AP}", "1001");
        pairs.push((
            name,
            os_string(unescaped(&value.replace("{B}", "127.0.0.1:1002")))?,
        ));
    }
    Some(Environment::new(pairs))
}

/// Returns the bytes of a text with `\xHH` in it.
fn unescaped(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    bytes
}

#[cfg(unix)]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(Into::into)
}

/// Compares the answer for a URL, and the bytes that the proxy gets, with the wanted ones.
fn answers(case: &str, seen: Result<Option<Hop>, RouteError>, url: &str, wanted: &str) {
    let hop = match seen {
        Err(_) => return assert_eq!(wanted, "error", "{case}"),
        Ok(None) => return assert_eq!(wanted, "direct", "{case}"),
        Ok(Some(hop)) => hop,
    };
    let endpoint = hop.endpoint();
    let words: Vec<_> = wanted.split(' ').collect();
    let (letter, protocol, login) = match words[..] {
        ["error"] => return assert!(authorization(&hop, url).is_err(), "{case}: {hop}"),
        ["elsewhere", place] => {
            let shown = endpoint.to_string();
            return assert!(shown == place || endpoint.host == place, "{case}: {hop}");
        }
        [letter, protocol] => (letter, protocol, None),
        [letter, protocol, login] => (letter, protocol, Some(login)),
        _ => panic!("{case}: {wanted}"),
    };
    assert_eq!(
        endpoint.port,
        if letter == "A" { 1001 } else { 1002 },
        "{case}: {hop}"
    );
    let login = login.map(|login| {
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decoded = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
        (decoded(user), decoded(password))
    });
    match protocol {
        "https" => {
            let scheme = hop.to_string();
            assert!(
                scheme.starts_with("https://") || scheme.starts_with("h2://"),
                "{case}: {hop}"
            );
        }
        "http" => {
            let wanted = login.map(|(user, password)| {
                let value = basic_credentials(user, password).unwrap();
                value.to_str().unwrap().to_owned()
            });
            assert_eq!(authorization(&hop, url).unwrap(), wanted, "{case}");
        }
        "socks5" => {
            let mut engine = opened(&hop, url);
            let greeting = engine.to_wire().unread().to_vec();
            let Some((user, password)) = login else {
                return assert_eq!(greeting, [5, 1, 0], "{case}");
            };
            assert!(greeting.contains(&2), "{case}: {greeting:?}");
            engine.to_wire().discard();
            engine.from_wire().write(&[5, 2]);
            engine.process(Instant::ORIGIN);
            let lengths = [user.len(), password.len()].map(|n| u8::try_from(n).unwrap());
            let wanted = [&[1, lengths[0]], &user[..], &[lengths[1]], &password].concat();
            assert_eq!(engine.to_wire().unread(), wanted, "{case}");
        }
        "socks4" => {
            let request = opened(&hop, url).to_wire().unread().to_vec();
            let user = request[8..].split(|byte| *byte == 0).next().unwrap();
            assert_eq!(user, login.unwrap_or_default().0, "{case}");
        }
        other => panic!("{case}: {other}"),
    }
}

/// Returns the `Proxy-Authorization` that a proxy gets with the first request.
fn authorization(hop: &Hop, url: &str) -> Result<Option<String>, String> {
    let request = opened(hop, url).to_wire().unread().to_vec();
    let request = String::from_utf8(request).unwrap();
    if !request.starts_with("CONNECT ") {
        return Err(request);
    }
    let mut lines = request.lines();
    Ok(lines.find_map(|line| Some(line.strip_prefix("Proxy-Authorization: ")?.to_owned())))
}

/// Dials through a hop, up to the first bytes that it gets.
fn opened(hop: &Hop, url: &str) -> Engine<BoxTunnel> {
    let now = Instant::ORIGIN;
    let target: Target = url.parse().unwrap();
    let target = format!("tcp://{}", target.endpoint()).parse().unwrap();
    let plan = Plan::stream(Routes::hops(vec![hop.clone()]), target, None, None).unwrap();
    let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    let mut step = dialer.step(now);
    if let Step::Resolve { lookup, port, .. } = step {
        dialer.resolved(lookup, Ok(vec![([127, 0, 0, 1], port).into()]), now);
        step = dialer.step(now);
    }
    let Step::Open { attempt, .. } = step else {
        panic!("{hop}: {step:?}");
    };
    let mut engine = dialer.opened(attempt, now).unwrap();
    for _ in 0..4 {
        engine.process(now);
        dialer.observe(attempt, &mut engine, now);
    }
    engine
}

#[test]
fn pitfall_70_a_variable_that_cannot_be_read_is_never_a_way_around_the_proxy() {
    // 0xE9 is no UTF-8. In a password it is sent as it is; in a host it is an error.
    for (name, url) in [
        ("ws_proxy", "ws://a.test"),
        ("WS_PROXY", "ws://a.test"),
        ("wss_proxy", "wss://a.test"),
        ("WSS_PROXY", "wss://a.test"),
        ("http_proxy", "http://a.test"),
        ("http_proxy", "ws://a.test"),
        ("https_proxy", "https://a.test"),
        ("HTTPS_PROXY", "wss://a.test"),
        ("all_proxy", "tcp://a.test:1"),
        ("ALL_PROXY", "tls://a.test:1"),
    ] {
        let target: Target = url.parse().unwrap();
        for value in [
            &b"http://\xe9.test:1"[..],
            b"\xff",
            b"http://me:secret@h\xe9:1",
        ] {
            let Some(value) = os_string(value.to_vec()) else {
                continue;
            };
            let error = Environment::new([(name, value)])
                .proxy_for(&target)
                .unwrap_err();
            assert!(
                matches!(error, RouteError::Variable { name: n, .. } if n == name),
                "{error}"
            );
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        for value in [
            &b"http://me:\xe9@h:1"[..],
            b"socks5://\xe9@h:1",
            b"\xe9:\xff@h:1",
        ] {
            let Some(value) = os_string(value.to_vec()) else {
                continue;
            };
            let hop = Environment::new([(name, value)])
                .proxy_for(&target)
                .unwrap();
            assert_eq!(hop.unwrap().endpoint().to_string(), "h:1");
        }
    }
    // An item of `no_proxy` that is not Unicode exempts nobody, and spoils no other item.
    let Some(list) = os_string(b"\xe9.test, a.test".to_vec()) else {
        return;
    };
    let proxy = OsString::from("http://h:1");
    let environment = Environment::new([("all_proxy", proxy), ("NO_PROXY", list)]);
    let is_exempt = |url: &str| {
        environment
            .proxy_for(&url.parse().unwrap())
            .unwrap()
            .is_none()
    };
    assert!(is_exempt("ws://a.test") && is_exempt("tcp://b.a.test:1"));
    assert!(!is_exempt("ws://b.test") && !is_exempt("wss://xn--9ca.test"));
}

#[test]
fn the_error_of_a_variable_names_it_and_its_value_without_a_secret() {
    for (value, shown) in [
        ("http://h:99999", "https_proxy=http://h:99999 names"),
        ("foo://me:hunter2@h:1", "https_proxy=foo://***@h:1 names"),
        (
            "http://me:hunter2@h:x",
            "https_proxy=http://***@h:*** names",
        ),
        ("http://me:hun/ter2@h:1", "https_proxy=http://***@h:1 names"),
        (
            "http://me:hunter2%40h:1",
            "https_proxy=http://***@h:1 names",
        ),
        ("me:hunter2", "https_proxy=me:*** names"),
        ("http://me:hunter2", "https_proxy=http://me:*** names"),
        ("foo://h/?token=hunter2", "https_proxy=foo://h names"),
        ("a:\tme:hunter2@p://h", "https_proxy=***@p: names"),
        ("me:hunter2@a://b", "https_proxy=***@a: names"),
        (
            "http://h\u{1b}[31m:1",
            r"https_proxy=http://h\u{1b}[31m:1 names",
        ),
    ] {
        let environment = Environment::new([("https_proxy", value)]);
        let error = environment
            .proxy_for(&"wss://a.test".parse().unwrap())
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains(shown) && text.contains(": the "), "{text}");
        assert!(!text.contains("hun") && !text.contains("ter2"), "{text}");
    }
}

#[test]
fn streams_use_all_proxy_alone() {
    let environment = Environment::new([
        ("https_proxy", "http://a.test:1"),
        ("all_proxy", "socks5h://b.test:2"),
    ]);
    let proxy = |url: &str| {
        environment
            .proxy_for(&url.parse().unwrap())
            .unwrap()
            .unwrap()
    };
    assert_eq!(proxy("tcp://c.test:22").to_string(), "socks5h://b.test:2");
    assert_eq!(proxy("tls://c.test:22").to_string(), "socks5h://b.test:2");
    assert_eq!(proxy("https://c.test").to_string(), "http://a.test:1");
}

#[test]
fn networks_are_matched_by_their_bits() {
    let exempts = |network, host| {
        let environment = Environment::new([("all_proxy", "a.test:1"), ("no_proxy", network)]);
        let target = format!("ws://{host}").parse().unwrap();
        environment.proxy_for(&target).unwrap().is_none()
    };
    assert!(exempts("10.0.0.0/8", "10.255.0.1"));
    assert!(!exempts("10.0.0.0/8", "11.0.0.1"));
    assert!(exempts("10.0.0.0/0", "192.0.2.1"));
    assert!(!exempts("0.0.0.0/0", "[::1]"));
    assert!(!exempts("10.0.0.0/33", "10.0.0.0"));
    assert!(!exempts("10.0.0.0/x", "10.0.0.0"));
    assert!(exempts("2001:db8::/32", "[2001:db8:1::1]"));
    assert!(!exempts("2001:db8::/32", "[2001:db9::1]"));
    assert!(!exempts("2001:db8::/129", "[2001:db8::]"));
    assert!(exempts("10.0.0.1", "10.0.0.1"));
    assert!(!exempts("10.0.0.1", "10.0.0.2"));
    assert!(!exempts("10.test", "10.0.0.1"));
    assert!(!exempts(".", "a.test"));
    assert!(exempts("test", "a.test"));
    assert!(!exempts("est", "a.test"));
}

#[test]
fn no_password_shows_in_debug() {
    let environment = Environment::new([("all_proxy", "http://u:secret@a")]);
    let debug = format!("{environment:?}");
    assert!(!debug.contains("secret"), "{debug}");
}

/// Proxies are for the network: curl uses none with `--unix-socket`.
#[test]
fn a_target_at_a_unix_socket_takes_no_proxy_of_the_environment() {
    let first = |routes: Routes| {
        let target: Target = "tcp://localhost:80".parse().unwrap();
        let target = target.unix_socket("/run/one");
        let plan = Plan::stream(routes, target, None, None).unwrap();
        let seed = Seed::new([7; 32]);
        let mut dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::ORIGIN);
        match dialer.step(Instant::ORIGIN) {
            Step::Open { to, .. } => to,
            other => panic!("{other:?}"),
        }
    };
    let local = Destination::Unix("/run/one".into());
    let environment = Environment::new([("all_proxy", "http://192.0.2.7:3128")]);
    assert_eq!(first(Routes::environment(environment)), local);
    assert_eq!(first(Routes::direct()), local);
    let hop: Hop = "http://192.0.2.7:3128".parse().unwrap();
    let proxy = Destination::Tcp("192.0.2.7:3128".parse().unwrap());
    assert_eq!(first(Routes::hops(vec![hop])), proxy);
}
