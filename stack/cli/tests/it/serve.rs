//! `wirestack serve`, `passwd` and `check`.

use crate::support::{Certificate, Folder, Server, ask, echo, run, run_with, web};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

#[test]
fn one_port_speaks_socks_and_http_and_tls_and_logs_who_asked_for_what() {
    let certificate = Certificate::new();
    let users = certificate.folder.path("users");
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    assert!(line.out.starts_with("me:$argon2id$"), "{}", line.out);
    std::fs::write(&users, line.out).expect("a file");
    let metrics = certificate.folder.path("metrics.sock");
    let (chain, key) = (&certificate.chain, &certificate.key);
    let mut server = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--users",
        &users,
        "--policy",
        "loopback",
        "--tls-cert",
        chain,
        "--tls-key",
        key,
        "--log",
        "json",
        "--metrics",
        &metrics,
    ]);
    let at = server.address("over TLS, for 1 user");
    let target = format!("tcp://{}", echo());
    for (scheme, protocol) in [
        ("socks5+tls", "socks5"),
        ("https", "http1"),
        ("h2", "http2"),
    ] {
        for (password, code) in [
            ("hunter2", 0),
            ("hunter3", if protocol == "socks5" { 8 } else { 9 }),
        ] {
            let hop = format!("{scheme}://me:{password}@{at}");
            let end = run(
                &["probe", "-q", &target, "--via", &hop, "--cacert", chain],
                b"",
            );
            assert_eq!(end.code, code, "{scheme} {password}: {}", end.err);
            let line = server.line(&format!("\"protocol\":\"{protocol}\""));
            assert!(
                line.contains("\"user\":\"me\"") && !line.contains("hunter"),
                "{line}"
            );
        }
    }
    let mut io = UnixStream::connect(&metrics).expect("the socket");
    io.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("sent");
    let mut text = String::new();
    io.read_to_string(&mut text).expect("the counters");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    for line in [
        "wirestack_connections_total 6",
        "wirestack_requests_total{protocol=\"http1\",result=\"done\"} 1",
        "wirestack_requests_total{protocol=\"socks5\",result=\"failed\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    assert_eq!(server.terminate(), 0);
    assert!(!std::path::Path::new(&metrics).exists());
}

#[test]
fn the_first_rule_that_fits_decides() {
    let target = echo();
    let port = target.rsplit(':').next().expect("a port");
    let (allow, deny) = (
        format!("allow 127.0.0.0/8 {port}"),
        format!("deny 127.0.0.0/8 {port}"),
    );
    for (rules, code) in [(vec![&allow], 0), (vec![&deny, &allow], 8), (vec![], 8)] {
        let mut arguments = vec!["serve", "-l", "127.0.0.1:0", "--policy", "nothing"];
        rules
            .iter()
            .for_each(|rule| arguments.extend(["--rule", rule]));
        let mut server = Server::start(&arguments);
        let hop = format!("http://{}", server.address("proxy"));
        let end = run(
            &["probe", "-q", &format!("tcp://{target}"), "--via", &hop],
            b"",
        );
        assert_eq!(end.code, code, "{rules:?}: {}", end.err);
    }
}

#[test]
fn a_proxy_goes_through_an_upstream_proxy() {
    let mut far = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let via = format!("socks5h://{}", far.address("proxy"));
    let mut near = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--policy",
        "everything",
        "--via",
        &via,
    ]);
    let hop = format!("http://{}", near.address("proxy"));
    let target = format!("tcp://{}", echo());
    let end = run(&["probe", "-q", &target, "--via", &hop], b"");
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(far.line(" socks5 127.0.0.1").contains(" socks5 "));
    assert!(near.line(" http1 127.0.0.1").contains(" http1 "));
}

