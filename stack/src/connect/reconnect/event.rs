//! The events of a WebSocket that connects again.

use std::fmt;
use std::time::Duration;
use wirestack_dial::{DialError, Trace};
use wirestack_layer::Error;
use wirestack_websocket::{CloseFrame, Message};

/// An event of a [`Reconnecting`](super::Reconnecting) WebSocket.
///
/// ```
/// use wirestack::ReconnectEvent;
///
/// /// Returns the word for a status line.
/// fn status(event: &ReconnectEvent) -> Option<&'static str> {
///     match event {
///         ReconnectEvent::Connected(_) => Some("online"),
///         ReconnectEvent::Broke(_) | ReconnectEvent::Failed(_) => Some("offline"),
///         ReconnectEvent::GaveUp => Some("given up"),
///         _ => None,
///     }
/// }
/// assert_eq!(status(&ReconnectEvent::GaveUp), Some("given up"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ReconnectEvent {
    /// A connection is open; the trace shows how it was opened.
    Connected(Trace),
    /// A message arrived.
    Message(Message),
    /// An attempt to connect failed.
    Failed(DialError),
    /// The connection broke.
    Broke(Error),
    /// The WebSocket was closed, with this Close frame of the server.
    Closed(Option<CloseFrame>),
    /// The next attempt to connect starts after this delay.
    Waiting(Duration),
    /// No further attempt follows: this is the last event.
    GaveUp,
}

impl fmt::Display for ReconnectEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected(_) => f.write_str("connected"),
            Self::Message(message) => write!(f, "a message of {} bytes", message.len()),
            Self::Failed(error) => write!(f, "not connected: {error}"),
            Self::Broke(error) => write!(f, "lost: {error}"),
            Self::Closed(Some(frame)) => write!(f, "closed: {frame}"),
            Self::Closed(None) => f.write_str("closed"),
            Self::Waiting(time) => write!(f, "connecting again in {time:.1?}"),
            Self::GaveUp => f.write_str("given up"),
        }
    }
}
