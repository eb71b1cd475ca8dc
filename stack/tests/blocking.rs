//! The blocking driver: what waits for what, what is lost by a time-out, and what ends look like.
#![cfg(feature = "blocking")]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets and threads are the subject

mod support;

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use support::{PATIENCE, TLS, connect_server, echo, proxy, socks_server};
use wirestack::blocking::{Connection, Socket, TimedOut, connect, connect_stream};
use wirestack::websocket::{Client, CloseCode, Keepalive, Message, Server, Settings};
use wirestack::{Engine, Error, Gate, Plain, Policy, Seed, socks};

/// Two ends of a TCP connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    (client, listener.accept().unwrap().0)
}

fn client(io: TcpStream, settings: Settings) -> Connection<TcpStream, Client> {
    let client = Client::established(settings, Seed::new([7; 32]));
    Connection::tcp(io, Engine::new(client))
}

fn server(io: TcpStream) -> Connection<TcpStream, Server> {
    Connection::tcp(io, Engine::new(Server::established(Settings::default())))
}

fn large(n: u8) -> Message {
    Message::binary(vec![n; 3 << 20])
}

#[test]
fn a_websocket_opens_through_two_proxies_and_tls() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (gate, inner, target) = runtime.block_on(async {
        let (gate, _) = proxy(Gate::socks(Policy::loopback()), socks_server).await;
        let (inner, _) = proxy(Gate::connect(Policy::loopback()), connect_server).await;
        (gate, inner, echo(true).await)
    });
    let mut socket = connect(&format!("wss://localhost:{}/", target.port()))
        .via(&format!("socks5h://me:secret@{gate}"))
        .via(&format!("http://{inner}"))
        .tls(TLS.client.clone())
        .connect()
        .unwrap();
    let names = socket.describe().into_iter().map(|it| it.name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["socks", "connect", "tls", "websocket"]
    );
    socket.send(large(1)).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), large(1));
    assert!(socket.ping("there?").unwrap() < PATIENCE);
    socket.close(CloseCode::NORMAL, "done").unwrap();
    assert_eq!(socket.closed().unwrap().code, CloseCode::NORMAL);
}

#[test]
fn two_that_send_at_once_do_not_wait_for_each_other() {
    // Neither reads before it has sent all, and the system holds much less.
    let (a, b) = pair();
    let other = thread::spawn(move || {
        let mut server = server(b);
        server.engine().to_app().set_limit(64 << 20);
        for n in 0..3 {
            server.send(large(n)).unwrap();
        }
        for n in 0..3 {
            assert_eq!(server.next().unwrap().unwrap(), large(n));
        }
        server.close(CloseCode::NORMAL, "").unwrap();
    });
    let mut client = client(a, Settings::default());
    client.engine().to_app().set_limit(64 << 20);
    for n in 0..3 {
        client.send(large(n)).unwrap();
    }
    for n in 0..3 {
        assert_eq!(client.next().unwrap().unwrap(), large(n));
    }
    assert!(client.next().is_none());
    other.join().unwrap();
}

#[test]
fn a_call_waits_no_longer_than_it_may_and_loses_nothing() {
    let (a, b) = pair();
    let mut client = client(a, Settings::default());
    client.set_timeout(Some(Duration::from_millis(30)));
    let late = client.next().unwrap().unwrap_err();
    assert!(late.cause::<TimedOut>().is_some(), "{late}");

    // Half of a message, then the rest.
    let mut io = b;
    io.write_all(b"\x81\x05he").unwrap();
    assert!(client.next().unwrap().is_err());
    io.write_all(b"llo").unwrap();
    client.set_timeout(None);
    assert_eq!(client.next().unwrap().unwrap(), Message::text("hello"));

    // Nobody reads: a message too many is not accepted.
    client.set_timeout(Some(Duration::from_millis(30)));
    let full = (0..100).find_map(|_| client.feed(large(0)).err()).unwrap();
    assert!(full.cause::<TimedOut>().is_some(), "{full}");
}

#[test]
fn what_is_due_is_done_while_a_call_waits() {
    let (a, mut b) = pair();
    let soon = Duration::from_millis(20);
    let mut settings = Settings::default();
    settings.keepalive = Some(Keepalive {
        interval: soon,
        timeout: soon,
    });
    let mut client = client(a, settings);
    let error = client.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("no sign of life"), "{error}");
    assert!(client.next().is_none(), "it is told once");
    let mut seen = [0; 1];
    b.read_exact(&mut seen).unwrap();
    assert_eq!(seen, [0x89], "a ping");
}

