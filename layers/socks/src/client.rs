use crate::handshake::{NAME, read, refuse};
use crate::login::{Credentials, Login, UserId};
use crate::names::method;
use crate::wire::{self, v4, v5};
use crate::{
    Address, AddressError, Command, Host, PasswordError, Socks4Error, SocksError, Version,
};
use alloc::boxed::Box;
use core::fmt;
use core::mem;
use core::net::IpAddr;
use wirestack_layer::{Error, Flows, Instant, Layer, Pipe, Progress, Tunnel, Wire};

/// The side that asks a proxy for a connection, or for another [`Command`].
///
/// Once the proxy has granted the request, the layer is transparent. No bytes of the application
/// are sent before. It speaks SOCKS5, or [SOCKS4](Self::socks4) on demand.
///
/// ```
/// use wirestack_layer::{Flow, Flows, Instant, Layer, Pipe};
/// use wirestack_socks::{Address, Client};
///
/// let target = Address::new("example.org", 22)?;
/// let mut client = Client::new(target.clone()).with_password("ada", "secret")?;
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// let mut turn = |received: &[u8]| {
///     from_wire.write(received);
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     client.process(flows, Instant::ORIGIN);
///     to_wire.take(to_wire.len())
/// };
/// assert_eq!(&turn(b"")[..], b"\x05\x02\x02\x00"); // a password, or no login
/// assert_eq!(&turn(b"\x05\x02")[..], b"\x01\x03ada\x06secret");
/// assert_eq!(&turn(b"\x01\x00")[..], b"\x05\x01\x00\x03\x0bexample.org\x00\x16");
/// turn(b"\x05\x00\x00\x01\xc0\x00\x02\x01\x12\x67");
/// assert_eq!(client.bound(), Some(&Address::new("192.0.2.1", 4711)?));
///
/// let _ = Client::new(Address::new("192.0.2.7", 22)?).socks4("ada")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client(Tunnel<State>);

#[derive(Debug)]
enum State {
    /// The handshake has not begun. It takes the request when it begins.
    New(Asks),
    /// The handshake has begun. The addresses are those of the replies so far.
    Asked {
        bound: Option<Address>,
        peer: Option<Address>,
    },
}

#[derive(Debug)]
struct Asks {
    command: Command,
    target: Address,
    login: Login,
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
    /// The proxy replies twice. The first reply has the address at which it listens,
    /// [`bound`](Self::bound). The application sends that to the peer by another way, such as FTP's
    /// PORT. After the second reply the layer is open, and [`peer`](Self::peer) is the address of
    /// the peer. Proxies accept no other host than the expected one; few check its port.
    ///
    /// ```
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    /// use wirestack_socks::{Address, Client};
    ///
    /// // As for the data connection of FTP: the server connects to the proxy.
    /// let mut client = Client::bind(Address::new("ftp.example.org", 20)?);
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// let bound = b"\x05\x00\x00\x01\xc0\x00\x02\x01\x12\x67"; // tell the server: 192.0.2.1:4711
    /// let peer = b"\x05\x00\x00\x01\xc6\x33\x64\x01\x00\x14"; // it has come from 198.51.100.1:20
    /// for received in [b"\x05\x00".as_slice(), bound, peer] {
    ///     from_wire.write(received);
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     client.process(flows, Instant::ORIGIN);
    /// }
    /// assert_eq!(client.bound(), Some(&Address::new("192.0.2.1", 4711)?));
    /// assert_eq!(client.peer(), Some(&Address::new("198.51.100.1", 20)?));
    /// # Ok::<(), wirestack_socks::AddressError>(())
    /// ```
    pub fn bind(expected: Address) -> Self {
        Self::asking(Command::Bind, expected)
    }

