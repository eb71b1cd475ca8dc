//! Looking names up.

use futures_core::Stream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::lookup_host;

/// Looks names up. [`System`] asks the system; with the feature `hickory` there is a resolver that
/// asks the name servers itself.
pub trait Resolve: Send + Sync {
    /// Looks a name up; each address shall have this port. What is found may come in pieces, such as
    /// the IPv6 addresses before the IPv4 addresses; an error behind some of them is not one.
    fn resolve(&self, host: String, port: u16) -> Found;
}

/// Addresses, as they are found.
pub type Found = Pin<Box<dyn Stream<Item = io::Result<Vec<SocketAddr>>> + Send>>;

/// The resolver of the system, asked on a thread of tokio's.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Resolve for System {
    fn resolve(&self, host: String, port: u16) -> Found {
        one(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }
}

/// An answer in one piece.
pub(super) fn one(
    found: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
) -> Found {
    Box::pin(Once(Some(Box::pin(found))))
}

type Answer = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

struct Once(Option<Answer>);

impl Stream for Once {
    type Item = io::Result<Vec<SocketAddr>>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(answer) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let found = std::task::ready!(answer.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(found))
    }
}

#[cfg(feature = "hickory")]
mod hickory {
    use super::{Answer, Found, Resolve};
    use futures_core::Stream;
    use hickory_resolver::TokioResolver;
    use std::io;
    use std::net::{IpAddr, SocketAddr};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    /// IPv6 and IPv4 are asked for at once, and each answer is passed on as it comes (RFC 8305 §3).
    impl Resolve for TokioResolver {
        fn resolve(&self, host: String, port: u16) -> Found {
            let with_port = move |ips: Vec<IpAddr>| {
                let addresses = ips.into_iter().map(|ip| SocketAddr::new(ip, port));
                addresses.collect::<Vec<_>>()
            };
            let (v6, v6_host) = (self.clone(), host.clone());
            let v6: Answer = Box::pin(async move {
                let found = v6.ipv6_lookup(v6_host).await.map_err(io::Error::other)?;
                let ips = found
                    .answers()
                    .iter()
                    .filter_map(|record| record.data.ip_addr());
                Ok(with_port(ips.collect()))
            });
            let v4 = self.clone();
            let v4: Answer = Box::pin(async move {
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
        asked: Vec<Answer>,
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
}
