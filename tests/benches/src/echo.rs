//! Echo: one message there and back again, over and over.

use crate::conditions::Net;
use crate::contestant::{Conn, Peer};
use crate::loopback::{Job, both_ends};
use crate::measure::{Meter, payload};
use std::time::Duration;

/// The sizes of the messages, in bytes.
pub(crate) const SIZES: [usize; 3] = [16, 1024, 16 * 1024];

/// Returns the CPU microseconds that a message and its echo cost both ends together.
pub(crate) fn run<P: Peer>(size: usize) -> f64 {
    both_ends::<P, _, _>(Net::Tcp, size, Asker(size), Echoer)
}

/// The end that sends first, and measures.
pub(crate) struct Asker(pub(crate) usize);

impl Job for Asker {
    type Out = f64;
    async fn run(self, mut conn: impl Conn) -> f64 {
        let message = payload(self.0);
        let mut exchange = async |times| {
            for _ in 0..times {
                conn.send(message.clone()).await;
                assert_eq!(conn.receive().await, message.len());
            }
        };
        exchange(4 * BATCH).await;
        let meter = Meter::start();
        let mut messages = 0;
        while meter.elapsed() < LONG_ENOUGH {
            exchange(BATCH).await;
            messages += BATCH;
        }
        meter.per_message(messages)
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

/// Messages between two looks at the clock.
const BATCH: usize = 16;

/// How long one measurement takes.
const LONG_ENOUGH: Duration = Duration::from_millis(80);
