//! Files as editors and shells of other systems write them, and what they hold.

use crate::support::{Echo, Folder, Server, command, echo, run, run_with};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

/// The byte order mark, which some editors write at the start of a file.
const BOM: &str = "\u{feff}";

#[test]
fn a_byte_order_mark_and_the_ends_of_lines_are_no_part_of_a_password_a_user_or_a_field() {
    let folder = Folder::new();
    let line = run_with(&["passwd", "me"], b"", &[("WIRESTACK_PASSWORD", "hunter2")]);
    for end in ["", "\n", "\r\n"] {
        for users in [
            format!("{BOM}{}{end}", line.out.trim_end()),
            format!("{BOM}# ours\r\n{}{end}", line.out.trim_end()),
        ] {
            let users = folder.write("users", &users);
            let password = folder.write("password", &format!("{BOM}hunter2{end}"));
            let config = format!(
                "{BOM}[[serve]]\r\nlisten = [\"127.0.0.1:0\"]\r\nusers = {users:?}\r\n\
                 [serve.policy]\r\npreset = \"loopback\"{end}"
            );
            let config = folder.write("serve.toml", &config);
            let mut server = Server::start(&["serve", "--config", &config]);
            let proxy = format!("http://{}", server.address("for 1 user"));
            let login = ["--proxy-user", "me", "--proxy-password-file", &password];
            let target = format!("tcp://{}", echo());
            let end = run(
                &[&["probe", "-q", &target, "--via", &proxy], &login[..]].concat(),
                b"",
            );
            assert_eq!(end.code, 0, "{}", end.err);
        }
    }
    let server = Echo::start(None);
    let url = format!("ws://{}/request", server.at);
    let fields = format!("@{}", folder.write("fields", &format!("{BOM}X-One: 1\r\n")));
    let end = run(&["connect", "-r", &url, "-H", &fields], b"");
    assert!(end.out.contains("x-one=1"), "{}{}", end.out, end.err);
}

#[test]
fn every_command_takes_fields_from_a_file() {
    let folder = Folder::new();
    let fields = format!("@{}", folder.write("fields", "X-One: 1\nX-Two: 2\n"));
    let wrong = format!("@{}", folder.write("wrong", "X-One: 1\nhunter2\n"));
    let missing = format!("@{}", folder.path("nothing"));
    for command in [
        &["connect", "-r", "URL", "-H"][..],
        &["probe", "URL", "-H"],
        &["forward", "-W", "192.0.2.7:1", "--tunnel", "URL", "-H"],
    ] {
        let with = |url: &str, fields: &str| {
            let mut command = command.to_vec();
            command.iter_mut().for_each(|it| {
                if *it == "URL" {
                    *it = url;
                }
            });
            run(&[&command[..], &[fields]].concat(), b"")
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let url = format!("ws://{}/", listener.local_addr().expect("its address"));
        let said = std::thread::spawn(move || {
            let (mut io, _) = listener.accept().expect("a connection");
            head(&mut io)
        });
        let end = with(&url, &fields);
        assert_ne!(end.code, 2, "{command:?}: {}", end.err);
        let said = said.join().expect("a request").to_ascii_lowercase();
        assert!(said.contains("x-one: 1\r\n"), "{command:?}: {said}");
        assert!(said.contains("x-two: 2\r\n"), "{command:?}: {said}");
        for (fields, says) in [
            (&wrong, "wrong, line 2: a field is written"),
            (&missing, "nothing: "),
        ] {
            let end = with("ws://127.0.0.1:1/", fields);
            assert_eq!(end.code, 2, "{command:?}: {}", end.err);
            assert!(end.err.contains(says), "{command:?}: {}", end.err);
            assert!(!end.err.contains("hunter2"), "{}", end.err);
        }
    }
}

#[test]
fn variables_that_are_no_text_are_told_without_their_values() {
    let value = OsStr::from_bytes(b"http://hunter2\xff:1");
    let target = format!("tcp://{}", echo());
    let stack = "connect(127.0.0.1:1, user=me, password-env=WORD) | tcp(127.0.0.1:1)";
    for (arguments, variable, says) in [
        // The way past the proxies would be open.
        (
            &["probe", "-q", &target][..],
            "WIRESTACK_VIA",
            "--via number 1",
        ),
        (
            &["probe", "--stack", stack],
            "WORD",
            "the variable WORD is not UTF-8",
        ),
        (
            &["probe", "-q", &target, "--proxy-user", "me"],
            "WIRESTACK_PROXY_PASSWORD",
            "the variable WIRESTACK_PROXY_PASSWORD is not UTF-8",
        ),
        (&["passwd", "me"], "WIRESTACK_PASSWORD", "is not UTF-8"),
    ] {
        let mut child = command(arguments);
        let end = child.env(variable, value).stdin(Stdio::null()).output();
        let end = end.expect("the program");
        let errors = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(2), "{variable}: {errors}");
        assert!(errors.contains(says), "{variable}: {errors}");
        let is_secret = variable != "WIRESTACK_VIA";
        assert!(!(is_secret && errors.contains("hunter2")), "{errors}");
    }
}

/// Reads the head of a request.
fn head(io: &mut TcpStream) -> String {
    let (mut seen, mut buf) = (Vec::new(), [0; 4096]);
    while !seen.ends_with(b"\r\n\r\n") {
        match io.read(&mut buf) {
            Ok(n @ 1..) => seen.extend_from_slice(&buf[..n]),
            end => panic!("{end:?}"),
        }
    }
    let _ = io.write_all(b"HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n"); // it may have left
    String::from_utf8(seen).expect("text")
}
