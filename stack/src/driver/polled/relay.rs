//! Joining two byte streams, as a proxy does.

use super::{Connection, Runtime, Wire};
use crate::{End, Error, Flow, Layer, Pipe};
use std::future::poll_fn;
use std::task::Poll;

/// How many bytes a relay carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Relayed {
    /// From the first connection to the second.
    pub there: u64,
    /// From the second connection to the first.
    pub back: u64,
}

/// Joins two byte stacks until both directions have ended.
///
/// Each end is carried on as what it was: a half-close as a half-close, a reset as a reset. A side
/// that takes no more slows the other down; in between wait at most the flows' limits.
///
/// # Errors
///
/// What cut one of the connections short; the other one has then been cut short too.
pub async fn relay<S, L, T, M, R>(
    mut first: Connection<S, L, R>,
    mut second: Connection<T, M, R>,
) -> Result<Relayed, Error>
where
    S: Wire<R>,
    R: Runtime,
    T: Wire<R>,
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    poll_fn(|cx| {
        loop {
            let before = first.moves() + second.moves();
            first.engine().to_app().pour(second.engine().from_app());
            second.engine().to_app().pour(first.engine().from_app());
            first.push(cx);
            second.push(cx);
            for end in [ended(&mut first), ended(&mut second)] {
                if let Some(End::Aborted(error)) = end {
                    first.abort(error.clone());
                    second.abort(error.clone());
                    first.push(cx);
                    second.push(cx);
                    return Poll::Ready(Err(error));
                }
            }
            if has_left(&mut first) && has_left(&mut second) {
                return Poll::Ready(Ok(Relayed {
                    there: second.engine().from_app().total(),
                    back: first.engine().from_app().total(),
                }));
            }
            let advanced = [first.advance(cx), second.advance(cx)];
            let idle = advanced.iter().all(Poll::is_pending);
            // What left above made room for what is still to be poured.
            if idle && first.moves() + second.moves() == before {
                return Poll::Pending;
            }
        }
    })
    .await
}

fn ended<S, L, R>(connection: &mut Connection<S, L, R>) -> Option<End>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer<In = Pipe, Out = Pipe>,
{
    connection.engine().to_app().end().cloned()
}

/// Whether everything for the peer of this connection has left, its end too.
fn has_left<S, L, R>(connection: &mut Connection<S, L, R>) -> bool
where
    S: Wire<R>,
    R: Runtime,
    L: Layer<In = Pipe, Out = Pipe>,
{
    connection.engine().to_wire().end().is_some()
}
