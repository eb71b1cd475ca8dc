//! Datagrams through a proxy of SOCKS5.

use crate::driver::error::socket;
use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncUdpSocket, all};
use bytes::BytesMut;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{End, Error, Flow};
use wirestack_socks::{Address, Client, Host, datagram};

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
    pub(crate) async fn open(connection: Connection<Client>) -> Result<Self, Error> {
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
