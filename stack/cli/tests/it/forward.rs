//! `wirestack forward`.

use crate::support::{Certificate, Echo, Folder, Server, ask, command, echo, run, run_with, web};
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

fn echoes(mut io: impl Read + Write) {
    for text in ["hello", "again"] {
        io.write_all(text.as_bytes()).expect("sent");
        let mut seen = vec![0; text.len()];
        io.read_exact(&mut seen).expect("an echo");
        assert_eq!(seen, text.as_bytes());
    }
}

#[test]
fn ports_and_unix_sockets_are_forwarded_through_a_chain() {
    let folder = Folder::new();
    let mut proxy = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let proxy = proxy.address("proxy");
    let (rule, path) = (
        format!("127.0.0.1:0=tcp://{}", echo()),
        folder.path("echo.sock"),
    );
    let unix = format!("{path}={}", echo());
    let chain = [
        format!("socks5h://{proxy}"),
        format!("http://{proxy}"),
        format!("h2c://{proxy}"),
    ];
    let mut arguments = vec!["forward", "-L", &rule, "-U", &unix];
    chain
        .iter()
        .for_each(|hop| arguments.extend(["--via", hop]));
    let mut forward = Server::start(&arguments);
    let at = forward.address("listening on 127.0.0.1");
    forward.line("listening on unix:");
    echoes(TcpStream::connect(at).expect("the port"));
    echoes(UnixStream::connect(&path).expect("the socket"));
    let line = forward.line("forward tcp://");
    assert!(line.contains("10 sent, 10 received"), "{line}");
    assert_eq!(forward.terminate(), 0);
    assert!(
        !std::path::Path::new(&path).exists(),
        "the socket is left behind"
    );
}

#[test]
fn connections_travel_in_websockets_over_both_versions_of_http() {
    let certificate = Certificate::new();
    let users = certificate.folder.path("users");
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    std::fs::write(&users, line.out).expect("a file");
    let (chain, key) = (&certificate.chain, &certificate.key);
    let mut server = Server::start(&[
        "serve",
        "--tunnel",
        "127.0.0.1:0",
        "--tunnel-path",
        "/t",
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
    ]);
    let at = server.address("tunnels");
    let (url, rule) = (format!("wss://{at}/t"), format!("127.0.0.1:0={}", echo()));
    for version in ["--tunnel-http1", "--tunnel-http2"] {
        let arguments = [
            "forward",
            "-L",
            &rule,
            "-D",
            "127.0.0.1:0",
            "--tunnel",
            &url,
            "--tunnel-user",
            "me",
            "--cacert",
            chain,
            version,
        ];
        let mut forward = Server::start_with(&arguments, &[("WIRESTACK_PASSWORD", "hunter2")]);
        let (port, proxy) = (forward.address(" for "), forward.address("proxy"));
        echoes(TcpStream::connect(port).expect("the port"));
        let end = run(
            &[
                "probe",
                "-q",
                &format!("tcp://{}", echo()),
                "--via",
                &format!("socks5h://{proxy}"),
            ],
            b"",
        );
        assert_eq!(end.code, 0, "{}", end.err);
        let end = run(
            &[
                "probe",
                "-q",
                "tcp://192.0.2.1:9",
                "--via",
                &format!("socks5h://{proxy}"),
            ],
            b"",
        );
        assert_eq!(end.code, 8, "{}", end.err); // the far end forbids it
        let mut io = TcpStream::connect(&proxy).expect("the proxy");
        let web = web();
        let request = format!("GET http://{web}/a HTTP/1.1\r\nHost: {web}\r\n\r\n");
        let response = ask(&mut io, &request);
        assert!(
            response.contains("\r\n\r\nGET /a HTTP/1.1\r\n"),
            "{response}"
        );
    }
    // The end of the input ends one direction only: the answer comes back whole.
    let bytes = vec![b'x'; 300_000];
    let target = echo();
    let arguments = [
        "forward",
        "-W",
        &target,
        "--tunnel",
        &url,
        "--tunnel-user",
        "me",
        "--cacert",
        chain,
    ];
    let end = run_with(&arguments, &bytes, &[("WIRESTACK_PASSWORD", "hunter2")]);
    assert_eq!((end.code, end.out.len()), (0, bytes.len()), "{}", end.err);
    for (url, password, code) in [
        (&url, "wrong", 10),
        (&format!("wss://{at}/other"), "hunter2", 10),
    ] {
        let arguments = [
            "forward",
            "-W",
            &target,
            "--tunnel",
            url,
            "--tunnel-user",
            "me",
            "--cacert",
            chain,
        ];
        let end = run_with(&arguments, b"", &[("WIRESTACK_PASSWORD", password)]);
        assert_eq!(end.code, code, "{}", end.err);
    }
    let line = server.line("\"protocol\":\"socks5\"");
    assert!(
        !line.contains("hunter2") && line.contains("\"target\":\"127.0.0.1:"),
        "{line}"
    );
}

