//! Looking names up.

use futures_core::Stream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Looks names up instead of the system. With the feature `hickory` there is a resolver that asks the
/// name servers itself.
pub trait Resolve: Send + Sync {
    /// Looks a name up; each address shall have this port. What is found may come in pieces, such as
    /// the IPv6 addresses before the IPv4 addresses; an error behind some of them is not one.
    fn resolve(&self, host: String, port: u16) -> Found;
}

/// Addresses, as they are found.
pub type Found = Pin<Box<dyn Stream<Item = io::Result<Vec<SocketAddr>>> + Send>>;

/// An answer in one piece.
pub(in crate::driver) fn one(
    found: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
) -> Found {
    Box::pin(Once(Some(Box::pin(found))))
}

pub(in crate::driver) type Answer =
    Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

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
