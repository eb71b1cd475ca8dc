use crate::error::session_error;
use crate::phase::Phase;
use crate::record::{Front, HEADER, PLAINTEXT};
use crate::{NAME, TlsError};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, ConnectionCommon, InvalidMessage, IoState,
    ProtocolVersion, ServerConfig, ServerConnection,
};
use std::fmt;
use std::io::{self, BufRead};
use std::ops::DerefMut;
use std::sync::Arc;
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Place, Progress};

/// The client's side of a TLS session, as a layer.
///
/// ```
/// use wirestack_layer::Error;
/// use wirestack_tls::{Client, ClientSettings, server_name};
///
/// fn client(host: &str) -> Result<Client, Error> {
///     let config = ClientSettings::new().build()?; // it trusts the system's roots
///     Client::new(config, server_name(host)?)
/// }
/// ```
pub type Client = Tls<ClientConnection>;

/// The server's side of a TLS session, as a layer.
///
/// ```
/// use wirestack_layer::Error;
/// use wirestack_tls::{Server, ServerSettings};
///
/// /// A server with a certificate and its key as PEM.
/// fn server(chain: &str, key: &str) -> Result<Server, Error> {
///     Server::new(ServerSettings::new(chain, key).build()?)
/// }
/// ```
pub type Server = Tls<ServerConnection>;

/// TLS 1.2 or 1.3 over a `rustls` connection: a [`Client`] or a [`Server`].
///
/// Records are decrypted one at a time while `to_app` has room, and encrypted one at a time while
/// `to_wire` has room. A sent record holds all that is there, up to 16 KiB, also if it was written
/// in several pieces. Between two calls only the session is kept: an idle connection holds no
/// buffers. A peer can make it hold one record in `from_wire` (18 KiB) and, inside `rustls`, one
/// handshake message (64 KiB) or, while a large record is incomplete, the buffer for it (20 KiB).
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
/// use wirestack_tls::rustls::ProtocolVersion;
/// use wirestack_tls::{Client, ClientSettings, Server, ServerSettings, server_name};
///
/// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
/// let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let trust = ClientSettings::new().without_system_roots().ca_certificates(&*chain);
/// let trust = trust.alpn(["h2", "http/1.1"]).build()?;
/// let mut client = Client::new(trust, server_name("example.org")?)?;
/// let mut server = Server::new(ServerSettings::new(chain, key).alpn(["h2"]).build()?)?;
/// let [mut there, mut back, mut a, mut b, mut c, mut d] = <[Pipe; 6]>::default();
/// while !client.is_open() || !server.is_open() {
///     client.process(Flows::new(&mut back, &mut there, &mut a, &mut b), Instant::ORIGIN);
///     server.process(Flows::new(&mut there, &mut back, &mut c, &mut d), Instant::ORIGIN);
/// }
/// assert_eq!(client.alpn(), Some(&b"h2"[..]));
/// assert_eq!(client.version(), Some(ProtocolVersion::TLSv1_3));
/// assert!(client.suite().is_some() && client.peer_certificates().is_some_and(|it| it.len() == 1));
/// assert_eq!(server.server_name(), Some("example.org"));
/// assert!(!server.connection().is_handshaking()); // all else that rustls knows
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Debug)]
pub struct Tls<C> {
    pub(crate) conn: C,
    pub(crate) phase: Phase,
    /// rustls has the first byte of the next record already. When its buffer becomes empty it frees
    /// that, and it clears each byte of the next one.
    ahead: bool,
}

impl Client {
    /// Creates a client that expects a server of this `name`; see
    /// [`server_name`](crate::server_name).
    ///
    /// # Errors
    ///
    /// [`TlsError::Rustls`] if the configuration cannot make a ClientHello.
    pub fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Error> {
        let conn = ClientConnection::new(config, name).map_err(session_error)?;
        Ok(Self::over(conn))
    }
}

impl Server {
    /// Creates a server.
    ///
    /// # Errors
    ///
    /// [`TlsError::EarlyData`] if the configuration accepts early data, which can be replayed (RFC
    /// 8446 §8) and which this layer does not deliver; [`TlsError::Rustls`] if `rustls` refuses the
    /// configuration.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        if config.max_early_data_size > 0 {
            return Err(TlsError::EarlyData.local());
        }
        let conn = ServerConnection::new(config).map_err(session_error)?;
        Ok(Self::over(conn))
    }

    /// Returns the name that the client asks for (SNI, RFC 6066 §3), once its ClientHello is read.
    pub fn server_name(&self) -> Option<&str> {
        self.conn.server_name()
    }
}

