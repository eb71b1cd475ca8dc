//! Relaying the datagrams of a client of SOCKS5.

use crate::driver::error::socket;
use crate::driver::io::{Connection, Relayed};
use crate::driver::runtime::{AsyncUdpSocket, BoxFuture, Runtime, all};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll};
use wirestack_dial::serve::{ProxyServer, RelayedDatagram, UdpRelay};
use wirestack_layer::{End, Error, Flow, Layer, Pipe};

/// Relays what its client sends, as long as the client's connection lives: "A UDP association
/// terminates when the TCP connection that the UDP ASSOCIATE request arrived on terminates".
pub(super) async fn relay_datagrams<L>(
    mut client: Connection<L>,
    server: &ProxyServer,
    datagrams: UdpRelay,
    proxy: SocketAddr,
) -> Result<Relayed, Error>
where
    L: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let at = SocketAddr::new(proxy.ip(), 0);
    let runtime = client.runtime.clone();
    let inner = Socket::bind(&*runtime, at).map_err(socket)?;
    let bound = inner.io.local_addr().map_err(socket)?;
    let mut relay = Relay {
        runtime,
        datagrams,
        inner,
        outer: [None, None],
        lookups: Vec::new(),
        buf: vec![0; MAX_DATAGRAM],
        relayed: Relayed {
            sent: 0,
            received: 0,
        },
    };
    server.accept(client.engine(), bound);
    let ended = poll_fn(|cx| {
        loop {
            client.engine().to_app().discard(); // nothing is said here any more
            if let Some(end) = client.engine().to_app().end().cloned() {
                return Poll::Ready(end);
            }
            let moved = relay.advance(cx);
            if client.advance(cx).is_pending() && !moved {
                return Poll::Pending;
            }
        }
    })
    .await;
    client.engine().from_app().finish();
    poll_fn(|cx| {
        client.push(cx);
        Poll::Ready(())
    })
    .await;
    match ended {
        End::Finished => Ok(relay.relayed),
        End::Aborted(error) => Err(error),
    }
}

struct Relay {
    runtime: Arc<dyn Runtime>,
    datagrams: UdpRelay,
    /// The socket that the client speaks to.
    inner: Socket,
    /// The sockets that speak to the targets, over IPv4 and over IPv6.
    outer: [Option<Socket>; 2],
    lookups: Vec<Lookup>,
    buf: Vec<u8>,
    relayed: Relayed,
}

/// The addresses of a target, and the payload for it.
type Lookup = BoxFuture<Option<(Vec<SocketAddr>, Bytes)>>;

impl Relay {
    /// Relays some datagrams; returns whether there were any. What cannot be sent is lost, as datagrams are.
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        for _ in 0..MAX_BATCH {
            let Poll::Ready(read) = self.inner.receive(&mut self.buf, cx) else {
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
                    if let Some((found, payload)) = found {
                        self.send_to(found, payload);
                    }
                    moved = true;
                }
            }
        }
        for outer in self.outer.iter_mut().flatten() {
            for _ in 0..MAX_BATCH {
                let Poll::Ready(read) = outer.receive(&mut self.buf, cx) else {
                    break;
                };
                moved = true;
                let Ok((n, source)) = read else { continue };
                let payload = &self.buf[..n];
                if let Some((client, bytes)) = self.datagrams.from_target(source, payload) {
                    self.inner.send(client, bytes);
                    self.relayed.received += n as u64;
                }
            }
            outer.flush(cx);
        }
        self.inner.flush(cx);
        moved
    }

    fn send(&mut self, RelayedDatagram { to, payload }: RelayedDatagram) {
        if let Ok(ip) = to.host.parse() {
            return self.send_to(vec![SocketAddr::new(ip, to.port)], payload);
        }
        if self.lookups.len() < MAX_LOOKUPS {
            let found = self.runtime.lookup(to.host, to.port);
            self.lookups.push(Box::pin(
                async move { Some((all(found).await.ok()?, payload)) },
            ));
        }
    }

    fn send_to(&mut self, found: Vec<SocketAddr>, payload: Bytes) {
        let Ok(to) = self.datagrams.to_target(found) else {
            return;
        };
        let outer = &mut self.outer[usize::from(to.is_ipv6())];
        if outer.is_none() {
            *outer = Socket::for_target(&*self.runtime, to).ok();
        }
        if let Some(outer) = outer {
            self.relayed.sent += payload.len() as u64;
            outer.send(to, payload);
        }
    }
}

/// A socket, and the datagrams that wait to be sent from it.
struct Socket {
    io: Arc<dyn AsyncUdpSocket>,
    waiting: VecDeque<(SocketAddr, Bytes)>,
    /// Ready when there may be room again.
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

    /// Opens a socket of the family of an address.
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

/// No datagram is larger, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// How many datagrams come from one side before the other sides have their turn.
const MAX_BATCH: usize = 64;

/// How many datagrams wait to be sent from one socket; what is more is lost.
const MAX_QUEUE: usize = 2 * MAX_BATCH;

/// How many names are looked up at once; what is for another one is lost.
const MAX_LOOKUPS: usize = 16;
