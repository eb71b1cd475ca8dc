use crate::handshake::{Stop, take};
use crate::request::Commands;
use crate::wire::v5::method;
use crate::wire::{self, v4, v5};
use crate::{Address, Cause, Command, NAME, Reply, Request, Version};
use std::fmt;
use std::time::Instant;
use wirestack_layer::{Error, Flow, Layer, Pipe, Ports, Progress};

/// The proxy's side: hands the [`request`](Self::request) to its application and waits until it is
/// told to [`accept`](Self::accept) or to [`reject`](Self::reject).
///
/// Once the request is accepted, the layer is transparent: what the client sends is for the target.
/// BIND takes two decisions: `accept` tells the client where the proxy listens, and
/// [`connected`](Self::connected) who has come; only then is the layer transparent.
///
/// It serves CONNECT to clients of SOCKS5; [`serving`](Self::serving) and
/// [`with_socks4`](Self::with_socks4) allow more. Other commands are refused, as are malformed
/// requests, each with its reply.
///
/// A server that fails "MUST terminate the TCP connection shortly after sending the reply", within
/// 10 seconds (RFC 1928 §6), so every failure finishes `to_wire` right behind its reply.
pub struct Server {
    served: Commands,
    password: Option<PasswordCheck>,
    socks4: Option<UserCheck>,
    state: State,
}

enum State {
    /// The client shows its version, and offers its methods if that is 5: one of them will do.
    Greeting,
    /// The method is chosen; the client sends its password.
    Password(PasswordCheck),
    /// The client may go on, and says what it wants.
    Request { user: Option<Box<[u8]>> },
    /// The client speaks SOCKS4, and says who it is and what it wants at once.
    Socks4Request,
    /// The application decides.
    Deciding(Request),
    /// The application has accepted; the reply is not written yet.
    Accepted(Tunnel),
    /// The application waits for the peer of BIND; or that has come, and the second reply is not
    /// written yet.
    Listening(Tunnel),
    /// The application has rejected; the reply is not written yet.
    Rejected(Version, Reply),
    /// A tunnel, from what was bound to the target or to the peer of BIND.
    Open(Tunnel),
    /// The handshake failed.
    Over,
}

/// A request that was accepted, and what came of it.
#[derive(Clone)]
struct Tunnel {
    request: Request,
    bound: Address,
    /// Who has connected, if the request is BIND.
    peer: Option<Address>,
}

