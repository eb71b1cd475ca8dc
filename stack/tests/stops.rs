//! Who writes learns that nobody reads: resets, Closes and ends of sessions, by every form and half.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // sockets are the subject

mod support;

use futures_util::{FutureExt, SinkExt};
use std::io;
use std::time::Duration;
use support::{PATIENCE, TLS, pair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use wirestack::http2::{self, ConnectRequest};
use wirestack::websocket::{Client, CloseCode, Message, Server, Settings, WebSocketError};
use wirestack::{Connection, Engine, Error, Http2, Identity, Seed, relay, tls};

async fn sockets() -> (Connection<Client>, Connection<Server>) {
    let (a, b) = pair().await;
    let client = Client::established(Settings::default(), Seed::new([7; 32]));
    let server = Server::established(Settings::default());
    (
        Connection::from_transport(a, Engine::new(client)).unwrap(),
        Connection::from_transport(b, Engine::new(server)).unwrap(),
    )
}

fn plain(io: TcpStream) -> Connection<Identity> {
    Connection::from_transport(io, Engine::new(Identity)).unwrap()
}

/// Resets a socket.
fn reset(io: TcpStream) {
    io.set_zero_linger().unwrap();
}

/// Repeats what works until it fails.
async fn until_it_fails<E>(mut act: impl AsyncFnMut() -> Result<(), E>) -> E {
    let failing = async {
        loop {
            if let Err(error) = act().await {
                return error;
            }
            yield_now().await;
        }
    };
    timeout(PATIENCE, failing).await.expect("it fails")
}

// --- resets ---

/// A reset comes behind the last bytes that were read: writing, flushing and shutting down fail with the
/// socket's own error, and go on failing.
async fn told_of_a_reset<S>(mut stream: S, mut peer: TcpStream)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    peer.write_all(b"hello").await.unwrap();
    let mut heard = [0; 5];
    stream.read_exact(&mut heard).await.unwrap();
    reset(peer);
    let error = until_it_fails(async || stream.write_all(b"data").await).await;
    let broken = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
    assert!(broken.contains(&error.kind()), "{error:?}");
    for _ in 0..2 {
        assert!(stream.write_all(b"data").await.is_err());
        assert!(stream.flush().await.is_err());
    }
    assert!(stream.read(&mut heard).await.is_err());
    assert!(stream.shutdown().await.is_err());
}

#[tokio::test]
async fn a_reset_behind_the_last_bytes_is_told_to_the_writer() {
    let (a, b) = pair().await;
    told_of_a_reset(plain(a), b).await;
    let (a, b) = pair().await;
    told_of_a_reset(plain(a).boxed(), b).await;
    let (a, b) = pair().await;
    told_of_a_reset(plain(a).spawn(), b).await;
    let (a, b) = pair().await;
    let (reader, writer) = plain(a).split();
    told_of_a_reset(tokio::io::join(reader, writer), b).await;
    let (a, b) = pair().await;
    let (reader, writer) = plain(a).spawn().split();
    told_of_a_reset(tokio::io::join(reader, writer), b).await;
}

#[cfg(feature = "blocking")]
#[test]
fn a_reset_is_told_to_the_writer_in_threads_too() {
    use std::io::{Read, Write};
    use wirestack::blocking::Connection;
    let pair = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let a = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = Connection::from_transport(a, Engine::new(Identity)).unwrap();
        (stream, listener.accept().unwrap().0)
    };
    fn told(mut read: impl Read, mut write: impl Write, mut peer: std::net::TcpStream) {
        peer.write_all(b"hello").unwrap();
        read.read_exact(&mut [0; 5]).unwrap();
        socket2::SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(peer);
        let mut tries = 0..100;
        let error = tries.find_map(|_| write.write_all(b"data").err()).unwrap();
        let broken = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(broken.contains(&error.kind()), "{error:?}");
        assert!(write.flush().is_err());
        assert!(read.read(&mut [0]).is_err());
    }
    let (stream, peer) = pair();
    let (reader, writer) = stream.split().unwrap();
    told(reader, writer, peer);
    let (mut stream, mut peer) = pair();
    peer.write_all(b"hello").unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
    socket2::SockRef::from(&peer)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    assert!((0..100).any(|_| stream.write_all(b"data").is_err()));
    assert!(stream.flush().is_err() && stream.shutdown().is_err());
}

