use crate::handshake::{Stop, take};
use crate::login::{Credentials, Login, UserId};
use crate::wire::v5::method;
use crate::wire::{self, v4, v5};
use crate::{Address, Cause, Command, Host, NAME, PasswordError, Socks4Error, Version};
use std::fmt;
use std::net::IpAddr;
use std::time::Instant;
use wirestack_layer::{Flow, Layer, Pipe, Ports, Progress};

/// The side that asks a proxy for a connection, or for another [`Command`].
///
/// Once the proxy has done it, the layer is transparent. Nothing of the application is sent before.
/// It speaks SOCKS5, unless it is told to speak [SOCKS4](Self::socks4).
#[derive(Debug)]
pub struct Client {
    command: Command,
    target: Address,
    login: Login,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing has been said.
    Start,
    /// The methods are offered; the proxy chooses one (RFC 1928 §3).
    Method,
    /// The password is sent; the proxy checks it (RFC 1929 §2).
    Password,
    /// The request is sent; the proxy connects, or binds (RFC 1928 §4 and §6).
    Request,
    /// The proxy listens for the peer of BIND, and tells when it has come.
    Bound { bound: Address },
    /// A tunnel, from what the proxy has bound to the target or to the peer of BIND.
    Open {
        bound: Address,
        peer: Option<Address>,
    },
    /// The handshake failed.
    Over,
}