impl Server {
    /// Creates a server that asks for no authentication.
    pub fn new() -> Self {
        Self {
            served: Commands::only(Command::Connect),
            password: None,
            socks4: None,
            state: State::Greeting,
        }
    }
    /// Creates a server that asks for a user name and a password (RFC 1929), in this order, and
    /// accepts those that `check` returns true for.
    ///
    /// `check` is called at most once, with 1 to 255 bytes each, and should take the same time
    /// whatever is wrong with them.
    pub fn with_password(check: impl FnMut(&[u8], &[u8]) -> bool + Send + 'static) -> Self {
        Self {
            password: Some(Box::new(check)),
            ..Self::new()
        }
    }
    /// Serves one command more, BIND or UDP ASSOCIATE.
    #[must_use]
    pub fn serving(mut self, command: Command) -> Self {
        self.served = self.served.and(command);
        self
    }
    /// Serves clients of SOCKS4 and SOCKS4a too, told apart by their first byte, whose user id
    /// `check` returns true for.
    ///
    /// The user id, of 0 to 255 bytes, is all that SOCKS4 has to show who asks, and anybody can
    /// send any. So a server with a password does not serve SOCKS4 unless this is called; if it is,
    /// such clients come in **without the password**. `check` is called at most once.
    #[must_use]
    pub fn with_socks4(mut self, check: impl FnMut(&[u8]) -> bool + Send + 'static) -> Self {
        self.socks4 = Some(Box::new(check));
        self
    }
    /// Returns what the client wants, while the application has not decided.
    pub fn request(&self) -> Option<&Request> {
        match &self.state {
            State::Deciding(request) => Some(request),
            _ => None,
        }
    }
    /// Accepts the request, with the address that was bound for it: from which the target is
    /// connected to (CONNECT), at which the peer is awaited (BIND) or datagrams are
    /// (UDP ASSOCIATE).
    ///
    /// SOCKS4 says IPv4 addresses alone: for others it is told 0.0.0.0, which means the proxy's own
    /// address, and the port.
    ///
    /// It does nothing unless there is a [`request`](Self::request).
    pub fn accept(&mut self, bound: Address) {
        if let State::Deciding(request) = &self.state {
            let (request, peer) = (request.clone(), None);
            self.state = State::Accepted(Tunnel {
                request,
                bound,
                peer,
            });
        }
    }
    /// Returns where the application listens for the peer of BIND: once it has accepted the
    /// request, and until it says that the peer has [connected](Self::connected) or rejects it.
    pub fn listening(&self) -> Option<&Address> {
        match &self.state {
            State::Accepted(tunnel) | State::Listening(tunnel) if tunnel.wants_peer() => {
                Some(&tunnel.bound)
            }
            _ => None,
        }
    }
    /// Tells the client of BIND who has connected, and opens the tunnel.
    ///
    /// Whether that is the host which the client [expects](Request::target) is for the application
    /// to say, which otherwise [rejects](Self::reject): BIND is meant to open the door to nobody
    /// else. It should give up after a while too.
    ///
    /// It does nothing unless the application is [`listening`](Self::listening).
    pub fn connected(&mut self, peer: Address) {
        if let State::Accepted(tunnel) | State::Listening(tunnel) = &mut self.state
            && tunnel.wants_peer()
        {
            tunnel.peer = Some(peer);
        }
    }
    /// Rejects the request, or tells that nobody came whom BIND expected. [`Reply::Succeeded`] is
    /// no reason, and sent as a general failure.
    ///
    /// It does nothing unless there is a [`request`](Self::request) or the application is
    /// [`listening`](Self::listening).
    pub fn reject(&mut self, reply: Reply) {
        if self.request().is_some() || self.listening().is_some() {
            let reply = match reply.code() {
                0 => Reply::GeneralFailure,
                _ => reply,
            };
            self.state = State::Rejected(self.version(), reply);
        }
    }
    fn version(&self) -> Version {
        match &self.state {
            State::Socks4Request => Version::Socks4,
            State::Deciding(request) => request.version,
            State::Accepted(it) | State::Listening(it) | State::Open(it) => it.request.version,
            State::Rejected(version, _) => *version,
            _ => Version::Socks5,
        }
    }

