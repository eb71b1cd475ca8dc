//! `wirestack probe`.

use crate::support::{Certificate, Echo, Server, echo, masked, run, run_with};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn a_probe_shows_each_address_layer_and_certificate_on_the_way() {
    let certificate = Certificate::new();
    let target = Echo::start(Some(certificate.config.clone()));
    let mut proxy = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let hop = format!("socks5h://{}", proxy.address("proxy"));
    let url = format!(
        "wss://{}/echo?token=hunter2",
        target.at.replace("127.0.0.1", "localhost")
    );
    let arguments = [
        "probe",
        &url,
        "--via",
        &hop,
        "--cacert",
        &certificate.chain,
        "-s",
        "echo",
    ];
    let end = run(&arguments, b"");
    assert_eq!(end.code, 0, "{}", end.err);
    let today = end
        .out
        .lines()
        .find(|line| line.contains("issued by"))
        .expect("a certificate")
        .to_owned();
    assert!(
        today.contains("CN=Test, issued by itself, valid from 1975-01-01 to 4096-01-01"),
        "{today}"
    );
    assert!(today.ends_with("for localhost 127.0.0.1"), "{today}");
    let seen = masked(&end.out.replace(&today, "  CERTIFICATE"));
    let wanted = "\
roots TIME ms TLS settings with the system's roots
open TIME ms 127.0.0.1:PORT
socks TIME ms hop 1 (socks5h://127.0.0.1:PORT) (bound 127.0.0.1:PORT)
tls TIME ms target (wss://localhost:PORT/echo) (TLSv1.3 TLS13_AES_256_GCM_SHA384, alpn h2)
http2 TIME ms target (wss://localhost:PORT/echo) (200 OK)
websocket TIME ms target (wss://localhost:PORT/echo) (200, subprotocol echo)
total TIME ms

certificates of target (wss://localhost:PORT/echo)
CERTIFICATE

websocket 200 OK, subprotocol echo
open: wss://localhost:PORT/echo";
    assert_eq!(seen, wanted);
    // Each step was told while it happened.
    let live = masked(&end.err);
    assert!(
        live.lines()
            .any(|line| line == "TIME ms connected to 127.0.0.1:PORT"),
        "{live}"
    );
    assert!(live.ends_with("TIME ms ready"), "{live}");
    assert!(!format!("{}{}", end.out, end.err).contains("hunter2"));
}

#[test]
fn a_probe_as_json_has_all_of_it_in_one_object() {
    let certificate = Certificate::new();
    let target = Echo::start(Some(certificate.config.clone()));
    let url = format!("wss://{}/", target.at);
    let end = run(
        &[
            "probe",
            &url,
            "--cacert",
            &certificate.chain,
            "--json",
            "--http1",
        ],
        b"",
    );
    assert_eq!(
        (end.code, end.err.as_str(), end.out.lines().count()),
        (0, "", 1)
    );
    let report: Value = serde_json::from_str(&end.out).expect("JSON");
    assert_eq!(report["open"], true);
    assert_eq!(report["exit"], 0);
    assert_eq!(report["websocket"]["status"], 101);
    assert_eq!(report["certificates"][0]["subject"], "CN=Test");
    assert_eq!(report["certificates"][0]["not_after"], "4096-01-01");
    let layers = report["layers"].as_array().expect("layers");
    let names: Vec<_> = layers
        .iter()
        .map(|layer| layer["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["tls", "websocket"]);
    let spans = report["spans"].as_array().expect("spans");
    assert!(
        spans.iter().all(|span| span["outcome"] == "done"),
        "{spans:?}"
    );

    let end = run(&["probe", "ws://127.0.0.1:1/", "--json"], b"");
    let report: Value = serde_json::from_str(&end.out).expect("JSON");
    assert_eq!((end.code, &report["exit"]), (5, &Value::from(5)));
    assert_eq!(report["error"]["kind"], "unreached");
}

#[test]
fn each_kind_of_failure_has_its_exit_code_and_says_what_to_do() {
    let certificate = Certificate::new();
    let users = certificate.folder.path("users");
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    std::fs::write(&users, line.out).expect("a file");
    let (secure, plain) = (
        Echo::start(Some(certificate.config.clone())),
        Echo::start(None),
    );
    let mut open = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "nothing"]);
    let mut locked = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--policy",
        "loopback",
        "--users",
        &users,
    ]);
    let (open, locked) = (open.address("proxy"), locked.address("proxy"));
    let (wss, ws) = (
        format!("wss://{}/", secure.at),
        format!("ws://{}/nothing", plain.at),
    );
    let tcp = format!("tcp://{}", echo());
    for (arguments, code, says) in [
        (vec!["ws://"], 2, "the URL has no host"),
        (
            vec!["ws://127.0.0.1:1/", "--via", "proxy:1"],
            2,
            "--via number 1: the URL has no scheme",
        ),
        (vec!["--direct"], 2, "the URL of the target is missing"),
        (vec!["ws://127.0.0.1:1/"], 5, "could not connect"),
        (vec![&wss], 7, "give its certificate with `ca_file`"),
        (
            vec![&tcp, "--via", &format!("socks5h://{open}")],
            8,
            "not allowed by the rules of the proxy",
        ),
        (
            vec![&tcp, "--via", &format!("http://{open}")],
            8,
            "403 Forbidden",
        ),
        (
            vec![&tcp, "--via", &format!("http://{locked}")],
            9,
            "there is no user and no password",
        ),
        (
            vec![&tcp, "--via", &format!("http://me:wrong@{locked}")],
            9,
            "it refused the user or the password",
        ),
        (
            vec![&tcp, "--via", &format!("h2c://me:wrong@{locked}")],
            9,
            "it refused the user or the password",
        ),
        (vec![&ws], 10, "404 Not Found"),
        (vec![&format!("ws://{}", &tcp[6..])], 11, ""),
    ] {
        let all = [&["probe", "-q"], &arguments[..]].concat();
        let end = run(&all, b"");
        assert_eq!(end.code, code, "{arguments:?}: {}", end.err);
        assert!(
            end.err.starts_with("wirestack: ") && end.err.contains(says),
            "{arguments:?}: {}",
            end.err
        );
        assert_eq!(end.err.lines().count(), 1, "{}", end.err);
        assert!(!end.err.contains("wrong@"), "{}", end.err);
    }
    let right = format!("http://me:hunter2@{locked}");
    assert_eq!(run(&["probe", "-q", &tcp, "--via", &right], b"").code, 0);
    let end = run(&["probe", "-q", &tcp, "--via", &right, "--no-basic"], b"");
    assert_eq!(end.code, 9, "the password went by Basic: {}", end.err);
    // Not on the command line.
    let end = run_with(
        &[
            "probe",
            "-q",
            &tcp,
            "--via",
            &format!("http://{locked}"),
            "--proxy-user",
            "me",
        ],
        b"",
        &[("WIRESTACK_PROXY_PASSWORD", "hunter2")],
    );
    assert_eq!(end.code, 0, "{}", end.err);
}

#[test]
fn a_stack_that_cannot_be_read_is_shown_with_a_mark_under_the_place() {
    let end = run(
        &[
            "probe",
            "--stack",
            "socks5(gate:1080) | conect(proxy:3128, password=hunter2)",
        ],
        b"",
    );
    let wanted = "\
wirestack: the stack cannot be read
socks5(gate:1080) | conect(proxy:3128, password=*******)
                    ^^^^^^
                    no layer has this name: write socks5, socks4, connect, https, h2, tls, websocket or tcp
";
    assert_eq!((end.code, end.err.as_str()), (2, wanted));
}

#[test]
fn a_stack_names_the_whole_way() {
    let certificate = Certificate::new();
    let target = Echo::start(Some(certificate.config.clone()));
    let mut proxy = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let proxy = proxy.address("proxy");
    let stack = format!(
        "socks5({proxy}) | connect({proxy}) | tls({}, sni=localhost, ca=\"{}\") | websocket(/x, subprotocol=echo, http1)",
        target.at, certificate.chain
    );
    let end = run(&["probe", "-q", "--stack", &stack], b"");
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(
        end.out
            .contains("101 Switching Protocols, subprotocol echo"),
        "{}",
        end.out
    );
    assert!(end.out.contains("hop 2"), "{}", end.out);
    let end = run(
        &[
            "probe",
            "-q",
            "--stack",
            &stack.replace("sni=localhost", "sni=other.test"),
        ],
        b"",
    );
    assert_eq!(end.code, 7, "{}", end.err);
    assert!(end.err.contains("other.test"), "{}", end.err);
}

#[test]
fn all_routes_tell_who_names_them_and_why() {
    let pac = "data:,function FindProxyForURL(u,h){return 'PROXY p.test:1; DIRECT'}";
    let variables = [
        ("https_proxy", "http://me:hunter2@proxy.test:3128"),
        ("no_proxy", "intern.test"),
    ];
    let end = run_with(
        &["probe", "--all-routes", "wss://example.test/", "--pac", pac],
        b"",
        &variables,
    );
    assert_eq!(end.code, 0, "{}", end.err);
    let lines: Vec<_> = end.out.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "environment: http://proxy.test:3128",
            "    https_proxy names it"
        ]
    );
    assert!(lines[2].starts_with("system: "), "{lines:?}");
    assert!(lines[4].ends_with(": http://p.test:1"), "{lines:?}");
    assert!(!end.out.contains("hunter2"));

    let end = run_with(
        &["probe", "--all-routes", "wss://a.intern.test/", "--json"],
        b"",
        &variables,
    );
    let report: Value = serde_json::from_str(&end.out).expect("JSON");
    assert_eq!(report["routes"][0]["route"], "direct");
    assert_eq!(report["routes"][0]["why"], "no_proxy covers the host");
}

#[test]
fn all_routes_are_told_and_no_connection_is_opened() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a proxy");
    let at = proxy.local_addr().expect("its address");
    let script = "function FindProxyForURL(u, h) {\
                    return 'PROXY ' + dnsResolve('localhost') + ':PORT'; }"
        .replace("PORT", &at.port().to_string());
    let (asked, files) = web_server(script);
    let direct = "data:,function FindProxyForURL(u,h){return 'DIRECT'}".to_owned();
    let named = format!("http://localhost:{files}/proxy.pac");
    let proxied = format!("http://{at}");
    for scheme in ["tcp", "ws", "wss"] {
        for (host, pac, route) in [
            (at.to_string(), &direct, "direct"),
            ("192.0.2.7:443".to_owned(), &named, &proxied),
        ] {
            for variables in [&[][..], &[("all_proxy", &*proxied)]] {
                let target = format!("{scheme}://{host}");
                let arguments = ["probe", "--all-routes", &target, "--pac", pac];
                let end = run_with(&arguments, b"", variables);
                assert_eq!(end.code, 0, "{}", end.err);
                let last = end.out.lines().nth(4).expect("the route of the file");
                assert_eq!(last, format!("pac: {route}"));
            }
        }
    }
    assert_eq!(
        asked.load(Ordering::SeqCst),
        6,
        "the file was not fetched each time"
    );
    proxy.set_nonblocking(true).expect("a setting");
    let accepted = proxy.accept();
    assert!(accepted.is_err(), "{accepted:?} was connected to");
}

