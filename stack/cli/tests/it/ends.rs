//! How the program ends, whatever its input and its output do.

use crate::support::{Echo, Folder, command, echo, run};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

#[test]
fn a_reader_of_what_is_carried_that_has_gone_away_is_no_failure() {
    let (reader, out) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut child = command(&["forward", "--direct", "-W", &echo()]);
    let child = child
        .stdin(Stdio::piped())
        .stdout(out)
        .stderr(Stdio::piped());
    let mut child = child.spawn().expect("the program");
    let mut to = child.stdin.take().expect("its input");
    to.write_all(b"hello").expect("sent");
    let end = child.wait_with_output().expect("its end"); // although its input is open
    assert_eq!(end.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&end.stderr), "");
    drop(to);
}

#[test]
fn a_target_that_ends_is_the_end_although_the_input_is_open() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let target = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        let (mut io, _) = listener.accept().expect("a connection");
        io.write_all(b"goodbye").expect("sent");
    });
    let mut child = command(&["forward", "--direct", "-W", &target]);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::piped()).spawn().expect("the program");
    let input = child.stdin.take();
    let end = child.wait_with_output().expect("its end");
    assert_eq!(end.status.code(), Some(0));
    assert_eq!(
        (&end.stdout[..], &end.stderr[..]),
        (&b"goodbye"[..], &b""[..])
    );
    drop(input);
}

#[test]
fn a_server_that_does_not_start_leaves_no_socket_behind() {
    let (folder, taken) = (Folder::new(), echo());
    let path = folder.path("proxy.sock");
    let end = run(&["serve", "-l", &format!("unix:{path}"), "-l", &taken], b"");
    assert_eq!(end.code, 1, "{}", end.err);
    assert!(
        end.err.contains(&format!("cannot listen at {taken}")),
        "{}",
        end.err
    );
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn ctrl_c_is_heard_although_nobody_reads_what_is_printed() {
    let server = Echo::start(None);
    let url = format!("ws://{}/", server.at);
    for more in [&[][..], &["--reconnect"]] {
        let mut child = command(&[&["connect", &url], more].concat());
        let child = child.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.stderr(Stdio::piped()).spawn().expect("the program");
        let mut to = child.stdin.take().expect("its input");
        let mut line = vec![b'x'; 4 << 20]; // more than a pipe holds
        line.push(b'\n');
        to.write_all(&line).expect("sent");
        let mut out = child.stdout.take().expect("its output");
        out.read_exact(&mut [0]).expect("the begin of the echo");
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status();
        assert!(sent.expect("kill").success());
        let end = child.wait_with_output().expect("its end"); // although its output is full
        assert_eq!(end.status.code(), Some(130), "{more:?}");
        drop((to, out));
    }
}

#[test]
fn a_message_of_no_bytes_at_most_is_refused_as_a_setting() {
    let end = run(
        &["connect", "-b", "--max-message", "0", "ws://127.0.0.1:9/"],
        b"x",
    );
    assert_eq!(end.code, 2, "{}", end.err);
    assert!(end.err.contains("--max-message"), "{}", end.err);
}

#[test]
fn output_that_cannot_be_written_is_no_lost_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let target = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        let (mut io, _) = listener.accept().expect("a connection");
        io.write_all(b"hello").expect("sent");
        let _ = io.read(&mut [0; 16]); // the program ends by itself
    });
    let full = std::fs::File::options().write(true).open("/dev/full");
    let full = full.expect("a device");
    let mut child = command(&["forward", "--direct", "-W", &target]);
    let child = child.stdin(Stdio::piped()).stdout(full);
    let mut child = child.stderr(Stdio::piped()).spawn().expect("the program");
    let input = child.stdin.take();
    let end = child.wait_with_output().expect("its end");
    let errors = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{errors}");
    assert!(errors.contains("standard output: No space"), "{errors}");
    drop(input);
}
