//! The options of the way, of logins and of certificates, each as a user types it.

use crate::support::{Certificate, Echo, End, Folder, Server, echo, run, run_with};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// Runs the program to its end, which has this exit code.
fn ends(code: i32, arguments: &[&str]) -> End {
    let end = run(arguments, b"");
    assert_eq!(end.code, code, "{arguments:?}: {}", end.err);
    end
}

/// Returns what a server of WebSockets was asked for.
fn request(arguments: &[&str]) -> String {
    ends(0, &[&["connect", "-r", "-q"], arguments].concat()).out
}

/// A file of users with `me`, and the file of the password.
fn users(folder: &Folder) -> (String, String) {
    let password = folder.write("password", "hunter2\nanother line\n");
    let line = ends(0, &["passwd", "me", "--password-file", &password]);
    (folder.write("users", &line.out), password)
}

/// Accepts one connection, and returns what it says first.
fn listener() -> (String, std::thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address").to_string();
    let said = std::thread::spawn(move || {
        let (mut io, _) = listener.accept().expect("a connection");
        let mut buf = vec![0; 4096];
        let n = io.read(&mut buf).expect("bytes");
        buf[..n].to_vec()
    });
    (at, said)
}

#[test]
fn fields_and_logins_are_in_the_request() {
    let (echo, folder) = (Echo::start(None), Folder::new());
    let url = format!("ws://{}/request", echo.at);
    let password = folder.write("password", "hunter2\n");
    let fields = format!("@{}", folder.write("fields", "X-One: 1\n\nX-Two: 2\n"));
    let seen = request(&[&url, "-H", "X-Key: 7", "--header", &fields]);
    for wanted in ["x-key=7", "x-one=1", "x-two=2", "HTTP/1.1"] {
        assert!(seen.contains(wanted), "{seen}");
    }
    let seen = request(&[&url, "--user", "me", "--password-file", &password]);
    assert!(
        seen.contains("authorization=Basic bWU6aHVudGVyMg=="),
        "{seen}"
    );
    let wrong = format!("@{}", folder.write("wrong", "X-One: 1\nsecret\n"));
    let end = ends(2, &["connect", &url, "-H", &wrong]);
    assert!(
        end.err.contains("wrong, line 2: a field is written"),
        "{}",
        end.err
    );
    assert!(!end.err.contains("secret"), "{}", end.err);

    let (at, said) = listener();
    run(
        &["probe", "-q", &format!("ws://{at}/"), "-H", "X-Key: 7"],
        b"",
    );
    let said = String::from_utf8(said.join().expect("a request")).expect("text");
    assert!(said.to_ascii_lowercase().contains("x-key: 7\r\n"), "{said}");
}

#[test]
fn a_websocket_over_http2_alone_is_one() {
    let certificate = Certificate::new();
    let echo = Echo::start(Some(certificate.config.clone()));
    let url = format!("wss://{}/request", echo.at);
    for (option, version) in [("--http2", "HTTP/2.0"), ("--http1", "HTTP/1.1")] {
        let seen = request(&[&url, option, "--cacert", &certificate.chain]);
        assert!(seen.contains(version), "{option}: {seen}");
        let end = ends(
            0,
            &["probe", "-q", &url, option, "--cacert", &certificate.chain],
        );
        assert_eq!(
            end.out.contains("http2"),
            option == "--http2",
            "{}",
            end.out
        );
    }
    let plain = Echo::start(None);
    let seen = request(&[&format!("ws://{}/request", plain.at), "--http2"]);
    assert!(seen.contains("HTTP/2.0"), "{seen}");
}

