//! Looking names up without the system.

use super::resolve::{LookupResult, lookup};
use super::{AddressStream, Resolve};
use futures_core::Stream;
use hickory_resolver::TokioResolver;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

/// IPv6 and IPv4 are asked for at once, and each answer is passed on as it comes (RFC 8305 §3).
impl Resolve for TokioResolver {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let with_port = move |ips: Vec<IpAddr>| {
            let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port));
            addresses.collect::<Vec<_>>()
        };
        if tokio::runtime::Handle::try_current().is_err() {
            let error = io::Error::other("hickory's resolver works inside of tokio only");
            return lookup(async { Err(error) });
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
        Box::pin(Both {
            asked: vec![v6, v4],
            error: None,
            found: false,
        })
    }
}

/// Two answers in the order in which they come; an error only if neither found anything.
struct Both {
    asked: Vec<LookupResult>,
    error: Option<io::Error>,
    found: bool,
}

impl Stream for Both {
    type Item = io::Result<Vec<SocketAddr>>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut at = 0;
        while at < self.asked.len() {
            match self.asked[at].as_mut().poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(answer) => {
                    drop(self.asked.remove(at));
                    match answer {
                        Ok(found) if !found.is_empty() => {
                            self.found = true;
                            return Poll::Ready(Some(Ok(found)));
                        }
                        Ok(_) => {}
                        Err(error) => self.error = Some(error),
                    }
                }
            }
        }
        match (self.asked.is_empty(), self.found) {
            (false, _) => Poll::Pending,
            (true, true) => Poll::Ready(None),
            (true, false) => Poll::Ready(self.error.take().map(Err)),
        }
    }
}
