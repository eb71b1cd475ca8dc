//! URLs, environments and PAC lists.

use super::{PASSWORD, error, hides, shown};
use std::net::Ipv6Addr;
use url::{Position, Url};
use wirestack_dial::{Environment, Hop, Routes, Target};
use wirestack_websocket::{ClientRequest, WebSocketConfig};

pub(crate) const TARGETS: &[&str] = &[
    "wss://me:Hunter2@example.org:8443/chat?room=1",
    "ws://[2001:db8::1]/%0d%0a",
    "tls://b\u{fc}cher.test:443",
    "tcp://192.0.2.1:22",
    "https://0x7f.1/",
    "ws://h/a/../b%2e/%2E%2e/c?d'\"#",
    "wss://a:b@%31%32\u{ff17}.1:0443/\u{fc}?",
];

pub(crate) fn target_url(text: &str) {
    if misplaces_the_password(text) {
        return;
    }
    let target = match text.parse::<Target>() {
        Ok(target) => target,
        Err(cause) => return error(&cause),
    };
    if target.request_url().contains(PASSWORD) {
        return; // the parser made the password of other characters, or found none there
    }
    host(&target.endpoint().host);
    shown(&target);
    shown(target.origin());
    hides(&target);
    agrees_with_browsers(text, &target);
    let url = target.request_url();
    let bad = |c: char| c.is_control() || c == ' ' || !c.is_ascii();
    assert!(!url.contains(bad), "{url:?}");
    let again: Target = url.parse().expect("its own URL");
    assert_eq!(again.endpoint(), target.endpoint());
    assert_eq!(again.request_url(), url);
    assert_eq!(again.is_secure(), target.is_secure());
    assert!(again.credentials().is_none());
    if target.must_be_websocket().is_ok() {
        let request = ClientRequest::new(&url).expect("the URL of a WebSocket");
        assert_eq!(request.port(), target.endpoint().port);
        request.to_http2(&WebSocketConfig::default());
    }
}

/// Checks that a reader by the URL Standard finds the same server and path. Otherwise a program that checks URLs by
/// the standard would check another server. A URL that one of the two refuses is no danger.
fn agrees_with_browsers(text: &str, target: &Target) {
    let Ok(theirs) = Url::parse(text) else {
        return;
    };
    let endpoint = target.endpoint();
    if endpoint.host.contains('%') || matches!(target.scheme(), "tcp" | "tls") {
        return; // it knows no zones, and does not read the hosts of other schemes
    }
    let host = theirs.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    assert_eq!(endpoint.host, host, "{text:?}");
    assert_eq!(
        Some(endpoint.port),
        theirs.port_or_known_default(),
        "{text:?}"
    );
    // The crate `url` keeps a drive letter of Windows before `..`, which the standard does for files alone.
    if target
        .path_and_query()
        .split(['/', '?'])
        .chain(text.split('/'))
        .any(is_drive_letter)
    {
        return;
    }
    let resource = &theirs[Position::BeforePath..Position::AfterQuery];
    assert_eq!(target.path_and_query(), resource, "{text:?}");
}

fn is_drive_letter(segment: &str) -> bool {
    matches!(segment.as_bytes(), [letter, b':' | b'|'] if letter.is_ascii_alphabetic())
}

pub(crate) const HOPS: &[&str] = &[
    "socks5h://me:Hunter2@example.org:1080",
    "socks4://me@h",
    "http://[::1]:3128/",
    "https://b\u{fc}cher.test",
    "h2://m%C3%BC:Hunter2@h:1",
];

pub(crate) fn hop_url(text: &str) {
    if misplaces_the_password(text) {
        return;
    }
    match text.parse::<Hop>() {
        Ok(hop) if hop.endpoint().host.contains(PASSWORD) => {}
        Ok(hop) => {
            host(&hop.endpoint().host);
            hides(&hop);
            let text = shown(&hop);
            let again: Hop = text.parse().expect("its own URL");
            assert_eq!(again.endpoint(), hop.endpoint());
            assert_eq!(again.wants_tls(), hop.wants_tls());
            assert_eq!(again.to_string(), text);
        }
        Err(cause) => error(&cause),
    }
}