impl Client {
    /// Creates a client that asks for a connection to `target` (CONNECT), without authentication.
    ///
    /// ```
    /// use wirestack_socks::{Address, Client};
    ///
    /// let target = Address::new("example.org", 443)?;
    /// let client = Client::new(target).with_password("me", "secret")?;
    /// assert!(!format!("{client:?}").contains("secret"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(target: Address) -> Self {
        Self::asking(Command::Connect, target)
    }
    /// Creates a client that lets `expected` connect to the proxy (BIND).
    ///
    /// The proxy replies twice. After its first reply there is an address to call, which is
    /// [`bound`](Self::bound), and the application tells the peer by another way, such as FTP's
    /// PORT. After its second reply the layer is open, and [`peer`](Self::peer) has come. Proxies
    /// turn others than the host expected away; the port that it calls from rarely matters.
    pub fn bind(expected: Address) -> Self {
        Self::asking(Command::Bind, expected)
    }
    /// Creates a client that asks for a relay of [datagrams](crate::datagram), which it will send
    /// from the address `from` (UDP ASSOCIATE).
    ///
    /// If that is not known yet, it "MUST use a port number and address of all zeros". The relay is
    /// at [`bound`](Self::bound), and lives as long as this connection (RFC 1928 §7), over which
    /// nothing is said any more.
    pub fn associate(from: Address) -> Self {
        Self::asking(Command::UdpAssociate, from)
    }
    fn asking(command: Command, target: Address) -> Self {
        Self {
            command,
            target,
            login: Login::Socks5(None),
            state: State::Start,
        }
    }
    /// Offers a user name and a password too (RFC 1929), each of 1 to 255 bytes.
    ///
    /// They are sent only if the proxy asks for them, and in the clear, as the RFC has it. The
    /// proxy may still choose no authentication, as many do for addresses that they know; but the
    /// password is offered first, for those that take the first method that suits them and yet
    /// tell their users apart by name.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] if one of them has another length, or if the client speaks SOCKS4.
    pub fn with_password(mut self, user: &str, password: &str) -> Result<Self, PasswordError> {
        if let Login::Socks4(_) = self.login {
            return Err(PasswordError::Socks4);
        }
        self.login = Login::Socks5(Some(Credentials::new(user, password)?));
        Ok(self)
    }
    /// Speaks [SOCKS4], with a user id that may be empty: the proxy may believe it, or ask identd.
    ///
    /// A name goes to the proxy as [SOCKS4a] has it. What SOCKS4 cannot do is an error now, and not
    /// one of the connection.
    ///
    /// [SOCKS4]: https://www.openssh.com/txt/socks4.protocol
    /// [SOCKS4a]: https://www.openssh.com/txt/socks4a.protocol
    ///
    /// # Errors
    ///
    /// [`Socks4Error`] if the target is an IPv6 address or one of those that announce a name
    /// (0.0.0.1 to 0.0.0.255), if the command is UDP ASSOCIATE, if the user id has a NUL or more
    /// than 255 bytes, or if the client has a password.
    ///
    /// ```
    /// use wirestack_socks::{Address, Client, Socks4Error};
    ///
    /// let client = Client::new(Address::new("example.org", 443)?).socks4("me");
    /// assert!(client.is_ok());
    /// let client = Client::new(Address::new("::1", 443)?).socks4("me");
    /// assert_eq!(client.unwrap_err(), Socks4Error::Ipv6);
    /// # Ok::<(), wirestack_socks::AddressError>(())
    /// ```
    pub fn socks4(mut self, user: &str) -> Result<Self, Socks4Error> {
        match self.target.host() {
            Host::Ip(IpAddr::V6(_)) => return Err(Socks4Error::Ipv6),
            Host::Ip(IpAddr::V4(ip)) if v4::announces_name(*ip) => {
                return Err(Socks4Error::AnnouncesName(*ip));
            }
            _ if self.command == Command::UdpAssociate => return Err(Socks4Error::UdpAssociate),
            _ if self.login.has_password() => return Err(Socks4Error::Password),
            _ => {}
        }
        self.login = Login::Socks4(UserId::new(user)?);
        Ok(self)
    }
    /// Returns what the proxy has bound, once it has replied: for CONNECT the address that the
    /// target sees, for BIND where the peer is to connect, for UDP ASSOCIATE where datagrams go.
    ///
    /// If it is unspecified (0.0.0.0 or ::), it stands for the address at which the client has
    /// reached the proxy.
    pub fn bound(&self) -> Option<&Address> {
        match &self.state {
            State::Bound { bound } | State::Open { bound, .. } => Some(bound),
            _ => None,
        }
    }
    /// Returns who has connected to the proxy, once BIND is open.
    pub fn peer(&self) -> Option<&Address> {
        match &self.state {
            State::Open { peer, .. } => peer.as_ref(),
            _ => None,
        }
    }

    /// Goes on with the handshake until it is done or has to stop.
    fn open(&mut self, ports: &mut Ports<'_>) -> Result<(), Stop> {
        loop {
            self.state = match &self.state {
                State::Open { .. } => return Ok(()),
                State::Over => return Err(Stop::Over),

                // No step is begun that could not be answered.
                _ if ports.to_wire.room() == 0 => return Err(Stop::Wait),

                State::Start => match self.login.version() {
                    Version::Socks4 => self.request(ports),
                    Version::Socks5 => {
                        v5::emit_greeting(ports.to_wire, self.login.methods());
                        State::Method
                    }
                },
                State::Method => {
                    let chosen = take(ports.from_wire, wire::CHOICE, v5::parse_choice)?;
                    let offered = self.login.methods();
                    match (chosen, self.login.take_password()) {
                        (method::NO_AUTHENTICATION, _) => self.request(ports),
                        (method::PASSWORD, Some(Credentials { user, password })) => {
                            v5::emit_password(ports.to_wire, &user, &password);
                            State::Password
                        }
                        (method::NONE_ACCEPTABLE, _) => {
                            return Err(Cause::MethodsRefused { offered }.into());
                        }
                        (other, _) => return Err(Cause::UnofferedMethod(other).into()),
                    }
                }
                State::Password => {
                    take(ports.from_wire, wire::STATUS, v5::parse_status)?;
                    self.request(ports)
                }
                State::Request => {
                    let bound = self.reply(ports, self.command.reply())?;
                    match self.command {
                        Command::Bind => State::Bound { bound },
                        _ => State::Open { bound, peer: None },
                    }
                }
                State::Bound { bound } => {
                    let peer = Some(self.reply(ports, wire::SECOND_REPLY)?);
                    let bound = bound.clone();
                    State::Open { bound, peer }
                }
            }
        }
    }
    fn request(&self, ports: &mut Ports<'_>) -> State {
        match &self.login {
            Login::Socks4(UserId(user)) => {
                v4::emit_request(ports.to_wire, self.command, &self.target, user);
            }
            Login::Socks5(_) => v5::emit_request(ports.to_wire, self.command, &self.target),
        }
        State::Request
    }
    fn reply(&self, ports: &mut Ports<'_>, awaited: &'static str) -> Result<Address, Stop> {
        match self.login.version() {
            Version::Socks4 => take(ports.from_wire, awaited, v4::parse_reply),
            Version::Socks5 => take(ports.from_wire, awaited, v5::parse_reply),
        }
    }
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }
    fn process(&mut self, mut ports: Ports<'_>, _now: Instant) {
        match self.open(&mut ports) {
            Ok(()) => ports.tunnel(),
            Err(stop) => {
                if stop.settle(&mut ports) {
                    self.state = State::Over;
                }
            }
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
            State::Start => match self.login.version() {
                Version::Socks4 => Progress::Opening(self.command.reply()),
                Version::Socks5 => Progress::Opening(wire::CHOICE),
            },
            State::Method => Progress::Opening(wire::CHOICE),
            State::Password => Progress::Opening(wire::STATUS),
            State::Request => Progress::Opening(self.command.reply()),
            State::Bound { .. } => Progress::Opening(wire::SECOND_REPLY),
            State::Open { .. } => Progress::Open,
            State::Over => Progress::Over,
        }
    }
    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.bound(), self.peer()) {
            (Some(bound), Some(peer)) => write!(f, "bound {bound}, peer {peer}"),
            (Some(bound), None) => write!(f, "bound {bound}"),
            _ => Ok(()),
        }
    }
}
