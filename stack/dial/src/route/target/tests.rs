//! Targets, read from URLs.

use super::*;

#[test]
fn targets_are_read_from_urls() {
    for (text, shown) in [
        ("ws://h", "ws://h:80/"),
        ("wss://h/chat?x=1", "wss://h:443/chat"),
        ("tcp://h:22", "tcp://h:22"),
        ("tls://[::1]:443", "tls://[::1]:443"),
        ("ws://[fe80::1%25eth0]/", "ws://[fe80::1%eth0]:80/"),
        ("tcp://[fe80::1%3]:22", "tcp://[fe80::1%3]:22"),
        ("ws://h:/a/../b", "ws://h:80/b"),
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), shown, "{text}");
    }
    for text in [
        "ftp://h",
        "ws:///h",
        "ws://h\\@evil.test/",
        "ws://h\\a",
        "ws://a:b@h\\a",
        "ws://1.2.3.4.5/",
        "tcp://h",
        "tls://h/x",
        "ws://h#f",
        "tcp://u@h:1",
        "ws://[fe80::1%]/",
        "ws://[fe80::1%25a/b]/",
    ] {
        assert!(text.parse::<Target>().is_err(), "{text}");
    }
}

#[test]
fn a_zone_stays_on_this_machine() {
    let target: Target = "wss://[fe80::1%25eth0]/x?y".parse().unwrap();
    assert_eq!(target.endpoint().host, "fe80::1%eth0");
    assert_eq!(target.request_url(), "wss://[fe80::1]:443/x?y");
    assert_eq!(target.origin(), "wss://[fe80::1]:443");
    let to = target.redirected("/z").unwrap();
    assert_eq!(to.endpoint().host, "fe80::1%eth0");
}

#[test]
fn a_host_or_port_that_nothing_has_is_refused_in_the_url_and_not_later() {
    for (host, bad) in [("u\"h", '"'), ("a`b", '`'), ("a{b}", '{'), ("%22h", '"')] {
        for scheme in ["ws", "tcp", "http"] {
            let target = format!("{scheme}://{host}:1/").parse::<Target>();
            let error = target.err();
            assert_eq!(
                error,
                Some(RouteError::HostCharacter(bad)),
                "{scheme} {host}"
            );
        }
    }
    let zero = "ws://h:0/".parse::<Target>();
    assert_eq!(zero.err(), Some(RouteError::ZeroPort));
    assert!("ws://a_b-c.test/".parse::<Target>().is_ok());
}

#[test]
fn a_blank_or_a_control_character_is_refused_and_not_left_out() {
    for text in [
        "ws://h/\n",
        " ws://h/",
        "w\ts://h/",
        "tcp://h\r:1",
        "ws://h/a b",
    ] {
        let error = text.parse::<Target>().err();
        assert_eq!(error, Some(RouteError::Blank), "{text:?}");
    }
}

#[test]
fn a_target_does_not_show_its_secrets() {
    let target: Target = "wss://u:hunter2@h/?token=hunter2".parse().unwrap();
    assert!(!format!("{target}{target:?}").contains("hunter2"));
}

#[test]
fn redirects_are_resolved_against_the_target() {
    let target: Target = "wss://a.test/x/y?z".parse().unwrap();
    for (location, shown) in [
        ("/other", "wss://a.test:443/other"),
        ("w?q=1", "wss://a.test:443/x/w?q=1"),
        ("//b.test/", "wss://b.test:443/"),
        ("https://b.test:8443/c#f", "wss://b.test:8443/c"),
        ("http://b.test", "ws://b.test:80/"),
        ("ws://me:secret@b.test", "ws://b.test:80/"),
    ] {
        let to = target.redirected(location).unwrap();
        assert_eq!(to.request_url(), shown, "{location}");
        assert!(to.credentials().is_none());
    }
    for location in [
        "ftp://b.test",
        "http://",
        "data:x",
        "tcp://b.test:1",
        "ws://[fe80::1%25eth0]/",
        "//b.test\\@c.test/",
    ] {
        let to = target.redirected(location);
        assert!(
            to.is_err() || to.unwrap().must_be_websocket().is_err(),
            "{location}"
        );
    }
}

#[test]
fn a_reference_to_the_same_origin_leads_to_the_same_socket_and_no_other_does() {
    let from: Target = "wss://localhost/a".parse().unwrap();
    let from = from.unix_socket("/run/one").server_name("one.test");
    for (reference, stays) in [
        ("/b", true),
        ("?c", true),
        ("//localhost", true),
        ("wss://LOCALHOST:443/", true),
        ("https://localhost/", true),
        ("ws://localhost/", false),
        ("wss://localhost:8443/", false),
        ("//other.test/a", false),
    ] {
        let to = from.join(reference).unwrap();
        assert_eq!(
            (to.unix.is_some(), to.server_name.is_some()),
            (stays, stays),
            "{reference}"
        );
    }
}