#[test]
fn standard_input_and_output_are_carried() {
    let mut proxy = Server::start(&["serve", "-l", "127.0.0.1:0", "--policy", "loopback"]);
    let hop = format!("http://{}", proxy.address("proxy"));
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut child = command(&["forward", "-W", &echo(), "--via", &hop])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let (mut to, sent) = (child.stdin.take().expect("its input"), bytes.clone());
    let writer = std::thread::spawn(move || to.write_all(&sent).expect("sent")); // and ends
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("the writer");
    assert!(
        output.status.success() && output.stdout == bytes,
        "{} bytes",
        output.stdout.len()
    );
}

#[test]
fn bytes_are_carried_in_the_messages_of_a_websocket() {
    let server = Echo::start(None);
    let rule = format!("127.0.0.1:0=ws://{}/", server.at);
    let mut forward = Server::start(&["forward", "-L", &rule]);
    echoes(TcpStream::connect(forward.address(" for ")).expect("the port"));
}

#[test]
fn datagrams_are_carried_from_here_by_a_socks_proxy_and_in_tunnels() {
    let target = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let rule = format!(
        "udp:127.0.0.1:0=udp://{}",
        target.local_addr().expect("its address")
    );
    std::thread::spawn(move || {
        let mut buf = [0; 2048];
        while let Ok((n, from)) = target.recv_from(&mut buf) {
            let _ = target.send_to(&buf[..n], from);
        }
    });
    let mut proxy = Server::start(&[
        "serve",
        "-l",
        "127.0.0.1:0",
        "--policy",
        "loopback",
        "--all-commands",
        "--tunnel",
        "127.0.0.1:0",
    ]);
    let hop = format!("socks5h://{}", proxy.address("proxy"));
    let tunnel = format!("ws://{}/", proxy.address("tunnels"));
    let ways = [
        &["--direct"][..],
        &["--via", &hop],
        &["--tunnel", &tunnel, "--tunnel-http1"],
        &["--tunnel", &tunnel, "--tunnel-http2", "--via", &hop],
    ];
    for way in ways {
        let mut forward = Server::start(&[&["forward", "-L", &rule], way].concat());
        let at = forward.address(" for ");
        let at = at.strip_prefix("udp:").expect("a port of UDP");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        client.connect(at).expect("connected");
        client
            .set_read_timeout(Some(std::time::Duration::from_secs(30)))
            .expect("a time");
        let mut buf = [0; 2048];
        for text in ["a datagram", "another"] {
            client.send(text.as_bytes()).expect("sent");
            let n = client.recv(&mut buf).expect("an answer");
            assert_eq!(&buf[..n], text.as_bytes());
        }
    }
    proxy.line(" udp -: ");

    // The clients of a SOCKS5 proxy that goes in tunnels: `forward -L` is one.
    for version in ["--tunnel-http1", "--tunnel-http2"] {
        let dynamic = ["forward", "-D", "127.0.0.1:0", "--tunnel", &tunnel, version];
        let mut dynamic = Server::start(&dynamic);
        let hop = format!("socks5h://{}", dynamic.address("proxy"));
        let mut forward = Server::start(&["forward", "-L", &rule, "--via", &hop]);
        let at = forward.address(" for ");
        let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        client
            .connect(at.strip_prefix("udp:").expect("a port of UDP"))
            .expect("connected");
        client
            .set_read_timeout(Some(std::time::Duration::from_secs(30)))
            .expect("a time");
        client.send(b"through three programs").expect("sent");
        let mut buf = [0; 2048];
        let n = client.recv(&mut buf).expect("an answer");
        assert_eq!(&buf[..n], b"through three programs");
        drop(forward);
        dynamic.line(" socks5 ");
    }
}

