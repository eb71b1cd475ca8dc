//! Receiving and accepting messages for a half.

use super::shared::Shared;
use crate::driver::io::wakers::Half;
use std::task::{Context, Poll};
use wirestack_layer::{ByteSize, Error, Layer, Queue};

impl<L, I, O> Shared<L>
where
    L: Layer<In = Queue<I>, Out = Queue<O>>,
    I: ByteSize,
    O: ByteSize,
{
    /// Receives a message for the half that reads.
    #[inline(always)]
    pub(super) fn receive(&self, cx: &mut Context<'_>) -> Poll<Option<Result<O, Error>>> {
        self.with_or_at_once(
            Half::Reader,
            cx,
            &mut (),
            |connection, ()| Some(Some(Ok(connection.engine().to_app().pop()?))),
            |connection, cx, ()| connection.receive(cx),
        )
    }

    /// Accepts a message of the half that writes, if it was not accepted yet.
    #[inline(always)]
    pub(super) fn poll_feed(
        &self,
        cx: &mut Context<'_>,
        message: &mut Option<I>,
    ) -> Poll<Result<(), Error>> {
        self.with_or_at_once(
            Half::Writer,
            cx,
            message,
            |connection, message| connection.feed_at_once(message).then_some(Ok(())),
            |connection, cx, message| connection.poll_feed(cx, message),
        )
    }
}
