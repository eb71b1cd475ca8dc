use std::fmt;

/// The reason for closing a WebSocket, as a number (RFC 6455 §7.4).
///
/// ```
/// use wirestack_websocket::CloseCode;
///
/// assert_eq!(CloseCode::from(1001), CloseCode::GOING_AWAY);
/// assert!(CloseCode::NORMAL.is_clean() && !CloseCode::INTERNAL_ERROR.is_clean());
/// let own = CloseCode::new(4001); // 4000 to 4999 are for applications
/// assert!(own.is_sendable() && !CloseCode::NO_STATUS.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server shuts down, or a browser leaves the page.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: this kind of data cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1005: the Close frame has no code. It is never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1007: the content of a message does not fit its kind, such as text that is not UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a message violates a policy.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too big.
    pub const TOO_BIG: Self = Self(1009);
    /// 1010: the server did not accept an extension that the client needs.
    pub const EXTENSION_REQUIRED: Self = Self(1010);
    /// 1011: the server met an unexpected condition.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the service restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got an invalid response from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Wraps a code, also one that must not be sent.
    pub const fn new(code: u16) -> Self {
        Self(code)
    }

    /// Returns `true` if the code may be sent in a Close frame: it is registered, or between 3000
    /// and 4999. The codes 1004, 1005, 1006 and 1015 are reserved.
    pub const fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }

    /// Returns the meaning of the code for an error, in brackets; may be empty.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NORMAL => " (done)",
            Self::GOING_AWAY => " (going away)",
            Self::PROTOCOL_ERROR => " (protocol error)",
            Self::UNSUPPORTED_DATA => " (unsupported data)",
            Self::NO_STATUS => " (none given)",
            Self::INVALID_DATA => " (invalid data)",
            Self::POLICY_VIOLATION => " (policy violation)",
            Self::TOO_BIG => " (message too big)",
            Self::EXTENSION_REQUIRED => " (extension required)",
            Self::INTERNAL_ERROR => " (internal error of the server)",
            Self::SERVICE_RESTART => " (the service restarts)",
            Self::TRY_AGAIN_LATER => " (try again later)",
            Self::BAD_GATEWAY => " (bad gateway)",
            _ => "",
        }
    }

    /// Returns `true` if the code means no fault: 1000, 1001, and no code at all.
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

/// Shows the number, as `Display` does.
impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An application may have codes of its own, of which nothing is known (RFC 6455 §7.4.2).
    #[test]
    fn an_error_says_the_meaning_of_every_registered_code() {
        let wanted = [
            (1000, "1000 (done)"),
            (1001, "1001 (going away)"),
            (1002, "1002 (protocol error)"),
            (1003, "1003 (unsupported data)"),
            (1005, "1005 (none given)"),
            (1007, "1007 (invalid data)"),
            (1008, "1008 (policy violation)"),
            (1009, "1009 (message too big)"),
            (1010, "1010 (extension required)"),
            (1011, "1011 (internal error of the server)"),
            (1012, "1012 (the service restarts)"),
            (1013, "1013 (try again later)"),
            (1014, "1014 (bad gateway)"),
            (3000, "3000"),
            (4000, "4000"),
        ];
        for (code, words) in wanted {
            let error = crate::WebSocketError::Closed {
                code: CloseCode(code),
                reason: crate::Text::default(),
            };
            let wanted = format!("closed by the peer with code {words}");
            assert_eq!(error.to_string(), wanted);
        }
    }

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
}