#[test]
fn halves_talk_in_two_threads() {
    let (a, b) = pair();
    let other = thread::spawn(move || {
        let (mut reader, mut writer) = server(b).split().unwrap();
        while let Some(Ok(message)) = reader.next() {
            writer.send(message).unwrap();
        }
        writer.flushed().unwrap();
    });
    let (mut reader, mut writer) = client(a, Settings::default()).split().unwrap();
    let reading = thread::spawn(move || {
        for n in 0..10 {
            assert_eq!(reader.next().unwrap().unwrap(), large(n));
        }
        assert!(reader.next().is_none());
        reader
    });
    for n in 0..10 {
        writer.send(large(n)).unwrap();
    }
    assert!(writer.ping("there?").unwrap() < PATIENCE);
    writer.with(|engine| wirestack::Flow::finish(engine.from_app()));
    let reader = reading.join().unwrap();
    drop((reader, writer));
    other.join().unwrap();
}

#[test]
fn halves_of_a_dialled_websocket_over_tls_talk_in_two_threads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let target = runtime.block_on(echo(true));
    let socket = connect(&format!("wss://localhost:{}/", target.port()))
        .direct()
        .tls(TLS.client.clone())
        .connect()
        .unwrap();
    let (mut reader, mut writer) = socket.split().unwrap();
    let writing = thread::spawn(move || {
        for n in 0..20 {
            writer.send(Message::binary(vec![n; 300_000])).unwrap();
        }
        writer
    });
    for n in 0..20 {
        let message = reader.next().unwrap().unwrap();
        assert_eq!(message, Message::binary(vec![n; 300_000]));
    }
    let mut writer = writing.join().unwrap();
    let hearing = thread::spawn(move || reader.next());
    writer.close(CloseCode::NORMAL, "done").unwrap();
    assert!(hearing.join().unwrap().is_none());
}

#[test]
fn halves_of_a_stream_carry_bytes_and_half_close() {
    let (a, b) = pair();
    let other = thread::spawn(move || {
        let mut server = Connection::tcp(b, Engine::new(Plain));
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        server.write_all(&all).unwrap();
        server.finish(PATIENCE).unwrap();
    });
    let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut reader, mut writer) = Connection::tcp(a, Engine::new(Plain)).split().unwrap();
    let reading = thread::spawn(move || {
        let mut all = Vec::new();
        reader.read_to_end(&mut all).unwrap();
        all
    });
    writer.write_all(&sent).unwrap();
    writer.shutdown().unwrap();
    assert!(reading.join().unwrap() == sent);
    other.join().unwrap();
}

#[test]
fn a_reset_is_told_behind_what_came_before_it() {
    let (a, b) = pair();
    let mut client = Connection::tcp(a, Engine::new(Plain));
    let mut server = Connection::tcp(b, Engine::new(Plain));
    server.write_all(b"last words").unwrap();
    let mut got = [0; 10];
    client.read_exact(&mut got).unwrap();
    server.abort(Error::local("test", io::Error::other("enough")));
    drop(server);
    let error = client.read(&mut got).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(error.to_string().starts_with("wire: "), "{error}");
}

#[test]
fn a_stream_of_bytes_opens_by_url() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (gate, target) = runtime.block_on(async {
        let (gate, _) = proxy(Gate::socks(Policy::loopback()), socks_server).await;
        (gate, echo(false).await)
    });
    let mut stream = connect_stream(&format!("tcp://{target}"))
        .via(&format!("socks5h://me:secret@{gate}"))
        .connect()
        .unwrap();
    stream.set_timeout(Some(PATIENCE));
    write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// A transport without time-outs: `Read` and `Write` and nothing else.
struct Script {
    says: VecDeque<Vec<u8>>,
    heard: Vec<u8>,
}

impl Read for Script {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let said = self.says.pop_front().unwrap_or_default();
        buf[..said.len()].copy_from_slice(&said);
        Ok(said.len())
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for Script {}

#[test]
fn any_reader_and_writer_will_do() {
    let says = [
        &b"\x05\x00"[..],
        b"\x05\x00\x00\x01\x7f\0\0\x01\0\x07he",
        b"llo",
    ];
    let script = Script {
        says: says.map(Vec::from).into(),
        heard: Vec::new(),
    };
    let target = socks::Address::new("example.org", 80).unwrap();
    let mut stream = Connection::new(script, Engine::new(socks::Client::new(target)));
    stream.open().unwrap();
    let heard = stream.transport().unwrap().heard.clone();
    assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\0\x50");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    assert!(stream.split().is_err(), "it has one handle");
}
