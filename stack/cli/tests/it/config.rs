//! Configuration files that are wrong.

use crate::support::{Certificate, Folder, run};

#[test]
fn a_file_that_cannot_be_read_shows_none_of_its_passwords() {
    let folder = Folder::new();
    for (lines, says) in [
        (
            "via = \"http://me:hunter2@gate:1\"",
            "line 3, column 7: invalid type",
        ),
        ("via = [\"http://me:hunter2@gate:1\"", "line 3"),
        ("stack = connect(gate:1, password=hunter2)", "line 3"),
        (
            "password = \"hunter2\"",
            "line 3, column 1: unknown field `password`",
        ),
        (
            "direct = 'a \"hunter2\" b'",
            "line 3, column 10: invalid type",
        ),
    ] {
        let text = format!("[[forward]]\n[forward.way]\n{lines}\n");
        let end = run(&["check", &folder.write("bad.toml", &text)], b"");
        assert_eq!(end.code, 2, "{lines}: {}", end.out);
        assert!(end.err.contains(says), "{lines}: {}", end.err);
        assert!(!end.err.contains("hunter2"), "{lines}: {}", end.err);
    }
}

#[test]
fn a_file_is_held_to_the_rules_of_the_options() {
    let (folder, certificate) = (Folder::new(), Certificate::new());
    let (chain, key) = (&certificate.chain, &certificate.key);
    for (lines, says) in [
        (
            format!("[[serve]]\nclient-ca = {chain:?}"),
            "client-ca wants tls-cert",
        ),
        (
            format!("[[serve]]\ntls-cert = {chain:?}"),
            "tls-cert and tls-key belong",
        ),
        (way("cert = \"c\""), "cert and key belong together"),
        (way("key = \"k\""), "cert and key belong together"),
        (way("proxy-cert = \"c\""), "proxy-cert and proxy-key belong"),
        (
            way("direct = true\nvia = [\"http://h:1\"]"),
            "names the way",
        ),
        (
            way("pac = \"data:,x\"\nstack = \"tcp(h:1)\""),
            "names the way",
        ),
        (way("kdc = \"h\""), "kdc wants a proxy-user"),
        (
            way("proxy-password-file = \"p\""),
            "proxy-password-file wants a proxy-user",
        ),
        (tunnel("user = \"me\""), "user of a tunnel wants its url"),
        (
            tunnel("url = \"ws://h/\"\npassword-file = \"p\""),
            "password-file of a tunnel wants its user",
        ),
        (
            tunnel("url = \"ws://h/\"\nhttp1 = true\nhttp2 = true"),
            "one of http1 and http2",
        ),
    ] {
        let end = run(&["check", &folder.write("bad.toml", &lines)], b"");
        assert_eq!(end.code, 2, "{lines}: {}{}", end.out, end.err);
        assert!(end.out.contains(says), "{lines}: {}", end.out);
    }
    let good =
        format!("[[serve]]\ntls-cert = {chain:?}\ntls-key = {key:?}\nclient-ca = {chain:?}\n");
    let end = run(&["check", &folder.write("good.toml", &good)], b"");
    assert_eq!(end.code, 0, "{}{}", end.out, end.err);
}

#[test]
fn a_path_for_tunnels_that_no_request_has_is_refused() {
    let folder = Folder::new();
    for (path, code) in [
        ("/", 0),
        ("/a/b", 0),
        ("/a%20b", 0),
        ("", 2),
        ("tunnel", 2),
        ("/a b", 2),
        ("/a?b", 2),
        ("/a#b", 2),
    ] {
        let text = format!("[[serve]]\ntunnel = [\"1\"]\ntunnel-path = {path:?}\n");
        let end = run(&["check", &folder.write("serve.toml", &text)], b"");
        assert_eq!(end.code, code, "{path:?}: {}{}", end.out, end.err);
        assert_eq!(end.out.contains("--tunnel-path"), code == 2, "{}", end.out);
    }
}

#[test]
fn a_way_that_carries_no_datagrams_is_found_by_the_check() {
    let folder = Folder::new();
    let rule = "[[forward]]\nlocal = [\"udp:127.0.0.1:0=udp://192.0.2.7:53\"]\n[forward.way]\n";
    for (way, code, says) in [
        ("via = [\"socks5://127.0.0.1:1\"]", 0, "ok"),
        ("direct = true", 0, "ok"),
        (
            "via = [\"http://127.0.0.1:1\"]",
            2,
            "carries no UDP from here",
        ),
        (
            "pac = \"data:,x\"",
            2,
            "--system-proxy and --pac find proxies",
        ),
    ] {
        let file = folder.write("forward.toml", &format!("{rule}{way}\n"));
        let end = run(&["check", &file], b"");
        assert_eq!(end.code, code, "{way}: {}{}", end.out, end.err);
        assert!(end.out.contains(says), "{way}: {}", end.out);
    }
}

#[test]
fn a_limit_of_nothing_is_refused() {
    let folder = Folder::new();
    for (table, names) in [
        (
            "serve]]\nlisten",
            &["max-connections", "handshake-timeout", "idle-timeout"][..],
        ),
        ("forward]]\ndynamic", &["max-connections", "idle-timeout"]),
    ] {
        for name in names {
            for (number, code) in [("0", 2), ("1", 0), ("9223372036854775807", 0)] {
                let text = format!("[[{table} = [\"1080\"]\n{name} = {number}\n");
                let end = run(&["check", &folder.write("limits.toml", &text)], b"");
                assert_eq!(end.code, code, "{name} {number}: {}{}", end.out, end.err);
                assert_eq!(end.out.contains(name), code == 2, "{}", end.out);
            }
        }
    }
}

fn way(lines: &str) -> String {
    format!("[[forward]]\ndynamic = [\"1080\"]\n[forward.way]\n{lines}\n")
}

fn tunnel(lines: &str) -> String {
    format!("[[forward]]\ndynamic = [\"1080\"]\n[forward.tunnel]\n{lines}\n")
}