#[tokio::test]
async fn a_relay_lets_go_when_one_side_takes_no_more() {
    let ((mut client, a), (b, mut server)) = (pair().await, pair().await);
    let relayed = tokio::spawn(relay(plain(a), plain(b)));
    client.write_all(b"all").await.unwrap();
    client.shutdown().await.unwrap();
    let mut heard = Vec::new();
    server.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"all");
    reset(client);
    until_it_fails(async || server.write_all(&[7; 10_000]).await).await;
    assert!(relayed.await.unwrap().is_err());
}

// --- Closes ---

/// For a reader a clean Close is an end; for a writer it is why nothing more goes, and close() is fine.
#[tokio::test]
async fn a_writer_learns_of_the_peers_close_without_reading() {
    fn says_so(error: &Error) {
        let Some(WebSocketError::Closed { code, reason }) = error.cause() else {
            panic!("{error}");
        };
        assert_eq!((*code, &**reason), (CloseCode::GOING_AWAY, "bye"));
        assert!(error.to_string().contains("1001"), "{error}");
    }
    let tick = || Message::text("tick");
    let closing = |mut a: Connection<Client>| {
        tokio::spawn(async move { a.close(CloseCode::GOING_AWAY, "bye").await })
    };

    let (a, mut b) = sockets().await;
    let closing_a = closing(a);
    says_so(&until_it_fails(async || b.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    says_so(&b.feed(tick()).await.unwrap_err());
    says_so(&b.ping("").await.unwrap_err());
    assert!(b.next().await.is_none());
    b.flushed().await.unwrap();
    b.close(CloseCode::NORMAL, "").await.unwrap();

    // A half alone, a handle, a sink.
    let (a, b) = sockets().await;
    let (_reader, mut writer) = b.split();
    let closing_a = closing(a);
    says_so(&until_it_fails(async || writer.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    let (a, b) = sockets().await;
    let mut handle = b.spawn();
    let closing_a = closing(a);
    says_so(&until_it_fails(async || handle.send(tick()).await).await);
    closing_a.await.unwrap().unwrap();
    let (a, mut b) = sockets().await;
    let closing_a = closing(a);
    says_so(&until_it_fails(async || SinkExt::send(&mut b, tick()).await).await);
    closing_a.await.unwrap().unwrap();
}

/// The next send at the latest tells it, however quickly the others went before.
#[tokio::test]
async fn the_next_send_tells_of_a_close_that_is_here() {
    let (mut a, mut b) = sockets().await;
    b.send(Message::text("tick")).await.unwrap();
    let closing = tokio::spawn(async move { a.close(CloseCode::GOING_AWAY, "bye").await });
    // The Close is in this socket.
    let Some(io) = b.transport::<TcpStream>() else {
        panic!("it is TCP");
    };
    io.readable().await.unwrap();
    let _ = b.send(Message::text("it is read behind this one")).await;
    assert!(b.send(Message::text("and this one fails")).await.is_err());
    closing.await.unwrap().unwrap();
}

#[cfg(feature = "blocking")]
#[test]
fn a_writers_thread_learns_of_the_peers_close() {
    use wirestack::blocking::Connection;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let b = listener.accept().unwrap().0;
    let client = Client::established(Settings::default(), Seed::new([7; 32]));
    let server = Server::established(Settings::default());
    let mut a = Connection::from_transport(a, Engine::new(client)).unwrap();
    let b = Connection::from_transport(b, Engine::new(server)).unwrap();
    let closing = std::thread::spawn(move || a.close(CloseCode::GOING_AWAY, "bye"));
    let (_reader, mut writer) = b.split().unwrap();
    let error = loop {
        match writer.send(Message::text("tick")) {
            Ok(()) => std::thread::yield_now(),
            Err(error) => break error,
        }
    };
    assert!(error.to_string().contains("1001"), "{error}");
    closing.join().unwrap().unwrap();
}

/// A peer that ends TLS 1.2 wants no more: no fault, and what it said before arrives.
#[tokio::test]
async fn a_relay_of_tls_1_2_ends_well_with_the_session() {
    for answers in [false, true] {
        let ((c, a), (b, mut target)) = (pair().await, pair().await);
        let [mut client, a] = tls12(c, a);
        let relayed = tokio::spawn(relay(a, plain(b)));
        let saying = async {
            client.write_all(&vec![1; 300_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut nothing = Vec::new();
            client.read_to_end(&mut nothing).await.unwrap();
        };
        let hearing = async {
            let mut heard = Vec::new();
            target.read_to_end(&mut heard).await.unwrap();
            heard.len()
        };
        let both = async { tokio::join!(saying, hearing) };
        let ((), heard) = timeout(PATIENCE, both).await.unwrap();
        assert_eq!(heard, 300_000);
        if answers {
            let _ = target.write_all(b"too late").await;
        } else {
            drop(target);
        }
        let relayed = timeout(PATIENCE, relayed).await.unwrap().unwrap();
        assert!(relayed.is_ok(), "{relayed:?}");
    }
}

fn tls12(client: TcpStream, server: TcpStream) -> [Connection<wirestack::BoxTunnel>; 2] {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let trust = tls::ClientSettings::new().without_system_roots();
    let trust = trust
        .versions(tls::Versions::Tls12)
        .ca_certificates(chain.clone());
    let own = tls::ServerSettings::new(chain, key).build().unwrap();
    let name = tls::server_name("localhost").unwrap();
    let upper: wirestack::BoxTunnel =
        Box::new(tls::Client::new(trust.build().unwrap(), name).unwrap());
    let lower: wirestack::BoxTunnel = Box::new(tls::Server::new(own).unwrap());
    [(client, upper), (server, lower)]
        .map(|(io, layer)| Connection::from_transport(io, Engine::new(layer)).unwrap())
}

#[tokio::test]
async fn a_write_after_the_end_of_tls_1_2_fails() {
    let (a, b) = pair().await;
    let [mut client, mut server] = tls12(a, b);
    let (opened, accepted) = tokio::join!(client.open(), server.open());
    opened.and(accepted).unwrap();
    server.shutdown().await.unwrap();
    let error = until_it_fails(async || {
        client.write_all(b"data").await?;
        client.flush().await
    });
    let error = error.await;
    assert!(error.to_string().contains("close_notify"), "{error}");
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0);
}

// --- ends that take too long ---

const SOON: Duration = Duration::from_millis(50);

/// Writes until the peer, which does not read, takes no more.
async fn fill<S: AsyncWrite + Unpin>(stream: &mut S) {
    while stream.write_all(&[7; 100_000]).now_or_never().is_some() {
        yield_now().await;
    }
}

#[tokio::test]
async fn shutting_a_stream_down_is_bounded() {
    let late = |error: io::Error| {
        let text = error.to_string();
        assert!(text.contains("within 50ms"), "{text}");
    };
    let (a, _b) = pair().await;
    let mut stream = plain(a);
    stream.set_close_timeout(SOON);
    fill(&mut stream).await;
    late(
        timeout(PATIENCE, stream.shutdown())
            .await
            .unwrap()
            .unwrap_err(),
    );
    assert!(stream.read(&mut [0]).await.is_err(), "it was cut short");

    let (a, b) = pair().await;
    let name = tls::server_name("localhost").unwrap();
    let client = tls::Client::new(TLS.client.clone(), name).unwrap();
    let mut stream = Connection::from_transport(a, Engine::new(client)).unwrap();
    let server = tls::Server::new(TLS.server.clone()).unwrap();
    let mut peer = Connection::from_transport(b, Engine::new(server)).unwrap();
    let (opened, accepted) = tokio::join!(stream.open(), peer.open());
    opened.and(accepted).unwrap();
    stream.set_close_timeout(SOON);
    let (_reader, mut writer) = stream.split();
    fill(&mut writer).await;
    late(
        timeout(PATIENCE, writer.shutdown())
            .await
            .unwrap()
            .unwrap_err(),
    );
}

/// Within its time-out, a slow peer gets everything.
#[tokio::test]
async fn shutting_down_waits_for_a_peer_that_reads() {
    let (a, mut b) = pair().await;
    let mut stream = plain(a);
    fill(&mut stream).await;
    let reading = async {
        let mut heard = Vec::new();
        b.read_to_end(&mut heard).await.unwrap();
    };
    let (ended, ()) = tokio::join!(stream.shutdown(), reading);
    ended.unwrap();
}

fn soon() -> Settings {
    let mut settings = Settings::default();
    settings.close_timeout = SOON;
    settings
}

#[tokio::test]
async fn closing_a_websocket_is_bounded_in_every_form_and_half() {
    let full = async || {
        let (a, b) = pair().await;
        let engine = Engine::new(Client::established(soon(), Seed::new([7; 32])));
        let mut socket = Connection::from_transport(a, engine).unwrap();
        let large = || Message::binary(vec![7; 100_000]);
        while socket.send(large()).now_or_never().is_some() {
            yield_now().await;
        }
        (socket, b) // which does not read
    };
    let late = |closed: Result<Result<(), Error>, tokio::time::error::Elapsed>| {
        let error = closed.expect("it is bounded").unwrap_err();
        assert!(
            matches!(error.cause(), Some(WebSocketError::CloseTimedOut(SOON))),
            "{error}"
        );
    };
    let (mut socket, _peer) = full().await;
    late(timeout(PATIENCE, socket.close(CloseCode::NORMAL, "")).await);
    let (mut socket, _peer) = full().await;
    late(timeout(PATIENCE, SinkExt::close(&mut socket)).await);
    let (socket, _peer) = full().await;
    let mut handle = socket.spawn();
    late(timeout(PATIENCE, handle.close(CloseCode::NORMAL, "")).await);
    let (socket, _peer) = full().await;
    let (mut reader, _writer) = socket.split();
    late(timeout(PATIENCE, reader.close(CloseCode::NORMAL, "")).await);
    let (socket, _peer) = full().await;
    let (_reader, mut writer) = socket.split();
    late(timeout(PATIENCE, writer.close(CloseCode::NORMAL, "")).await);
}

/// A window that never opens: of a WebSocket over a stream.
#[tokio::test]
async fn closing_a_websocket_over_http2_is_bounded() {
    let (a, b) = pair().await;
    let connection = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer)).unwrap();
        Http2::new(connection)
    };
    let client = connection(a, http2::Connection::client(http2::Settings::default()));
    let server = connection(b, http2::Connection::server(http2::Settings::server()));
    client.spawn();
    server.spawn();
    let opening = client.open(ConnectRequest::tunnel("example.org", 1).unwrap());
    let accepting = async {
        let incoming = server.accept().await.unwrap().unwrap();
        incoming.accept(http::HeaderMap::new()).unwrap() // which nobody reads
    };
    let (opened, _stream) = tokio::join!(opening, accepting);
    let (_, stream) = opened.unwrap();
    let engine = Engine::new(Client::established(soon(), Seed::new([7; 32])));
    let mut socket = Connection::from_transport(stream, engine).unwrap();
    let large = || Message::binary(vec![7; 1_000_000]);
    while socket.send(large()).now_or_never().is_some() {
        yield_now().await;
    }
    let closing = socket.close(CloseCode::NORMAL, "");
    let error = timeout(PATIENCE, closing).await.unwrap().unwrap_err();
    assert!(
        matches!(error.cause(), Some(WebSocketError::CloseTimedOut(SOON))),
        "{error}"
    );
}

/// The typed reason of a reset stream reaches the writer.
#[tokio::test]
async fn a_stream_that_the_peer_resets_tells_the_writer() {
    let (a, b) = pair().await;
    let new = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer)).unwrap();
        Http2::new(connection)
    };
    let client = new(a, http2::Connection::client(http2::Settings::default()));
    let server = new(b, http2::Connection::server(http2::Settings::server()));
    client.spawn();
    server.spawn();
    let opening = client.open(ConnectRequest::tunnel("example.org", 1).unwrap());
    let accepting = async {
        let incoming = server.accept().await.unwrap().unwrap();
        incoming.accept(http::HeaderMap::new()).unwrap()
    };
    let (opened, at_server) = tokio::join!(opening, accepting);
    let (_, mut stream) = opened.unwrap();
    stream.write_all(b"data").await.unwrap();
    at_server.reset();
    let error = until_it_fails(async || stream.write_all(b"data").await).await;
    let error = error.downcast::<Error>().unwrap();
    assert!(
        matches!(error.cause(), Some(http2::Http2Error::Reset(_))),
        "{error}"
    );
    assert!(stream.flush().await.is_err());
}
