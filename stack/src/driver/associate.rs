//! Datagrams through a proxy of SOCKS5.

use super::error::{seed, socket};
use super::io::{Connection, DialContext, no_runtime};
use super::runtime::{AsyncUdpSocket, BoxFuture, Runtime, all};
use crate::dial::{DialError, Dialer, Hop, Plan, RouteError, Timeouts};
use crate::socks::{Address, Client, Host, datagram};
use crate::{End, Error, Flow};
use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Associates with a `socks5://` proxy for datagrams (UDP ASSOCIATE, RFC 1928 §7). They go to it by
/// UDP, so there can be no hop before it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::socks::Address;
///
/// let mut datagrams = wirestack::associate("socks5h://gate.test").await?;
/// datagrams.send_to(b"query", &Address::new("192.0.2.53", 53)?).await?;
/// let (answer, from) = datagrams.recv().await?;
/// println!("{} bytes from {from}", answer.len());
/// # Ok(())
/// # }
/// ```
pub fn associate<H>(hop: H) -> Associate
where
    H: TryInto<Hop, Error: Into<RouteError>>,
{
    Associate {
        hop: hop.try_into().map_err(Into::into),
        timeouts: Timeouts::default(),
        context: DialContext::new(),
    }
}

/// An association about to be made: await it.
#[must_use = "it does nothing until it is awaited"]
pub struct Associate {
    hop: Result<Hop, RouteError>,
    timeouts: Timeouts,
    context: DialContext,
}

impl Associate {
    /// Sets how long it may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
    /// Connects with the runtime, resolver and credentials of this context.
    pub fn context(mut self, context: DialContext) -> Self {
        self.context = context;
        self
    }
    /// Runs on this, instead of the runtime that it is awaited in.
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.context = self.context.runtime(runtime);
        self
    }
    async fn make(self) -> Result<Association, DialError> {
        let now = self.context.find_runtime().map_err(no_runtime)?.now();
        let invalid = |error: RouteError| {
            let error = Error::local("route", error);
            DialError::invalid(error, now)
        };
        let hop = self.hop.map_err(invalid)?;
        // "the client MUST use a port number and address of all zeros", as a translator of addresses
        // on the way may change whatever it says.
        let from = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into();
        let client = hop.associating(from).map_err(invalid)?;
        let (endpoint, name) = (hop.endpoint().clone(), format!("hop 1 ({hop})"));
        let plan = Plan::new(endpoint, vec![name], move |_, _| client());
        let dialer = Dialer::new(plan, self.timeouts, seed(), now);
        let (connection, _) = self.context.dial(dialer).await?;
        Association::open(connection)
            .await
            .map_err(|error| DialError::invalid(error, now))
    }
}

impl IntoFuture for Associate {
    type Output = Result<Association, DialError>;
    type IntoFuture = BoxFuture<Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

/// A socket whose datagrams a proxy relays, as long as its connection to the proxy lives.
pub struct Association {
    connection: Connection<Client>,
    sender: DatagramSender,
    buf: Vec<u8>,
}

/// Sends the datagrams of an [`Association`], from any task.
#[derive(Clone, Debug)]
pub struct DatagramSender {
    io: Arc<dyn AsyncUdpSocket>,
    relay: SocketAddr,
}

impl DatagramSender {
    /// Sends a datagram to an address or a name, which the proxy looks up. Like every datagram, it may
    /// be lost without a word, also because the proxy does not permit it.
    ///
    /// # Errors
    ///
    /// Those of the system: a payload that is too large, for one.
    pub async fn send_to(&self, payload: &[u8], to: &Address) -> io::Result<()> {
        let mut bytes = BytesMut::with_capacity(datagram::MAX_HEADER + payload.len());
        datagram::emit(to, payload, &mut bytes);
        loop {
            match self.io.try_send(&bytes, None) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.io.clone().writable().await?;
                }
                sent => return sent,
            }
        }
    }
}

impl Association {
    async fn open(connection: Connection<Client>) -> Result<Self, Error> {
        let local = connection.local_addr().map_err(socket)?;
        let proxy = connection.peer_addr().map_err(socket)?;
        let client = connection.part::<Client>().and_then(|it| it.bound());
        let bound = client.cloned().ok_or(Error::local("socks", NoAddress))?;
        let relay = match bound.host() {
            // Zeros stand for the address of the proxy.
            Host::Ip(ip) if ip.is_unspecified() => SocketAddr::new(proxy.ip(), bound.port()),
            Host::Ip(ip) => SocketAddr::new(*ip, bound.port()),
            Host::Name(name) => {
                let found = connection.runtime.lookup(name.to_string(), bound.port());
                let found = all(found).await.map_err(socket)?;
                *found.first().ok_or(Error::local("socks", NoAddress))?
            }
        };
        let at = SocketAddr::new(local.ip(), 0);
        let io = UdpSocket::bind(at).map_err(socket)?;
        io.connect(relay).map_err(socket)?; // nobody else is heard
        let io = connection.runtime.wrap_udp(io).map_err(socket)?;
        Ok(Self {
            connection,
            sender: DatagramSender { io, relay },
            buf: vec![0; MAX_DATAGRAM],
        })
    }
    /// Sends a datagram, as [`DatagramSender::send_to`].
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send_to(&self, payload: &[u8], to: &Address) -> io::Result<()> {
        self.sender.send_to(payload, to).await
    }
    /// Returns what sends while somebody else receives.
    pub fn sender(&self) -> DatagramSender {
        self.sender.clone()
    }
    /// Waits for a datagram, and returns it with where it comes from. What is no datagram of a proxy
    /// is passed over. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// What ended the association, or those of the system.
    pub async fn recv(&mut self) -> Result<(Vec<u8>, Address), Error> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Vec<u8>, Address), Error>> {
        loop {
            if let Poll::Ready(received) = self.sender.io.poll_recv_from(cx, &mut self.buf) {
                let (n, _) = received.map_err(socket)?;
                if let Ok((from, payload)) = datagram::parse(&self.buf[..n]) {
                    return Poll::Ready(Ok((payload.to_vec(), from)));
                }
                continue;
            }
            self.connection.engine().to_app().discard();
            match self.connection.engine().to_app().closed() {
                Some(End::Aborted(error)) => return Poll::Ready(Err(error.clone())),
                Some(End::Finished) => return Poll::Ready(Err(Error::peer("socks", Over))),
                None => ready!(self.connection.advance(cx)),
            }
        }
    }
    /// Returns the address where the proxy takes datagrams.
    pub fn relay(&self) -> SocketAddr {
        self.sender.relay
    }
    /// Ends the association.
    ///
    /// # Errors
    ///
    /// What ended it before.
    pub async fn close(self) -> Result<(), Error> {
        self.connection.finish(CLOSE_TIMEOUT).await
    }
}

impl Hop {
    /// How a client of this proxy asks for an association.
    fn associating(
        &self,
        from: Address,
    ) -> Result<impl Fn() -> Result<Client, Error> + Send + use<>, RouteError> {
        let credentials = self.socks5()?.cloned();
        Ok(move || {
            let client = Client::associate(from.clone());
            match &credentials {
                None => Ok(client),
                Some(c) => {
                    let known = client.with_password(&c.user, &c.password);
                    known.map_err(|error| Error::local("socks", error))
                }
            }
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the proxy has no address to send datagrams to")]
struct NoAddress;

#[derive(Debug, thiserror::Error)]
#[error("the proxy has ended the association")]
struct Over;

/// No datagram is larger, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// How long the proxy is waited for in the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
