//! Relaying the UDP datagrams of one SOCKS5 client: the server's side of UDP ASSOCIATE.

use super::deciding::unless;
use crate::driver::io::{Connection, IdleTimer, RelayIdle, Relayed};
use crate::driver::runtime::{AsyncUdpSocket, BoxFuture, Runtime, collect_addresses, sleep};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use wirestack_dial::Endpoint;
use wirestack_dial::serve::{ProxyServer, ProxyTarget, RelayedDatagram, UdpRelay};
use wirestack_layer::{End, Error, Flow, Layer, Pipe, origin};

/// Relays the datagrams of a client as long as its connection lives and datagrams come: "A UDP association terminates
/// when the TCP connection that the UDP ASSOCIATE request arrived on terminates" (RFC 1928 §7).
pub(super) async fn relay_datagrams<L>(
    mut client: Connection<L>,
    server: &ProxyServer,
    datagrams: UdpRelay,
    (to_client, bound): (Socket, SocketAddr),
    relayed: &mut Relayed,
) -> Result<(), Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let runtime = client.runtime.clone();
    let allowed = server.timeouts().udp_idle;
    let mut idle = IdleTimer::new(runtime.clone(), allowed);
    let mut relay = Relay {
        runtime,
        datagrams,
        to_client,
        to_targets: [None, None],
        lookups: Vec::new(),
        resolve_timeout: server.timeouts().connect.resolve,
        buf: vec![0; MAX_DATAGRAM],
        carried: 0,
        relayed,
    };
    server.accept(client.engine(), bound);
    let ended = poll_fn(|cx| {
        for _ in 0..MAX_TURNS {
            client.engine().to_app().discard(); // no bytes have a meaning here any more
            if let Some(end) = client.engine().to_app().end().cloned() {
                return Poll::Ready(end);
            }
            let moved = relay.advance(cx);
            if let Poll::Ready(expired) = idle.poll_idle(relay.carried, cx) {
                return Poll::Ready(End::Aborted(match expired {
                    Ok(()) => Error::local(origin::CONNECTION, RelayIdle { allowed }),
                    Err(error) => Error::local(origin::RUNTIME, error),
                }));
            }
            if client.advance(cx).is_pending() && !moved {
                return Poll::Pending;
            }
        }
        // Anybody can send to a socket without a pause, and its error can be there to stay.
        client.runtime.yield_now(cx);
        Poll::Pending
    })
    .await;
    client.engine().from_app().finish();
    poll_fn(|cx| {
        client.process_and_write(cx);
        Poll::Ready(())
    })
    .await;
    match ended {
        End::Finished => Ok(()),
        End::Aborted(error) => Err(error),
    }
}

/// Opens the socket for the datagrams of a client, at the address of the proxy to which the client
/// has connected. Returns its own address too.
pub(super) fn socket_for_client(
    runtime: &dyn Runtime,
    proxy: SocketAddr,
) -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::bind(runtime, at_any_port(proxy))?;
    let bound = socket.io.local_addr()?;
    Ok((socket, bound))
}

/// Returns the address of the proxy to which a client has connected, with a port that the system
/// chooses: in its zone, without which a link-local address is none (RFC 4007 §6), and over IPv4 for
/// a client of IPv4 that has come through a socket of IPv6.
pub(super) fn at_any_port(mut proxy: SocketAddr) -> SocketAddr {
    if let ip @ IpAddr::V4(_) = proxy.ip().to_canonical() {
        return SocketAddr::new(ip, 0);
    }
    proxy.set_port(0);
    proxy
}

struct Relay<'a> {
    runtime: Arc<dyn Runtime>,
    datagrams: UdpRelay,
    /// The socket that exchanges datagrams with the client.
    to_client: Socket,
    /// The sockets that exchange datagrams with the targets, over IPv4 and over IPv6.
    to_targets: [Option<Socket>; 2],
    lookups: Vec<Lookup>,
    resolve_timeout: Duration,
    buf: Vec<u8>,
    /// The number of datagrams that were carried in both directions. Those of strangers do not
    /// count.
    carried: u64,
    relayed: &'a mut Relayed,
}

/// A look-up of a target's addresses, with the payload for that target.
type Lookup = BoxFuture<Option<(Endpoint, Vec<SocketAddr>, Bytes)>>;

