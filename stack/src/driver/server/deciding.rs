//! The decision of a WebSocket server about a request, and the ends of its time.

use crate::driver::io::Connection;
use crate::driver::runtime::{BoxFuture, Runtime, sleep_until};
use bytes::Bytes;
use http::{Request, Response};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use wirestack_dial::serve::{Decision, late_decision};
use wirestack_layer::{End, Error, Flow, Instant, Layer};
use wirestack_websocket::Offer;

/// The function that decides on requests.
#[derive(Clone)]
pub(super) enum Decide {
    Now(Arc<dyn Fn(&Offer<'_>) -> Decision + Send + Sync>),
    Later(Arc<dyn Fn(Request<()>) -> BoxFuture<Decision> + Send + Sync>),
}

/// The function that answers the requests that are for no WebSocket.
pub(super) type Fallback = Arc<dyn Fn(Request<()>) -> BoxFuture<Response<Bytes>> + Send + Sync>;

/// A decision that is on its way.
pub(super) struct Deciding {
    decision: Pending,
    /// The subprotocol of an acceptance that chooses none.
    subprotocol: Option<String>,
}

/// A decision, or the future that returns it.
enum Pending {
    No(Decision),
    Yes(BoxFuture<Decision>),
}

impl Decide {
    /// Asks for a decision. The client gets the first of `subprotocols` that it offers, unless the
    /// decision chooses another one.
    pub(super) fn start(&self, offer: &Offer<'_>, subprotocols: &[String]) -> Deciding {
        let subprotocol = offer.first_subprotocol(subprotocols);
        Deciding {
            subprotocol: subprotocol.map(str::to_owned),
            decision: match self {
                Self::Now(decide) => Pending::No(decide(offer)),
                Self::Later(decide) => Pending::Yes(decide(offer.request().clone())),
            },
        }
    }
}

impl Deciding {
    /// Asks for the answer to a request that is for no WebSocket.
    pub(super) fn on_other(fallback: &Fallback, request: &Request<()>) -> Self {
        let response = fallback(request.clone());
        Self {
            decision: Pending::Yes(Box::pin(async { Err(response.await.into()) })),
            subprotocol: None,
        }
    }

    /// Waits for the decision: until `due`, when it is a refusal, or until `left` is ready, because
    /// the client has left. Then the future of the decision is dropped.
    pub(super) async fn decided<T>(
        self,
        runtime: &dyn Runtime,
        due: Option<Instant>,
        left: impl Future<Output = T>,
    ) -> Result<Decision, T> {
        let decision = match self.decision {
            Pending::No(decision) => decision,
            Pending::Yes(decision) => {
                let decided = unless(timer(runtime, due), decision);
                let decided = async { decided.await.unwrap_or_else(|()| late_decision()) };
                unless(left, decided).await?
            }
        };
        Ok(decision.map(|accept| match self.subprotocol {
            Some(name) if accept.chosen_subprotocol().is_none() => accept.subprotocol(name),
            _ => accept,
        }))
    }
}

/// Waits for `wanted`, unless `other` is ready before.
pub(crate) async fn unless<T, E>(
    other: impl Future<Output = E>,
    wanted: impl Future<Output = T>,
) -> Result<T, E> {
    let (mut other, mut wanted) = (pin!(other), pin!(wanted));
    poll_fn(|cx| {
        if let Poll::Ready(other) = other.as_mut().poll(cx) {
            return Poll::Ready(Err(other));
        }
        wanted.as_mut().poll(cx).map(Ok)
    })
    .await
}

async fn timer(runtime: &dyn Runtime, due: Option<Instant>) {
    match due {
        // A runtime without timers makes it late at once, as nothing would ever end it.
        Some(due) => drop(sleep_until(runtime, due).await),
        None => pending().await,
    }
}

/// Drives a connection until it fails, and returns the error. A peer that ends its direction cleanly
/// may still read, so this goes on.
pub(crate) async fn failure<L: Layer>(connection: &mut Connection<L>) -> Error {
    poll_fn(|cx| {
        loop {
            if let Some(End::Aborted(error)) = connection.engine().to_app().closed() {
                return Poll::Ready(error.clone());
            }
            std::task::ready!(connection.advance(cx));
        }
    })
    .await
}