/// Returns the request for each way to send content, with the content as the server gets it.
fn plain_requests(server: &str, fields: &str) -> [(String, &'static str, &'static str); 3] {
    let head = format!("http://{server}/a?b HTTP/1.1\r\nHost: elsewhere.test\r\n{fields}");
    [
        (format!("GET {head}\r\n"), "GET", "\r\n\r\n"),
        (
            format!("POST {head}Content-Length: 5\r\n\r\nhello"),
            "POST",
            "\r\n\r\nhello",
        ),
        (
            format!("POST {head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            "POST",
            "\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        ),
    ]
}

#[test]
fn plain_requests_are_forwarded_for_users_with_their_contents() {
    let folder = Folder::new();
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    let users = folder.write("users", &line.out);
    let mut server = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--users",
        &users,
        "--policy",
        "loopback",
        "--log",
        "json",
    ]);
    let web = web();
    let mut io = TcpStream::connect(server.address("1 user")).expect("the proxy");
    for login in ["", "Proxy-Authorization: Basic bWU6aHVudGVyMw==\r\n"] {
        let request = format!("GET http://{web}/ HTTP/1.1\r\nHost: {web}\r\n{login}\r\n");
        let response = ask(&mut io, &request);
        assert!(response.starts_with("HTTP/1.1 407 "), "{response}");
        assert!(response.contains("realm=\"wirestack\""), "{response}");
        assert!(server.line("\"status\":407").contains("\"error\":\""));
    }
    let login = "Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"; // me:hunter2
    for (request, method, content) in plain_requests(&web, login) {
        let response = ask(&mut io, &request);
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        let head = format!("\r\n\r\n{method} /a?b HTTP/1.1\r\n");
        assert!(response.contains(&head), "{response}");
        assert!(response.contains(&format!("host: {web}\r\n")), "{response}");
        assert!(response.ends_with(content), "{response}");
        assert!(!response.contains("hunter") && !response.contains("bWU6"));
        let line = server.line("\"status\":200");
        for part in [
            "\"error\":null".to_owned(),
            "\"user\":\"me\"".to_owned(),
            format!("\"method\":\"{method}\""),
            format!("\"target\":\"{web}\""),
            format!("\"sent\":{}", if method == "GET" { 0 } else { 5 }),
        ] {
            assert!(line.contains(&part), "{part} is not in {line}");
        }
    }
}

#[test]
fn plain_requests_go_through_each_kind_of_upstream_proxy() {
    let web = web();
    for (scheme, says) in [
        ("socks5h", " socks5 127.0.0.1"),
        ("http", " http1 POST 127.0.0.1"),
        ("h2c", " http2 127.0.0.1"),
    ] {
        let mut far = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
        let via = format!("{scheme}://{}", far.address("proxy"));
        let serve = ["serve", "-l", "127.0.0.1:0", "--policy", "loopback"];
        let forward = ["forward", "-D", "127.0.0.1:0"];
        for arguments in [&serve[..], &forward] {
            let mut near = Server::start(&[arguments, &["--via", &via]].concat());
            let mut io = TcpStream::connect(near.address("proxy")).expect("the proxy");
            for (request, method, content) in plain_requests(&web, "") {
                let response = ask(&mut io, &request);
                assert!(
                    response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with(content),
                    "{scheme}: {response}"
                );
                near.line(&format!(" http1 {method} {web}: "));
            }
            drop(io);
            far.line(says);
        }
    }
}

#[test]
fn plain_requests_to_what_the_policy_forbids_are_refused() {
    let mut server = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "nothing"]);
    let mut io = TcpStream::connect(server.address("proxy")).expect("the proxy");
    for (target, status) in [
        (format!("http://{}/", web()), "403"),
        ("http://127.0.0.1.:1/".to_owned(), "403"),
        ("https://127.0.0.1/".to_owned(), "501"),
        ("/".to_owned(), "400"),
    ] {
        let response = ask(
            &mut io,
            &format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n"),
        );
        let wanted = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&wanted), "{target}: {response}");
    }
}