impl Relay<'_> {
    /// Relays some datagrams. Returns `true` if there were any. A datagram that cannot be sent is
    /// lost.
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        for _ in 0..MAX_BATCH {
            let Poll::Ready(read) = self.to_client.receive(&mut self.buf, cx) else {
                break;
            };
            moved = true;
            let Ok((n, source)) = read else { continue };
            if let Some(outgoing) = self.datagrams.from_client(source, &self.buf[..n]) {
                self.send(outgoing);
            }
        }
        let mut at = 0;
        while at < self.lookups.len() {
            match self.lookups[at].as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(found) => {
                    drop(self.lookups.swap_remove(at));
                    if let Some((to, found, payload)) = found {
                        self.send_to(&to, found, payload);
                    }
                    moved = true;
                }
            }
        }
        for socket in self.to_targets.iter_mut().flatten() {
            for _ in 0..MAX_BATCH {
                let Poll::Ready(read) = socket.receive(&mut self.buf, cx) else {
                    break;
                };
                moved = true;
                let Ok((n, source)) = read else { continue };
                let payload = &self.buf[..n];
                if let Some((client, bytes)) = self.datagrams.from_target(source, payload) {
                    self.to_client.send(client, bytes);
                    self.relayed.received += n as u64;
                    self.carried += 1;
                }
            }
            socket.flush(cx);
        }
        self.to_client.flush(cx);
        moved
    }

    fn send(&mut self, RelayedDatagram { to, payload }: RelayedDatagram) {
        let to = match to {
            ProxyTarget::Address(at) => {
                let (host, port) = (at.ip().to_string(), at.port());
                return self.send_to(&Endpoint { host, port }, vec![at], payload);
            }
            ProxyTarget::Name(to) => to,
        };
        if self.lookups.len() < MAX_LOOKUPS {
            let found = self.runtime.lookup(to.host.clone(), to.port);
            let (runtime, timeout) = (self.runtime.clone(), self.resolve_timeout);
            self.lookups.push(Box::pin(async move {
                let found = unless(sleep(&*runtime, timeout), collect_addresses(found));
                Some((to, found.await.ok()?.ok()?, payload))
            }));
        }
    }

    fn send_to(&mut self, to: &Endpoint, found: Vec<SocketAddr>, payload: Bytes) {
        let Ok(to) = self.datagrams.to_target(to, found) else {
            return;
        };
        let socket = &mut self.to_targets[usize::from(to.is_ipv6())];
        if socket.is_none() {
            *socket = Socket::for_target(&*self.runtime, to).ok();
        }
        if let Some(socket) = socket {
            self.relayed.sent += payload.len() as u64;
            self.carried += 1;
            socket.send(to, payload);
        }
    }
}

/// A UDP socket, and the datagrams that wait to be sent from it.
pub(super) struct Socket {
    io: Arc<dyn AsyncUdpSocket>,
    waiting: VecDeque<(SocketAddr, Bytes)>,
    /// The wait for room for another datagram.
    writable: Option<BoxFuture<io::Result<()>>>,
}

impl Socket {
    fn bind(runtime: &dyn Runtime, at: SocketAddr) -> io::Result<Self> {
        Ok(Self {
            io: runtime.wrap_udp(UdpSocket::bind(at)?)?,
            waiting: VecDeque::new(),
            writable: None,
        })
    }

    /// Opens a socket for the family of an address: IPv4 or IPv6.
    fn for_target(runtime: &dyn Runtime, to: SocketAddr) -> io::Result<Self> {
        let any = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        Self::bind(runtime, any)
    }

    fn receive(
        &self,
        buf: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io.poll_recv_from(cx, buf)
    }

    fn send(&mut self, to: SocketAddr, bytes: Bytes) {
        if self.waiting.len() < MAX_QUEUE {
            self.waiting.push_back((to, bytes));
        }
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        while let Some((to, bytes)) = self.waiting.front() {
            if let Some(writable) = &mut self.writable
                && writable.as_mut().poll(cx).is_pending()
            {
                return;
            }
            self.writable = None;
            match self.io.try_send(bytes, Some(*to)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.writable = Some(self.io.clone().writable());
                }
                _ => drop(self.waiting.pop_front()),
            }
        }
    }
}

/// The size of the largest possible datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// The number of datagrams that are relayed from one socket before the other sockets have their
/// turn.
const MAX_BATCH: usize = 64;

/// The number of turns after which other tasks have theirs.
const MAX_TURNS: usize = 4;

/// The number of datagrams that wait to be sent from one socket. Further ones are lost.
const MAX_QUEUE: usize = 2 * MAX_BATCH;

/// The number of names that are looked up at the same time. Datagrams for further names are lost.
const MAX_LOOKUPS: usize = 16;

#[cfg(test)]
mod tests {
    use super::at_any_port;

    #[test]
    fn the_address_of_a_proxy_keeps_its_zone_and_is_of_the_version_of_its_client() {
        for (address, wanted) in [
            ("192.0.2.1:1080", "192.0.2.1:0"),
            ("[::ffff:192.0.2.1]:1080", "192.0.2.1:0"),
            ("[2001:db8::1]:1080", "[2001:db8::1]:0"),
            ("[fe80::1%3]:1080", "[fe80::1%3]:0"),
        ] {
            let address = at_any_port(address.parse().unwrap());
            assert_eq!(address, wanted.parse().unwrap());
        }
    }
}
