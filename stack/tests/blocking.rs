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
use wirestack::blocking::{Connection, TimedOut};
use wirestack::runtime::StdTransport;
use wirestack::websocket::{Client, CloseCode, Keepalive, Message, Server, Settings};
use wirestack::{
    AccessPolicy, Engine, Error, Identity, ProxyServer, Seed, connect, connect_stream, socks,
};

/// Two ends of a TCP connection.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let client = TcpStream::connect(address).unwrap();
    (client, listener.accept().unwrap().0)
}

fn client(io: TcpStream, settings: Settings) -> Connection<Client> {
    let client = Client::established(settings, Seed::new([7; 32]));
    Connection::from_transport(io, Engine::new(client)).unwrap()
}

fn server(io: TcpStream) -> Connection<Server> {
    Connection::from_transport(io, Engine::new(Server::established(Settings::default()))).unwrap()
}

fn large(n: u8) -> Message {
    Message::binary(vec![n; 3 << 20])
}

#[test]
fn a_websocket_opens_through_two_proxies_and_tls() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (gate, inner, target) = runtime.block_on(async {
        let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
        let (inner, _) = proxy(
            ProxyServer::connect(AccessPolicy::loopback()),
            connect_server,
        )
        .await;
        (gate, inner, echo(true).await)
    });
    let mut socket = connect(&format!("wss://localhost:{}/", target.port()))
        .via(format!("socks5h://me:secret@{gate}"))
        .via(format!("http://{inner}"))
        .tls(TLS.client.clone())
        .blocking()
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
    assert!(socket.part::<socks::Client>().unwrap().bound().is_some());
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
        .blocking()
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
        let mut server = Connection::from_transport(b, Engine::new(Identity)).unwrap();
        let mut all = Vec::new();
        server.read_to_end(&mut all).unwrap();
        server.write_all(&all).unwrap();
        server.finish(PATIENCE).unwrap();
    });
    let sent: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let (mut reader, mut writer) = Connection::from_transport(a, Engine::new(Identity))
        .unwrap()
        .split()
        .unwrap();
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
    let mut client = Connection::from_transport(a, Engine::new(Identity)).unwrap();
    let mut server = Connection::from_transport(b, Engine::new(Identity)).unwrap();
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
        let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
        (gate, echo(false).await)
    });
    let mut stream = connect_stream(&format!("tcp://{target}"))
        .via(format!("socks5h://me:secret@{gate}"))
        .blocking()
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
    let mut stream = Connection::from_transport(
        StdTransport::new(script),
        Engine::new(socks::Client::new(target)),
    )
    .unwrap();
    stream.open().unwrap();
    let heard = stream
        .get_ref()
        .transport::<Script>()
        .unwrap()
        .heard
        .clone();
    assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\0\x50");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    assert!(stream.split().is_err(), "it has one handle");
}

#[test]
fn each_half_closes_with_a_code_and_a_reason() {
    for reader_closes in [true, false] {
        let (a, b) = pair();
        let (mut reader, mut writer) = client(a, Settings::default()).split().unwrap();
        let closing = thread::spawn(move || {
            let code = CloseCode::new(4000);
            if reader_closes {
                reader.close(code, "enough").unwrap();
            } else {
                writer.close(code, "enough").unwrap();
            }
        });
        let mut server = server(b);
        let error = server.next().unwrap().unwrap_err();
        assert!(error.to_string().contains("4000"), "{error}");
        assert_eq!(server.closed().unwrap().reason, "enough");
        closing.join().unwrap();
    }
}

#[test]
fn a_task_that_was_not_woken_still_waits() {
    within(PATIENCE, wait_for_many);
}