#[test]
fn a_proxy_header_tells_whose_connection_it_is() {
    let mut server = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--policy",
        "loopback",
        "--proxy-header",
    ]);
    let mut io = TcpStream::connect(server.address("proxy")).expect("the proxy");
    let request = format!(
        "PROXY TCP4 192.0.2.9 192.0.2.1 4711 1080\r\nCONNECT {} HTTP/1.1\r\n\r\n",
        echo()
    );
    io.write_all(request.as_bytes()).expect("sent");
    let mut seen = [0; 12];
    io.read_exact(&mut seen).expect("an answer");
    assert_eq!(&seen, b"HTTP/1.1 200");
    drop(io);
    server.line("192.0.2.9:4711 http1 127.0.0.1");
}

#[test]
fn a_file_is_checked_before_it_is_served() {
    let folder = Folder::new();
    let good = folder.write(
        "good.toml",
        "[[serve]]\nlisten = [\"127.0.0.1:0\"]\n[serve.policy]\npreset = \"loopback\"\nrules = [\"deny host *.secret.test\"]\n\
         [[forward]]\nlocal = [\"127.0.0.1:0=tcp://h:1\"]\n[forward.way]\nvia = [\"socks5h://gate:1080\"]\n",
    );
    let end = run(&["check", &good], b"");
    assert_eq!(
        (end.code, end.out.as_str()),
        (0, "serve 1: ok\nforward 1: ok\n"),
        "{}",
        end.err
    );
    let mut server = Server::start(&["serve", "--config", &good]);
    let hop = format!("http://{}", server.address("proxy"));
    let end = run(
        &["probe", "-q", &format!("tcp://{}", echo()), "--via", &hop],
        b"",
    );
    assert_eq!(end.code, 0, "{}", end.err);

    for (text, says) in [
        ("[[serve]]\nlisen = []\n", "unknown field `lisen`"),
        ("[[serve]]\nlisten = 1\n", "line 2, column 10"),
        ("[[serve]]\nusers = \"/gone\"\n", "/gone"),
        ("[[forward]]\nlocal = [\"x\"]\n", "is written LISTEN=TARGET"),
        (
            "[[forward]]\ndynamic = [\"1080\"]\n[forward.way]\nstack = \"sock5(g)\"\n",
            "^^^^^",
        ),
        ("", "no [[serve]]"),
    ] {
        let end = run(&["check", &folder.write("bad.toml", text)], b"");
        let all = format!("{}{}", end.out, end.err);
        assert!(
            end.code == 2 && all.contains(says),
            "{text:?}: {} {all}",
            end.code
        );
    }
}

#[test]
fn a_second_signal_ends_at_once_although_a_client_stays() {
    let arguments = [
        "serve",
        "-l",
        "127.0.0.1:0",
        "--policy",
        "loopback",
        "--shutdown-timeout",
        "3600",
    ];
    let mut server = Server::start(&arguments);
    let at = server.address("proxy");
    let mut io = TcpStream::connect(&at).expect("the proxy");
    let target = echo();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    assert!(ask(&mut io, &request).starts_with("HTTP/1.1 200"));
    server.signal("-INT");
    // The first one has been heard when nobody is let in any more.
    while TcpStream::connect(&at).is_ok() {
        std::thread::yield_now();
    }
    io.write_all(b"x").expect("sent");
    io.read_exact(&mut [0; 1])
        .expect("an echo: the tunnel lives");
    assert_eq!(server.terminate(), 0);
    assert!(
        matches!(io.read(&mut [0; 1]), Ok(0) | Err(_)),
        "the tunnel lives on"
    );
}

#[test]
fn a_user_whom_the_file_of_users_would_not_read_is_refused() {
    for user in ["", "a:b", "a\nb", "#me", " me", "\u{a0}me"] {
        let end = run_with(&["passwd", user], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
        assert_eq!(
            (end.code, end.out.as_str()),
            (2, ""),
            "{user:?}: {}",
            end.err
        );
        assert!(end.err.contains("a user "), "{user:?}: {}", end.err);
    }
}
