//! Datagrams through a proxy of SOCKS5.

use super::{Connection, Outside, Transport, dial};
use crate::dial::{DialError, Dialer, Hop, Plan, RouteError, Timeouts};
use crate::driver::{seed, socket};
use crate::socks::{Address, Client, Host, datagram};
use crate::{End, Error, Flow};
use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::ReadBuf;
use tokio::net::{UdpSocket, lookup_host};

/// Associates with a `socks5://` proxy for datagrams (UDP ASSOCIATE, RFC 1928 §7). They go to it by
/// UDP, so there can be no hop before it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::socks::Address;
///
/// let mut datagrams = wirestack::tokio::associate("socks5h://gate.test").await?;
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
        outside: Outside::default(),
    }
}

/// An association about to be made: await it.
#[must_use = "it does nothing until it is awaited"]
pub struct Associate {
    hop: Result<Hop, RouteError>,
    timeouts: Timeouts,
    outside: Outside,
}

impl Associate {
    /// Sets how long it may take.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
    /// Gets from this whatever connecting needs from outside.
    pub fn outside(mut self, outside: Outside) -> Self {
        self.outside = outside;
        self
    }
    async fn make(self) -> Result<Association, DialError> {
        let now = super::runtime::now();
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
        let (connection, _) = dial(dialer, &self.outside).await?;
        Association::open(connection)
            .await
            .map_err(|error| DialError::invalid(error, now))
    }
}

impl IntoFuture for Associate {
    type Output = Result<Association, DialError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

/// A socket whose datagrams a proxy relays, as long as its connection to the proxy lives.
pub struct Association {
    connection: Connection<Transport, Client>,
    sender: DatagramSender,
    buf: Vec<u8>,
}

/// Sends the datagrams of an [`Association`], from any task.
#[derive(Clone, Debug)]
pub struct DatagramSender(Arc<UdpSocket>);

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
        self.0.send(&bytes).await.map(|_| ())
    }
}

impl Association {
    async fn open(mut connection: Connection<Transport, Client>) -> Result<Self, Error> {
        let Some(Transport::Tcp(io)) = connection.transport() else {
            return Err(Error::local("socks", NoAddress));
        };
        let local = io.local_addr().map_err(socket)?;
        let proxy = io.peer_addr().map_err(socket)?;
        let client = connection.part::<Client>().and_then(|it| it.bound());
        let bound = client.cloned().ok_or(Error::local("socks", NoAddress))?;
        let relay = match bound.host() {
            // Zeros stand for the address of the proxy.
            Host::Ip(ip) if ip.is_unspecified() => SocketAddr::new(proxy.ip(), bound.port()),
            Host::Ip(ip) => SocketAddr::new(*ip, bound.port()),
            Host::Name(name) => {
                let mut found = lookup_host((&**name, bound.port())).await.map_err(socket)?;
                found.next().ok_or(Error::local("socks", NoAddress))?
            }
        };
        let at = SocketAddr::new(local.ip(), 0);
        let io = UdpSocket::bind(at).await.map_err(socket)?;
        io.connect(relay).await.map_err(socket)?; // nobody else is heard
        Ok(Self {
            connection,
            sender: DatagramSender(Arc::new(io)),
            buf: vec![0; LARGEST],
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
            let mut buf = ReadBuf::new(&mut self.buf);
            if let Poll::Ready(received) = self.sender.0.poll_recv(cx, &mut buf) {
                received.map_err(socket)?;
                if let Ok((from, payload)) = datagram::parse(buf.filled()) {
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
    /// Returns where the proxy takes datagrams.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub fn relay(&self) -> io::Result<SocketAddr> {
        self.sender.0.peer_addr()
    }
    /// Ends the association.
    ///
    /// # Errors
    ///
    /// What ended it before.
    pub async fn close(self) -> Result<(), Error> {
        self.connection.finish(GOODBYE).await
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
const LARGEST: usize = 65_536;

/// How long the proxy is waited for in the end.
const GOODBYE: Duration = Duration::from_secs(1);
