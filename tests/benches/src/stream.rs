//! Streaming: many messages one way, as fast as they go, flushed at the end and answered once.

use crate::conditions::{Direction, Net};
use crate::contestant::{Conn, Peer};
use crate::loopback::{Job, both_ends};
use crate::measure::{Meter, payload};

/// The sizes of the messages, in bytes.
pub(crate) const SIZES: [usize; 3] = [125, 16 * 1024, 1024 * 1024];

/// Returns the CPU microseconds that a message costs both ends together.
pub(crate) fn run<P: Peer>(net: Net, direction: Direction, size: usize) -> f64 {
    let sender = End { size, sends: true };
    let receiver = End { size, sends: false };
    match direction {
        Direction::Up => both_ends::<P, _, _>(net, size, sender, receiver),
        Direction::Down => both_ends::<P, _, _>(net, size, receiver, sender),
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

/// The bytes that one measurement sends, unless that makes too few messages or too many.
const BYTES: usize = 64 << 20;
