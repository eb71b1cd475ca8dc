//! Resets of sockets and of streams.

use super::{plain, until_it_fails};
use crate::support::pair;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use wirestack::http2::{self, ConnectRequest};
use wirestack::{Connection, Engine, Error, Http2, relay};

#[tokio::test]
async fn a_reset_behind_the_last_bytes_is_reported_to_the_writer() {
    let (a, b) = pair().await;
    fails_after_a_reset(plain(a), b).await;
    let (a, b) = pair().await;
    fails_after_a_reset(plain(a).boxed(), b).await;
    let (a, b) = pair().await;
    fails_after_a_reset(plain(a).spawn(), b).await;
    let (a, b) = pair().await;
    let (writer, reader) = plain(a).split();
    fails_after_a_reset(tokio::io::join(reader, writer), b).await;
    let (a, b) = pair().await;
    let (writer, reader) = plain(a).spawn().split();
    fails_after_a_reset(tokio::io::join(reader, writer), b).await;
}

/// Resets a stream behind the last bytes that were read. Writing, flushing and shutting down must
/// fail with the socket's own error, each time.
async fn fails_after_a_reset<S>(mut stream: S, mut peer: TcpStream)
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

#[cfg(feature = "blocking")]
#[test]
fn a_reset_is_reported_to_the_writer_in_threads_too() {
    use std::io::{Read, Write};
    use std::time::Duration;
    use wirestack::Identity;
    use wirestack::blocking::Connection;
    let pair = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let a = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = Connection::from_transport(a, Engine::new(Identity)).unwrap();
        (stream, listener.accept().unwrap().0)
    };
    fn fails_after_a_reset(
        mut read: impl Read,
        mut write: impl Write,
        mut peer: std::net::TcpStream,
    ) {
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
    let (writer, reader) = stream.split().unwrap();
    fails_after_a_reset(reader, writer, peer);
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
async fn a_relay_ends_when_one_side_takes_no_more() {
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

/// Resets a socket.
fn reset(io: TcpStream) {
    io.set_zero_linger().unwrap();
}

#[tokio::test]
async fn a_reset_of_a_stream_reaches_the_writer_with_its_cause() {
    let (a, b) = pair().await;
    let new = |io, layer| {
        let connection = Connection::from_transport(io, Engine::new(layer)).unwrap();
        Http2::new(connection)
    };
    let client = new(a, http2::Connection::client(http2::Http2Config::default()));
    let server = new(b, http2::Connection::server(http2::Http2Config::server()));
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
