//! Joining two byte streams, as a proxy does.

use super::Connection;
use std::future::poll_fn;
use std::task::Poll;
use wirestack_layer::{End, Error, Flow, Layer, Pipe};

/// How many bytes a relay carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relayed {
    /// From the first connection to the second, in bytes.
    pub sent: u64,
    /// From the second connection to the first, in bytes.
    pub received: u64,
}

/// Joins two byte stacks until both directions have ended, or one side takes no more.
///
/// Each end is carried on as what it was: a half-close as a half-close, a reset as a reset. A side
/// that takes no more slows the other down; in between wait at most the flows' limits.
///
/// # Errors
///
/// The error that cut one of the connections short; the other one has then been cut short too.
pub async fn relay<L, M>(
    mut first: Connection<L>,
    mut second: Connection<M>,
) -> Result<Relayed, Error>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    poll_fn(|cx| {
        loop {
            let before = first.revision() + second.revision();
            first
                .engine()
                .to_app()
                .transfer_to(second.engine().from_app());
            second
                .engine()
                .to_app()
                .transfer_to(first.engine().from_app());
            first.push(cx);
            second.push(cx);
            let cut = aborted(&mut first).or_else(|| aborted(&mut second));
            let cut = cut.or_else(|| lost(&mut first, &mut second));
            if let Some(error) = cut.or_else(|| lost(&mut second, &mut first)) {
                first.abort(error.clone());
                second.abort(error.clone());
                first.push(cx);
                second.push(cx);
                return Poll::Ready(Err(error));
            }
            if has_left(&mut first) && has_left(&mut second) {
                return Poll::Ready(Ok(Relayed {
                    sent: second.engine().from_app().total(),
                    received: first.engine().from_app().total(),
                }));
            }
            let advanced = [first.advance(cx), second.advance(cx)];
            let idle = advanced.iter().all(Poll::is_pending);
            // What left above made room for what is still to be poured.
            if idle && first.revision() + second.revision() == before {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Returns why something is lost that one side should have got, once all that it said itself has gone
/// on: until then a side that takes no more is still read. A side that merely wants no more, and is sent
/// no more, ends well.
fn lost<L, M>(one: &mut Connection<L>, other: &mut Connection<M>) -> Option<Error>
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    let broken = one.engine().from_app().refused().cloned();
    let error = broken.or_else(|| other.engine().to_app().refused().cloned())?;
    let deaf = other.engine().from_app().stopped().is_some();
    (deaf || has_left(other)).then_some(error)
}

fn aborted<L>(connection: &mut Connection<L>) -> Option<Error>
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    match connection.engine().to_app().end() {
        Some(End::Aborted(error)) => Some(error.clone()),
        _ => None,
    }
}

/// Returns whether everything for the peer of this connection has left, its end too.
fn has_left<L>(connection: &mut Connection<L>) -> bool
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    connection.engine().to_wire().end().is_some()
}
