use crate::{CloseCode, Text};
use http::{HeaderName, Method, Version};
use std::time::Duration;
use wirestack_layer::Escaped;

/// The cause of a WebSocket's error.
///
/// ```
/// use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe, Queue};
/// use wirestack_websocket::{Message, Server, WebSocketConfig, WebSocketError};
///
/// let mut server = Server::established(WebSocketConfig::default());
/// let [mut from_wire, mut to_wire] = <[Pipe; 2]>::default();
/// let [mut from_app, mut to_app] = <[Queue<Message>; 2]>::default();
/// from_wire.write(b"\x81\x05Hello"); // a client that does not mask
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// server.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// assert!(error.cause::<WebSocketError>().is_some());
/// assert_eq!(error.blame(), wirestack_layer::Blame::Peer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    // --- frames ---
    /// Reserved bits are set that no negotiated extension uses: RSV1, RSV2 and RSV3 as 4, 2 and 1.
    #[error("the peer set the reserved bits {0:03b} of a frame, which no agreed extension uses")]
    ReservedBits(u8),
    /// An opcode that RFC 6455 does not define.
    #[error("the peer sent a frame with the opcode {0:#x}, wanted 0x0 to 0x2 or 0x8 to 0xa")]
    UnknownOpcode(u8),
    /// A client did not mask a frame.
    #[error("the client sent an unmasked frame, wanted masked ones")]
    Unmasked,
    /// A server masked a frame.
    #[error("the server sent a masked frame, wanted unmasked ones")]
    Masked,
    /// A control frame is fragmented.
    #[error("the peer sent a fragmented control frame, wanted a whole one")]
    FragmentedControl,
    /// A control frame has more than 125 bytes.
    #[error("the peer sent a control frame of more than 125 bytes, the limit")]
    LongControl,
    /// A length is encoded in more bytes than it needs.
    #[error("the length {0} is encoded in more bytes than it needs")]
    LongLength(u64),
    /// A length has its most significant bit set.
    #[error("a length has its most significant bit set")]
    HugeLength,
    /// A continuation frame arrived while no message was incomplete.
    #[error("the peer sent a continuation frame, and there is no message to continue")]
    NothingToContinue,
    /// A message began before the one before it had ended.
    #[error("the peer began a message before the one before it had ended")]
    NestedMessage,
    /// A frame is longer than [`WebSocketConfig::max_frame`](crate::WebSocketConfig::max_frame).
    #[error("the peer sent a frame of {len} bytes, over the limit of {limit} (`max_frame`)")]
    LongFrame {
        /// Its length, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message is longer than
    /// [`WebSocketConfig::max_message`](crate::WebSocketConfig::max_message).
    #[error(
        "the peer sent a message of at least {len} bytes, over the limit of {limit} (`max_message`)"
    )]
    LongMessage {
        /// The length of what has arrived of it, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A message has more fragments than
    /// [`WebSocketConfig::max_fragments`](crate::WebSocketConfig::max_fragments).
    #[error("the peer sent a message of more than {0} fragments, the limit (`max_fragments`)")]
    TooManyFragments(usize),
    /// A text message or the reason of a Close frame is not UTF-8.
    #[error("the peer sent a text that is not valid UTF-8")]
    BadUtf8,
    /// A text message arrived in a tunnel of bytes.
    #[error("a text message arrived, wanted binary messages only")]
    TextRefused,
    /// A compressed message cannot be decompressed.
    #[error("the peer sent a compressed message that cannot be decompressed")]
    BadCompression,

    // --- closing ---
    /// A Close frame has a payload of one byte.
    #[error("the peer sent a close frame of 1 byte, wanted none or at least 2")]
    ShortClose,
    /// A Close frame has a code that must not be sent.
    #[error("the peer sent a close frame with the code {0}, which must not be sent")]
    BadCloseCode(CloseCode),
    /// The peer closed. Receiving ends with this error if the code is not a clean one; sending
    /// always does.
    #[error("closed by the peer with code {code}{}{}", code.words(), said(reason))]
    Closed {
        /// Its code.
        code: CloseCode,
        /// Its reason; may be empty.
        reason: Text,
    },
    /// The peer closed before the message that it had begun was whole.
    #[error("closed by the peer with code {}{} in the middle of a message", .0, .0.words())]
    UnfinishedMessage(CloseCode),
    /// The connection ended without a Close frame.
    #[error("the connection ended without a close frame: what came before may be incomplete")]
    Cut,
    /// The closing handshake took longer than
    /// [`WebSocketConfig::close_timeout`](crate::WebSocketConfig::close_timeout).
    #[error("the peer did not answer the close frame within {0:?}")]
    CloseTimedOut(Duration),
    /// Nothing arrived, not even the answer to a ping, within
    /// [`Keepalive::timeout`](crate::Keepalive::timeout).
    #[error("the peer sent nothing within {0:?} after a ping: it is gone, or the way to it")]
    Silent(Duration),

    // --- handshake, seen by a client ---
    /// The server's response does not prove that it has understood the handshake.
    #[error(
        "the Sec-WebSocket-Accept of the 101 is missing, repeated or does not match the key: the \
         server, or something between, speaks no WebSocket"
    )]
    BadAccept,
    /// A subprotocol was chosen that was not offered: by the server, or here by
    /// [`Accept`](crate::Accept).
    #[error("the subprotocol \"{}\" was chosen, which was not offered", Escaped::excerpt(.0))]
    UnofferedSubprotocol(String),
    /// The server chose an extension that was not offered.
    #[error("the extension \"{}\" was chosen, which was not offered", Escaped::excerpt(.0))]
    UnofferedExtension(String),
    /// The server chose an extension with parameters that do not answer the offer.
    #[error("the extension \"{}\" was chosen, which does not answer the offer", Escaped::excerpt(.0))]
    BadExtension(String),

    // --- handshake, seen by a server ---
    /// The request has another method than GET.
    #[error("saw a request with the method {}, wanted GET", Escaped::excerpt(.0))]
    NotGet(Method),
    /// The request has a version of HTTP that cannot upgrade.
    #[error("saw a request in {0:?}, wanted HTTP/1.1")]
    OldHttp(Version),
    /// The request does not ask for an upgrade to WebSocket.
    #[error("the request does not ask for an upgrade to websocket")]
    NoUpgrade,
    /// The request announces content, which would come before the frames.
    #[error("the request announces content, which a WebSocket handshake cannot have")]
    Content,
    /// The request asks for another version of the WebSocket protocol, or for none.
    #[error("Sec-WebSocket-Version is missing, repeated or not 13, the one that is spoken here")]
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
    #[error("the URI is none of a WebSocket (ws:// or wss://): {0}")]
    BadUri(&'static str),
    /// The handshake sets this field itself.
    #[error("the field {0} is set by the handshake itself")]
    ReservedField(HeaderName),
    /// HTTP does not allow the name or the value of a field.
    #[error(
        "HTTP does not allow the name or the value of a field: the name is no token, or the value \
         has a control character"
    )]
    InvalidField,
    /// A subprotocol is not a token, or is offered twice.
    #[error("the subprotocol \"{}\" is not a token, or is offered twice", Escaped::excerpt(.0))]
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

/// Returns the text for the reason of a Close frame.
fn said(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(": \"{}\"", Escaped::excerpt(reason)),
    }
}
