use std::time::Duration;
use wirestack_layer::Keepalive;

/// The limits of a connection, and the SETTINGS that it sends.
///
/// With the default window of 4 MiB, one stream of a client receives 335 Mbit/s over 100 ms. With
/// the default window of 64 MiB for the connection, sixteen streams whose application does not read
/// do not hold up the others. A server has more peers that can make it wait, so it begins with [a
/// quarter of that](Self::server).
///
/// ```
/// use std::time::Duration;
/// use wirestack_http2::Http2Config;
///
/// let config = Http2Config::default()
///     .streams(1000)
///     .idle_timeout(Duration::from_secs(60));
/// assert_eq!(config.streams, 1000);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_http2::{Http2Config, Keepalive};
///
/// let config = Http2Config::server()
///     .streams(1000)
///     .stream_window(256 * 1024)
///     .connection_window(4 << 20)
///     .send_buffer(64 * 1024)
///     .frame(32 * 1024)
///     .fields(16 * 1024)
///     .excerpt(512) // of the body of a refusal, for the error
///     .opening(Duration::from_secs(5))
///     .head_timeout(Duration::from_secs(10))
///     .idle_timeout(Duration::from_secs(300))
///     .write_timeout(Duration::from_secs(30))
///     .extended_connect(true) // WebSockets (RFC 8441)
///     .keepalive(Keepalive::new(Duration::from_secs(30), Duration::from_secs(10)));
/// assert_eq!((config.streams, config.frame), (1000, 32 * 1024));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Http2Config {
    /// The bytes of one stream that the peer may send before they are read: 4 MiB. A stream holds
    /// no more than this.
    pub stream_window: u32,
    /// The bytes of all streams that the peer may send before they are read: 64 MiB. A connection
    /// holds no more than this.
    pub connection_window: u32,
    /// The bytes of one stream that wait to be sent, beside those in its flow: 256 KiB.
    pub send_buffer: usize,
    /// The number of streams at once: 256. A client also keeps to the limit of the server.
    pub streams: u32,
    /// The largest frame that the peer may send: 80 KiB, at least 16 KiB. A full flow of 64 KiB and
    /// a message beyond it fit in one.
    pub frame: u32,
    /// The bytes of fields of a request or response, with 32 bytes more for each field (RFC 9113
    /// §6.5.2): 16 KiB.
    pub fields: u32,
    /// The bytes of the body of a refusal that are kept: 1 KiB.
    pub excerpt: usize,
    /// The time in which the SETTINGS of the peer must arrive, and in which it must end a connection
    /// that has finished: 10 s.
    pub opening: Duration,
    /// The time in which the fields of a request or a response must be whole, once the peer has begun
    /// to send them: 10 s. Over this time the connection fails: nothing else can come in between.
    pub head_timeout: Duration,
    /// The time without any stream after which the connection ends with a GOAWAY: none by default,
    /// and 60 s for a [server](Self::server).
    pub idle_timeout: Option<Duration>,
    /// The time in which the peer must open the window for some of the bytes that wait on a stream:
    /// 60 s. Over this time the stream is reset, and the others go on.
    pub write_timeout: Duration,
    /// The offer of extended CONNECT by a server (RFC 8441 §3): `true`.
    pub extended_connect: bool,
    /// The PINGs to a silent peer: none by default.
    pub keepalive: Option<Keepalive>,
}

impl Default for Http2Config {
    fn default() -> Self {
        Self {
            stream_window: 4 << 20,
            connection_window: 64 << 20,
            send_buffer: 256 << 10,
            streams: 256,
            frame: 80 << 10,
            fields: 16 << 10,
            excerpt: 1 << 10,
            opening: Duration::from_secs(10),
            head_timeout: Duration::from_secs(10),
            idle_timeout: None,
            write_timeout: Duration::from_secs(60),
            extended_connect: true,
            keepalive: None,
        }
    }
}