fn wait_for_many() {
    use futures_util::stream::FuturesUnordered;
    use futures_util::{FutureExt, StreamExt};
    // A set polls only the tasks that were woken, so what the others wait for must be kept.
    let (sockets, mut peers): (Vec<_>, Vec<_>) = (0..10).map(|_| pair()).unzip();
    let heard = wirestack::blocking::block_on(async {
        let mut tasks: FuturesUnordered<_> = sockets
            .into_iter()
            .enumerate()
            .map(|(n, io)| async move {
                let client = Client::established(Settings::default(), Seed::new([7; 32]));
                let engine = Engine::new(client);
                let mut socket = wirestack::Connection::from_transport(io, engine).unwrap();
                socket.next().await.unwrap().unwrap();
                n
            })
            .collect();
        let mut heard = Vec::new();
        // The last one first: each answer wakes one task, and leaves the others asleep.
        for peer in peers.iter_mut().rev() {
            assert!(tasks.next().now_or_never().is_none());
            peer.write_all(b"\x82\x01x").unwrap();
            heard.push(tasks.next().await.unwrap());
        }
        heard
    });
    assert_eq!(heard, (0..10).rev().collect::<Vec<_>>());
}

#[test]
fn a_call_inside_of_a_call_takes_no_wake_of_the_outer_one() {
    use wirestack::blocking::block_on;
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let (a, mut b) = pair();
    let outer = async {
        let inner = async {
            // Blocks this thread while the other one sends.
            block_on(async {
                let engine = Engine::new(Identity);
                let mut stream = wirestack::Connection::from_transport(a, engine).unwrap();
                stream
                    .wait_for(|it| (!it.to_app().is_empty()).then_some(()))
                    .await
                    .unwrap();
            });
            futures_util::future::pending::<()>().await;
        };
        futures_util::future::select(receive, Box::pin(inner)).await;
    };
    let other = thread::spawn(move || {
        send.send(()).unwrap();
        b.write_all(b"go on").unwrap();
        b
    });
    within(PATIENCE, move || block_on(outer));
    drop(other.join().unwrap());
}

/// Fails if it takes longer.
fn within(limit: Duration, act: impl FnOnce() + Send + 'static) {
    let (done, over) = std::sync::mpsc::channel();
    let acting = thread::spawn(move || {
        act();
        let _ = done.send(());
    });
    match over.recv_timeout(limit) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => acting.join().unwrap(),
    }
}

#[test]
fn a_dropped_socket_is_closed_though_somebody_waited_for_it() {
    use futures_util::FutureExt;
    let (a, mut b) = pair();
    b.set_read_timeout(Some(PATIENCE)).unwrap();
    wirestack::blocking::block_on(async {
        let mut stream = wirestack::Connection::from_transport(a, Engine::new(Identity)).unwrap();
        assert!(stream.wait_for(|_| None::<()>).now_or_never().is_none());
        drop(stream);
        // Still inside, where the interest was noted.
        assert_eq!(b.read(&mut [0]).unwrap(), 0);
    });
}

#[test]
fn a_time_out_ends_a_call_that_is_busy() {
    /// Never blocks and never has anything: its connection is polled again and again.
    struct Busy;
    impl Read for Busy {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    impl Write for Busy {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let busy = StdTransport::new(Busy);
    let mut stream = Connection::from_transport(busy, Engine::new(Identity)).unwrap();
    stream.set_timeout(Some(Duration::from_millis(20)));
    let late = stream.read(&mut [0]).unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::TimedOut);
}

/// Many threads that look names up, connect, talk and close at once. A wake that is lost anywhere
/// between them is a hang.
#[test]
fn many_threads_connect_by_name_and_none_hangs() {
    const THREADS: usize = 16;
    const RUNS: usize = 160;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let target = runtime.block_on(echo(false));
    let url = format!("ws://localhost:{}/", target.port());
    within(Duration::from_secs(120), move || {
        let threads = (0..THREADS).map(|_| {
            let url = url.clone();
            thread::spawn(move || {
                for run in 0..RUNS / THREADS {
                    let mut socket = connect(&url).direct().blocking().unwrap();
                    let text = Message::text(format!("{run}"));
                    if run % 2 == 0 {
                        socket.send(text.clone()).unwrap();
                        assert_eq!(socket.next().unwrap().unwrap(), text);
                        socket.close(CloseCode::NORMAL, "").unwrap();
                        continue;
                    }
                    let (mut reader, mut writer) = socket.split().unwrap();
                    let reading = thread::spawn(move || reader.next().unwrap().unwrap());
                    writer.send(text.clone()).unwrap();
                    assert_eq!(reading.join().unwrap(), text);
                    writer.close(CloseCode::NORMAL, "").unwrap();
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().for_each(|it| it.join().unwrap());
    });
}