#[test]
fn a_hop_that_carries_no_datagrams_is_named() {
    let rule = "udp:127.0.0.1:0=udp://192.0.2.1:53";
    for (hops, says) in [
        (
            &["http://h:1"][..],
            "hop 1, http://h:1, carries no UDP from here: only socks5",
        ),
        (
            &["socks5h://h:1", "socks5h://g:2"],
            "hop 2, socks5h://g:2, carries no UDP from here: datagrams go",
        ),
    ] {
        let mut arguments = vec!["forward", "-L", rule];
        hops.iter().for_each(|hop| arguments.extend(["--via", hop]));
        let end = run(&arguments, b"");
        assert!(end.code == 2 && end.err.contains(says), "{}", end.err);
    }
    let pac = "data:,function FindProxyForURL(){return 'SOCKS5 h:1'}";
    for (way, variable, says) in [
        (
            &[][..],
            "http://h:1",
            "hop 1, http://h:1, carries no UDP from here",
        ),
        (&["--system-proxy"], "", "name one socks5:// proxy"),
        (&["--pac", pac], "", "name one socks5:// proxy"),
    ] {
        let arguments = [&["forward", "-L", rule], way].concat();
        let end = run_with(&arguments, b"", &[("all_proxy", variable)]);
        assert!(end.code == 2 && end.err.contains(says), "{}", end.err);
    }
    let mut server = Server::start(&["serve", "--tunnel", "127.0.0.1:0", "--policy", "loopback"]);
    let tunnel = format!("ws://{}/", server.address("tunnels"));
    let mut forward = Server::start(&["forward", "-L", rule, "--tunnel", &tunnel]);
    let at = forward.address(" for ");
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client
        .send_to(b"?", at.strip_prefix("udp:").expect("UDP"))
        .expect("sent");
    let line = forward.line(" udp udp://192.0.2.1:53");
    assert!(line.contains("501"), "{line}");
}

#[test]
fn datagrams_go_by_the_proxy_of_the_environment_too() {
    let rule = "udp:127.0.0.1:0=udp://192.0.2.1:53";
    // Nobody listens there.
    let variables = [("all_proxy", "socks5h://127.0.0.1:1")];
    let mut forward = Server::start_with(&["forward", "-L", rule], &variables);
    let at = forward.address(" for ");
    let client = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    client
        .send_to(b"?", at.strip_prefix("udp:").expect("UDP"))
        .expect("sent");
    let line = forward.line(" udp udp://192.0.2.1:53");
    assert!(line.contains("127.0.0.1:1"), "{line}");
}

#[test]
fn many_bytes_are_relayed_between_two_sockets_with_their_ends() {
    let rule = format!("127.0.0.1:0=tcp://{}", echo());
    let mut forward = Server::start(&["forward", "-L", &rule, "--direct"]);
    let at = forward.address(" for ");
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut io = TcpStream::connect(&at).expect("the port");
    let (mut to, sent) = (io.try_clone().expect("a handle"), bytes.clone());
    let writer = std::thread::spawn(move || {
        to.write_all(&sent).expect("sent");
        to.shutdown(std::net::Shutdown::Write).expect("ended");
    });
    let mut seen = Vec::new();
    io.read_to_end(&mut seen).expect("an echo"); // and the end, once all is here
    writer.join().expect("the writer");
    assert!(seen == bytes, "{} bytes", seen.len());
    forward.line("20000000 sent, 20000000 received");

    // A reader that leaves in the middle of many bytes ends the other side too.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let rule = format!(
        "127.0.0.1:0=tcp://{}",
        listener.local_addr().expect("its address")
    );
    let mut forward = Server::start(&["forward", "-L", &rule, "--direct"]);
    let client = TcpStream::connect(forward.address(" for ")).expect("the port");
    let (mut far, _) = listener.accept().expect("a connection");
    let endless = std::thread::spawn(move || {
        let chunk = vec![7; 1 << 16];
        let mut carried = 0;
        while far.write_all(&chunk).is_ok() {
            carried += chunk.len();
        }
        carried
    });
    let mut client = client;
    let mut some = vec![0; 5_000_000];
    client.read_exact(&mut some).expect("bytes");
    drop(client); // with bytes unread: a reset
    assert!(endless.join().expect("the writer") >= some.len());
    forward.line(" forward tcp://");
}

#[test]
fn what_cannot_be_forwarded_is_told_before_anything_listens() {
    for (arguments, says) in [
        (vec!["forward"], "nothing is to be forwarded"),
        (vec!["forward", "-L", "8080"], "is written LISTEN=TARGET"),
        (vec!["forward", "-L", "1=tcp://h"], "the URL has no port"),
        (vec!["forward", "-D", "x"], "is no address to listen at"),
        (
            vec!["forward", "-D", "0", "--tunnel", "http://h/"],
            "--tunnel",
        ),
        (vec!["forward", "-W", "h", "--direct"], "-W h"),
    ] {
        let end = run(&arguments, b"");
        assert_eq!(end.code, 2, "{arguments:?}: {}", end.err);
        assert!(end.err.contains(says), "{arguments:?}: {}", end.err);
    }
}
