use crate::error::NAME;
use crate::prefix::common_prefix;
use crate::{Header, ProxyHeaderError, v1, v2};
use alloc::boxed::Box;
use bytes::Bytes;
use core::fmt;
use wirestack_layer::{Error, FirstBytes, Flow, Flows, Instant, Layer, Pipe, Progress};

/// The side behind the proxy. It takes the header off the wire, and is transparent then.
///
/// It never guesses whether there is a header: "The receiver MUST be configured to only receive the
/// protocol described in this specification and MUST not try to guess whether the protocol header
/// is present or not". A client that can connect without the proxy can claim any address, so use it
/// only where nothing but the proxies can connect. A peer that sends other bytes gets no answer.
///
/// The layer has no timeout of its own. The driver's timeout for
/// [opening](wirestack_layer::Layer::is_open) ends a connection whose peer sends nothing.
///
/// ```
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
/// use wirestack_proxy_header::{Accepts, Server};
///
/// let mut server = Server::new(Accepts::V1).with_limit(256);
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// for part in ["PROXY TCP4 192.0.2.1 192.0", ".2.7 4711 443\r\nhello"] {
///     from_wire.write(part.as_bytes());
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     server.process(flows, Instant::ORIGIN);
/// }
/// assert_eq!(server.header().and_then(|it| it.source()), Some("192.0.2.1:4711".parse()?));
/// assert_eq!(to_app.unread(), b"hello");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Server {
    accepts: Accepts,
    limit: usize,
    state: State,
}

/// The versions that a server accepts.
///
/// ```
/// use wirestack_proxy_header::{Accepts, Server};
///
/// let server = Server::new(Accepts::V2); // from a balancer that sends version 2
/// assert!(server.header().is_none()); // until it has arrived
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Accepts {
    /// Version 1, a line of text.
    V1,
    /// Version 2, a binary header.
    V2,
    /// Both: the first bytes tell them apart.
    #[default]
    Both,
}

#[derive(Debug)]
enum State {
    /// The header is awaited.
    Header,
    Open {
        version: u8,
        header: Box<Header>,
    },
    /// The bytes were not a PROXY header, or a side was aborted.
    Over,
}

/// The result of reading the bytes so far.
enum Seen {
    /// A version and a whole header.
    Header(u8, Header),
    /// The beginning of a header that has at least this many bytes.
    Short(usize),
}

impl Server {
    /// Creates a server that accepts these versions, and headers of at most 4 KiB.
    pub fn new(accepts: Accepts) -> Self {
        Self {
            accepts,
            limit: LIMIT,
            state: State::Header,
        }
    }

    /// Sets the longest header of version 2, in bytes. Proxies that send certificates need more
    /// than the 4 KiB of the default.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Returns the header, once it has arrived.
    pub fn header(&self) -> Option<&Header> {
        match &self.state {
            State::Open { header, .. } => Some(header),
            _ => None,
        }
    }

    fn read(&self, from_wire: &mut Pipe) -> Result<Seen, ProxyHeaderError> {
        let ended = from_wire.is_closed();
        let bytes = from_wire.unread();
        let signatures: &[&[u8]] = match self.accepts {
            Accepts::V1 => &[v1::SIGNATURE],
            Accepts::V2 => &[v2::SIGNATURE],
            Accepts::Both => &[v1::SIGNATURE, v2::SIGNATURE],
        };
        let begun =
            |signature: &&[u8]| common_prefix(bytes, signature) == bytes.len().min(signature.len());
        let Some(signature) = signatures.iter().copied().find(begun) else {
            return match FirstBytes::read(bytes, ended) {
                Ok(seen) => Err(ProxyHeaderError::NoHeader { seen }),
                Err(needed) => Ok(Seen::Short(needed)),
            };
        };
        if bytes.len() < signature.len() {
            return Ok(Seen::Short(bytes.len() + 1));
        }
        if signature == v1::SIGNATURE {
            line(from_wire)
        } else {
            self.block(from_wire)
        }
    }

    /// Reads a header of version 2.
    fn block(&self, from_wire: &mut Pipe) -> Result<Seen, ProxyHeaderError> {
        let bytes = from_wire.unread();
        v2::check(bytes)?;
        let Some(fixed) = bytes.first_chunk() else {
            // Only one more byte: it may be wrong already.
            let next = bytes.len() + 1;
            return Ok(Seen::Short(next));
        };
        let whole = v2::FIXED + v2::following(fixed);
        if whole > self.limit {
            let (seen, limit) = (whole, self.limit);
            return Err(ProxyHeaderError::TooLong { seen, limit });
        }
        if bytes.len() < whole {
            return Ok(Seen::Short(whole));
        }
        // A copy: the values that are kept would hold the bytes of the client behind them too.
        let header = v2::parse(Bytes::copy_from_slice(&bytes[..whole]))?;
        from_wire.consume(whole);
        Ok(Seen::Header(2, header))
    }
}

/// Reads a header of version 1.
fn line(from_wire: &mut Pipe) -> Result<Seen, ProxyHeaderError> {
    let bytes = from_wire.unread();
    let longest = &bytes[..bytes.len().min(v1::LONGEST)];
    v1::check(longest)?;
    let Some(end) = longest.windows(2).position(|two| two == b"\r\n") else {
        return if bytes.len() >= v1::LONGEST {
            Err(ProxyHeaderError::LongLine)
        } else {
            Ok(Seen::Short(bytes.len() + 1))
        };
    };
    let header = v1::parse(&bytes[..end])?;
    from_wire.consume(end + 2);
    Ok(Seen::Header(1, header))
}

impl Default for Server {
    fn default() -> Self {
        Self::new(Accepts::default())
    }
}

impl Layer for Server {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        if let State::Header = self.state {
            match self.read(flows.from_wire) {
                Ok(Seen::Header(version, header)) => {
                    let header = Box::new(header);
                    self.state = State::Open { version, header };
                }
                Ok(Seen::Short(needed)) => {
                    if let Some(error) =
                        flows.from_wire.truncation(NAME, truncated(flows.from_wire))
                    {
                        flows.fail(error);
                        self.state = State::Over;
                    } else if flows.propagate_abort() {
                        self.state = State::Over;
                    } else {
                        flows.from_wire.require(needed);
                    }
                }
                Err(cause) => {
                    flows.fail(Error::peer(NAME, cause));
                    self.state = State::Over;
                }
            }
        }
        match self.state {
            State::Header => {}
            State::Open { .. } => flows.pass_through(),
            State::Over => flows.discard(),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    fn is_transparent(&self) -> bool {
        self.is_open()
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Header => Progress::Opening("the header"),
            State::Open { .. } => Progress::Open,
            State::Over => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Open { version, header } => write!(f, "v{version} {header}"),
            _ => Ok(()),
        }
    }
}

fn truncated(from_wire: &Pipe) -> ProxyHeaderError {
    let seen = from_wire.len();
    ProxyHeaderError::Truncated { seen }
}

/// The longest header by default, in bytes.
const LIMIT: usize = 4096;
