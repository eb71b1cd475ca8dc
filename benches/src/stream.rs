//! Streaming: many messages one way, as fast as they go, flushed at the end and answered once.

use crate::contestants::{Conn, Peer};
use crate::loopback::{Job, Net, both_ends};
use crate::measure::{Meter, payload};

/// The sizes of the messages, in bytes.
pub(crate) const SIZES: [usize; 3] = [125, 16 * 1024, 1024 * 1024];

/// The way that the messages take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From client to server, masked.
    Up,
    /// From server to client.
    Down,
}

impl Way {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Up, Self::Down];

    /// Returns its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "to the server",
            Self::Down => "to the client",
        }
    }
}

/// Returns the CPU microseconds that a message costs both ends together.
pub(crate) fn run<P: Peer>(net: Net, way: Way, size: usize) -> f64 {
    let sender = End { size, sends: true };
    let receiver = End { size, sends: false };
    match way {
        Way::Up => both_ends::<P, _, _>(net, size, sender, receiver),
        Way::Down => both_ends::<P, _, _>(net, size, receiver, sender),
    }
}

/// One end. Both measure, and the client's result counts: each starts when nothing is under way.
struct End {
    size: usize,
    sends: bool,
}

impl Job for End {
    type Out = f64;
    async fn run(self, mut conn: impl Conn) -> f64 {
        let message = payload(self.size);
        let messages = (BYTES / self.size).clamp(80, 60_000);
        let mut result = 0.0;
        for messages in [messages / 10, messages] {
            let meter = Meter::start();
            if self.sends {
                for _ in 0..messages {
                    conn.feed(message.clone()).await;
                }
                conn.flush().await;
                conn.receive().await;
            } else {
                for _ in 0..messages {
                    conn.receive().await;
                }
                conn.send(message.clone()).await;
            }
            result = meter.per_message(messages + 1);
        }
        result
    }
}

/// What one measurement sends, in bytes, unless that makes too few messages or too many.
const BYTES: usize = 64 << 20;
