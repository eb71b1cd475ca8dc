//! Peers that take too long: everything that they can make this side hold has a time.
//!
//! Most tests run on streams in memory with a paused clock, which jumps to the next timer whenever
//! nothing can move.

mod closing;
mod connecting;
mod deciding;
mod late;
mod phases;
mod relays;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{DuplexStream, duplex};
use tokio::time::Instant;
use wirestack::http2::{self, Http2Config};
use wirestack::runtime::TokioTransport;
use wirestack::{Connection, Engine, Http2, Layer};

/// Runs a stack on a stream in memory.
fn on<L>(io: DuplexStream, layer: L) -> Connection<L>
where
    L: Layer<In: Default, Out: Default>,
{
    Connection::from_transport(TokioTransport::new(io), Engine::new(layer)).unwrap()
}

/// The client's side of an HTTP/2 connection, which a task drives.
fn http2_client(io: DuplexStream) -> Http2 {
    let http2 = Http2::new(on(io, http2::Connection::client(Http2Config::default())));
    http2.spawn();
    http2
}

/// Two ends of a stream in memory.
fn wire() -> (DuplexStream, DuplexStream) {
    duplex(64 * 1024)
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Asserts that so much time has passed since `start`, up to a second more.
fn assert_passed(start: Instant, time: Duration) {
    let passed = start.elapsed();
    assert!((time..=time + seconds(1)).contains(&passed), "{passed:?}");
}

/// Counts the values that are alive, and notes the most there were.
#[derive(Clone, Default)]
struct Alive(Arc<(AtomicUsize, AtomicUsize)>);

impl Alive {
    fn one(&self) -> One {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        One(self.clone())
    }

    fn now(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }

    /// Waits until so many are alive.
    async fn are(&self, wanted: usize) {
        while self.now() != wanted {
            tokio::task::yield_now().await;
        }
    }
}

struct One(Alive);

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
