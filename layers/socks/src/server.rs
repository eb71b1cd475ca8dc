use crate::handshake::NAME;
use crate::login::Credentials;
use crate::request::Commands;
use crate::server_handshake::open;
use crate::server_state::{PasswordCheck, Service, State};
use crate::{Address, Command, PasswordError, Reply, Request};
use alloc::boxed::Box;
use core::fmt;
use wirestack_layer::{Flows, Instant, Layer, Pipe, Progress, Tunnel, constant_time_eq};

/// The proxy's side. It hands the [`request`](Self::request) to its application, and waits until
/// the application calls [`accept`](Self::accept) or [`reject`](Self::reject).
///
/// Once the request is accepted, the layer is transparent: the client's bytes are for the target.
/// BIND takes two decisions: `accept` sends the client the address at which the proxy listens, and
/// [`connected`](Self::connected) the address of the peer. Then the layer is transparent.
///
/// It serves CONNECT to clients of SOCKS5. [`serving`](Self::serving) adds commands, and
/// [`with_socks4`](Self::with_socks4) adds SOCKS4. Other commands and malformed requests are
/// refused, each with its reply.
///
/// A server that fails "MUST terminate the TCP connection shortly after sending the reply", within
/// 10 seconds (RFC 1928 §6). So every failure finishes `to_wire` right behind its reply.
///
/// ```
/// use wirestack_layer::{Flows, Instant, Layer, Pipe};
/// use wirestack_socks::{Address, Command, Reply, Server};
///
/// let mut server = Server::new().serving(Command::UdpAssociate);
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"\x05\x01\x00\x05\x01\x00\x03\x0bexample.org\x01\xbb");
/// let mut turn = |server: &mut Server| {
///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
///     server.process(flows, Instant::ORIGIN);
///     to_wire.take(to_wire.len())
/// };
/// turn(&mut server);
/// // The application connects, or refuses with a reason.
/// match server.request().map(|request| request.target().port()) {
///     Some(443) => server.accept(Address::new("192.0.2.1", 4711)?),
///     _ => server.reject(Reply::NotAllowed),
/// }
/// assert_eq!(&turn(&mut server)[..], b"\x05\x00\x00\x01\xc0\x00\x02\x01\x12\x67");
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
pub struct Server(Tunnel<State>);

impl Server {
    /// Creates a server without authentication.
    pub fn new() -> Self {
        let service = Service {
            served: Commands::only(Command::Connect),
            password: None,
            socks4: None,
        };
        Self(Tunnel::with_state(NAME, State::New(Some(service)), open))
    }