    /// Goes on with the handshake until it is done or has to stop.
    fn open(&mut self, ports: &mut Ports<'_>) -> Result<(), Stop> {
        loop {
            self.state = match &mut self.state {
                State::Open(_) => return Ok(()),
                State::Over => return Err(Stop::Over),

                // No step is begun that could not be answered.
                _ if ports.to_wire.room() == 0 => return Err(Stop::Wait),

                State::Greeting if self.socks4.is_some() && v4::is_next(ports.from_wire) => {
                    State::Socks4Request
                }
                State::Greeting => {
                    let wanted = match self.password {
                        None => method::NO_AUTHENTICATION,
                        Some(_) => method::PASSWORD,
                    };
                    let offered = take(ports.from_wire, wire::GREETING, |fields| {
                        Ok(v5::parse_greeting(fields)?.contains(&wanted))
                    })?;
                    if !offered {
                        return Err(Cause::RequiredMethod { wanted }.into());
                    }
                    v5::emit_choice(ports.to_wire, wanted);
                    match self.password.take() {
                        None => State::Request { user: None },
                        Some(check) => State::Password(check),
                    }
                }
                State::Password(check) => {
                    let user = take(ports.from_wire, wire::PASSWORD, |fields| {
                        let (user, password) = v5::parse_password(fields)?;
                        Ok(check(user, password).then(|| user.into()))
                    })?;
                    if user.is_none() {
                        return Err(Cause::WrongPassword.into());
                    }
                    v5::emit_status(ports.to_wire, true);
                    State::Request { user }
                }
                State::Request { user } => {
                    let (command, target) = take(ports.from_wire, wire::REQUEST, |fields| {
                        v5::parse_request(fields, self.served)
                    })?;
                    State::Deciding(Request {
                        version: Version::Socks5,
                        command,
                        target,
                        user: user.take(),
                    })
                }
                State::Socks4Request => {
                    let request = take(ports.from_wire, wire::SOCKS4_REQUEST, |fields| {
                        v4::parse_request(fields, self.served)
                    })?;
                    let user = request.user().unwrap_or_default();
                    if !self.socks4.as_mut().is_some_and(|check| check(user)) {
                        return Err(Cause::WrongUserId.into());
                    }
                    State::Deciding(request)
                }
                State::Deciding(_) => return Err(Stop::Wait),
                State::Accepted(tunnel) => {
                    wire::emit_granted(ports.to_wire, tunnel.request.version, &tunnel.bound);
                    match tunnel.request.command {
                        Command::Bind => State::Listening(tunnel.clone()),
                        _ => State::Open(tunnel.clone()),
                    }
                }
                State::Listening(tunnel) => {
                    let Some(peer) = &tunnel.peer else {
                        return Err(Stop::Wait);
                    };
                    wire::emit_granted(ports.to_wire, tunnel.request.version, peer);
                    State::Open(tunnel.clone())
                }
                State::Rejected(_, reply) => {
                    return Err(Stop::Fail(Error::local(NAME, Cause::Rejected(*reply))));
                }
            }
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Server");
        shown.field("progress", &self.progress());
        shown.finish_non_exhaustive()
    }
}

impl Layer for Server {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }
    fn process(&mut self, mut ports: Ports<'_>, _now: Instant) {
        match self.open(&mut ports) {
            Ok(()) => ports.tunnel(),
            Err(stop) => {
                if let Stop::Fail(error) = &stop {
                    report(error, self.version(), ports.to_wire);
                }
                if stop.settle(&mut ports) {
                    self.state = State::Over;
                }
            }
        }
    }
    fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }
    fn is_transparent(&self) -> bool {
        self.is_open()
    }
    fn progress(&self) -> Progress {
        match &self.state {
            State::Greeting => Progress::Opening(wire::GREETING),
            State::Password(_) => Progress::Opening(wire::PASSWORD),
            State::Request { .. } => Progress::Opening(wire::REQUEST),
            State::Socks4Request => Progress::Opening(wire::SOCKS4_REQUEST),
            State::Deciding(request) => Progress::Deciding(request.command.request()),
            State::Listening(tunnel) if tunnel.wants_peer() => Progress::Deciding(wire::PEER),
            State::Accepted(_) | State::Listening(_) | State::Rejected(..) => {
                Progress::Opening("room for the reply")
            }
            State::Open(_) => Progress::Open,
            State::Over => Progress::Over,
        }
    }
    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Open(tunnel) => write!(f, "{tunnel}"),
            _ => Ok(()),
        }
    }
}

impl Tunnel {
    fn wants_peer(&self) -> bool {
        self.request.command == Command::Bind && self.peer.is_none()
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (target, bound) = (&self.request.target, &self.bound);
        match (self.request.command, &self.peer) {
            (Command::Bind, Some(peer)) => write!(f, "connected from {peer}, bound {bound}"),
            (Command::UdpAssociate, _) => write!(f, "datagrams from {target}, bound {bound}"),
            _ => write!(f, "connected to {target}, bound {bound}"),
        }
    }
}

/// Tells the client what went wrong, where the protocol has words for it.
fn report(error: &Error, version: Version, to_wire: &mut Pipe) {
    let Some(cause) = error.cause() else { return };
    let reply = match cause {
        Cause::RequiredMethod { .. } => {
            return v5::emit_choice(to_wire, method::NONE_ACCEPTABLE);
        }
        Cause::EmptyPassword | Cause::WrongPassword => return v5::emit_status(to_wire, false),
        Cause::WrongUserId => Reply::Socks4(v4::code::WRONG_USER_ID),
        Cause::UnsupportedCommand(_) => Reply::CommandNotSupported,
        Cause::UnknownAddressType(_) => Reply::AddressTypeNotSupported,
        Cause::BadAddress(_) | Cause::TooLong(_) => Reply::GeneralFailure,
        Cause::Rejected(reply) => *reply,
        _ => return,
    };
    wire::emit_refusal(to_wire, version, reply);
}

/// Whether a user name and a password, in this order, are right.
type PasswordCheck = Box<dyn FnMut(&[u8], &[u8]) -> bool + Send>;

/// Whether a user id of SOCKS4 is welcome.
type UserCheck = Box<dyn FnMut(&[u8]) -> bool + Send>;
