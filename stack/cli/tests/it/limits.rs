//! The limits of `wirestack serve`, at their edges.

use crate::support::{Folder, Server, echo};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[test]
fn a_client_that_says_nothing_has_the_time_of_its_handshake() {
    let mut server = serve(&["--handshake-timeout", "1"]);
    let began = Instant::now();
    let mut io = connected(&server.address("proxy"));
    let mut rest = Vec::new();
    let _ = io.read_to_end(&mut rest); // the end may be a reset
    assert_eq!(rest, b"");
    in_time(began, 1);
}

#[test]
fn a_tunnel_that_is_silent_is_cut_in_its_time() {
    let mut server = serve(&["--idle-timeout", "1"]);
    let mut io = connected(&server.address("proxy"));
    let target = echo();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    io.write_all(request.as_bytes()).expect("sent");
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        io.read_exact(&mut byte).expect("a response");
        seen.push(byte[0]);
    }
    let began = Instant::now();
    io.write_all(b"x").expect("sent");
    let mut byte = [0];
    io.read_exact(&mut byte).expect("an echo");
    let end = io.read(&mut byte);
    assert!(!matches!(end, Ok(1)), "{end:?}");
    in_time(began, 1);
    let line = server.line(&target);
    assert!(line.contains("idle") || line.contains("nothing"), "{line}");
}

#[test]
fn a_request_for_the_counters_is_answered_after_8_kib_and_left_after_2_seconds() {
    let folder = Folder::new();
    let path = folder.path("metrics.sock");
    let mut server = serve(&["--metrics", &path]);
    server.line("counters");
    for (length, is_answered) in [(8191, false), (8192, true)] {
        let mut io = UnixStream::connect(&path).expect("the socket");
        let began = Instant::now();
        io.write_all(&vec![b'x'; length]).expect("sent");
        let mut answer = String::new();
        let _ = io.read_to_string(&mut answer); // the end may be a reset
        let has_counters = answer.contains("wirestack_connections_open 0");
        assert_eq!(has_counters, is_answered, "{length}: {answer}");
        if !is_answered {
            assert_eq!(answer, "");
            in_time(began, 2);
        }
    }
}

fn serve(options: &[&str]) -> Server {
    let arguments = ["serve", "-l", "127.0.0.1:0", "--policy", "loopback"];
    Server::start(&[&arguments, options].concat())
}

fn connected(at: &str) -> TcpStream {
    let io = TcpStream::connect(at).expect("the proxy");
    io.set_read_timeout(Some(LONG)).expect("a time");
    io
}

/// Fails unless so many seconds have passed, and not many more.
fn in_time(began: Instant, seconds: u64) {
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_millis(1000 * seconds - 50) && passed < LONG,
        "{passed:?}"
    );
}

const LONG: Duration = Duration::from_secs(30);
