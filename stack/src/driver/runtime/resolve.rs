//! Looking names up.

use super::{BoxFuture, Runtime, run_blocking};
use futures_core::Stream;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A resolver that looks names up instead of the system. With the feature `hickory`, the resolver
/// of `hickory-resolver` implements it.
///
/// ```
/// use std::net::SocketAddr;
/// use wirestack::runtime::{AddressStream, Resolve};
///
/// /// Knows one host.
/// struct Hosts;
///
/// impl Resolve for Hosts {
///     fn resolve(&self, host: String, port: u16) -> AddressStream {
///         let found = if host == "chat.test" {
///             Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
///         } else {
///             Err(std::io::ErrorKind::NotFound.into())
///         };
///         Box::pin(futures_util::stream::once(async { found }))
///     }
/// }
/// ```
pub trait Resolve: Send + Sync {
    /// Looks a name up, and returns its addresses with this port. They may arrive in pieces, for
    /// example the IPv6 addresses before the IPv4 addresses. An error behind some addresses is
    /// ignored.
    fn resolve(&self, host: String, port: u16) -> AddressStream;
}

/// The addresses of a name, in the order in which they are found.
///
/// ```
/// use std::net::SocketAddr;
/// use wirestack::runtime::AddressStream;
///
/// let found = vec![SocketAddr::from(([127, 0, 0, 1], 80))];
/// let addresses: AddressStream = Box::pin(futures_util::stream::once(async { Ok(found) }));
/// drop(addresses);
/// ```
pub type AddressStream = Pin<Box<dyn Stream<Item = io::Result<Vec<SocketAddr>>> + Send>>;

/// All addresses of a name in one piece.
pub(super) type LookupResult = BoxFuture<io::Result<Vec<SocketAddr>>>;

/// Makes a stream of a look-up that returns all addresses in one piece.
pub(crate) fn single_lookup(
    found: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
) -> AddressStream {
    Box::pin(SingleLookup(Some(Box::pin(found))))
}

/// Looks a name up with the system, on a thread that may block.
pub(super) fn system_lookup(
    runtime: &(impl Runtime + ?Sized),
    host: String,
    port: u16,
) -> AddressStream {
    let found = run_blocking(runtime, move || {
        Ok((host, port).to_socket_addrs()?.collect())
    });
    single_lookup(async move {
        let stopped = || {
            Err(io::Error::other(
                "the thread that looked the name up has stopped",
            ))
        };
        found.await.unwrap_or_else(stopped)
    })
}

/// Collects all addresses that a look-up finds.
///
/// # Errors
///
/// The error of the look-up, if it found no address before.
pub(crate) async fn collect_addresses(mut found: AddressStream) -> io::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    while let Some(some) = poll_fn(|cx| found.as_mut().poll_next(cx)).await {
        match some {
            Ok(some) => all.extend(some),
            Err(error) if all.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(all)
}

struct SingleLookup(Option<LookupResult>);

impl Stream for SingleLookup {
    type Item = io::Result<Vec<SocketAddr>>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(result) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let found = ready!(result.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(found))
    }
}
