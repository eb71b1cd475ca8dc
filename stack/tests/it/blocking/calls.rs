//! Calls that wait: their results and time-outs.

use super::{client, large, pair, server, within};
use crate::support::{TIMEOUT, TLS, connect_server, echo, proxy, socks_server};
use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;
use wirestack::blocking::{Connection, TimedOut};
use wirestack::websocket::{CloseCode, Keepalive, Message, WebSocketConfig};
use wirestack::{
    AccessPolicy, Engine, Error, Identity, ProxyServer, connect, connect_stream, socks,
};

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
    let mut socket = connect(format!("wss://localhost:{}/", target.port()))
        .via(format!("socks5h://me:secret@{gate}"))
        .via(format!("http://{inner}"))
        .tls(TLS.client.clone())
        .blocking()
        .unwrap();
    let names = socket.describe().into_iter().map(|layer| layer.name);
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["socks", "connect", "tls", "websocket"]
    );
    socket.send(large(1)).unwrap();
    assert_eq!(socket.next().unwrap().unwrap(), large(1));
    assert!(socket.ping("there?").unwrap() < TIMEOUT);
    socket.close(CloseCode::NORMAL, "done").unwrap();
    assert_eq!(socket.closed().unwrap().code, CloseCode::NORMAL);
    assert!(socket.part::<socks::Client>().unwrap().bound().is_some());
}

#[test]
fn a_stream_of_bytes_opens_by_url() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (gate, target) = runtime.block_on(async {
        let (gate, _) = proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
        (gate, echo(false).await)
    });
    let mut stream = connect_stream(format!("tcp://{target}"))
        .via(format!("socks5h://me:secret@{gate}"))
        .blocking()
        .unwrap();
    stream.set_timeout(Some(TIMEOUT));
    write!(stream, "GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn two_peers_that_send_at_once_do_not_wait_for_each_other() {
    // Neither reads before it has sent everything, and the system buffers much less.
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
    let mut client = client(a, WebSocketConfig::default());
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
fn a_call_that_times_out_loses_nothing() {
    let (a, b) = pair();
    let mut client = client(a, WebSocketConfig::default());
    client.set_timeout(Some(Duration::from_millis(30)));
    let late = client.next().unwrap().unwrap_err();
    assert!(late.cause::<TimedOut>().is_some(), "{late}");

    // Half of a message times out, and the rest completes it.
    let mut io = b;
    io.write_all(b"\x81\x05he").unwrap();
    assert!(client.next().unwrap().is_err());
    io.write_all(b"llo").unwrap();
    client.set_timeout(None);
    assert_eq!(client.next().unwrap().unwrap(), Message::text("hello"));

    // The peer does not read, so a message is refused when the buffers are full.
    client.set_timeout(Some(Duration::from_millis(30)));
    let full = (0..100).find_map(|_| client.feed(large(0)).err()).unwrap();
    assert!(full.cause::<TimedOut>().is_some(), "{full}");
}

#[test]
fn timers_run_while_a_call_waits() {
    let (a, mut b) = pair();
    let soon = Duration::from_millis(20);
    let mut settings = WebSocketConfig::default();
    settings.keepalive = Some(Keepalive {
        interval: soon,
        timeout: soon,
    });
    let mut client = client(a, settings);
    let error = client.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("sent nothing within"), "{error}");
    assert!(client.next().is_none(), "the error comes once");
    let mut seen = [0; 1];
    b.read_exact(&mut seen).unwrap();
    assert_eq!(seen, [0x89], "a ping");
}

#[test]
fn a_reset_is_reported_behind_the_bytes_before_it() {
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

/// Many threads look names up, connect, talk and close at once. A lost wake would be a hang.
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
                    let (mut writer, mut reader) = socket.split().unwrap();
                    let reading = thread::spawn(move || reader.next().unwrap().unwrap());
                    writer.send(text.clone()).unwrap();
                    assert_eq!(reading.join().unwrap(), text);
                    writer.close(CloseCode::NORMAL, "").unwrap();
                }
            })
        });
        let threads: Vec<_> = threads.collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
