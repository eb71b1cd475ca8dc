use crate::error::NAME;
use crate::{Header, HeaderError, v1, v2};
use bytes::Bytes;
use core::fmt;
use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe, Progress};

/// The side of the proxy. It writes the header in front of everything, and is transparent then.
///
/// The header is never answered, so the layer is open as soon as it has written it. The layer
/// belongs directly on the connection, below TLS.
///
/// ```
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
/// use wirestack_proxy_header::{Client, Header};
///
/// let header = Header::tcp("[2001:db8::1]:4711".parse()?, "[2001:db8::7]:443".parse()?);
/// let mut old = Client::v1(header.clone())?; // a line of text
/// let mut new = Client::v2(header).with_checksum();
/// let [mut from_wire, mut text, mut bytes, mut from_app, mut to_app] = <[Pipe; 5]>::default();
/// old.process(Flows::new(&mut from_wire, &mut text, &mut from_app, &mut to_app), Instant::ORIGIN);
/// new.process(Flows::new(&mut from_wire, &mut bytes, &mut from_app, &mut to_app), Instant::ORIGIN);
/// assert_eq!(text.unread(), b"PROXY TCP6 2001:db8::1 2001:db8::7 4711 443\r\n");
/// assert!(bytes.unread().starts_with(b"\r\n\r\n\0\r\nQUIT\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client {
    version: u8,
    header: Header,
    checksum: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The header was not written yet. In version 1 its line is ready.
    Start(Option<Bytes>),
    Open,
    /// The wire or the application was aborted before.
    Over,
}

impl Client {
    /// Creates a client that sends the header in version 1.
    ///
    /// # Errors
    ///
    /// [`HeaderError::Version1`] if version 1 cannot carry the header.
    pub fn v1(header: Header) -> Result<Self, HeaderError> {
        let line = v1::emit(&header)?;
        Ok(Self {
            version: 1,
            header,
            checksum: false,
            state: State::Start(Some(line.into())),
        })
    }

    /// Creates a client that sends the header in version 2.
    pub fn v2(header: Header) -> Self {
        Self {
            version: 2,
            header,
            checksum: false,
            state: State::Start(None),
        }
    }

    /// Adds a checksum to a header of version 2.
    #[must_use]
    pub fn with_checksum(self) -> Self {
        Self {
            checksum: true,
            ..self
        }
    }
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        if let State::Start(line) = &mut self.state {
            if flows.propagate_abort() {
                self.state = State::Over;
            } else if flows.to_wire.room() > 0 {
                let line = line.take();
                let header = line.unwrap_or_else(|| v2::emit(&self.header, self.checksum));
                flows.to_wire.push(header);
                self.state = State::Open;
            }
        }
        match self.state {
            State::Start(_) => {}
            State::Open => flows.pass_through(),
            State::Over => flows.discard(),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    fn is_transparent(&self) -> bool {
        self.is_open()
    }

    fn progress(&self) -> Progress {
        match self.state {
            State::Start(_) => Progress::Opening("room for the header"),
            State::Open => Progress::Open,
            State::Over => Progress::Over,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{} {}", self.version, self.header)
    }
}
