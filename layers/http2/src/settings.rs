use std::time::Duration;

/// The limits of a connection, and what it tells its peer about itself.
///
/// The defaults let one stream of a client receive at 335 Mbit/s over 100 ms, which is what its
/// window of 4 MiB is for, and sixteen streams whose application does not read cannot hold up the
/// others, which is what the connection's window of 64 MiB is for. A server, which more peers can
/// make wait, begins with [a quarter of that](Self::server).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// How many bytes of one stream the peer may send before they are read: 4 MiB. A stream holds no
    /// more than this.
    pub stream_window: u32,
    /// How many bytes of all streams the peer may send before they are read: 64 MiB. A connection
    /// holds no more than this.
    pub connection_window: u32,
    /// How many bytes of one stream wait to be sent, beside those in its flow: 256 KiB.
    pub send_buffer: usize,
    /// How many streams there may be at once: 256. A client also heeds what the server says.
    pub streams: u32,
    /// The largest frame that the peer may send: 64 KiB, at least 16 KiB.
    pub frame: u32,
    /// How many bytes of fields a request or response may have, each field counted with 32 bytes
    /// more (RFC 9113 §6.5.2): 16 KiB.
    pub fields: u32,
    /// How many bytes of the body of a response that refuses are kept: 1 KiB.
    pub excerpt: usize,
    /// How long the peer may take to introduce itself: 10 s.
    pub opening: Duration,
    /// Whether, as a server, to offer extended CONNECT (RFC 8441 §3): true.
    pub extended_connect: bool,
    /// Whether to ask a silent peer for a sign of life: not by default.
    pub keepalive: Option<Keepalive>,
}

/// When to send a PING (RFC 9113 §6.7), and how long to wait for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalive {
    /// How long nothing may arrive before a PING is sent.
    pub interval: Duration,
    /// How long the answer may take before the connection fails.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stream_window: 4 << 20,
            connection_window: 64 << 20,
            send_buffer: 256 << 10,
            streams: 256,
            frame: 64 << 10,
            fields: 16 << 10,
            excerpt: 1 << 10,
            opening: Duration::from_secs(10),
            extended_connect: true,
            keepalive: None,
        }
    }
}

impl Settings {
    /// The defaults of a server: windows of 1 MiB and 16 MiB.
    pub fn server() -> Self {
        Self {
            stream_window: 1 << 20,
            connection_window: 16 << 20,
            ..Self::default()
        }
    }

    /// With every number in the range that the protocol allows.
    pub(crate) fn in_range(mut self) -> Self {
        self.stream_window = self.stream_window.clamp(1, WINDOW);
        // "The connection flow-control window can only be changed using WINDOW_UPDATE frames": it
        // begins at 65,535 and can only grow (RFC 9113 §6.9.2).
        self.connection_window = self.connection_window.clamp(65_535, WINDOW);
        self.send_buffer = self.send_buffer.clamp(1, WINDOW as usize);
        self.streams = self.streams.max(1);
        self.frame = self.frame.clamp(16_384, (1 << 24) - 1);
        self
    }
}

/// The largest window (RFC 9113 §6.9.1).
const WINDOW: u32 = (1 << 31) - 1;