    /// Creates a server that asks for a user name and a password (RFC 1929). `check` gets them in
    /// this order, and returns `true` if they are right.
    ///
    /// `check` is called at most once, with 1 to 255 bytes each. It should take the same time for
    /// every wrong user name and password: see [`constant_time_eq`]. For one known user,
    /// [`with_credentials`](Self::with_credentials) does that.
    ///
    /// ```
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    /// use wirestack_socks::Server;
    ///
    /// let mut server = Server::with_password(|user, password| user == b"ada" && password == b"secret");
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"\x05\x01\x02\x01\x03ada\x06secret");
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// server.process(flows, Instant::ORIGIN);
    /// assert_eq!(to_wire.unread(), b"\x05\x02\x01\x00");
    /// ```
    pub fn with_password(check: impl FnMut(&[u8], &[u8]) -> bool + Send + 'static) -> Self {
        Self::new().with(|service| service.password = Some(PasswordCheck::Now(Box::new(check))))
    }

    /// Asks for a user name and a password (RFC 1929), and waits for the application to
    /// [`authenticate`](Self::authenticate) the [`login`](Self::login). It is for checks that take
    /// time: a slow hash, or a question to another server.
    ///
    /// ```
    /// let server = wirestack_socks::Server::new().awaiting_login();
    /// assert!(server.login().is_none()); // it has not arrived
    /// ```
    #[must_use]
    pub fn awaiting_login(self) -> Self {
        self.with(|service| service.password = Some(PasswordCheck::Later))
    }

    /// Returns the user name and the password of the client, while the application has to decide
    /// on them, because the server is [`awaiting_login`](Self::awaiting_login).
    ///
    /// ```
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    /// use wirestack_socks::Server;
    ///
    /// let mut server = Server::new().awaiting_login();
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"\x05\x01\x02\x01\x03ada\x06secret");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    ///     to_wire.take(to_wire.len())
    /// };
    /// turn(&mut server);
    /// assert_eq!(server.login(), Some((&b"ada"[..], &b"secret"[..])));
    /// server.authenticate(true); // once a database has said so
    /// assert_eq!(&turn(&mut server)[..], b"\x01\x00");
    /// ```
    pub fn login(&self) -> Option<(&[u8], &[u8])> {
        match self.state()? {
            State::Login(login) if login.is_right.is_none() => {
                Some((&login.credentials.user, &login.credentials.password))
            }
            _ => None,
        }
    }

    /// Lets the client in, or refuses its password. Does nothing unless there is a
    /// [`login`](Self::login).
    ///
    /// ```
    /// use wirestack_socks::Server;
    ///
    /// /// Answers a login that a database has looked at.
    /// fn looked_up(server: &mut Server, is_known: bool) {
    ///     if server.login().is_some() {
    ///         server.authenticate(is_known);
    ///     }
    /// }
    /// ```
    pub fn authenticate(&mut self, is_right: bool) {
        if let State::Login(login) = self.0.state_mut() {
            login.is_right.get_or_insert(is_right);
        }
    }

    /// Creates a server for one user name and password, each of at most 255 bytes. They are compared
    /// in constant time and cleared from memory with the server.
    ///
    /// # Errors
    ///
    /// [`PasswordError`] for another length, which no client can send.
    ///
    /// ```
    /// use wirestack_socks::Server;
    ///
    /// let server = Server::with_credentials("me", "secret")?;
    /// # drop(server);
    /// # Ok::<(), wirestack_socks::PasswordError>(())
    /// ```
    pub fn with_credentials(
        user: impl AsRef<[u8]>,
        password: impl AsRef<[u8]>,
    ) -> Result<Self, PasswordError> {
        let known = Credentials::new(user.as_ref(), password.as_ref())?;
        Ok(Self::with_password(move |user, password| {
            // `&` always compares both, so the time does not tell which one is wrong.
            constant_time_eq(user, &known.user) & constant_time_eq(password, &known.password)
        }))
    }

    /// Adds a command that is served, BIND or UDP ASSOCIATE.
    #[must_use]
    pub fn serving(self, command: Command) -> Self {
        self.with(|service| service.served = service.served.and(command))
    }

    /// Serves clients of SOCKS4 and SOCKS4a too, if `check` returns `true` for their user id. The
    /// first byte tells the versions apart.
    ///
    /// SOCKS4 has no authentication but this user id, of 0 to 255 bytes, and any client can send
    /// any user id. If a server asks for a password and this is called, clients of SOCKS4 come in
    /// **without the password**. `check` is called at most once.
    ///
    /// ```
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    /// use wirestack_socks::Server;
    ///
    /// let mut server = Server::new().with_socks4(|user| user == b"ada");
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"\x04\x01\x00\x50\xc6\x33\x64\x01ada\0");
    /// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    /// server.process(flows, Instant::ORIGIN);
    /// assert_eq!(server.request().map(|request| request.target().port()), Some(80));
    /// ```
    #[must_use]
    pub fn with_socks4(self, check: impl FnMut(&[u8]) -> bool + Send + 'static) -> Self {
        self.with(|service| service.socks4 = Some(Box::new(check)))
    }

    fn with(mut self, change: impl FnOnce(&mut Service)) -> Self {
        if let State::New(Some(service)) = self.0.state_mut() {
            change(service);
        }
        self
    }

    /// Returns the state, unless the handshake has failed.
    fn state(&self) -> Option<&State> {
        (!self.0.is_over()).then(|| self.0.state())
    }

    /// Returns the request of the client, while the application has to decide on it.
    pub fn request(&self) -> Option<&Request> {
        match self.state()? {
            State::Asked(asked) if asked.bound.is_none() => Some(&asked.request),
            _ => None,
        }
    }

    /// Accepts the request, with the address that was bound for it: the local address of the
    /// connection to the target (CONNECT), or the address at which the proxy listens for the peer
    /// (BIND) or for datagrams (UDP ASSOCIATE).
    ///
    /// SOCKS4 can send only an IPv4 address. For another one it sends 0.0.0.0, which means the
    /// proxy's own address, and the port.
    ///
    /// Does nothing unless there is a [`request`](Self::request).
    pub fn accept(&mut self, bound: Address) {
        if let State::Asked(asked) = self.0.state_mut() {
            asked.bound.get_or_insert(bound);
        }
    }

    /// Returns the address at which the application listens for the peer of BIND: from the call of
    /// `accept` to that of [`connected`](Self::connected) or `reject`.
    ///
    /// ```
    /// use wirestack_layer::{Flows, Instant, Layer, Pipe};
    /// use wirestack_socks::{Address, Command, Server};
    ///
    /// let mut server = Server::new().serving(Command::Bind);
    /// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    /// from_wire.write(b"\x05\x01\x00\x05\x02\x00\x01\xc6\x33\x64\x01\x00\x14");
    /// let mut turn = |server: &mut Server| {
    ///     let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    ///     server.process(flows, Instant::ORIGIN);
    /// };
    /// turn(&mut server);
    /// server.accept(Address::new("192.0.2.1", 4711)?); // the application listens there
    /// turn(&mut server);
    /// assert_eq!(server.listening(), Some(&Address::new("192.0.2.1", 4711)?));
    /// server.connected(Address::new("198.51.100.1", 20)?); // the peer has come
    /// turn(&mut server);
    /// assert!(server.is_open());
    /// # Ok::<(), wirestack_socks::AddressError>(())
    /// ```
    pub fn listening(&self) -> Option<&Address> {
        match self.state()? {
            State::Asked(asked) if asked.wants_peer() => asked.bound.as_ref(),
            _ => None,
        }
    }

    /// Sends the client of BIND the address of the peer that has connected, and opens the tunnel.
    ///
    /// The application has to check that the peer is the host which the client
    /// [expects](Request::target), and to [reject](Self::reject) any other: BIND must let no other
    /// host in. It should also reject if no peer connects for some time.
    ///
    /// Does nothing unless the application is [`listening`](Self::listening).
    ///
    /// ```
    /// use wirestack_socks::{Address, Reply, Server};
    ///
    /// /// A peer has connected to the port that was bound for a client.
    /// fn came(server: &mut Server, peer: Address, is_expected: bool) {
    ///     if is_expected {
    ///         server.connected(peer);
    ///     } else {
    ///         server.reject(Reply::NotAllowed);
    ///     }
    /// }
    /// ```
    pub fn connected(&mut self, peer: Address) {
        if let State::Asked(asked) = self.0.state_mut()
            && asked.wants_peer()
        {
            asked.peer = Some(peer);
        }
    }

    /// Rejects the request; for BIND also after `accept`, if the expected peer has not connected. A
    /// [`Reply::Succeeded`] is sent as a general failure.
    ///
    /// Does nothing unless there is a [`request`](Self::request) or the application is
    /// [`listening`](Self::listening).
    pub fn reject(&mut self, reply: Reply) {
        if self.request().is_some() || self.listening().is_some() {
            let reply = match reply.code() {
                0 => Reply::GeneralFailure,
                _ => reply,
            };
            *self.0.state_mut() = State::Rejected(reply);
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
        if self.is_open() {
            self.0.facts(f)?;
        }
        Ok(())
    }
}
