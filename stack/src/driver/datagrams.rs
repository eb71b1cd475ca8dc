//! UDP datagrams through a SOCKS5 proxy: the client's side of UDP ASSOCIATE.

use crate::driver::error::socket;
use crate::driver::io::Connection;
use crate::driver::runtime::{AsyncUdpSocket, collect_addresses};
use bytes::BytesMut;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use wirestack_layer::{End, Error, Flow};
use wirestack_socks::{Address, Client, Host, datagram};

/// A UDP socket whose datagrams a SOCKS5 proxy relays (UDP ASSOCIATE, RFC 1928 §7), as long as its
/// TCP connection to the proxy lives. [`associate`](crate::associate) opens it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::associate;
/// use wirestack::socks::Address;
///
/// let mut association = associate("socks5://proxy.test").await?;
/// association.send_to(b"hello", &Address::new("example.org", 7)?).await?;
/// let (payload, from) = association.recv().await?;
/// println!("{} bytes from {from}", payload.len());
/// association.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct Association {
    connection: Connection<Client>,
    sender: DatagramSender,
    buf: Vec<u8>,
}

/// The sending half of an [`Association`]. It can be cloned and used in any task.
///
/// ```
/// use wirestack::DatagramSender;
/// use wirestack::socks::Address;
///
/// async fn ask(sender: DatagramSender) -> Result<(), Box<dyn std::error::Error>> {
///     sender.send_to(b"a question", &Address::new("192.0.2.7", 53)?).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct DatagramSender {
    io: Arc<dyn AsyncUdpSocket>,
    relay: SocketAddr,
}

impl DatagramSender {
    /// Sends a datagram to an address, or to a name that the proxy looks up. Like every datagram,
    /// it may be lost without an error, also if the proxy does not permit it.
    ///
    /// # Errors
    ///
    /// The error of the system, for example if the payload is too large.
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
        let client = connection.part::<Client>().and_then(Client::bound);
        let bound = client.cloned().ok_or(Error::local("socks", NoAddress))?;
        let relay = match bound.host() {
            Host::Ip(ip) => relay_address(proxy, *ip, bound.port()),
            Host::Name(name) => {
                let found = connection.runtime.lookup(name.to_string(), bound.port());
                let found = collect_addresses(found).await.map_err(socket)?;
                *found.first().ok_or(Error::local("socks", NoAddress))?
            }
        };
        let mut at = local; // with its zone
        at.set_port(0);
        let io = UdpSocket::bind(at).map_err(socket)?;
        io.connect(relay).map_err(socket)?; // datagrams of other senders are not received
        let io = connection.runtime.wrap_udp(io).map_err(socket)?;
        Ok(Self {
            connection,
            sender: DatagramSender { io, relay },
            buf: vec![0; MAX_DATAGRAM],
        })
    }

    /// Sends a datagram. See [`DatagramSender::send_to`].
    ///
    /// # Errors
    ///
    /// The error of the system, for example if the payload is too large.
    pub async fn send_to(&self, payload: &[u8], to: &Address) -> io::Result<()> {
        self.sender.send_to(payload, to).await
    }

    /// Returns a sender, to send in one task and receive in another one.
    ///
    /// ```
    /// use wirestack::Association;
    /// use wirestack::socks::Address;
    ///
    /// /// Asks and receives in two tasks.
    /// async fn ask(mut udp: Association) -> Result<(), Box<dyn std::error::Error>> {
    ///     println!("the proxy relays at {}", udp.relay());
    ///     let sender = udp.sender();
    ///     tokio::spawn(async move {
    ///         let server = Address::new("192.0.2.7", 53).expect("an address");
    ///         sender.send_to(b"a question", &server).await
    ///     });
    ///     let (answer, from) = udp.recv().await?;
    ///     println!("{} bytes from {from}", answer.len());
    ///     Ok(())
    /// }
    /// ```
    pub fn sender(&self) -> DatagramSender {
        self.sender.clone()
    }

    /// Waits for a datagram, and returns its payload and the address of its sender. Datagrams
    /// without a valid header of the proxy are ignored. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// The error that ended the association, or the error of the system.
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
                Some(End::Finished) => {
                    return Poll::Ready(Err(Error::peer("socks", AssociationEnded)));
                }
                None => ready!(self.connection.advance(cx)),
            }
        }
    }

    /// Returns the address at which the proxy receives datagrams (BND.ADDR and BND.PORT of its
    /// reply).
    pub fn relay(&self) -> SocketAddr {
        self.sender.relay
    }

    /// Ends the association.
    ///
    /// # Errors
    ///
    /// The error that ended it before, or the proxy did not close the connection within 1 s.
    pub async fn close(self) -> Result<(), Error> {
        self.connection.finish(CLOSE_TIMEOUT).await
    }
}

/// Returns the address to which the datagrams go, as a proxy names it.
fn relay_address(mut proxy: SocketAddr, named: IpAddr, port: u16) -> SocketAddr {
    proxy.set_port(port);
    // A socket of IPv6 knows its IPv4 addresses by a form that no socket of IPv4 reaches.
    let named = match proxy {
        SocketAddr::V4(_) => named.to_canonical(),
        SocketAddr::V6(_) => named,
    };
    match (&mut proxy, named) {
        // An address of zeros stands for the address of the proxy.
        (_, named) if named.to_canonical().is_unspecified() => {}
        // The proxy does not know by which interface this side reaches it.
        (SocketAddr::V6(proxy), IpAddr::V6(named)) if named.is_unicast_link_local() => {
            proxy.set_ip(named);
        }
        (proxy, named) => *proxy = SocketAddr::new(named, port),
    }
    proxy
}

impl fmt::Debug for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Association")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the proxy named no address to send datagrams to")]
struct NoAddress;

#[derive(Debug, thiserror::Error)]
#[error("the proxy has ended the association")]
struct AssociationEnded;

/// The size of the largest possible datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// The time for the proxy to close its connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_a_proxy_names_is_read_as_its_client_reaches_it() {
        for (proxy, named, wanted) in [
            ("192.0.2.7:1080", "192.0.2.8", "192.0.2.8:9"),
            ("192.0.2.7:1080", "0.0.0.0", "192.0.2.7:9"),
            ("192.0.2.7:1080", "::", "192.0.2.7:9"),
            ("192.0.2.7:1080", "::ffff:192.0.2.8", "192.0.2.8:9"),
            ("192.0.2.7:1080", "::ffff:0.0.0.0", "192.0.2.7:9"),
            ("192.0.2.7:1080", "2001:db8::8", "[2001:db8::8]:9"),
            ("[2001:db8::7]:1080", "0.0.0.0", "[2001:db8::7]:9"),
            ("[2001:db8::7]:1080", "192.0.2.8", "192.0.2.8:9"),
            ("[fe80::7%3]:1080", "::", "[fe80::7%3]:9"),
            ("[fe80::7%3]:1080", "fe80::8", "[fe80::8%3]:9"),
            ("[fe80::7%3]:1080", "2001:db8::8", "[2001:db8::8]:9"),
        ] {
            let found = relay_address(proxy.parse().unwrap(), named.parse().unwrap(), 9);
            assert_eq!(found.to_string(), wanted, "{proxy} names {named}");
        }
    }
}