/// Starts a web server that answers everything with this text; returns how often it has been asked,
/// and its port.
fn web_server(text: String) -> (Arc<AtomicUsize>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let port = listener.local_addr().expect("its address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        for mut io in listener.incoming().map_while(Result::ok) {
            let _ = io.read(&mut [0; 4096]); // the test tells of it
            count.fetch_add(1, Ordering::SeqCst);
            let length = text.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let _ = io.write_all((head + &text).as_bytes());
        }
    });
    (asked, port)
}

#[test]
fn the_readme_shows_a_refused_password_as_it_is_printed() {
    let certificate = Certificate::new();
    let users = certificate.folder.path("users");
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    std::fs::write(&users, line.out).expect("a file");
    let all = ["serve", "-l", "127.0.0.1:0", "--policy", "loopback"];
    let mut gate = Server::start(&[&all[..], &["--ports", "*"]].concat());
    let mut locked = Server::start(&[&all[..], &["--users", &users]].concat());
    let gate = format!("socks5h://{}", gate.address("proxy"));
    let locked = format!("http://me:guess@{}", locked.address("proxy"));
    let url = "wss://example.org/chat";
    let end = run(&["probe", "-q", url, "--via", &gate, "--via", &locked], b"");
    let printed = masked(&format!("{}{}", end.out, end.err));
    let readme = masked(include_str!("../../../../README.md"));
    assert!(readme.contains(&printed), "{printed}");
}

#[test]
fn the_place_of_a_script_is_shown_without_its_login() {
    let pac = "http://me:hunter2@127.0.0.1:1/proxy.pac";
    for json in [None, Some("--json")] {
        let mut arguments = vec!["probe", "--all-routes", "wss://example.test/", "--pac", pac];
        arguments.extend(json);
        let end = run(&arguments, b"");
        let shown = [end.out, end.err].concat();
        assert!(shown.contains("127.0.0.1:1/proxy.pac"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_words_of_a_script_are_shown_without_what_a_terminal_obeys() {
    let pac = "data:,function FindProxyForURL(u,h){alert('a%1b[2Jb');return 'DIRECT'}";
    let arguments = ["probe", "--all-routes", "wss://example.test/", "--pac", pac];
    let end = run(&arguments, b"");
    assert_eq!(end.code, 0, "{}", end.err);
    assert!(end.out.contains(r"says: a\u{1b}[2Jb"), "{:?}", end.out);
    assert!(!end.out.contains('\u{1b}'), "{:?}", end.out);
}
