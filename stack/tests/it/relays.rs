//! Relays between two streams that no layer changes.

use crate::support::{TIMEOUT, pair};
use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream, ReadBuf, duplex};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use wirestack::runtime::{IntoTransport, TokioTransport, Transport};
use wirestack::{Connection, Engine, Error, Identity, Pipe, RelayIdle, Relayed};
use wirestack::{relay, relay_with_timeout};

fn plain(io: impl IntoTransport) -> Connection<Identity> {
    Connection::from_transport(io, Engine::new(Identity)).unwrap()
}

/// The sizes of writes: few and many bytes in turn, from a seed.
fn sizes(mut seed: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        seed = seed.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        let most = [1, 200, 9_000, 200_000][(seed >> 33) as usize % 4];
        Some((seed >> 40) as usize % most + 1)
    })
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 31 + (at >> 8)) as u8).collect()
}

/// Sends bytes in pieces and ends, and reads until the end at the same time.
async fn talk(
    io: impl AsyncRead + AsyncWrite,
    seed: u64,
    count: usize,
) -> std::io::Result<Vec<u8>> {
    let (mut reader, mut writer) = tokio::io::split(io);
    let sending = async {
        let all = bytes(count);
        let mut rest = &all[..];
        let mut sizes = sizes(seed);
        while !rest.is_empty() {
            let piece = sizes.next().unwrap_or(1).min(rest.len());
            writer.write_all(&rest[..piece]).await?;
            writer.flush().await?;
            if piece.is_multiple_of(3) {
                tokio::task::yield_now().await; // the relay waits in between
            }
            rest = &rest[piece..];
        }
        writer.shutdown().await
    };
    let mut heard = Vec::new();
    let (sent, read) = tokio::join!(sending, reader.read_to_end(&mut heard));
    sent.and(read)?;
    Ok(heard)
}

async fn carries_all(
    [client, server]: [impl AsyncRead + AsyncWrite; 2],
    relayed: impl Future<Output = Result<Relayed, Error>> + Send + 'static,
    seed: u64,
) {
    println!("seed {seed}");
    let relaying = tokio::spawn(relayed);
    let (there, back) = (1_500_000, 700_000);
    let talking = async { tokio::join!(talk(client, seed, there), talk(server, !seed, back)) };
    let (client, server) = timeout(TIMEOUT, talking).await.unwrap();
    assert!(client.unwrap() == bytes(back), "other bytes came back");
    assert!(server.unwrap() == bytes(there), "other bytes went there");
    let relayed = timeout(TIMEOUT, relaying).await.unwrap().unwrap().unwrap();
    let counts = (relayed.sent, relayed.received);
    assert_eq!(counts, (there as u64, back as u64));
}

#[tokio::test]
async fn sockets_get_all_bytes_in_order_whatever_the_sizes_of_the_writes_are() {
    for seed in 1..6 {
        let ((client, a), (b, server)) = (pair().await, pair().await);
        carries_all([client, server], relay(plain(a), plain(b)), seed).await;
    }
}

#[tokio::test]
async fn streams_in_memory_get_all_bytes_in_order_and_small_buffers_slow_the_sender() {
    for (seed, size) in [(1, 10), (2, 1_000), (3, 100_000)] {
        let ((client, a), (b, server)) = (duplex(size), duplex(size));
        let (a, b) = (TokioTransport::new(a), TokioTransport::new(b));
        carries_all([client, server], relay(plain(a), plain(b)), seed).await;
    }
}

#[tokio::test]
async fn streams_with_buffers_get_all_bytes_to_the_last() {
    for (seed, one, other) in [(1, 10, 1_000), (2, 1_000, 10), (3, 100_000, 100)] {
        let ((client, a), (b, server)) = (duplex(one), duplex(other));
        let [a, b] = [a, b].map(|io| plain(TokioTransport::new(BufStream::new(io))));
        carries_all([client, server], relay(a, b), seed).await;
    }
}

#[tokio::test]
async fn a_socket_and_a_stream_in_memory_get_all_bytes() {
    let ((client, a), (b, server)) = (pair().await, duplex(5_000));
    let relaying = relay(plain(a), plain(TokioTransport::new(b)));
    let (client, server) = (Box::pin(client), Box::pin(server));
    let relaying = tokio::spawn(relaying);
    let (client, server) = tokio::join!(talk(client, 7, 300_000), talk(server, 8, 300_000));
    assert!(client.unwrap() == bytes(300_000) && server.unwrap() == bytes(300_000));
    assert!(relaying.await.unwrap().is_ok());
}

