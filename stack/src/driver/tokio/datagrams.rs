//! Relaying the datagrams of a client of SOCKS5.

use super::{Connection, Relayed};
use crate::driver::polled::Pending;
use crate::driver::socket;
use crate::{Datagrams, End, Error, Flow, Gate, Layer, Outgoing, Pipe};
use bytes::Bytes;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UdpSocket, lookup_host};

/// Relays what its client sends, as long as the client's connection lives: "A UDP association
/// terminates when the TCP connection that the UDP ASSOCIATE request arrived on terminates".
pub(super) async fn relay_datagrams<S, L>(
    mut client: Connection<S, L>,
    gate: &Gate,
    datagrams: Datagrams,
    proxy: SocketAddr,
) -> Result<Relayed, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    L: Layer<In = Pipe, Out = Pipe>,
{
    let at = SocketAddr::new(proxy.ip(), 0);
    let inner = UdpSocket::bind(at).await.map_err(socket)?;
    let bound = inner.local_addr().map_err(socket)?;
    let mut relay = Relay {
        datagrams,
        inner: Side::new(inner),
        outer: [None, None],
        lookups: Vec::new(),
        buf: vec![0; LARGEST],
        relayed: Relayed { there: 0, back: 0 },
    };
    gate.accept(client.engine(), bound);
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
    datagrams: Datagrams,
    /// What the client speaks to.
    inner: Side,
    /// What speaks to the targets, over IPv4 and over IPv6.
    outer: [Option<Side>; 2],
    lookups: Vec<Lookup>,
    buf: Vec<u8>,
    relayed: Relayed,
}

/// What was found, and what is to be sent there.
type Lookup = Pending<Option<(Vec<SocketAddr>, Bytes)>>;

impl Relay {
    /// Relays some datagrams; whether there were any. What cannot be sent is lost, as datagrams are.
    fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        for _ in 0..TURN {
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
            for _ in 0..TURN {
                let Poll::Ready(read) = outer.receive(&mut self.buf, cx) else {
                    break;
                };
                moved = true;
                let Ok((n, source)) = read else { continue };
                let payload = &self.buf[..n];
                if let Some((client, bytes)) = self.datagrams.from_target(source, payload) {
                    self.inner.send(client, bytes);
                    self.relayed.back += n as u64;
                }
            }
            outer.flush(cx);
        }
        self.inner.flush(cx);
        moved
    }
    fn send(&mut self, Outgoing { to, payload }: Outgoing) {
        if let Ok(ip) = to.host.parse() {
            return self.send_to(vec![SocketAddr::new(ip, to.port)], payload);
        }
        if self.lookups.len() < LOOKUPS {
            self.lookups.push(Box::pin(async move {
                let found = lookup_host((to.host, to.port)).await.ok()?;
                Some((found.collect(), payload))
            }));
        }
    }
    fn send_to(&mut self, found: Vec<SocketAddr>, payload: Bytes) {
        let Ok(to) = self.datagrams.to_target(found) else {
            return;
        };
        let outer = &mut self.outer[usize::from(to.is_ipv6())];
        if outer.is_none() {
            *outer = open(to).ok().map(Side::new);
        }
        if let Some(outer) = outer {
            self.relayed.there += payload.len() as u64;
            outer.send(to, payload);
        }
    }
}

/// A socket, and what waits to be sent from it.
struct Side {
    io: UdpSocket,
    waiting: VecDeque<(SocketAddr, Bytes)>,
}

impl Side {
    fn new(io: UdpSocket) -> Self {
        let waiting = VecDeque::new();
        Self { io, waiting }
    }
    fn receive(
        &self,
        buf: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let mut buf = ReadBuf::new(buf);
        let received = self.io.poll_recv_from(cx, &mut buf);
        received.map_ok(|source| (buf.filled().len(), source))
    }
    fn send(&mut self, to: SocketAddr, bytes: Bytes) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back((to, bytes));
        }
    }
    fn flush(&mut self, cx: &mut Context<'_>) {
        while let Some((to, bytes)) = self.waiting.front() {
            if self.io.poll_send_to(cx, bytes, *to).is_pending() {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

/// Opens a socket of the family of an address.
fn open(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let io = std::net::UdpSocket::bind(any)?;
    io.set_nonblocking(true)?;
    UdpSocket::from_std(io)
}

/// No datagram is larger, in bytes.
const LARGEST: usize = 65_536;

/// How many datagrams come from one side before the other sides have their turn.
const TURN: usize = 64;

/// How many datagrams wait to be sent from one socket; what is more is lost.
const WAITING: usize = 2 * TURN;

/// How many names are looked up at once; what is for another one is lost.
const LOOKUPS: usize = 16;