    /// Creates a client that asks for a relay of [datagrams](crate::datagram), which it will send
    /// from the address `from` (UDP ASSOCIATE).
    ///
    /// If `from` is not known yet, it "MUST use a port number and address of all zeros". The relay
    /// is at [`bound`](Self::bound), and lives as long as this connection (RFC 1928 §7), which
    /// carries no bytes after the reply.
    ///
    /// ```
    /// use wirestack_socks::{Address, Client};
    ///
    /// // `bound` is then the address that takes the datagrams. The connection stays open meanwhile.
    /// let client = Client::associate(Address::new("0.0.0.0", 0)?);
    /// assert_eq!(client.bound(), None); // the proxy has not answered yet
    /// # Ok::<(), wirestack_socks::AddressError>(())
    /// ```
    pub fn associate(from: Address) -> Self {
        Self::asking(Command::UdpAssociate, from)
    }

    fn asking(command: Command, target: Address) -> Self {
        let login = Login::Socks5(None);
        let state = State::New(Asks {
            command,
            target,
            login,
        });
        Self(Tunnel::with_state(NAME, state, open))
    }

    /// Offers a user name and a password too (RFC 1929), each of at most 255 bytes.
    ///
    /// They are sent only if the proxy asks for them, and in the clear, as in the RFC. The proxy
    /// may still choose no authentication, as many do for addresses that they know. The password is
    /// offered first: some proxies take the first method that they accept, and need the user name
    /// to tell their users apart.
    ///
    /// RFC 1929 wants at least one byte of each. An empty one is sent all the same: some proxies
    /// have users without a password, and some look at the password alone.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] if one of them is too long, or if the client speaks SOCKS4.
    pub fn with_password(
        mut self,
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, PasswordError> {
        if let State::New(asks) = self.0.state_mut() {
            if let Login::Socks4(_) = asks.login {
                return Err(PasswordError::Socks4);
            }
            let credentials = Credentials::new(user.as_ref(), password.as_ref())?;
            asks.login = Login::Socks5(Some(credentials));
        }
        Ok(self)
    }

    /// Makes the client speak [SOCKS4], with a user id that may be empty. The proxy may believe the
    /// user id, or ask identd.
    ///
    /// A name goes to the proxy as in [SOCKS4a].
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
    pub fn socks4(mut self, user: impl AsRef<[u8]>) -> Result<Self, Socks4Error> {
        if let State::New(asks) = self.0.state_mut() {
            match asks.target.host() {
                Host::Ip(IpAddr::V6(_)) => return Err(Socks4Error::Ipv6),
                Host::Ip(IpAddr::V4(ip)) if v4::announces_name(*ip) => {
                    return Err(Socks4Error::AnnouncesName(*ip));
                }
                _ if asks.command == Command::UdpAssociate => {
                    return Err(Socks4Error::UdpAssociate);
                }
                _ if asks.login.has_password() => return Err(Socks4Error::Password),
                _ => {}
            }
            asks.login = Login::Socks4(UserId::new(user.as_ref())?);
        }
        Ok(self)
    }

    /// Returns the address that the proxy has bound, once it has replied. For CONNECT it is the
    /// address that the target sees, or `None` if the proxy sent none that can be read; for BIND, the one that the peer connects to; for UDP
    /// ASSOCIATE, the one that datagrams are sent to.
    ///
    /// If it is unspecified (0.0.0.0 or ::), it stands for the address at which the client has
    /// reached the proxy.
    pub fn bound(&self) -> Option<&Address> {
        self.addresses().0
    }

    /// Returns the address of the peer that has connected to the proxy, once BIND is open; `None` if
    /// the proxy sent none that can be read.
    ///
    /// ```
    /// use wirestack_socks::Client;
    ///
    /// /// Says who has connected to the port that the proxy has bound.
    /// fn show(client: &Client) {
    ///     match client.peer() {
    ///         Some(peer) => println!("called by {peer}"),
    ///         None => println!("nobody has called yet"),
    ///     }
    /// }
    /// ```
    pub fn peer(&self) -> Option<&Address> {
        self.addresses().1
    }

    fn addresses(&self) -> (Option<&Address>, Option<&Address>) {
        match self.0.state() {
            State::Asked { bound, peer } if !self.0.is_over() => (bound.as_ref(), peer.as_ref()),
            _ => (None, None),
        }
    }
}

/// The handshake.
async fn open(wire: Wire<State>) -> Result<(), Error> {
    let (bound, peer) = (None, None);
    let state = wire.state(|state| mem::replace(state, State::Asked { bound, peer }));
    let State::New(mut asks) = state else {
        unreachable!("the handshake begins once");
    };
    let (command, target, version) = (asks.command, &asks.target, asks.login.version());
    // A refusal names what the proxy was asked for.
    let named = |error: Error| match error.cause() {
        Some(&SocksError::Refused { reply, .. }) => refuse(SocksError::Refused {
            reply,
            asked: Some(Box::new((command, target.clone()))),
        }),
        _ => error,
    };
    match &mut asks.login {
        Login::Socks4(UserId(user)) => {
            wire.fill(|to| v4::emit_request(to, command, target, user))
                .await;
        }
        Login::Socks5(credentials) => {
            log_in(&wire, credentials).await?;
            wire.fill(|to| v5::emit_request(to, command, target)).await;
        }
    }
    let awaited = match version {
        Version::Socks4 => wire::SOCKS4_REPLY,
        Version::Socks5 => command.reply(),
    };
    let bound = reply(&wire, version, awaited).await.map_err(named)?;
    let bound = match (command, bound) {
        // The proxy has connected. Its own address is no more than a note.
        (Command::Connect, bound) => bound.ok(),
        // Others have to send to this address.
        (_, bound) => Some(bound.map_err(|error| refuse(error.into()))?),
    };
    wire.state(|state| state.keep(bound, None));
    if command == Command::Bind {
        let peer = reply(&wire, version, wire::SECOND_REPLY)
            .await
            .map_err(named)?;
        wire.state(|state| state.keep(None, peer.ok()));
    }
    Ok(())
}

/// Offers the methods (RFC 1928 §3), and authenticates by the one that the proxy chooses.
async fn log_in(wire: &Wire<State>, credentials: &mut Option<Credentials>) -> Result<(), Error> {
    let offered = Credentials::methods(credentials.as_ref());
    wire.fill(|to| v5::emit_greeting(to, offered)).await;
    let chosen = read(wire, wire::CHOICE, v5::parse_choice).await?;
    match (chosen, credentials.take()) {
        (method::NO_AUTHENTICATION, _) => Ok(()),
        (method::PASSWORD, Some(login)) => {
            wire.fill(move |to| v5::emit_password(to, &login.user, &login.password))
                .await;
            read(wire, wire::STATUS, v5::parse_status).await
        }
        (method::NONE_ACCEPTABLE, _) => Err(refuse(SocksError::MethodsRefused { offered })),
        (other, _) => Err(refuse(SocksError::UnofferedMethod(other))),
    }
}

async fn reply(
    wire: &Wire<State>,
    version: Version,
    awaited: &'static str,
) -> Result<Result<Address, AddressError>, Error> {
    let parse = match version {
        Version::Socks4 => v4::parse_reply,
        Version::Socks5 => v5::parse_reply,
    };
    read(wire, awaited, parse).await
}

impl Layer for Client {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, flows: Flows<'_>, now: Instant) {
        self.0.process(flows, now);
    }

    fn process_untimed(&mut self, flows: Flows<'_>) -> bool {
        self.0.process_untimed(flows)
    }

    fn is_open(&self) -> bool {
        self.0.is_open()
    }

    fn is_transparent(&self) -> bool {
        self.0.is_transparent()
    }

    fn progress(&self) -> Progress {
        self.0.progress()
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_over() {
            self.0.facts(f)?;
        }
        Ok(())
    }
}

impl State {
    /// Stores the addresses of a reply.
    fn keep(&mut self, new_bound: Option<Address>, new_peer: Option<Address>) {
        if let Self::Asked { bound, peer } = self {
            *bound = new_bound.or(bound.take());
            *peer = new_peer.or(peer.take());
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked {
                bound: Some(bound),
                peer: Some(peer),
            } => write!(f, "bound {bound}, peer {peer}"),
            Self::Asked {
                bound: Some(bound), ..
            } => write!(f, "bound {bound}"),
            _ => Ok(()),
        }
    }
}