pub(crate) const ENVIRONMENTS: &[&str] = &[
    "http://me:Hunter2@p:3128\n\nexample.org, .intern.test,10.0.0.0/8 ::1/64\nwss://10.1.2.3/",
    "p:1\nsocks5://q\n*\nws://h",
    "http://p\nhttps://q\n::ffff:10.0.0.0/104\nwss://10.1.2.3/",
];

/// The lines are http_proxy, all_proxy, no_proxy, and the target.
pub(crate) fn environment(text: &str) {
    if misplaces_the_password(text) {
        return;
    }
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (http, all, no) = (line(), line(), line());
    let Ok(target) = line().parse::<Target>() else {
        return;
    };
    let all_of = |no| {
        let names = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"];
        Environment::new(names.into_iter().zip([http, http, all, no]))
    };
    let environment = all_of(no);
    hides(&environment);
    match environment.proxy_for(&target) {
        Ok(hop) => {
            if let Some(hop) = &hop
                && !hop.endpoint().host.contains(PASSWORD)
            {
                host(&hop.endpoint().host);
                shown(hop);
            }
            // Nothing is exempt without a list, and everything is with a star.
            assert!(
                all_of("*")
                    .proxy_for(&target)
                    .is_ok_and(|hop| hop.is_none())
            );
            if hop.is_some() {
                let without = all_of("").proxy_for(&target).expect("a proxy");
                assert_eq!(
                    without.map(|hop| hop.to_string()),
                    hop.map(|hop| hop.to_string())
                );
            }
            shown(Routes::environment(environment));
        }
        Err(cause) => error(&cause),
    }
}

pub(crate) const PACS: &[&str] = &[
    "PROXY proxy.test:3128; SOCKS gate.test; DIRECT",
    "https [::1]:443;socks4\tb\u{fc}cher.test:1;;",
    "QUIC q.test:443; HTTP 192.0.2.1",
];

pub(crate) fn pac(text: &str) {
    if text.contains(PASSWORD) {
        return;
    }
    match Routes::pac(text) {
        Ok(routes) => {
            hides(&routes);
            let text = shown(&routes);
            let target = "wss://example.org/".parse().expect("a target");
            let ways = routes.to(&target).expect("a list");
            assert!(!ways.is_empty() && ways.len() <= text.len());
            for hop in ways.iter().flatten() {
                host(&hop.endpoint().host);
            }
        }
        Err(cause) => error(&cause),
    }
}

/// Checks that a host is a host, so that it can be sent and shown.
fn host(text: &str) {
    let text = match text.split_once('%') {
        // An address with a zone.
        Some((address, _)) if address.parse::<Ipv6Addr>().is_ok() => address,
        _ => text,
    };
    let bad = |c: char| c.is_control() || !c.is_ascii() || " /@?#%\\<>^|".contains(c);
    assert!(!text.is_empty() && !text.contains(bad), "the host {text:?}");
}

/// Returns `true` if the password is elsewhere than where a URL has one: the host and the path are
/// shown.
fn misplaces_the_password(text: &str) -> bool {
    // Tabs and newlines vanish from a URL.
    let plain = text.replace(['\t', '\r'], "");
    plain.split('\n').any(|url| {
        if url.matches(PASSWORD).count() > 1 {
            return true;
        }
        let behind = url.split_once("://");
        let behind = behind.filter(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric()));
        let user = behind.and_then(|(_, rest)| rest.split_once(":Hunter2@"));
        match user {
            Some((user, rest)) => {
                user.contains(['/', '\\', '?', '#', '@', ':'])
                    || rest.contains(['@', '%'])
                    || rest.contains(PASSWORD)
            }
            None => url.contains(PASSWORD) || url.contains('%'),
        }
    })
}