impl<C, D: 'static> Tls<C>
where
    C: DerefMut<Target = ConnectionCommon<D>>,
{
    fn over(mut conn: C) -> Self {
        conn.set_buffer_limit(None); // it never holds more than one record
        Self {
            conn,
            phase: Phase::Duplex,
            ahead: false,
        }
    }

    /// Returns the protocol that the server chose by ALPN (RFC 7301), once it is negotiated.
    pub fn alpn(&self) -> Option<&[u8]> {
        self.conn.alpn_protocol()
    }

    /// Returns the protocol version, once it is negotiated.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.conn.protocol_version()
    }

    /// Returns the cipher suite, once it is negotiated.
    pub fn suite(&self) -> Option<CipherSuite> {
        Some(self.conn.negotiated_cipher_suite()?.suite())
    }

    /// Returns the peer's certificate chain, its own certificate first, once it is verified.
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.conn.peer_certificates()
    }

    /// Returns the connection of `rustls`, to read more facts from, such as keying material.
    pub fn connection(&self) -> &C {
        &self.conn
    }

    /// Decrypts record by record while there are records and room.
    fn receive(&mut self, p: &mut Flows<'_>) -> Result<(), Error> {
        let mut large = false;
        let result = self.receive_records(p, &mut large);
        if large && !self.ahead {
            // rustls frees a large buffer only when it reads again: it is given nothing to read.
            self.conn.read_tls(&mut io::empty()).ok();
        }
        result
    }

    fn receive_records(&mut self, p: &mut Flows<'_>, large: &mut bool) -> Result<(), Error> {
        while self.may_receive(p) {
            let unread = p.from_wire.unread();
            let fed = usize::from(self.ahead);
            let size = match Front::of(unread) {
                Front::Record(size) => size,
                Front::Needs(size) => {
                    if self.may_end_here() && matches!(p.from_wire.end(), Some(End::Finished)) {
                        self.peer_closed(p);
                        return Ok(());
                    }
                    if let Some(error) = p.from_wire.truncation(NAME, self.truncation()) {
                        return Err(error);
                    }
                    p.from_wire.require(size);
                    return Ok(());
                }
                Front::BadHeader => {
                    let seen = self.feed(&unread[fed..HEADER]).err();
                    let wrong = seen.unwrap_or(InvalidMessage::UnknownProtocolVersion.into());
                    return Err(session_error(wrong));
                }
                Front::Junk(cause) => {
                    // rustls makes an alert of these bytes; its error would tell less than ours.
                    self.feed(&unread[fed..unread.len().min(HEADER)]).ok();
                    return Err(cause.peer());
                }
            };
            *large |= size > READ;
            // One byte means nothing yet, so this is still a record at a time.
            self.ahead = size > READ && unread.len() > size && !self.conn.is_handshaking();
            let result = self.feed(&unread[fed..size + usize::from(self.ahead)]);
            p.from_wire.consume(size);
            let before = p.to_app.total();
            self.deliver(p.to_app, size + p.from_wire.len());
            if let Phase::Receiving { heard } = &mut self.phase {
                *heard |= p.to_app.total() != before;
            }
            if result.map_err(session_error)?.peer_has_closed() {
                self.peer_closed(p);
                return Ok(());
            }
            self.flush(p.to_wire);
        }
        Ok(())
    }

    /// Returns `true` if one more record may be read. A record of the handshake always may: rustls
    /// holds the answer until there is room, and two sides that both wait for room wait for ever.
    fn may_receive(&self, p: &Flows<'_>) -> bool {
        self.conn.is_handshaking() || p.to_app.room() > 0
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<IoState, rustls::Error> {
        while !bytes.is_empty() {
            let Ok(1..) = self.conn.read_tls(&mut bytes) else {
                // Its buffer has room for every record, but not for every handshake message.
                return Err(InvalidMessage::HandshakePayloadTooLarge.into());
            };
        }
        self.conn.process_new_packets()
    }

    /// Delivers the plaintext of a record. `arrived` bytes of records are there, this one included.
    fn deliver(&mut self, to_app: &mut Pipe, arrived: usize) {
        let mut reader = self.conn.reader();
        let Ok([_, ..]) = reader.fill_buf() else {
            return;
        };
        // For all that will be decrypted next, instead of growing with each record.
        let mut expected = arrived.min(to_app.room());
        let wanted = to_app.wanted();
        if wanted > expected {
            // And for the rest of a long unit, with the record that its end lies in. Memory grows with the
            // received bytes, not with a length that the peer merely claims.
            expected = expected.max(wanted.min(MAX_GROWTH_FACTOR * to_app.len()) + PLAINTEXT);
        }
        to_app.fill(|buf| {
            while let Ok(plain @ [_, ..]) = reader.fill_buf() {
                if buf.capacity() - buf.len() < plain.len() {
                    buf.reserve(expected.max(plain.len()));
                }
                buf.extend_from_slice(plain);
                let n = plain.len();
                reader.consume(n);
            }
        });
    }

    /// Returns `true` if the wire may end here, without `close_notify`.
    ///
    /// RFC 5246 §7.2.1: "It is not required for the initiator of the close to wait for the
    /// responding close_notify alert before closing the read side of the connection." But if the
    /// peer has sent data since, only its `close_notify` proves that they are complete.
    fn may_end_here(&self) -> bool {
        matches!(self.phase, Phase::Receiving { heard: false }) && !self.is_tls13()
    }

    fn peer_closed(&mut self, p: &mut Flows<'_>) {
        // RFC 8446 §6.1: "Any data received after a closure alert has been received MUST be
        // ignored."
        p.from_wire.discard();
        p.to_app.finish();
        match self.phase {
            Phase::Duplex if self.is_tls13() => self.phase = Phase::Sending,
            Phase::Duplex => {
                // RFC 5246 §7.2.1: "The other party MUST respond with a close_notify alert of its
                // own and close down the connection immediately, discarding any pending writes."
                let error = TlsError::Closed.peer().at(Place::Layer(p.index));
                p.from_app.refuse(error);
                self.close_notify(p.to_wire);
                self.phase = Phase::Over;
            }
            _ => self.phase = Phase::Over,
        }
    }

    pub(crate) fn is_tls13(&self) -> bool {
        self.version() == Some(ProtocolVersion::TLSv1_3)
    }

    fn awaited(&self) -> &'static str {
        if self.version().is_none() {
            "the peer's Hello"
        } else {
            "the peer's Finished"
        }
    }

    fn truncation(&self) -> TlsError {
        if self.conn.is_handshaking() {
            TlsError::CutHandshake(self.awaited())
        } else {
            TlsError::Truncated
        }
    }
}