/// Sends a byte, and reads what the other end got.
async fn pass(from: &mut TcpStream, to: &mut TcpStream, byte: u8) {
    let mut got = [0];
    from.write_all(&[byte]).await.unwrap();
    timeout(TIMEOUT, to.read_exact(&mut got))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(got, [byte]);
}

#[tokio::test]
async fn one_direction_goes_on_after_the_other_one_has_ended() {
    for is_client in [true, false] {
        let ((mut client, a), (b, mut server)) = (pair().await, pair().await);
        let relaying = tokio::spawn(relay(plain(a), plain(b)));
        let (first, last) = if is_client {
            (&mut client, &mut server)
        } else {
            (&mut server, &mut client)
        };
        pass(first, last, 1).await;
        first.shutdown().await.unwrap();
        assert_eq!(last.read(&mut [0]).await.unwrap(), 0);
        for byte in 2..9 {
            pass(last, first, byte).await;
        }
        assert!(!relaying.is_finished());
        last.shutdown().await.unwrap();
        assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
        let relayed = timeout(TIMEOUT, relaying).await.unwrap().unwrap().unwrap();
        let (one, seven) = if is_client {
            (relayed.sent, relayed.received)
        } else {
            (relayed.received, relayed.sent)
        };
        assert_eq!((one, seven), (1, 7));
    }
}

#[tokio::test]
async fn a_reset_ends_a_relay_that_has_carried_bytes_and_resets_the_other_side() {
    for is_client in [true, false] {
        let ((mut client, a), (b, mut server)) = (pair().await, pair().await);
        let relaying = tokio::spawn(relay(plain(a), plain(b)));
        pass(&mut client, &mut server, 1).await;
        pass(&mut server, &mut client, 2).await;
        let (leaves, mut stays) = if is_client {
            (client, server)
        } else {
            (server, client)
        };
        leaves.set_zero_linger().unwrap();
        drop(leaves);
        let relayed = timeout(TIMEOUT, relaying).await.unwrap().unwrap();
        assert!(relayed.is_err());
        assert!(stays.read(&mut [0]).await.is_err(), "a clean end");
    }
}

#[tokio::test]
async fn bytes_that_waited_between_layers_go_before_those_that_come() {
    let ((mut client, a), (b, mut server)) = (pair().await, pair().await);
    let mut waiting = plain(a);
    waiting.engine().to_app().write(b"first ");
    let waiting = waiting.push_layer(Identity); // its joint holds them
    client.write_all(b"second").await.unwrap();
    let relaying = tokio::spawn(relay(waiting, plain(b)));
    let mut got = [0; 12];
    server.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"first second");
    drop((client, server));
    let _ = relaying.await;
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_relay_begins_anew_with_each_byte_and_ends_exactly() {
    let ((mut client, a), (b, mut target)) = (duplex(100), duplex(100));
    let (a, b) = (TokioTransport::new(a), TokioTransport::new(b));
    let relaying = relay_with_timeout(plain(a), plain(b), Duration::from_secs(20));
    let relaying = tokio::spawn(relaying);
    let start = Instant::now();
    let mut passed = Duration::ZERO;
    for pause in [1, 9, 10, 11, 19, 3, 7, 18, 2, 2] {
        sleep(Duration::from_secs(pause)).await; // on the paused clock
        passed += Duration::from_secs(pause);
        client.write_all(b"x").await.unwrap();
        target.read_exact(&mut [0]).await.unwrap();
    }
    let error = relaying.await.unwrap().unwrap_err();
    assert!(error.cause::<RelayIdle>().is_some(), "{error}");
    let late = start.elapsed() - passed;
    let allowed = Duration::from_secs(20)..Duration::from_secs(21);
    assert!(allowed.contains(&late), "{late:?} after the last byte");
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_moves_to_another_task_ends_in_time_too() {
    struct Deaf(AtomicUsize);
    impl Wake for Deaf {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let deaf = Arc::new(Deaf(AtomicUsize::new(0)));
    let waker = Waker::from(deaf.clone());
    let ((mut client, a), (b, mut target)) = (duplex(100), duplex(100));
    let (a, b) = (TokioTransport::new(a), TokioTransport::new(b));
    let relaying = relay_with_timeout(plain(a), plain(b), Duration::from_secs(20));
    let mut relaying = pin!(relaying);
    for _ in 0..3 {
        client.write_all(b"x").await.unwrap();
        let polled = relaying.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        target.read_exact(&mut [0]).await.unwrap();
    }
    assert!(
        deaf.0.load(Ordering::Relaxed) > 0,
        "it waits with this waker"
    );
    client.write_all(b"x").await.unwrap(); // so bytes move in the first poll of this task
    let start = Instant::now();
    let ended = timeout(
        Duration::from_secs(60),
        poll_fn(|cx| relaying.as_mut().poll(cx)),
    )
    .await;
    let error = ended.expect("the timer woke this task").unwrap_err();
    assert!(error.cause::<RelayIdle>().is_some(), "{error}");
    assert!(start.elapsed() < Duration::from_secs(21));
    assert_eq!(target.read(&mut [0; 9]).await.unwrap(), 1);
}

/// A socket that flips each bit on its way, and shows itself to those who look for a socket.
struct Flipped(TcpStream);

impl Transport for Flipped {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut Pipe,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        let mut read = vec![0; 16 * 1024];
        let mut buf = ReadBuf::new(&mut read);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf))?;
        let bytes = flipped(buf.filled());
        to.write(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, from: &mut Pipe) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.0).poll_write(cx, &flipped(from.first())))?;
        from.consume(written);
        Poll::Ready(Ok(written))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn as_any(&self) -> &dyn Any {
        &self.0
    }
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| !byte).collect()
}

