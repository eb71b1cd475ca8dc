//! `wirestack forward -R`, with `wirestack serve --tunnel` at the far end.

use crate::support::{Certificate, Server, echo, run, run_with};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// A far end that knows one user.
struct Far {
    certificate: Certificate,
    users: String,
    server: Server,
    at: String,
}

impl Far {
    fn start(arguments: &[&str]) -> Self {
        let certificate = Certificate::new();
        let users = certificate.folder.path("users");
        let line = run_with(&["passwd", "me"], b"", &[PASSWORD]);
        std::fs::write(&users, line.out).expect("a file");
        let mut server = Self::serve(&certificate, &users, "127.0.0.1:0", arguments);
        let at = server.address("tunnels");
        Self {
            certificate,
            users,
            server,
            at,
        }
    }

    fn serve(certificate: &Certificate, users: &str, at: &str, arguments: &[&str]) -> Server {
        let lock = [
            "--tls-cert",
            &certificate.chain,
            "--tls-key",
            &certificate.key,
            "--users",
            users,
        ];
        Server::start(&[&["serve", "--tunnel", at], &lock[..], arguments].concat())
    }

    /// Returns the arguments of a near end.
    fn near(&self, rule: &str) -> Vec<String> {
        let url = format!("wss://{}/", self.at);
        [
            "forward",
            "-R",
            rule,
            "--tunnel",
            &url,
            "--tunnel-user",
            "me",
            "--cacert",
            &self.certificate.chain,
        ]
        .map(str::to_owned)
        .into()
    }
}

const PASSWORD: (&str, &str) = ("WIRESTACK_PASSWORD", "hunter2");

fn start(arguments: &[String]) -> Server {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    Server::start_with(&arguments, &[PASSWORD])
}

fn refused(arguments: &[String]) -> String {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let end = run_with(&arguments, b"", &[PASSWORD]);
    assert_eq!(end.code, 10, "{}", end.err);
    end.err
}

/// Sends bytes to an echo, ends that direction, and reads them back.
fn echoes(at: &str, length: usize) {
    let mut io = TcpStream::connect(at).expect("the far end");
    let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
    let (mut to, sent) = (io.try_clone().expect("a handle"), bytes.clone());
    let writer = std::thread::spawn(move || {
        to.write_all(&sent).expect("sent");
        to.shutdown(Shutdown::Write).expect("ended");
    });
    let mut seen = Vec::new();
    io.read_to_end(&mut seen).expect("an echo");
    writer.join().expect("the writer");
    assert!(seen == bytes, "{} bytes of {length}", seen.len());
}

#[test]
fn connections_come_back_through_websockets_over_both_versions_of_http() {
    let mut far = Far::start(&[]);
    for version in ["--tunnel-http1", "--tunnel-http2"] {
        let mut arguments = far.near(&format!("127.0.0.1:0=tcp://{}", echo()));
        arguments.push(version.to_owned());
        let mut near = start(&arguments);
        let at = near.address("of the far end");
        // Several at the same time, and one with more than all buffers hold.
        let all: Vec<_> = [1, 100, 3_000_000]
            .into_iter()
            .map(|length| {
                let at = at.clone();
                std::thread::spawn(move || echoes(&at, length))
            })
            .collect();
        for one in all {
            one.join().expect("an echo");
        }
        near.line("3000000 sent, 3000000 received");
        let line = far.server.line("3000000 sent, 3000000 received");
        assert!(line.contains(" me reverse "), "{line}");
        assert_eq!(near.terminate(), 0);
        far.server.line(" listen "); // the listener has ended with its tunnel
        assert!(TcpStream::connect(&at).is_err(), "it still listens");
    }
}

#[test]
fn a_target_that_is_not_reached_ends_the_connection() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("its address");
    let mut far = Far::start(&[]);
    let mut near = start(&far.near(&format!("127.0.0.1:0=tcp://{nobody}")));
    let mut io = TcpStream::connect(near.address("of the far end")).expect("the far end");
    let read = io.read(&mut [0; 1]);
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    far.server.line("the near end did not reach the target");
}

#[test]
fn the_far_end_listens_where_its_rules_permit_it_and_nowhere_else() {
    let far = Far::start(&[
        "--listen-rule",
        "allow 127.0.0.2/32 0",
        "--listen-rule",
        "deny 127.0.0.3/32",
    ]);
    let target = echo();
    for at in [
        "127.0.0.1:80",
        "0.0.0.0:0",
        ":0",
        "127.0.0.3:0",
        "192.0.2.1:8080",
    ] {
        let error = refused(&far.near(&format!("{at}=tcp://{target}")));
        assert!(
            error.contains("does not let you listen at"),
            "{at}: {error}"
        );
    }
    let mut near = start(&far.near(&format!("[::1]:0=tcp://{target}")));
    echoes(&near.address("of the far end"), 5);
    // Somebody who has not logged in opens nothing.
    let mut open = Server::start(&["serve", "--tunnel", "127.0.0.1:0"]);
    let url = format!("ws://{}/", open.address("tunnels"));
    let end = run(
        &[
            "forward",
            "-R",
            &format!("127.0.0.1:0={target}"),
            "--tunnel",
            &url,
        ],
        b"",
    );
    assert!(
        end.code == 10 && end.err.contains("--listen-rule"),
        "{}",
        end.err
    );
    let mut opened = Server::start(&[
        "serve",
        "--tunnel",
        "127.0.0.1:0",
        "--listen-rule",
        "allow 127.0.0.0/8",
    ]);
    let url = format!("ws://{}/", opened.address("tunnels"));
    let mut near = Server::start(&[
        "forward",
        "-R",
        &format!("127.0.0.1:0={target}"),
        "--tunnel",
        &url,
    ]);
    echoes(&near.address("of the far end"), 5);
}

#[test]
fn the_near_end_listens_again_when_the_far_end_is_back() {
    let mut far = Far::start(&[]);
    let mut near = start(&far.near(&format!("127.0.0.1:0=tcp://{}", echo())));
    echoes(&near.address("of the far end"), 5);
    assert_eq!(far.server.terminate(), 0);
    near.line("listening again");
    far.server = Far::serve(&far.certificate, &far.users, &far.at, &[]);
    echoes(&near.address("of the far end"), 5);
}

#[test]
fn a_reverse_forward_without_a_tunnel_is_refused() {
    for rule in ["8080=tcp://h:1", "unix:/x=tcp://h:1", "udp:53=udp://h:53"] {
        let end = run(&["forward", "-R", rule], b"");
        assert_eq!(end.code, 2, "{}", end.err);
    }
}