impl Http2Config {
    /// Sets the bytes of one stream that the peer may send before they are read.
    #[must_use]
    pub fn stream_window(mut self, stream_window: u32) -> Self {
        self.stream_window = stream_window;
        self
    }

    /// Sets the bytes of all streams that the peer may send before they are read.
    #[must_use]
    pub fn connection_window(mut self, connection_window: u32) -> Self {
        self.connection_window = connection_window;
        self
    }

    /// Sets the bytes of one stream that wait to be sent, beside those in its flow.
    #[must_use]
    pub fn send_buffer(mut self, send_buffer: usize) -> Self {
        self.send_buffer = send_buffer;
        self
    }

    /// Sets the number of streams at once.
    #[must_use]
    pub fn streams(mut self, streams: u32) -> Self {
        self.streams = streams;
        self
    }

    /// Sets the largest frame that the peer may send.
    #[must_use]
    pub fn frame(mut self, frame: u32) -> Self {
        self.frame = frame;
        self
    }

    /// Sets the bytes of fields of a request or response, with 32 bytes more for each field (RFC
    /// 9113 §6.5.2).
    #[must_use]
    pub fn fields(mut self, fields: u32) -> Self {
        self.fields = fields;
        self
    }

    /// Sets the bytes of the body of a refusal that are kept.
    #[must_use]
    pub fn excerpt(mut self, excerpt: usize) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// Sets the time in which the SETTINGS of the peer must arrive, and in which it must end a
    /// connection that has finished.
    #[must_use]
    pub fn opening(mut self, opening: Duration) -> Self {
        self.opening = opening;
        self
    }

    /// Sets the time in which the fields of a request or a response must be whole, once the peer has
    /// begun to send them.
    #[must_use]
    pub fn head_timeout(mut self, head_timeout: Duration) -> Self {
        self.head_timeout = head_timeout;
        self
    }

    /// Sets the time without any stream after which the connection ends with a GOAWAY.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: impl Into<Option<Duration>>) -> Self {
        self.idle_timeout = idle_timeout.into();
        self
    }

    /// Sets the time in which the peer must open the window for some of the bytes that wait on a
    /// stream.
    #[must_use]
    pub fn write_timeout(mut self, write_timeout: Duration) -> Self {
        self.write_timeout = write_timeout;
        self
    }

    /// Sets the offer of extended CONNECT by a server (RFC 8441 §3).
    #[must_use]
    pub fn extended_connect(mut self, extended_connect: bool) -> Self {
        self.extended_connect = extended_connect;
        self
    }

    /// Sets the PINGs to a silent peer.
    #[must_use]
    pub fn keepalive(mut self, keepalive: impl Into<Option<Keepalive>>) -> Self {
        self.keepalive = keepalive.into();
        self
    }
}

impl Http2Config {
    /// Returns the defaults of a server, with windows of 1 MiB and 16 MiB, and 60 s without a
    /// stream.
    pub fn server() -> Self {
        Self {
            stream_window: 1 << 20,
            connection_window: 16 << 20,
            idle_timeout: Some(Duration::from_secs(60)),
            ..Self::default()
        }
    }

    /// Moves every number into the range that the protocol allows.
    pub(crate) fn in_range(mut self) -> Self {
        self.stream_window = self.stream_window.clamp(1, WINDOW);
        // "The connection flow-control window can only be changed using WINDOW_UPDATE frames" (RFC
        // 9113 §6.9.2): it begins at 65,535 and can only grow.
        self.connection_window = self.connection_window.clamp(65_535, WINDOW);
        self.send_buffer = self.send_buffer.clamp(1, WINDOW as usize);
        self.streams = self.streams.max(1);
        self.frame = self.frame.clamp(16_384, (1 << 24) - 1);
        self
    }
}

/// The largest window (RFC 9113 §6.9.1).
const WINDOW: u32 = (1 << 31) - 1;