#[test]
fn input_is_not_read_and_answers_are_waited_for_as_the_options_say() {
    let echo = Echo::start(None);
    let url = format!("ws://{}/", echo.at);
    let end = run(&["connect", "-r", &format!("{url}request")], b"unsent\n");
    assert_eq!(end.code, 0, "{}", end.err);
    let began = Instant::now();
    let end = run(&["connect", "--linger", "1", &url], b"hello\n");
    assert_eq!((end.code, end.out.as_str()), (0, "hello\n"));
    assert!(began.elapsed() >= Duration::from_secs(1));
    // A server without a sign of life.
    let end = run(
        &["connect", "-r", "--ping", "0.2", &format!("{url}mute")],
        b"",
    );
    assert_eq!(
        (end.code, end.out.as_str()),
        (11, "a word\n"),
        "{}",
        end.err
    );
    assert!(end.err.contains("the connection was lost"), "{}", end.err);
    for (option, value) in [
        ("--linger", "-1"),
        ("--ping", "NaN"),
        ("--connect-timeout", "0"),
    ] {
        let end = ends(2, &["connect", &url, &format!("{option}={value}")]);
        assert!(end.err.contains(option), "{}", end.err);
    }
}

#[test]
fn the_time_to_connect_ends_the_wait_for_a_silent_server() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let url = format!("ws://{}/", silent.local_addr().expect("its address"));
    let began = Instant::now();
    ends(6, &["probe", "-q", &url, "--connect-timeout", "0.5"]);
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_millis(500) && passed < LONG,
        "{passed:?}"
    );
}

#[test]
fn a_unix_socket_is_connected_to_instead_of_the_host() {
    let (echo, folder) = (Echo::start(None), Folder::new());
    let path = folder.path("ws.sock");
    let rule = format!("{path}=tcp://{}", echo.at);
    let mut forward = Server::start(&["forward", "--direct", "-U", &rule]);
    forward.line("listening on");
    let seen = request(&["ws://nobody.invalid/request", "--unix-socket", &path]);
    assert!(seen.contains("host=nobody.invalid"), "{seen}");
}

#[test]
fn the_name_for_tls_is_the_one_that_is_given() {
    let certificate = Certificate::new();
    let echo = Echo::start(Some(certificate.config.clone()));
    let url = format!("wss://{}/", echo.at);
    let probe = ["probe", "-q", &url, "--cacert", &certificate.chain, "--sni"];
    ends(0, &[&probe[..], &["localhost"]].concat());
    let end = ends(7, &[&probe[..], &["other.test"]].concat());
    assert!(end.err.contains("other.test"), "{}", end.err);
}

#[test]
fn a_server_lets_in_only_clients_with_a_certificate() {
    let certificate = Certificate::new();
    let (chain, key) = (&certificate.chain, &certificate.key);
    let serve = [
        "serve",
        "-l",
        "127.0.0.1:0",
        "--tunnel",
        "127.0.0.1:0",
        "--policy",
        "loopback",
    ];
    let tls = ["--tls-cert", chain, "--tls-key", key, "--client-ca", chain];
    let mut server = Server::start(&[&serve[..], &tls].concat());
    let proxy = format!("https://{}", server.address("proxy"));
    let tunnel = format!("wss://{}/", server.address("tunnels"));
    let target = format!("tcp://{}", echo());
    let through = ["probe", "-q", &target, "--via", &proxy, "--cacert", chain];
    ends(
        0,
        &[&through[..], &["--proxy-cert", chain, "--proxy-key", key]].concat(),
    );
    // The certificate for the target is not shown to a proxy.
    for without in [&[][..], &["--cert", chain, "--key", key]] {
        let end = run(&[&through[..], without].concat(), b"");
        assert!([7, 11].contains(&end.code), "{}: {}", end.code, end.err);
    }
    let open = [
        "probe",
        "-q",
        &tunnel,
        "-s",
        "tunnel.wirestack",
        "--cacert",
        chain,
    ];
    ends(0, &[&open[..], &["--cert", chain, "--key", key]].concat());
    let end = run(&open, b"");
    assert!([7, 11].contains(&end.code), "{}: {}", end.code, end.err);
    for half in ["--cert", "--key", "--proxy-cert", "--proxy-key"] {
        ends(2, &["probe", &tunnel, half, chain]);
    }
}

