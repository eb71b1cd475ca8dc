use crate::close::CloseCode;
use crate::message::Text;
use http::{HeaderName, Method, Version};
use std::time::Duration;

/// Why a WebSocket failed, or refused what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    // --- frames ---
    /// A bit is set that no extension gave a meaning to: RSV1, RSV2 and RSV3 as 4, 2 and 1.
    #[error("reserved bits {0:03b} set without an extension")]
    ReservedBits(u8),
    /// An opcode that RFC 6455 does not define.
    #[error("unknown opcode {0:#x}")]
    UnknownOpcode(u8),
    /// A client did not mask a frame.
    #[error("an unmasked frame from a client")]
    Unmasked,
    /// A server masked a frame.
    #[error("a masked frame from a server")]
    Masked,
    /// A control frame that is not final.
    #[error("a control frame in fragments")]
    FragmentedControl,
    /// A control frame with more than 125 bytes.
    #[error("a control frame longer than 125 bytes")]
    LongControl,
    /// A length in more bytes than it needs.
    #[error("the length {0} encoded in more bytes than it needs")]
    LongLength(u64),
    /// A length whose top bit is set.
    #[error("a length whose most significant bit is set")]
    HugeLength,
    /// A continuation frame without a message that it could continue.
    #[error("a continuation frame without a message to continue")]
    NothingToContinue,
    /// A message that begins before the one before it has ended.
    #[error("a message begins inside the fragments of another")]
    NestedMessage,
    /// A frame longer than [`Settings::max_frame`](crate::Settings::max_frame).
    #[error("a frame of {len} bytes, over the limit of {limit}")]
    LongFrame {
        /// Its length, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message longer than [`Settings::max_message`](crate::Settings::max_message).
    #[error("a message of at least {len} bytes, over the limit of {limit}")]
    LongMessage {
        /// Its length up to the last frame seen, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message in more frames than [`Settings::max_fragments`](crate::Settings::max_fragments).
    #[error("a message in more than {0} fragments")]
    TooManyFragments(usize),
    /// A text message or a close reason that is not UTF-8.
    #[error("text that is not valid UTF-8")]
    BadUtf8,
    /// A text message where bytes are tunnelled.
    #[error("a text message in a tunnel of binary messages")]
    TextRefused,
    /// A compressed message that no compressor makes.
    #[error("a compressed message that cannot be decompressed")]
    BadCompression,

    // --- closing ---
    /// A Close frame with a payload of one byte.
    #[error("a close frame of 1 byte, where a code has 2")]
    ShortClose,
    /// A Close frame whose code may not stand on the wire.
    #[error("a close frame with the invalid code {0}")]
    BadCloseCode(CloseCode),
    /// The peer closed. Where messages are received this is an error only if the code is not a clean
    /// end; where they are sent it always is.
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
    /// [`Settings::close_timeout`](crate::Settings::close_timeout).
    #[error("no closing handshake within {0:?}")]
    CloseTimedOut(Duration),
    /// Nothing came from the peer, not even an answer to a ping, within
    /// [`Keepalive::timeout`](crate::Keepalive::timeout).
    #[error("no sign of life within {0:?} after a ping")]
    Silent(Duration),

    // --- handshake, seen by a client ---
    /// The server's response does not prove that it understood the handshake.
    #[error("a Sec-WebSocket-Accept that is missing, repeated or does not match the key")]
    BadAccept,
    /// The server chose a subprotocol that was not offered.
    #[error("subprotocol {0:?}, which was not offered")]
    UnofferedSubprotocol(String),
    /// The server chose an extension that was not offered.
    #[error("extension {0:?}, which was not offered")]
    UnofferedExtension(String),
    /// The server's parameters of an extension are not among those that answer the offer.
    #[error("extension {0:?}, whose parameters do not answer the offer")]
    BadExtension(String),

    // --- handshake, seen by a server ---
    /// A request whose method is not GET.
    #[error("a handshake by {0}, where GET is wanted")]
    NotGet(Method),
    /// A request in a version of HTTP that cannot upgrade.
    #[error("a handshake in {0:?}, where HTTP/1.1 is wanted")]
    OldHttp(Version),
    /// A request that does not ask for an upgrade to WebSocket.
    #[error("a request that asks for no upgrade to websocket")]
    NoUpgrade,
    /// A request for another version of the WebSocket protocol, or for none.
    #[error("a Sec-WebSocket-Version that is missing, repeated or not 13")]
    UnsupportedVersion,
    /// A request whose field is missing, repeated or malformed.
    #[error("a handshake whose {0} is missing, repeated or malformed")]
    BadField(HeaderName),

    // --- asked by the application ---
    /// A URI that cannot be opened.
    #[error("a uri that is not a websocket's: {0}")]
    BadUri(&'static str),
    /// A field that belongs to the handshake itself.
    #[error("the field {0} belongs to the handshake")]
    ReservedField(HeaderName),
    /// A field name or value that HTTP does not allow.
    #[error("a field name or value that HTTP does not allow")]
    InvalidField,
    /// A subprotocol that is not a token, or is offered twice.
    #[error("subprotocol {0:?} is not a token, or is offered twice")]
    BadSubprotocol(String),
    /// A part of a message that is not of the kind that the message began with.
    #[error("text and binary parts in one message")]
    MixedParts,
    /// The compressor failed, which it has no reason to.
    #[error("a message that cannot be compressed")]
    Compressor,
    /// A decision while no request waits for one.
    #[error("no request waits for a decision")]
    NothingToDecide,
    /// A close code that may not stand on the wire.
    #[error("close code {0} cannot be sent")]
    UnsendableCode(CloseCode),
    /// A close reason longer than 123 bytes.
    #[error("a close reason of {0} bytes, over the limit of 123")]
    LongReason(usize),
    /// A ping longer than 125 bytes.
    #[error("a ping of {0} bytes, over the limit of 125")]
    LongPing(usize),
    /// A ping while this many are unanswered.
    #[error("{0} pings are unanswered")]
    TooManyPings(usize),
}

impl WebSocketError {
    /// Returns the code of the Close frame that tells the peer (RFC 6455 §7.4.1).
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