impl<C, D: 'static> Layer for Tls<C>
where
    C: DerefMut<Target = ConnectionCommon<D>> + 'static,
{
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut p: Flows<'_>, _now: Instant) {
        p.propagate_stop();
        self.flush(p.to_wire);
        let mut result = match self.phase {
            Phase::Duplex | Phase::Receiving { .. } => self.receive(&mut p),
            Phase::Sending => {
                p.from_wire.discard();
                Ok(())
            }
            Phase::Over => return p.discard(),
        };
        if let (Ok(()), Phase::Duplex | Phase::Sending) = (&result, self.phase) {
            result = self.send(&mut p);
        }
        if let Err(error) = result {
            self.phase = Phase::Over;
            self.flush_all(p.to_wire);
            p.fail(error);
        }
    }

    fn is_open(&self) -> bool {
        !self.conn.is_handshaking()
    }

    /// Returns `true` once TLS 1.3 is negotiated: TLS 1.2 ends both directions at once.
    fn carries_half_close(&self) -> bool {
        self.is_tls13()
    }

    fn progress(&self) -> Progress {
        match self.phase {
            Phase::Over => Progress::Over,
            _ if self.conn.is_handshaking() => Progress::Opening(self.awaited()),
            Phase::Duplex | Phase::Sending => Progress::Open,
            Phase::Receiving { .. } => Progress::Closing("the peer's close_notify"),
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(version), Some(suite), true) = (self.version(), self.suite(), self.is_open())
        else {
            return Ok(());
        };
        let version = format!("{version:?}").replace('_', ".");
        write!(f, "{version} {suite:?}")?;
        match self.alpn() {
            Some(alpn) => write!(f, ", alpn {}", alpn.escape_ascii()),
            None => Ok(()),
        }
    }
}

/// The size of the reads of rustls, and of the buffer that it keeps.
const READ: usize = 4096;

/// A buffer for a long unit grows to so many times the bytes that have arrived of it.
const MAX_GROWTH_FACTOR: usize = 4;
