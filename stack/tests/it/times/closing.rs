//! Every way to close is bounded by its time-out, from the moment when the application asks.

use super::{assert_passed, http2_client, on, seconds, wire};
use crate::support::TIMEOUT;
use std::any::Any;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use wirestack::http2::{self, ConnectRequest, Http2Config};
use wirestack::runtime::Transport;
use wirestack::websocket::{Client, CloseCode, WebSocketConfig};
use wirestack::{Connection, Engine, Http2, Identity, Pipe, Seed, relay};

#[tokio::test(start_paused = true)]
async fn closing_a_connection_of_http2_times_out() {
    let (near, far) = wire();
    let client = http2_client(near);
    let server = Http2::new(on(far, http2::Connection::server(Http2Config::server())));
    server.spawn();
    let opening = client.open(ConnectRequest::tunnel("example.org", 1).unwrap());
    let accepting = async {
        let incoming = server.accept().await.unwrap().unwrap();
        incoming.accept(http::HeaderMap::new()).unwrap()
    };
    let (opened, _stream) = tokio::join!(opening, accepting);
    let (_, mut stream) = opened.unwrap();
    let start = Instant::now();
    let error = client.close().await.unwrap_err().to_string();
    assert_passed(start, seconds(10));
    assert!(error.contains("still open after 10s"), "{error}");
    // A stream whose window is full is shut down in time too.
    let mut sent = 0;
    while let Ok(Ok(n)) = timeout(seconds(1), stream.write(&[7; 100_000])).await {
        sent += n;
    }
    assert!(sent > 1 << 20, "{sent}");
    let start = Instant::now();
    let error = stream.shutdown().await.unwrap_err();
    assert_passed(start, seconds(10));
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

/// The bytes of an application in front of the Close have no limit of their own.
#[tokio::test(start_paused = true)]
async fn closing_a_websocket_of_bytes_times_out_behind_bytes_that_are_not_taken() {
    let (near, _far) = wire();
    let client = Client::established(WebSocketConfig::default(), Seed::new([7; 32]));
    let mut socket = on(near, client.with_payload::<Pipe>());
    let mut sent = 0;
    while let Ok(Ok(n)) = timeout(seconds(1), socket.write(&[7; 100_000])).await {
        sent += n;
    }
    assert!(sent > 64 * 1024, "{sent}");
    let start = Instant::now();
    let error = socket.close_websocket(CloseCode::NORMAL, "").await;
    assert_passed(start, seconds(10));
    assert!(error.is_err());
}

#[cfg(feature = "blocking")]
#[test]
fn a_blocking_close_times_out_behind_messages_that_are_not_taken() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let near = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (_far, _) = listener.accept().unwrap();
    let mut config = WebSocketConfig::default();
    config.close_timeout = std::time::Duration::from_millis(50);
    let closed = wirestack::blocking::block_on(async {
        let client = Client::established(config, Seed::new([7; 32]));
        let engine = wirestack::Engine::new(client);
        let mut socket = wirestack::Connection::from_transport(near, engine).unwrap();
        let message = wirestack::websocket::Message::binary(vec![7; 20_000_000]);
        socket.feed(message).await?;
        socket.close(CloseCode::NORMAL, "").await
    });
    assert!(closed.unwrap_err().to_string().contains("50ms"));
}

/// Both sides of a relay have gone, and each direction ends by itself.
#[tokio::test(start_paused = true)]
async fn a_relay_between_sides_that_have_left_ends_at_once() {
    let ((client, a), (b, target)) = (wire(), wire());
    let relayed = tokio::spawn(relay(on(a, Identity), on(b, Identity)));
    let start = Instant::now();
    drop((client, target));
    let _ = timeout(TIMEOUT, relayed).await.unwrap();
    assert_passed(start, seconds(0));
}

/// A peer that sends without a pause, so many bytes that a test would take long for them.
struct Flooding {
    left: usize,
}

impl Transport for Flooding {
    fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(left) = self.left.checked_sub(1) else {
            return Poll::Ready(Ok(0));
        };
        self.left = left;
        to.write(b"x");
        Poll::Ready(Ok(1))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        let n = from.len();
        from.consume(n);
        Poll::Ready(Ok(n))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[tokio::test]
async fn a_peer_that_sends_without_a_pause_does_not_prolong_a_finish() {
    let io: Box<dyn Transport> = Box::new(Flooding { left: 5_000_000 });
    let connection = Connection::from_transport(io, Engine::new(Identity)).unwrap();
    let error = connection.finish(Duration::ZERO).await.unwrap_err();
    assert!(error.to_string().contains("not finished"), "{error}");
}

/// A transport whose peer ends at once, or never. It counts how often it is shut down.
struct Ending {
    has_ended: bool,
    ends_when_dropped: bool,
    shut: Arc<AtomicUsize>,
}

impl Transport for Ending {
    fn poll_read(
        &mut self,
        _: &mut Context<'_>,
        _: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        if self.has_ended {
            Poll::Ready(Ok(0))
        } else {
            Poll::Pending
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        let n = from.len();
        from.consume(n);
        Poll::Ready(Ok(n))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut.fetch_add(1, Relaxed);
        Poll::Ready(Ok(()))
    }

    fn ends_when_dropped(&self) -> bool {
        self.ends_when_dropped
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_is_shut_down_unless_both_sides_have_ended_and_a_drop_ends_it() {
    for (has_ended, ends_when_dropped, expected) in [
        (true, true, 0),
        (true, false, 1),
        (false, true, 1),
        (false, false, 1),
    ] {
        let shut = Arc::new(AtomicUsize::new(0));
        let io: Box<dyn Transport> = Box::new(Ending {
            has_ended,
            ends_when_dropped,
            shut: shut.clone(),
        });
        let mut connection = Connection::from_transport(io, Engine::new(Identity)).unwrap();
        if has_ended {
            let mut rest = Vec::new();
            connection.read_to_end(&mut rest).await.unwrap();
        }
        connection.engine().from_app().write(b"the last words");
        let finished = connection.finish(Duration::from_secs(1)).await;
        assert_eq!(finished.is_ok(), has_ended);
        assert_eq!(
            shut.load(Relaxed),
            expected,
            "{has_ended} {ends_when_dropped}"
        );
        assert_eq!(Arc::strong_count(&shut), 1, "it is dropped");
    }
}
