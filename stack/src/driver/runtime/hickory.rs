//! The resolver of `hickory-resolver`, which sends DNS queries itself.

use super::resolve::{LookupResult, single_lookup};
use super::{AddressStream, Resolve};
use futures_core::Stream;
use hickory_resolver::TokioResolver;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Asks for IPv6 and IPv4 addresses at the same time, and passes each answer on when it arrives
/// (RFC 8305 §3).
impl Resolve for TokioResolver {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let with_port = move |ips: Vec<IpAddr>| {
            let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port));
            addresses.collect::<Vec<_>>()
        };
        if tokio::runtime::Handle::try_current().is_err() {
            let error = io::Error::other(
                "hickory's resolver needs tokio: call it inside of a tokio runtime, or use another \
                 resolver",
            );
            return single_lookup(async { Err(error) });
        }
        let (v6, v6_host) = (self.clone(), host.clone());
        let v6: LookupResult = Box::pin(async move {
            let found = v6.ipv6_lookup(v6_host).await.map_err(io::Error::other)?;
            let ips = found
                .answers()
                .iter()
                .filter_map(|record| record.data.ip_addr());
            Ok(with_port(ips.collect()))
        });
        let v4 = self.clone();
        let v4: LookupResult = Box::pin(async move {
            let found = v4.ipv4_lookup(host).await.map_err(io::Error::other)?;
            let ips = found
                .answers()
                .iter()
                .filter_map(|record| record.data.ip_addr());
            Ok(with_port(ips.collect()))
        });
        Box::pin(Lookups {
            pending: vec![v6, v4],
            error: None,
            has_found: false,
        })
    }
}

/// The answers of several look-ups, in the order in which they arrive. They end with an error only
/// if no look-up found an address.
struct Lookups {
    pending: Vec<LookupResult>,
    error: Option<io::Error>,
    has_found: bool,
}

impl Stream for Lookups {
    type Item = io::Result<Vec<SocketAddr>>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut at = 0;
        while at < self.pending.len() {
            match self.pending[at].as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(answer) => {
                    drop(self.pending.remove(at));
                    match answer {
                        Ok(found) if !found.is_empty() => {
                            self.has_found = true;
                            return Poll::Ready(Some(Ok(found)));
                        }
                        Ok(_) => {}
                        Err(error) => self.error = Some(error),
                    }
                }
            }
        }
        if !self.pending.is_empty() {
            Poll::Pending
        } else if self.has_found {
            Poll::Ready(None)
        } else {
            Poll::Ready(self.error.take().map(Err))
        }
    }
}