#[test]
fn passwords_come_from_files() {
    let folder = Folder::new();
    let (users, password) = users(&folder);
    let locked = ["--users", &users, "--policy", "loopback"];
    let mut server = Server::start(&[&["serve", "-l", "127.0.0.1:0"], &locked[..]].concat());
    let (proxy, target) = (format!("http://{}", server.address("proxy")), echo());
    let way = [
        "--via",
        &proxy,
        "--proxy-user",
        "me",
        "--proxy-password-file",
        &password,
    ];
    let url = format!("tcp://{target}");
    ends(0, &[&["probe", "-q", &url], &way[..]].concat());
    let mut far = Server::start(&[&["serve", "--tunnel", "127.0.0.1:0"], &locked[..]].concat());
    let tunnel = format!("ws://{}/", far.address("tunnels"));
    let near = [
        "forward",
        "-W",
        &target,
        "--tunnel",
        &tunnel,
        "--tunnel-user",
        "me",
    ];
    let near = [&near[..], &["--tunnel-password-file", &password]].concat();
    let end = run(&near, b"hello");
    assert_eq!((end.code, end.out.as_str()), (0, "hello"), "{}", end.err);
    for file in [folder.path("nothing"), folder.write("empty", "")] {
        let end = ends(
            2,
            &[
                "probe",
                &url,
                "--proxy-user",
                "me",
                "--proxy-password-file",
                &file,
            ],
        );
        assert!(end.err.contains(&file), "{}", end.err);
    }
}

#[test]
fn a_field_goes_with_the_request_for_a_tunnel() {
    let (at, said) = listener();
    let tunnel = format!("ws://{at}/");
    let key = ["--tunnel", &tunnel, "--tunnel-header", "X-Key: 7"];
    run(&[&["forward", "-W", "192.0.2.7:1"], &key[..]].concat(), b"");
    let said = String::from_utf8(said.join().expect("a request")).expect("text");
    assert!(said.to_ascii_lowercase().contains("x-key: 7\r\n"), "{said}");
}

#[test]
fn settings_of_the_system_come_behind_the_environment() {
    let mut server = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let (at, folder, target) = (server.address("proxy"), Folder::new(), echo());
    let url = format!("tcp://{target}");
    let port = at.rsplit(':').next().expect("a port");
    let settings = format!("[Proxy Settings]\nProxyType=1\nsocksProxy=socks://127.0.0.1 {port}\n");
    folder.write("kioslaverc", &settings);
    let home = folder.path("");
    let desktop = [
        ("XDG_CURRENT_DESKTOP", "KDE"),
        ("XDG_CONFIG_HOME", home.as_str()),
    ];
    let variable = [("all_proxy", &*format!("http://{at}"))];
    for variables in [&desktop[..], &variable] {
        let end = run_with(&["probe", "-q", "--system-proxy", &url], b"", variables);
        assert_eq!(end.code, 0, "{}", end.err);
    }
}

#[test]
fn a_key_distribution_centre_is_asked_for_a_ticket() {
    let (kdc, said) = listener();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a proxy");
    let hop = format!("http://{}", proxy.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut io in proxy.incoming().map_while(Result::ok) {
            let answer =
                b"HTTP/1.1 407 x\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n";
            let _ = io.read(&mut [0; 4096]); // the test tells of it
            let _ = io.write_all(answer);
        }
    });
    let arguments = [
        "probe",
        "-q",
        "tcp://192.0.2.7:1",
        "--via",
        &hop,
        "--kdc",
        &kdc,
    ];
    let user = ["--proxy-user", "me@CORP.TEST"];
    let secret = [("WIRESTACK_PROXY_PASSWORD", "hunter2")];
    let end = run_with(&[&arguments[..], &user].concat(), b"", &secret);
    assert_eq!(end.code, 9, "{}", end.err);
    assert!(end.err.contains("CORP.TEST"), "{}", end.err);
    let said = said.join().expect("a request for a ticket");
    // RFC 4120 §7.2.2: the length, then an AS-REQ (§5.4.1: application 10) that names the realm.
    assert_eq!(said[4], 0x6A, "{said:x?}");
    assert!(said.windows(9).any(|it| it == b"CORP.TEST"), "{said:x?}");
    assert!(!said.windows(7).any(|it| it == b"hunter2"));
}

