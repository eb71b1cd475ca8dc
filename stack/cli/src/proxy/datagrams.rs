//! UDP ASSOCIATE of SOCKS5 (RFC 1928 §7), whose datagrams go in a tunnel.

use super::Proxy;
use super::socks::Ends;
use crate::metrics::Ended;
use crate::tunnel_end::NearEnd;
use crate::wire::{self, read_datagram, with_length};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, split};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::sleep;
use wirestack::socks::{Reply, Server};
use wirestack::{ByteStream, Connection, Flow, Layer, Pipe};

impl Proxy {
    /// Carries the datagrams of a client as long as its connection lives.
    pub(super) async fn serve_datagrams<L>(
        &self,
        mut client: Connection<L>,
        ends: Ends,
        near: &NearEnd,
    ) -> Ended
    where
        L: Layer<In = Pipe, Out = Pipe> + 'static,
    {
        let opened = async {
            let local = ends.local.ok_or("the client has no address")?;
            let tunnel = near
                .open(wire::UDP)
                .await
                .map_err(|error| error.to_string())?;
            let socket = UdpSocket::bind((local.ip(), 0)).await;
            let socket = socket.map_err(|error| error.to_string())?;
            let bound = socket.local_addr().map_err(|error| error.to_string())?;
            Ok::<_, String>((tunnel.boxed(), socket, bound))
        };
        let (tunnel, socket, bound) = match opened.await {
            Ok(opened) => opened,
            Err(error) => {
                if let Some(server) = client.part_mut::<Server>() {
                    server.reject(Reply::GeneralFailure);
                }
                let _ = client.finish(wire::GOODBYE).await;
                return Err(error);
            }
        };
        if let Some(server) = client.part_mut::<Server>() {
            server.accept(bound.into());
        }
        let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
        let carrying = carry(tunnel, &socket, ends.peer, &sent, &received);
        let count = || {
            (
                sent.load(Ordering::Relaxed),
                received.load(Ordering::Relaxed),
            )
        };
        let silent = async {
            loop {
                let before = count();
                sleep(self.idle).await;
                if count() == before {
                    return;
                }
            }
        };
        // "A UDP association terminates when the TCP connection ... terminates."
        let leaving = client.wait_for(|engine| engine.from_wire().is_closed().then_some(()));
        let ended = tokio::select! {
            ended = carrying => ended,
            _ = leaving => Ok(()),
            () = silent => Ok(()),
        };
        let _ = client.finish(wire::GOODBYE).await;
        ended.map(|()| count()).map_err(|error| error.to_string())
    }
}

async fn carry(
    tunnel: ByteStream,
    socket: &UdpSocket,
    peer: SocketAddr,
    sent: &AtomicU64,
    received: &AtomicU64,
) -> io::Result<()> {
    let (mut from, mut into) = split(tunnel);
    // The first datagram of the client tells its port.
    let (known, mut client) = watch::channel(None);
    let sending = async {
        let mut buf = vec![0; MAX_DATAGRAM];
        loop {
            let Ok((n, source)) = socket.recv_from(&mut buf).await else {
                // An error that stays, such as a lack of memory, must not take the whole core.
                sleep(Duration::from_millis(1)).await;
                continue;
            };
            let is_theirs = source.ip().to_canonical() == peer.ip().to_canonical();
            let is_same = known.borrow().is_none_or(|client| client == source);
            let Some(bytes) = with_length(&buf[..n]).filter(|_| is_theirs && is_same) else {
                continue;
            };
            known.send_replace(Some(source));
            sent.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
            into.write_all(&bytes).await?;
            into.flush().await?;
        }
    };
    let receiving = async {
        let mut buf = Vec::new();
        while read_datagram(&mut from, &mut buf).await?.is_some() {
            let Some(client) = *client.borrow_and_update() else {
                continue;
            };
            let n = u64::try_from(buf.len()).unwrap_or(u64::MAX);
            received.fetch_add(n, Ordering::Relaxed);
            let _ = socket.send_to(&buf, client).await; // a datagram may be lost
        }
        Ok(())
    };
    let ended: io::Result<()> = tokio::select! {
        ended = sending => ended,
        ended = receiving => ended,
    };
    wire::end(&mut into).await;
    ended
}

/// The size of the largest possible datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;
