//! Close frames (RFC 6455 §5.5.1, §7.4).

use crate::{Text, WebSocketError};
use bytes::{BufMut, Bytes, BytesMut};
use std::fmt;

/// Why a WebSocket is closed (RFC 6455 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server goes down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: a kind of data that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the Close frame has no code; never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1007: data that is not what its kind promises, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a message violates a policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the server lacks an extension that the client needs.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: the server met something that it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway had an invalid response from behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Wraps a code, whether or not it may be sent.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// Returns whether the code may stand in a Close frame: it is registered, or between 3000 and
    /// 4999. 1004, 1005, 1006 and 1015 are reserved.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Returns whether the code says that all is well: 1000, 1001, and no code at all.
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::NORMAL | Self::GOING_AWAY | Self::NO_STATUS)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How a WebSocket was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The code of the peer's Close frame; [`CloseCode::NO_STATUS`] if it had none.
    pub code: CloseCode,
    /// The reason that it gave; may be empty.
    pub reason: Text,
    /// Who sent the first Close frame.
    pub by: Closer,
}

/// Who began to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closer {
    /// This side.
    Local,
    /// The other side.
    Peer,
}

/// The payload of a Close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: CloseCode,
    pub(crate) reason: Text,
}

impl Close {
    /// A Close frame that gives no reason.
    pub(crate) fn bare(code: CloseCode) -> Self {
        let reason = Text::default();
        Self { code, reason }
    }

    /// Checks what the application wants to say.
    pub(crate) fn new(code: CloseCode, reason: &str) -> Result<Self, WebSocketError> {
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
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(WebSocketError::BadCloseCode(code));
        }
        // Copied: a reason may be kept for long, and must not keep the buffer it came in.
        let reason =
            Text::try_from(Bytes::copy_from_slice(reason)).or(Err(WebSocketError::BadUtf8))?;
        Ok(Self { code, reason })
    }

    pub(crate) fn emit(&self) -> Bytes {
        let mut payload = BytesMut::new();
        if self.code != CloseCode::NO_STATUS {
            payload.put_u16(self.code.0);
            payload.put_slice(self.reason.as_bytes());
        }
        payload.freeze()
    }
}

/// "All control frames MUST have a payload length of 125 bytes or less", two of which are the code.
const MAX_REASON: usize = crate::MAX_CONTROL - 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_never_stand_on_the_wire() {
        let sendable = |code: &u16| CloseCode(*code).is_sendable();
        let found: Vec<u16> = (0..3001).filter(sendable).collect();
        let registered = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
        ];
        assert_eq!(found[..12], registered);
        assert_eq!(found[12..], [3000]);
        assert!([3999, 4000, 4999].iter().all(sendable));
        assert!(![5000, 65535].iter().any(sendable));
    }

    #[test]
    fn a_reason_has_at_most_123_bytes() {
        assert!(Close::new(CloseCode::NORMAL, &"é".repeat(61)).is_ok());
        let long = Close::new(CloseCode::NORMAL, &"é".repeat(62));
        assert_eq!(long, Err(WebSocketError::LongReason(124)));
        let unsendable = Close::new(CloseCode::NO_STATUS, "");
        assert_eq!(
            unsendable,
            Err(WebSocketError::UnsendableCode(CloseCode::NO_STATUS))
        );
    }
}
