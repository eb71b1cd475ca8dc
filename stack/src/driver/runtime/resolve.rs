//! Look-ups of names.

use super::{BoxFuture, Runtime, run_blocking};
use futures_core::Stream;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Looks names up instead of the system. With the feature `hickory` there is a resolver that asks the
/// name servers itself.
pub trait Resolve: Send + Sync {
    /// Looks a name up; each address has this port. The addresses may come in pieces, such as the
    /// IPv6 addresses before the IPv4 addresses; an error behind some of them is ignored.
    fn resolve(&self, host: String, port: u16) -> AddressStream;
}

/// The addresses of a name, as they are found.
pub type AddressStream = Pin<Box<dyn Stream<Item = io::Result<Vec<SocketAddr>>> + Send>>;

/// All addresses of a name in one piece.
pub(super) type LookupResult = BoxFuture<io::Result<Vec<SocketAddr>>>;

/// Makes a stream of a result in one piece.
pub(crate) fn lookup(
    found: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
) -> AddressStream {
    Box::pin(Once(Some(Box::pin(found))))
}

/// Asks the system, on a thread that may block.
pub(super) fn by_system(
    runtime: &(impl Runtime + ?Sized),
    host: String,
    port: u16,
) -> AddressStream {
    let found = run_blocking(runtime, move || {
        Ok((host, port).to_socket_addrs()?.collect())
    });
    lookup(async move {
        let unfinished = || Err(io::Error::other("the look-up was not finished"));
        found.await.unwrap_or_else(unfinished)
    })
}

/// Collects every address that a look-up finds.
///
/// # Errors
///
/// The error of the look-up, if nothing was found before it.
pub(crate) async fn all(mut found: AddressStream) -> io::Result<Vec<SocketAddr>> {
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

struct Once(Option<LookupResult>);

impl Stream for Once {
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
