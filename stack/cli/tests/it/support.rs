//! Running the program, and the servers that it talks to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wirestack::tls::ServerSettings;
use wirestack::tls::rustls::ServerConfig;

pub(crate) use crate::echo_server::Echo;

/// How the program ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program to its end, with this input.
pub(crate) fn run(arguments: &[&str], input: &[u8]) -> End {
    run_with(arguments, input, &[])
}

/// Runs the program with variables of the environment.
pub(crate) fn run_with(arguments: &[&str], input: &[u8], variables: &[(&str, &str)]) -> End {
    let mut child = command(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut to = child.stdin.take().expect("its input");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = to.write_all(&input); // it may have ended
    });
    let output = child.wait_with_output().expect("its output");
    writer.join().expect("the input");
    End {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Returns the program with nothing of the environment that changes what it does.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirestack"));
    command.env_clear().args(arguments);
    command
}

/// The program as a server. It ends with the value.
pub(crate) struct Server {
    child: Child,
    /// The lines of its standard error.
    lines: std::sync::mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Starts the program.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = command(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program");
        let errors = BufReader::new(child.stderr.take().expect("its errors"));
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let seen = Vec::new();
        Self { child, lines, seen }
    }

    /// Waits for a line with these words, and returns it.
    pub(crate) fn line(&mut self, words: &str) -> String {
        if let Some(at) = self.seen.iter().position(|line| line.contains(words)) {
            return self.seen.remove(at);
        }
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line has {words:?}, only {:?}", self.seen),
            }
        }
    }

    /// Waits for the address of the listener whose line has these words.
    pub(crate) fn address(&mut self, words: &str) -> String {
        let line = self.line(words);
        let rest = line.strip_prefix("listening on ").expect("an address");
        rest.split(' ').next().expect("an address").to_owned()
    }

    /// Sends a signal, such as `-INT`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.expect("kill").success());
    }

    /// Returns the memory of the program that no other process shares, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let file = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(file).expect("the memory of the program");
        let sizes = text.lines().filter(|line| line.starts_with("Private_"));
        let sizes = sizes.filter_map(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
        1024 * sizes.sum::<usize>()
    }

    /// Asks the program to end, as a service manager does, and returns its exit code.
    pub(crate) fn terminate(&mut self) -> i32 {
        self.signal("-TERM");
        self.terminated()
    }

    /// Waits for the end of the program, and returns its exit code.
    pub(crate) fn terminated(&mut self) -> i32 {
        self.child.wait().expect("its end").code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

/// Starts a server that echoes bytes; returns its address.
pub(crate) fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        for io in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || echo_one(io));
        }
    });
    at
}

fn echo_one(mut io: TcpStream) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = io.read(&mut buf) {
        if io.write_all(&buf[..n]).is_err() {
            return;
        }
    }
}

/// Starts a web server, whose answer to each request is the request itself; returns its address.
pub(crate) fn web() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let at = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        for mut io in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let request = read_message(&mut io);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                    request.len()
                );
                let _ = io.write_all((head + &request).as_bytes()); // the test tells of it
            });
        }
    });
    at
}

/// Sends a request of HTTP, and returns the response.
pub(crate) fn ask(io: &mut TcpStream, request: &str) -> String {
    io.set_read_timeout(Some(LONG)).expect("a timeout");
    io.write_all(request.as_bytes()).expect("sent");
    read_message(io)
}

/// Reads a message of HTTP/1.1 with its content.
fn read_message(io: &mut TcpStream) -> String {
    let (mut seen, mut buf) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, content)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
            let is_whole = if head.contains("transfer-encoding: chunked") {
                content.ends_with("0\r\n\r\n")
            } else {
                content.len() >= length.unwrap_or(0)
            };
            if is_whole {
                return text;
            }
        }
        match io.read(&mut buf) {
            Ok(n @ 1..) => seen.extend_from_slice(&buf[..n]),
            end => panic!("{end:?} in the middle of {text:?}"),
        }
    }
}

/// A folder of this test alone, which is removed with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "wirestack-cli-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a name").to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0)); // the system does it some day
    }
}

/// A certificate for localhost and 127.0.0.1, as files and as settings of a server.
pub(crate) struct Certificate {
    pub(crate) folder: Folder,
    pub(crate) chain: String,
    pub(crate) key: String,
    pub(crate) config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names).expect("names");
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Test");
        let signing_key = rcgen::KeyPair::generate().expect("a key");
        let made = params.self_signed(&signing_key).expect("a certificate");
        let (chain, key) = (made.pem(), signing_key.serialize_pem());
        let folder = Folder::new();
        let config = ServerSettings::new(chain.clone(), key.clone()).build();
        Self {
            chain: folder.write("cert.pem", &chain),
            key: folder.write("key.pem", &key),
            config: config.expect("settings"),
            folder,
        }
    }
}

/// Returns a text with `TIME` for each time, `PORT` for each port of 127.0.0.1, and no bars.
pub(crate) fn masked(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut line = match (line.find(" ["), line.find("] ")) {
            (Some(from), Some(to))
                if line[from..to].contains(['=', 'x', '|', '-']) && from < 12 =>
            {
                format!("{}{}", &line[..from], &line[to + 1..])
            }
            _ => line.to_owned(),
        };
        for host in ["127.0.0.1:", "localhost:"] {
            let mut at = 0;
            while let Some(found) = line[at..].find(host) {
                at += found + host.len();
                let digits = line[at..].bytes().take_while(u8::is_ascii_digit).count();
                if digits > 1 {
                    line.replace_range(at..at + digits, "PORT");
                }
            }
        }
        let words: Vec<_> = line.split_whitespace().collect();
        let mut shown = Vec::new();
        for (n, word) in words.iter().enumerate() {
            let is_time = words.get(n + 1) == Some(&"ms") && word.parse::<f64>().is_ok();
            shown.push(if is_time { "TIME" } else { word });
        }
        lines.push(shown.join(" "));
    }
    lines.join("\n")
}

pub(crate) const LONG: Duration = Duration::from_secs(30);
