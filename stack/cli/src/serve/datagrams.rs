//! The far end of tunnels with datagrams: it sends them from this machine, and returns the answers.

use crate::log::Record;
use crate::proxy::Proxy;
use crate::wire::{read_datagram, with_length};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{UdpSocket, lookup_host};
use tokio::time::{sleep, timeout};
use wirestack::dial::Endpoint;
use wirestack::{AccessPolicy, ByteStream, ProxyServer, ProxyTarget, UdpRelay};

/// Carries the datagrams of a tunnel until it ends, or is silent for long.
pub(super) async fn carry(
    proxy: Arc<Proxy>,
    tunnel: ByteStream,
    peer: SocketAddr,
    user: Option<String>,
) {
    let mut record = Record::new(peer, "udp");
    record.user = user;
    let policy = proxy.carrier.direct_policy().cloned();
    let association = Association::bind(policy.unwrap_or_else(AccessPolicy::nothing)).await;
    let ended = match association {
        Ok(association) => association.run(tunnel, proxy.idle).await,
        Err(error) => Err(error),
    };
    proxy
        .log
        .ended(&record, &ended.map_err(|error| error.to_string()));
}

struct Association {
    relay: Mutex<UdpRelay>,
    v4: Arc<UdpSocket>,
    /// The socket for IPv6, which a machine may not have.
    v6: Option<Arc<UdpSocket>>,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Association {
    async fn bind(policy: AccessPolicy) -> io::Result<Self> {
        let anywhere = Endpoint {
            host: Ipv4Addr::UNSPECIFIED.to_string(),
            port: 0,
        };
        let relay = UdpRelay::new(ProxyServer::socks(policy), NEAR_END, &anywhere);
        let v6 = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await.ok();
        Ok(Self {
            relay: Mutex::new(relay),
            v4: Arc::new(UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?),
            v6: v6.map(Arc::new),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
        })
    }

    async fn run(&self, tunnel: ByteStream, idle: Duration) -> io::Result<(u64, u64)> {
        let (mut from, mut to) = split(tunnel);
        let ended = tokio::select! {
            ended = self.send(&mut from) => ended,
            ended = self.receive(&mut to) => ended,
            () = self.is_silent(idle) => Ok(()),
        };
        crate::wire::end(&mut to).await;
        ended.map(|()| self.carried())
    }

    async fn send(&self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        let mut buf = Vec::new();
        while read_datagram(from, &mut buf).await?.is_some() {
            let Some(datagram) = self.relay().from_client(NEAR_END, &buf) else {
                continue;
            };
            let (target, found) = match datagram.to {
                ProxyTarget::Address(at) => {
                    let (host, port) = (at.ip().to_string(), at.port());
                    (Endpoint { host, port }, vec![at])
                }
                ProxyTarget::Name(target) => {
                    let found = lookup_host((target.host.as_str(), target.port));
                    let Some(found) = in_time(found).await else {
                        continue;
                    };
                    let found = found.collect();
                    (target, found)
                }
            };
            let Ok(to) = self.relay().to_target(&target, found) else {
                continue;
            };
            let socket = if to.is_ipv6() {
                self.v6.as_ref()
            } else {
                Some(&self.v4)
            };
            if let Some(socket) = socket {
                let length = u64::try_from(datagram.payload.len()).unwrap_or(u64::MAX);
                self.sent.fetch_add(length, Ordering::Relaxed);
                let _ = socket.send_to(&datagram.payload, to).await; // a datagram may be lost
            }
        }
        Ok(())
    }

    async fn receive(&self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let (mut buf, mut buf6) = (vec![0; MAX_DATAGRAM], vec![0; MAX_DATAGRAM]);
        loop {
            let over_ipv6 = async {
                match &self.v6 {
                    Some(socket) => socket.recv_from(&mut buf6).await,
                    None => std::future::pending().await,
                }
            };
            let (is_ipv6, read) = tokio::select! {
                read = self.v4.recv_from(&mut buf) => (false, read),
                read = over_ipv6 => (true, read),
            };
            let Ok((n, source)) = read else {
                // An error that stays, such as a lack of memory, must not take the whole core.
                sleep(Duration::from_millis(1)).await;
                continue;
            };
            let payload = if is_ipv6 { &buf6[..n] } else { &buf[..n] };
            let answer = self.relay().from_target(source, payload);
            let Some((_, datagram)) = answer else {
                continue;
            };
            self.received
                .fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
            if let Some(bytes) = with_length(&datagram) {
                to.write_all(&bytes).await?;
                to.flush().await?;
            }
        }
    }

    /// Returns when nothing was carried for a time.
    async fn is_silent(&self, idle: Duration) {
        loop {
            let before = self.carried();
            sleep(idle).await;
            if self.carried() == before {
                return;
            }
        }
    }

    fn carried(&self) -> (u64, u64) {
        (
            self.sent.load(Ordering::Relaxed),
            self.received.load(Ordering::Relaxed),
        )
    }

    fn relay(&self) -> std::sync::MutexGuard<'_, UdpRelay> {
        self.relay.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what was looked up, or `None` if it was not found in time.
async fn in_time<T>(lookup: impl Future<Output = io::Result<T>>) -> Option<T> {
    timeout(RESOLVE_TIMEOUT, lookup).await.ok()?.ok()
}

/// The address of the near end, which sends no datagram of its own: all come through the tunnel.
const NEAR_END: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// The size of the largest possible datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// The time for the look-up of a target. Datagrams behind it wait.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_name_that_is_not_found_in_10_seconds_loses_its_datagram() {
        for (seconds, is_found) in [(9, true), (11, false)] {
            let began = Instant::now();
            let found = in_time(async {
                sleep(Duration::from_secs(seconds)).await;
                Ok(())
            });
            assert_eq!(found.await.is_some(), is_found);
            assert_eq!(began.elapsed().as_secs(), seconds.min(10));
        }
        assert!(
            in_time::<()>(async { Err(io::ErrorKind::NotFound.into()) })
                .await
                .is_none()
        );
    }
}
