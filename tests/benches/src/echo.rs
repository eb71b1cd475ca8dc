//! Echo: one message there and back again, so many times.

use crate::contestant::Conn;
use crate::loopback::Job;
use crate::payload::payload;

/// The end that sends first.
pub(crate) struct Asker {
    /// The length of a message.
    pub(crate) size: usize,
    /// The number of messages.
    pub(crate) messages: usize,
}

impl Job for Asker {
    type Out = ();
    async fn run(self, mut conn: impl Conn) {
        let message = payload(self.size);
        for _ in 0..self.messages {
            conn.send(message.clone()).await;
            assert_eq!(conn.receive().await, message.len());
        }
    }
}

/// The end that answers, until the other one goes away.
pub(crate) struct Echoer;

impl Job for Echoer {
    type Out = ();
    async fn run(self, mut conn: impl Conn) {
        while conn.echo().await {}
    }
}
