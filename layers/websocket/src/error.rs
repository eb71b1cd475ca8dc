use crate::{CloseCode, Text};
use http::{HeaderName, Method, Version};
use std::time::Duration;

/// The cause of a WebSocket's error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    // --- frames ---
    /// Reserved bits are set that no negotiated extension uses: RSV1, RSV2 and RSV3 as 4, 2 and 1.
    #[error("reserved bits {0:03b} are set without an extension")]
    ReservedBits(u8),
    /// An opcode that RFC 6455 does not define.
    #[error("unknown opcode {0:#x}")]
    UnknownOpcode(u8),
    /// A client did not mask a frame.
    #[error("a client sent an unmasked frame")]
    Unmasked,
    /// A server masked a frame.
    #[error("a server sent a masked frame")]
    Masked,
    /// A control frame is fragmented.
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame has more than 125 bytes.
    #[error("a control frame has more than 125 bytes")]
    LongControl,
    /// A length is encoded in more bytes than it needs.
    #[error("the length {0} is encoded in more bytes than it needs")]
    LongLength(u64),
    /// A length has its most significant bit set.
    #[error("a length has its most significant bit set")]
    HugeLength,
    /// A continuation frame arrived while no message was incomplete.
    #[error("a continuation frame has no message to continue")]
    NothingToContinue,
    /// A message began before the one before it had ended.
    #[error("a message began before the one before it had ended")]
    NestedMessage,
    /// A frame is longer than [`WebSocketConfig::max_frame`](crate::WebSocketConfig::max_frame).
    #[error("a frame has {len} bytes, over the limit of {limit}")]
    LongFrame {
        /// Its length, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message is longer than
    /// [`WebSocketConfig::max_message`](crate::WebSocketConfig::max_message).
    #[error("a message has at least {len} bytes, over the limit of {limit}")]
    LongMessage {
        /// The length of what has arrived of it, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message has more fragments than
    /// [`WebSocketConfig::max_fragments`](crate::WebSocketConfig::max_fragments).
    #[error("a message has more than {0} fragments")]
    TooManyFragments(usize),
    /// A text message or the reason of a Close frame is not UTF-8.
    #[error("a text is not valid UTF-8")]
    BadUtf8,
    /// A text message arrived in a tunnel of bytes.
    #[error("a text message arrived, wanted binary messages only")]
    TextRefused,
    /// A compressed message cannot be decompressed.
    #[error("a compressed message cannot be decompressed")]
    BadCompression,

    // --- closing ---
    /// A Close frame has a payload of one byte.
    #[error("a close frame has 1 byte, wanted none or at least 2")]
    ShortClose,
    /// A Close frame has a code that must not be sent.
    #[error("a close frame has the invalid code {0}")]
    BadCloseCode(CloseCode),
    /// The peer closed. Receiving ends with this error if the code is not a clean one; sending
    /// always does.
    #[error("closed by the peer with code {code}, reason {reason:?}")]
    Closed {
        /// Its code.
        code: CloseCode,
        /// Its reason; may be empty.
        reason: Text,
    },
    /// The connection ended without a Close frame.
    #[error("the connection ended without a close frame")]
    Cut,
    /// The closing handshake took longer than
    /// [`WebSocketConfig::close_timeout`](crate::WebSocketConfig::close_timeout).
    #[error("the closing handshake took longer than {0:?}")]
    CloseTimedOut(Duration),
    /// Nothing arrived, not even the answer to a ping, within
    /// [`Keepalive::timeout`](crate::Keepalive::timeout).
    #[error("no sign of life within {0:?} after a ping")]
    Silent(Duration),

    // --- handshake, seen by a client ---
    /// The server's response does not prove that it has understood the handshake.
    #[error("Sec-WebSocket-Accept is missing, repeated or does not match the key")]
    BadAccept,
    /// A subprotocol was chosen that was not offered: by the server, or here by
    /// [`Accept`](crate::Accept).
    #[error("subprotocol {0:?} was not offered")]
    UnofferedSubprotocol(String),
    /// The server chose an extension that was not offered.
    #[error("extension {0:?} was not offered")]
    UnofferedExtension(String),
    /// The server chose an extension with parameters that do not answer the offer.
    #[error("the parameters of extension {0:?} do not answer the offer")]
    BadExtension(String),

    // --- handshake, seen by a server ---
    /// The request has another method than GET.
    #[error("saw a request with the method {0}, wanted GET")]
    NotGet(Method),
    /// The request has a version of HTTP that cannot upgrade.
    #[error("saw a request in {0:?}, wanted HTTP/1.1")]
    OldHttp(Version),
    /// The request does not ask for an upgrade to WebSocket.
    #[error("the request does not ask for an upgrade to websocket")]
    NoUpgrade,
    /// The request asks for another version of the WebSocket protocol, or for none.
    #[error("Sec-WebSocket-Version is missing, repeated or not 13")]
    UnsupportedVersion,
    /// A browser sent the request for a web page whose origin is not
    /// [permitted](crate::Origins): this one, shortened, or more than one.
    #[error("saw the origin {0:?} of a web page, wanted that of this server or a permitted one")]
    ForeignOrigin(String),
    /// A field of the request is missing, repeated or malformed.
    #[error("the field {0} is missing, repeated or malformed")]
    BadField(HeaderName),

    // --- asked by the application ---
    /// A URI is not one of a WebSocket, for this reason.
    #[error("the URI is not one of a WebSocket: {0}")]
    BadUri(&'static str),
    /// The handshake sets this field itself.
    #[error("the field {0} is set by the handshake itself")]
    ReservedField(HeaderName),
    /// HTTP does not allow the name or the value of a field.
    #[error("HTTP does not allow the name or the value of a field")]
    InvalidField,
    /// A subprotocol is not a token, or is offered twice.
    #[error("subprotocol {0:?} is not a token, or is offered twice")]
    BadSubprotocol(String),
    /// A message has parts of text and parts of bytes.
    #[error("a message has text and binary parts")]
    MixedParts,
    /// The compressor failed, which has no known reason.
    #[error("a message cannot be compressed")]
    Compressor,
    /// A request was to be accepted or rejected, but none waits for a decision.
    #[error("no request waits for a decision")]
    NothingToDecide,
    /// A close code must not be sent.
    #[error("close code {0} must not be sent, wanted 1000 to 1014 or 3000 to 4999")]
    UnsendableCode(CloseCode),
    /// A close reason has more than 123 bytes.
    #[error("a close reason has {0} bytes, over the limit of 123")]
    LongReason(usize),
    /// A ping has more than 125 bytes.
    #[error("a ping has {0} bytes, over the limit of 125")]
    LongPing(usize),
    /// A ping was to be sent while this many are unanswered.
    #[error("{0} pings are unanswered, wait for a pong")]
    TooManyPings(usize),
}

impl WebSocketError {
    /// Returns the code of the Close frame that tells the peer of it (RFC 6455 §7.4.1).
    pub(crate) fn close_code(&self) -> CloseCode {
        match self {
            Self::LongFrame { .. } | Self::LongMessage { .. } | Self::TooManyFragments(_) => {
                CloseCode::TOO_BIG
            }
            Self::BadUtf8 | Self::BadCompression => CloseCode::INVALID_DATA,
            Self::TextRefused => CloseCode::UNSUPPORTED_DATA,
            Self::Silent(_) => CloseCode::INTERNAL_ERROR,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}
