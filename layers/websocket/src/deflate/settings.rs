use super::pool::Pool;

/// The compression of messages, if the peer agrees: permessage-deflate (RFC 7692).
///
/// It is off unless [`WebSocketConfig::deflate`](crate::WebSocketConfig::deflate) has a value,
/// because compression can reveal secrets. An attacker who sees the length of messages, and can put
/// text into the same context as a secret, finds the secret byte by byte (CRIME and BREACH; RFC
/// 7692 §8). Use it where messages do not hold both. If single messages are harmless, but not all
/// of them together, use it with [no context takeover](Self::server_no_context_takeover).
///
/// # Memory
///
/// A connection allocates nothing for compression until the first compressed message. Then a
/// compressor takes about 320 KiB with the whole window of 15 bits, and about 205 KiB with 12 bits
/// and less; a decompressor takes about 47 KiB. Without context takeover, a connection holds them
/// only while it handles a message, and all connections whose `Deflate` is a clone of one value
/// share them.
///
/// ```
/// use wirestack_websocket::{Deflate, WebSocketConfig};
///
/// let deflate = Deflate::default()
///     .server_no_context_takeover(true)
///     .client_max_window_bits(12);
/// let config = WebSocketConfig::default().deflate(deflate);
/// # drop(config);
/// ```
///
/// ```
/// use wirestack_websocket::Deflate;
///
/// let deflate = Deflate::default()
///     .server_no_context_takeover(true) // less memory, less compression
///     .client_no_context_takeover(true)
///     .server_max_window_bits(12)
///     .client_max_window_bits(12)
///     .level(3)
///     .threshold(256); // messages below are sent as they are
/// assert_eq!((deflate.level, deflate.threshold), (3, 256));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deflate {
    /// `true` if the server compresses each message separately; `false` by default. A client that
    /// wants it fails if the server does not agree.
    pub server_no_context_takeover: bool,
    /// `true` if the client compresses each message separately; `false` by default.
    pub client_no_context_takeover: bool,
    /// The largest window that the server compresses with, as a power of two from 8 to 15; 15 by
    /// default. A client that wants less than 15 fails if the server does not agree.
    pub server_max_window_bits: u8,
    /// The largest window that the client compresses with, as a power of two from 8 to 15; 15 by
    /// default. A server can limit only clients that offer this.
    pub client_max_window_bits: u8,
    /// The effort of this side's compressor, from 0 for none to 9; 6 by default.
    pub level: u8,
    /// The shortest message that this side compresses, in bytes; 64 by default.
    pub threshold: usize,
    pub(super) pool: Pool,
}

impl Default for Deflate {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: MAX_BITS,
            client_max_window_bits: MAX_BITS,
            level: 6,
            threshold: 64,
            pool: Pool::default(),
        }
    }
}

impl Deflate {
    /// Sets if the server compresses each message separately.
    #[must_use]
    pub fn server_no_context_takeover(mut self, server_no_context_takeover: bool) -> Self {
        self.server_no_context_takeover = server_no_context_takeover;
        self
    }

    /// Sets if the client compresses each message separately.
    #[must_use]
    pub fn client_no_context_takeover(mut self, client_no_context_takeover: bool) -> Self {
        self.client_no_context_takeover = client_no_context_takeover;
        self
    }

    /// Sets the largest window that the server compresses with, as a power of two from 8 to 15.
    #[must_use]
    pub fn server_max_window_bits(mut self, server_max_window_bits: u8) -> Self {
        self.server_max_window_bits = server_max_window_bits;
        self
    }

    /// Sets the largest window that the client compresses with, as a power of two from 8 to 15.
    #[must_use]
    pub fn client_max_window_bits(mut self, client_max_window_bits: u8) -> Self {
        self.client_max_window_bits = client_max_window_bits;
        self
    }

    /// Sets the effort of this side's compressor, from 0 for none to 9.
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = level;
        self
    }

    /// Sets the shortest message that this side compresses, in bytes.
    #[must_use]
    pub fn threshold(mut self, threshold: usize) -> Self {
        self.threshold = threshold;
        self
    }
}

/// The parameters of compression that both sides agreed on (RFC 7692 §7.1).
///
/// ```
/// use wirestack_websocket::{Server, WebSocketConfig};
///
/// let server: Server = Server::established(WebSocketConfig::default());
/// match server.compression() {
///     Some(agreed) => println!("windows of {} bits", agreed.server_max_window_bits),
///     None => println!("not compressed"),
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compression {
    /// `true` if the server compresses each message separately.
    pub server_no_context_takeover: bool,
    /// `true` if the client compresses each message separately.
    pub client_no_context_takeover: bool,
    /// The window that the server compresses with, as a power of two from 8 to 15.
    pub server_max_window_bits: u8,
    /// The window that the client compresses with, as a power of two from 8 to 15.
    pub client_max_window_bits: u8,
}

/// The name of the extension (RFC 7692 §7).
pub(super) const NAME: &str = "permessage-deflate";
pub(super) const MIN_BITS: u8 = 8;
pub(super) const MAX_BITS: u8 = 15;
