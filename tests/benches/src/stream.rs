//! Streaming: many messages one way, as fast as they go, flushed at the end and answered once.

use crate::contestant::Conn;
use crate::loopback::Job;
use crate::net::Direction;
use crate::payload::payload;

/// One end.
pub(crate) struct End {
    size: usize,
    messages: usize,
    sends: bool,
}

impl End {
    /// Creates the client's end and the server's.
    pub(crate) fn both(direction: Direction, size: usize, messages: usize) -> [Self; 2] {
        let end = |sends| Self {
            size,
            messages,
            sends,
        };
        match direction {
            Direction::Up => [end(true), end(false)],
            Direction::Down => [end(false), end(true)],
        }
    }
}

impl Job for End {
    type Out = ();
    async fn run(self, mut conn: impl Conn) {
        let message = payload(self.size);
        if self.sends {
            for _ in 0..self.messages {
                conn.feed(message.clone()).await;
            }
            conn.flush().await;
            conn.receive().await;
        } else {
            for _ in 0..self.messages {
                assert_eq!(conn.receive().await, self.size);
            }
            conn.send(message).await;
            conn.echo().await; // the end: a reset could overtake the answer
        }
    }
}
