//! Close frames (RFC 6455 §5.5.1).

use crate::{CloseCode, Text, WebSocketError};
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;
use wirestack_layer::Escaped;

/// A Close frame (RFC 6455 §5.5.1).
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Queue};
/// use wirestack_websocket::{CloseCode, Closer, Message, Server, WebSocketConfig};
///
/// let mut server = Server::established(WebSocketConfig::default());
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
/// from_wire.write(b"\x88\x85\0\0\0\0\x03\xe9bye"); // a masked Close frame
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// let frame = server.closed().unwrap();
/// assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::GOING_AWAY, "bye"));
/// assert_eq!(server.closed_by(), Some(Closer::Peer));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseFrame {
    /// The code; [`CloseCode::NO_STATUS`] if the frame has none.
    pub code: CloseCode,
    /// The reason; may be empty.
    pub reason: Text,
}

/// The side that sent the first Close frame.
///
/// ```
/// use wirestack_websocket::{Closer, Server, WebSocketConfig};
///
/// let server: Server = Server::established(WebSocketConfig::default());
/// let ended = match server.closed_by() {
///     Some(Closer::Peer) => "the client has closed",
///     Some(_) => "this side has closed first",
///     None => "open",
/// };
/// assert_eq!(ended, "open");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closer {
    /// This side.
    Local,
    /// The peer.
    Peer,
}

impl CloseFrame {
    /// Creates a frame without a reason.
    pub(crate) fn bare(code: CloseCode) -> Self {
        let reason = Text::default();
        Self { code, reason }
    }

    /// Creates a frame to send.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::UnsendableCode`] for a code that is reserved, [`WebSocketError::LongReason`]
    /// for a reason beyond 123 bytes.
    ///
    /// ```
    /// use wirestack_websocket::{CloseCode, CloseFrame};
    ///
    /// let frame = CloseFrame::new(CloseCode::NORMAL, "done")?;
    /// assert_eq!(frame.reason, "done");
    /// assert!(CloseFrame::new(CloseCode::NO_STATUS, "").is_err());
    /// # Ok::<(), wirestack_websocket::WebSocketError>(())
    /// ```
    pub fn new(code: CloseCode, reason: &str) -> Result<Self, WebSocketError> {
        if !code.is_sendable() {
            return Err(WebSocketError::UnsendableCode(code));
        }
        if reason.len() > MAX_REASON {
            return Err(WebSocketError::LongReason(reason.len()));
        }
        let reason = Text::from(reason.to_owned());
        Ok(Self { code, reason })
    }

    pub(crate) fn parse(payload: &[u8]) -> Result<Self, WebSocketError> {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return match payload {
                [] => Ok(Self::bare(CloseCode::NO_STATUS)),
                _ => Err(WebSocketError::ShortClose),
            };
        };
        let code = CloseCode::new(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(WebSocketError::BadCloseCode(code));
        }
        // A copy: the reason may be kept for long, and must not keep the buffer that it came in.
        let reason =
            Text::try_from(Bytes::copy_from_slice(reason)).or(Err(WebSocketError::BadUtf8))?;
        Ok(Self { code, reason })
    }

    pub(crate) fn emit(&self) -> Bytes {
        let mut payload = BytesMut::new();
        if self.code != CloseCode::NO_STATUS {
            payload.put_u16(self.code.into());
            payload.put_slice(self.reason.as_bytes());
        }
        payload.freeze()
    }
}

impl fmt::Display for CloseFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = Escaped::excerpt(&self.reason);
        write!(f, "code {}, reason \"{reason}\"", self.code)
    }
}

/// "All control frames MUST have a payload length of 125 bytes or less": two of them are the code.
const MAX_REASON: usize = crate::MAX_CONTROL - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_shown_with_its_reason_escaped() {
        let frame = CloseFrame::new(CloseCode::GOING_AWAY, "by\u{202e}e\"\n").unwrap();
        let wanted = "code 1001, reason \"by\\u{202e}e\"\\n\"";
        assert_eq!(frame.to_string(), wanted);
    }

    #[test]
    fn a_reason_has_at_most_123_bytes() {
        assert!(CloseFrame::new(CloseCode::NORMAL, &"é".repeat(61)).is_ok());
        let long = CloseFrame::new(CloseCode::NORMAL, &"é".repeat(62));
        assert_eq!(long, Err(WebSocketError::LongReason(124)));
        let unsendable = CloseFrame::new(CloseCode::NO_STATUS, "");
        assert_eq!(
            unsendable,
            Err(WebSocketError::UnsendableCode(CloseCode::NO_STATUS))
        );
    }
}
