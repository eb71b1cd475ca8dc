//! `wirestack connect`.

use crate::support::{Certificate, Echo, command, run};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

#[test]
fn lines_go_in_and_come_out_and_the_end_of_the_input_closes() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    let end = run(&["connect", &url], b"one\ntwo\r\n\nlast");
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (0, "one\ntwo\n\nlast\n", "")
    );
    let end = run(&["connect", "-0", &url], b"a\nb\0c\0");
    assert_eq!((end.code, end.out.as_str()), (0, "a\nb\0c\0"));
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let end = run(&["connect", "-b", "-z", &url], &bytes);
    assert_eq!((end.code, end.out.chars().count() > 1000), (0, true));
}

#[test]
fn one_message_is_the_whole_input_and_one_comes_back() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    let end = run(&["connect", "-1", &url], b"one\ntwo\n");
    assert_eq!((end.code, end.out.as_str()), (0, "one\ntwo\n"));
}

#[test]
fn events_are_json_and_a_close_that_is_not_clean_is_an_exit_code() {
    let certificate = Certificate::new();
    let server = Echo::start(Some(certificate.config.clone()));
    let url = format!("wss://{}/", server.at);
    let arguments = [
        "connect",
        "--json",
        "-n",
        "-s",
        "echo",
        "--cacert",
        &certificate.chain,
        &url,
    ];
    let end = run(&arguments, "h\u{e9}\nbye\n".as_bytes());
    assert_eq!(end.code, 12, "{}", end.err);
    let events: Vec<Value> = end
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(events.len(), 3, "{events:?}");
    assert_eq!(
        (&events[0]["event"], &events[0]["subprotocol"]),
        (&Value::from("open"), &Value::from("echo"))
    );
    assert_eq!(
        events[1],
        serde_json::json!({ "event": "message", "type": "text", "data": "h\u{e9}" })
    );
    let closed = serde_json::json!({ "event": "closed", "code": 4000, "reason": "as you wish" });
    assert_eq!(events[2], closed);
}

#[test]
fn input_that_no_message_can_carry_is_told() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    let end = run(&["connect", &url], b"\xff\xfe\n");
    assert_eq!(end.code, 2);
    assert!(
        end.err.contains("not UTF-8") && end.err.contains("--binary"),
        "{}",
        end.err
    );
    let end = run(&["connect", "--max-message", "3", &url], b"long\n");
    assert_eq!(end.code, 2);
    assert!(end.err.contains("longer than 3 bytes"), "{}", end.err);
}

#[test]
fn a_connection_that_is_closed_for_good_is_not_opened_again() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    let end = run(&["connect", "--reconnect", "--json", &url], b"one\n");
    assert_eq!(end.code, 0, "{}", end.err);
    let end = run(&["connect", "--reconnect", &format!("{url}nothing")], b"");
    assert_eq!(end.code, 10, "{}", end.err);
}

#[test]
fn a_client_that_connects_again_no_more_says_why() {
    let server = Echo::start(None);
    let url = format!("ws://{}/nothing", server.at);
    let once = run(&["connect", &url], b"");
    assert!(once.err.contains("404"), "{}", once.err);
    for quiet in [&[][..], &["-q"]] {
        let end = run(&[&["connect", "--reconnect", &url], quiet].concat(), b"");
        assert_eq!((end.code, &end.err), (10, &once.err), "{quiet:?}");
    }
}

#[test]
fn times_that_are_none_are_refused() {
    let url = "ws://127.0.0.1:1/";
    for (option, times) in [
        ("--ping", &["0", "1e-12", "-1", "inf", "NaN", "1e30"][..]),
        (
            "--connect-timeout",
            &["0", "1e-12", "-1", "inf", "NaN", "1e30"],
        ),
        ("--linger", &["-1", "inf", "NaN", "1e30"]),
    ] {
        for time in times {
            let end = run(&["connect", url, &format!("{option}={time}")], b"");
            assert_eq!(end.code, 2, "{option} {time}: {}", end.err);
            assert!(end.err.contains(option), "{option} {time}: {}", end.err);
        }
    }
}

#[test]
fn a_client_that_connects_again_waits_for_its_one_answer() {
    let server = Echo::start(None);
    let url = format!("ws://{}/late", server.at);
    let end = run(
        &["connect", "--reconnect", "-1", "--linger", "0", &url],
        b"one\ntwo\n",
    );
    assert_eq!((end.code, end.out.as_str()), (0, "one\ntwo\n"));
}

#[test]
fn a_client_that_connects_again_tells_how_the_server_closed_behind_its_input() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    let end = run(
        &["connect", "--reconnect", "--json", "--linger", "30", &url],
        b"bye\n",
    );
    assert_eq!(end.code, 12, "{}", end.err);
    assert!(end.out.contains("\"code\":4000"), "{}", end.out);
}

#[test]
fn a_client_that_connects_again_reads_answers_while_it_sends() {
    let server = Echo::start(None);
    let url = format!("ws://{}/flood", server.at);
    // More than the buffers of both sides: the server takes no more before what it sends is read.
    let input = [&[b'x'; 1 << 20][..], b"\n"].concat().repeat(32);
    let end = run(&["connect", "--reconnect", &url], &input);
    assert_eq!(
        (end.code, end.out.len()),
        (0, 64 * ((1 << 20) + 1)),
        "{}",
        end.err
    );
}

#[test]
fn nobody_is_asked_for_a_password_where_the_input_is_no_terminal() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a proxy");
    let hop = format!("http://{}", proxy.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut io in proxy.incoming().map_while(Result::ok) {
            let answer =
                b"HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=r\r\nContent-Length: 0\r\n\r\n";
            let _ = io.read(&mut [0; 4096]); // the test tells of it
            let _ = io.write_all(answer);
        }
    });
    let url = "ws://192.0.2.7/";
    for arguments in [
        &["connect", "--ask", "--via", &hop, url][..],
        &["connect", "--reconnect", "--ask", "--via", &hop, url],
        &["forward", "-W", "192.0.2.7:1", "--ask", "--via", &hop],
    ] {
        let mut child = command(arguments);
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.stderr(Stdio::piped()).spawn().expect("the program");
        let input = child.stdin.take(); // it stays open, and says nothing
        let end = child.wait_with_output().expect("its end");
        assert_eq!(end.status.code(), Some(9), "{arguments:?}");
        drop(input);
    }
}
