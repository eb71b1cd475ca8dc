//! A flush of one stream beside others that write without a pause.

use crate::support::TIMEOUT;
use futures_util::future::join_all;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use wirestack::http2::{self, ConnectRequest, Http2Config};
use wirestack::runtime::TokioTransport;
use wirestack::{Connection, Engine, Http2, Http2Stream};

fn over<L>(io: DuplexStream, layer: L) -> Http2
where
    L: wirestack::Layer<In = http2::Streams, Out = http2::Streams> + Send + 'static,
{
    let engine = Engine::new(layer);
    Http2::new(Connection::from_transport(TokioTransport::new(io), engine).unwrap())
}

/// Two ends of some streams, over a wire that takes few bytes at once.
async fn pairs(count: usize, is_driven: bool) -> [Vec<Http2Stream>; 2] {
    let (near, far) = duplex(8 << 10);
    let client = over(near, http2::Connection::client(Http2Config::default()));
    let server = over(far, http2::Connection::server(Http2Config::server()));
    if is_driven {
        client.spawn();
        server.spawn();
    }
    let open = async {
        let tunnels =
            (0..count).map(|_| client.open(ConnectRequest::tunnel("example.org", 1).unwrap()));
        let opened = join_all(tunnels).await;
        opened.into_iter().map(|opened| opened.unwrap().1).collect()
    };
    let accept = async {
        let mut streams = Vec::new();
        for _ in 0..count {
            let incoming = server.accept().await.unwrap().unwrap();
            streams.push(incoming.accept(http::HeaderMap::new()).unwrap());
        }
        streams
    };
    let (opened, accepted) = tokio::join!(open, accept);
    [opened, accepted]
}

/// Reads until the end, and tells how much has come.
fn read_all(mut stream: Http2Stream, heard: mpsc::UnboundedSender<usize>) {
    tokio::spawn(async move {
        let mut piece = vec![0; 64 << 10];
        while let Ok(n @ 1..) = stream.read(&mut piece).await {
            let _ = heard.send(n);
        }
        let _ = stream.shutdown().await;
    });
}

/// Writes without a pause. Returns the numbers of bytes that arrive at the other side.
fn flood(mut from: Http2Stream, to: Http2Stream) -> mpsc::UnboundedReceiver<usize> {
    let (heard, hears) = mpsc::unbounded_channel();
    read_all(to, heard);
    tokio::spawn(async move { while from.write_all(&[7; 40_000]).await.is_ok() {} });
    hears
}

async fn arrives(hears: &mut mpsc::UnboundedReceiver<usize>, mut bytes: usize) {
    let all = async {
        while bytes > 0 {
            bytes = bytes.saturating_sub(hears.recv().await.unwrap());
        }
    };
    timeout(TIMEOUT, all).await.expect("the flood goes on");
}

#[tokio::test]
async fn pitfall_157_a_flush_ends_beside_streams_that_write_without_a_pause() {
    for is_driven in [true, false] {
        for is_server in [true, false] {
            let [near, far] = pairs(3, is_driven).await;
            let (from, to) = if is_server { (far, near) } else { (near, far) };
            let mut both = from.into_iter().zip(to);
            let (mut quiet, listener) = both.next().unwrap();
            let mut floods: Vec<_> = both.map(|(from, to)| flood(from, to)).collect();
            let (heard, mut hears) = mpsc::unbounded_channel();
            read_all(listener, heard);
            for flood in &mut floods {
                arrives(flood, 1 << 20).await;
            }
            for _ in 0..20 {
                quiet.write_all(b"hello").await.unwrap();
                let flushed = timeout(TIMEOUT, quiet.flush()).await;
                flushed.expect("a flush that ends").unwrap();
            }
            for flood in &mut floods {
                arrives(flood, 4 << 20).await;
            }
            // A task that waits for a flush no more holds nobody.
            quiet.write_all(b"hello").await.unwrap();
            poll_fn(|cx| {
                let _ = Pin::new(&mut quiet).poll_flush(cx);
                Poll::Ready(())
            })
            .await;
            for flood in &mut floods {
                arrives(flood, 4 << 20).await;
            }
            quiet.shutdown().await.unwrap();
            arrives(&mut hears, 21 * 5).await;
        }
    }
}

#[tokio::test]
async fn a_flush_that_waits_for_the_window_of_its_peer_holds_nobody() {
    for is_driven in [true, false] {
        let [near, far] = pairs(2, is_driven).await;
        let [mut stalled, busy] = <[_; 2]>::try_from(near).unwrap();
        let [unread, other] = <[_; 2]>::try_from(far).unwrap();
        let (written, wrote) = oneshot::channel();
        tokio::spawn(async move {
            let mut written = Some(written);
            poll_fn(|cx| {
                while let Poll::Ready(taken) = Pin::new(&mut stalled).poll_write(cx, &[7; 9000]) {
                    taken.unwrap();
                }
                assert!(Pin::new(&mut stalled).poll_flush(cx).is_pending());
                if let Some(written) = written.take() {
                    written.send(()).unwrap();
                }
                Poll::<()>::Pending
            })
            .await;
        });
        wrote.await.unwrap();
        let mut hears = flood(busy, other);
        arrives(&mut hears, 8 << 20).await;
        drop(unread);
    }
}
