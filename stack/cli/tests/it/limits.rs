//! The limits of the program, at their edges.

use crate::support::{Echo, Folder, Server, echo, run};
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
fn a_server_without_a_way_has_the_time_to_connect_that_it_is_given() {
    for (seconds, wanted) in [("0.000000001", "HTTP/1.1 504 "), ("30", "HTTP/1.1 200 ")] {
        let mut server = serve(&["--connect-timeout", seconds]);
        let mut io = connected(&server.address("proxy"));
        let target = echo();
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        io.write_all(request.as_bytes()).expect("sent");
        let mut seen = [0; 13];
        io.read_exact(&mut seen).expect("a response");
        assert_eq!(String::from_utf8_lossy(&seen), wanted, "{seconds} s");
    }
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

#[test]
fn a_server_that_answers_no_ping_behind_the_last_message_is_left_after_10_seconds() {
    let (echo, began) = (Echo::start(None), Instant::now());
    let end = run(&["connect", &format!("ws://{}/mute", echo.at)], b"hello\n");
    assert_eq!(end.out, "a word\n");
    in_time(began, 10);
}

#[test]
fn a_server_that_does_not_close_is_left_after_2_seconds() {
    let (echo, began) = (Echo::start(None), Instant::now());
    let end = run(&["connect", "-1", &format!("ws://{}/mute", echo.at)], b"");
    assert_eq!((end.code, end.out.as_str()), (0, "a word\n"));
    in_time(began, 2);
}

#[test]
fn a_target_that_does_not_close_is_left_by_a_probe_after_half_a_second() {
    let (echo, began) = (Echo::start(None), Instant::now());
    let end = run(&["probe", "-q", &format!("ws://{}/mute", echo.at)], b"");
    assert_eq!(end.code, 0, "{}", end.err);
    let passed = began.elapsed();
    assert!(
        passed >= Duration::from_millis(500) && passed < LONG,
        "{passed:?}"
    );
}

#[test]
fn connections_of_forward_have_5_seconds_to_end_after_the_signal() {
    let rule = format!("127.0.0.1:0=tcp://{}", echo());
    let mut forward = Server::start(&["forward", "--direct", "-L", &rule]);
    let mut io = connected(&forward.address(" for "));
    io.write_all(b"x").expect("sent");
    io.read_exact(&mut [0]).expect("an echo");
    let began = Instant::now();
    forward.signal("-TERM");
    assert!(!matches!(io.read(&mut [0]), Ok(1)));
    in_time(began, 5);
    assert_eq!(forward.terminated(), 0);
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
