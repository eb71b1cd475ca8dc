use super::pool::Pool;

/// How messages are compressed, if the peer agrees: permessage-deflate (RFC 7692).
///
/// It is off unless [`Settings::deflate`](crate::Settings::deflate) has it, because compression
/// tells secrets: whoever sees the length of what travels, and can mix text of his own with a
/// secret in one context, finds the secret byte by byte (CRIME and BREACH; RFC 7692 §8). Switch it
/// on where messages do not hold both, or let [no context](Self::server_no_context_takeover) be
/// taken over where only single messages are harmless.
///
/// # Memory
///
/// A connection allocates nothing for it until the first compressed message. Then, with the whole
/// window of 15 bits, a compressor takes about 320 KiB and a decompressor about 47 KiB; with 12 bits
/// and less, a compressor takes about 205 KiB. Where no context is taken over they are held only
/// within a message, and shared by all connections whose settings are clones of one value.
///
/// ```
/// use wirestack_websocket::{Deflate, Settings};
///
/// let mut deflate = Deflate::default();
/// deflate.server_no_context_takeover = true;
/// deflate.client_max_window_bits = 12;
///
/// let mut settings = Settings::default();
/// settings.deflate = Some(deflate);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deflate {
    /// Whether the server compresses each message by itself; no by default. A client that wants it
    /// fails if the server does not agree.
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message by itself; no by default.
    pub client_no_context_takeover: bool,
    /// The largest window that the server compresses with, as a power of two from 8 to 15; 15 by
    /// default. A client that wants less than 15 fails if the server does not agree.
    pub server_max_window_bits: u8,
    /// The largest window that the client compresses with, as a power of two from 8 to 15; 15 by
    /// default. A server can bound only clients that offer to be.
    pub client_max_window_bits: u8,
    /// How hard this side tries, from 0 for not at all to 9; 6 by default.
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

/// What both sides agreed on (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compression {
    /// Whether the server compresses each message by itself.
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message by itself.
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