#[test]
fn a_ticket_of_the_system_wants_a_build_that_knows_them() {
    let end = run(&["probe", "-q", "tcp://127.0.0.1:1", "--ticket"], b"");
    let is_built = end.code == 5; // nobody listens there
    assert!(
        is_built || end.code == 2 && end.err.contains("negotiate"),
        "{}",
        end.err
    );
}

#[test]
fn no_more_clients_than_the_limit_are_served_and_others_wait() {
    let mut server = Server::start(&["serve", "-l", "127.0.0.1:0", "--max-connections", "1"]);
    let rule = format!("127.0.0.1:0=tcp://{}", echo());
    let mut forward =
        Server::start(&["forward", "--direct", "-L", &rule, "--max-connections", "1"]);
    for (at, hello) in [
        (server.address("proxy"), &b"\x05\x01\x00"[..]),
        (forward.address(" for "), b"hello"),
    ] {
        let connected = || {
            let mut io = TcpStream::connect(&at).expect("the server");
            io.write_all(hello).expect("sent");
            io
        };
        let (mut first, mut byte) = (connected(), [0]);
        first.read_exact(&mut byte).expect("an answer");
        let mut second = connected();
        second
            .set_read_timeout(Some(Duration::from_millis(300)))
            .expect("a time");
        let waits = second.read(&mut byte).map_err(|error| error.kind());
        assert!(
            matches!(waits, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{waits:?}"
        );
        drop(first);
        second.set_read_timeout(Some(LONG)).expect("a time");
        second.read_exact(&mut byte).expect("an answer");
    }
}

#[test]
fn colours_can_be_forced_and_forbidden_for_each_command() {
    for (color, has_colour) in [("always", true), ("never", false)] {
        let end = ends(5, &["probe", "-q", "tcp://127.0.0.1:1", "--color", color]);
        assert_eq!(end.err.contains('\x1b'), has_colour, "{}", end.err);
    }
}

#[test]
fn hops_of_the_environment_are_taken_unless_an_option_names_the_way() {
    // Nobody listens at the first hop.
    let (target, hops) = (echo(), "socks5h://127.0.0.1:1 http://127.0.0.1:1");
    let url = format!("tcp://{target}");
    let probe = |options: &[&str], hops: &str| {
        let arguments = [&["probe", "-q", &url], options].concat();
        run_with(&arguments, b"", &[("WIRESTACK_VIA", hops)])
    };
    let end = probe(&[], hops);
    assert_eq!(end.code, 5, "{}", end.err);
    let stack = format!("tcp({target})");
    for options in [
        &["--direct"][..],
        &["--stack", &stack],
        &["--system-proxy"],
        &["--pac", "data:,function FindProxyForURL(){return 'DIRECT'}"],
    ] {
        let end = probe(options, hops);
        assert_eq!(end.code, 0, "{options:?}: {}", end.err);
    }
    for empty in ["", " "] {
        let end = probe(&[], empty);
        assert_eq!(end.code, 0, "{empty:?}: {}", end.err);
    }
    for command in ["serve", "forward"] {
        let arguments = [command, "--config", "/nowhere"];
        let end = run_with(&arguments, b"", &[("WIRESTACK_VIA", hops)]);
        assert_eq!(end.code, 2);
        assert!(end.err.contains("/nowhere: "), "{}", end.err);
    }
}

const LONG: Duration = Duration::from_secs(30);
