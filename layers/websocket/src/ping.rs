//! Pings of this side, and the pongs that answer them (RFC 6455 §5.5.2, §5.5.3).

use crate::{MAX_CONTROL, WebSocketError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;
use wirestack_layer::Instant;

/// A number that identifies a ping of one connection.
///
/// ```
/// use wirestack_websocket::{Server, WebSocketConfig};
///
/// let mut server: Server = Server::established(WebSocketConfig::default());
/// let (first, second) = (server.ping("")?, server.ping("")?);
/// assert_ne!(first, second);
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PingToken(u64);

/// The answer to a ping.
///
/// ```
/// use wirestack_websocket::{Server, WebSocketConfig};
///
/// let mut server: Server = Server::established(WebSocketConfig::default());
/// let ping = server.ping("")?;
/// if let Some(pong) = server.pong_to(ping) {
///     println!("the round trip took {:?}", pong.elapsed);
/// }
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pong {
    /// The ping that was answered.
    pub token: PingToken,
    /// The time from the call of `process` that sent the ping to the one that read its pong.
    pub elapsed: Duration,
}

/// The pings of one connection.
#[derive(Default)]
pub(crate) struct Pings {
    made: u64,
    waiting: VecDeque<(PingToken, Bytes)>,
    sent: VecDeque<Sent>,
    answered: VecDeque<Pong>,
}

struct Sent {
    token: PingToken,
    payload: Bytes,
    at: Instant,
}

impl Pings {
    pub(crate) fn add(&mut self, payload: Bytes) -> Result<PingToken, WebSocketError> {
        if payload.len() > MAX_CONTROL {
            return Err(WebSocketError::LongPing(payload.len()));
        }
        if self.waiting.len() + self.sent.len() >= MAX_PINGS {
            return Err(WebSocketError::TooManyPings(MAX_PINGS));
        }
        let token = PingToken(self.made);
        self.made += 1;
        self.waiting.push_back((token, payload));
        Ok(token)
    }

    /// Returns `true` if no ping waits to be sent.
    #[inline]
    pub(crate) fn is_sent(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the next ping to send, as sent at `now`, and returns its payload.
    pub(crate) fn send(&mut self, now: Instant) -> Option<Bytes> {
        let (token, payload) = self.waiting.pop_front()?;
        self.sent.push_back(Sent {
            token,
            payload: payload.clone(),
            at: now,
        });
        Some(payload)
    }

    /// Takes a pong in. It answers the earliest ping with this payload and every ping before it: a
    /// peer "MAY elect to send a Pong frame for only the most recently processed Ping frame".
    pub(crate) fn answer(&mut self, payload: &[u8], now: Instant) {
        let Some(last) = self.sent.iter().position(|sent| sent.payload == payload) else {
            return; // "A Pong frame MAY be sent unsolicited."
        };
        let answered = self.sent.drain(..=last).map(|Sent { token, at, .. }| Pong {
            token,
            elapsed: now.saturating_duration_since(at),
        });
        self.answered.extend(answered);
        let unread = self.answered.len().saturating_sub(MAX_PINGS);
        self.answered.drain(..unread);
    }

    pub(crate) fn is_answered(&self, ping: PingToken) -> bool {
        self.answered.iter().any(|pong| pong.token == ping)
    }

    pub(crate) fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
        let at = self.answered.iter().position(|pong| pong.token == ping)?;
        self.answered.remove(at)
    }

    pub(crate) fn next_pong(&mut self) -> Option<Pong> {
        self.answered.pop_front()
    }
}

/// The most pings that may be unanswered, and the most pongs that are kept for the application.
const MAX_PINGS: usize = 64;