#[tokio::test]
async fn a_transport_around_a_socket_is_asked_for_each_byte_of_a_relay() {
    for is_first in [true, false] {
        let ((client, a), (b, server)) = (pair().await, pair().await);
        let (first, second): (Box<dyn Transport>, Box<dyn Transport>) = if is_first {
            (Box::new(Flipped(a)), Box::new(b))
        } else {
            (Box::new(a), Box::new(Flipped(b)))
        };
        let relaying = tokio::spawn(relay(plain(first), plain(second)));
        let count = 3_000_000; // many bytes, which the kernel moves between two sockets
        let talking = async { tokio::join!(talk(client, 3, count), talk(server, 4, count)) };
        let (client, server) = timeout(TIMEOUT, talking).await.unwrap();
        let wanted = flipped(&bytes(count));
        assert!(client.unwrap() == wanted, "other bytes came back");
        assert!(server.unwrap() == wanted, "other bytes went there");
        assert!(relaying.await.unwrap().is_ok());
    }
}

/// Writes pieces until nothing takes more. Returns the number of bytes that were taken.
async fn fill(to: &TcpStream, all: &[u8], piece: usize) -> usize {
    let (mut sent, mut refused) = (0, 0);
    while refused < 300 {
        let rest = &all[sent..];
        match to.try_write(&rest[..piece.min(rest.len())]) {
            Ok(n) => (sent, refused) = (sent + n, 0),
            Err(_) => refused += 1,
        }
        tokio::task::yield_now().await; // the relay carries them on
    }
    sent
}

#[tokio::test]
async fn bytes_keep_their_order_although_neither_peer_takes_any_for_a_while() {
    let all = bytes(64 << 20);
    for is_client in [true, false] {
        let ((client, a), (b, server)) = (pair().await, pair().await);
        let relaying = tokio::spawn(relay(plain(a), plain(b)));
        let (mut one, mut other) = if is_client {
            (client, server)
        } else {
            (server, client)
        };
        let many = fill(&one, &all, 64 * 1024).await; // they stand still within the kernel
        let few = fill(&other, &all, 1000).await; // and these in the memory of the relay
        let (mut from_one, mut from_other) = (vec![0; many], vec![0; few]);
        let reading = async {
            tokio::join!(
                other.read_exact(&mut from_one),
                one.read_exact(&mut from_other)
            )
        };
        let (first, second) = timeout(TIMEOUT, reading).await.unwrap();
        assert!(first.is_ok() && second.is_ok());
        assert!(from_one == all[..many], "another order of many bytes");
        assert!(from_other == all[..few], "another order of few bytes");
        drop((one, other));
        assert!(timeout(TIMEOUT, relaying).await.unwrap().unwrap().is_ok());
    }
}
