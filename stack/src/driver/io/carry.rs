//! Bytes that a relay passes from one transport straight to the other, because no layer changes them.

use super::connection::{Connection, Writing};
use super::spare;
use super::splice::Splice;
use crate::driver::runtime::{BULK_READ_SIZE, IDLE_READ_SIZE};
use bytes::BytesMut;
use std::task::{Context, Poll};
use wirestack_layer::{End, Flow, Layer, Pipe};

/// The result of passing bytes on in one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// The source has nothing more, and the waker is registered.
    Waits,
    /// This direction has ended, and the peer knows it.
    Over,
    /// Bytes have left, and there may be more.
    Moved,
    /// There is more to do than to pass bytes on: an end, an error, bytes that wait, or many that can
    /// move inside the kernel. Nothing is lost, and no waker is registered.
    Otherwise,
}

/// One of the two directions of a relay.
#[derive(Default)]
pub(super) struct Way {
    pub(super) splice: Splice,
    /// The bytes that were passed from one transport straight to the other.
    pub(super) carried: u64,
    state: State,
}

/// The state of a direction, as it was found when both stacks last had their turn.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Unknown,
    /// No layer changes its bytes, and none wait.
    Straight,
    Over,
}

impl Way {
    /// Returns the number of bytes that have not gone through the flows of both stacks.
    pub(super) fn moved(&self) -> u64 {
        self.splice.moved() + self.carried
    }

    /// Forgets what is known of this direction: the stacks have their turn.
    pub(super) fn forget(&mut self) {
        self.state = State::Unknown;
    }

    /// Reads what came from `from`, and writes it to `to`, until nothing more is there.
    ///
    /// The bytes go into the last flow of their way at once, and leave from there. Those that the
    /// target does not take stay in it, within its limit. `spare` is memory for few bytes.
    #[inline]
    pub(super) fn carry<L, M>(
        &mut self,
        from: &mut Connection<L>,
        to: &mut Connection<M>,
        spare: &mut Option<BytesMut>,
        cx: &mut Context<'_>,
    ) -> Carried
    where
        L: Layer<In = Pipe, Out = Pipe>,
        M: Layer<In = Pipe, Out = Pipe>,
    {
        if let State::Unknown = self.state {
            if !self.splice.is_busy() && gives_bytes(from) && takes_bytes(to) {
                self.state = State::Straight;
            } else if is_over(from, to) {
                self.state = State::Over;
            } else {
                return Carried::Otherwise;
            }
        }
        if let State::Over = self.state {
            return Carried::Over;
        }
        let (Some(source), Some(target)) = (&from.io, &to.io) else {
            return Carried::Otherwise;
        };
        let is_large = from.reads_much;
        if is_large && self.splice.connects(&**source, &**target) {
            return Carried::Otherwise;
        }
        if !source.brings_memory() {
            to.engine.to_wire().lend(if is_large {
                spare::take_large()
            } else {
                spare.take().unwrap_or_else(spare::take)
            });
        }
        let result = self.read_and_write(from, to, cx);
        if let Some(memory) = to.engine.to_wire().take_back() {
            if is_large {
                spare::keep_large(memory);
            } else {
                *spare = Some(memory);
            }
        }
        result
    }

    #[inline(always)]
    fn read_and_write<L: Layer, M: Layer>(
        &mut self,
        from: &mut Connection<L>,
        to: &mut Connection<M>,
        cx: &mut Context<'_>,
    ) -> Carried {
        let was_large = from.reads_much;
        let expected = if was_large { BULK_READ_SIZE } else { 0 };
        for _ in 0..MAX_ROUNDS {
            let Some(source) = &mut from.io else {
                return Carried::Otherwise;
            };
            match source.poll_read(cx, to.engine.to_wire(), expected) {
                Poll::Ready(Ok(n)) if n > 0 => {
                    self.carried += n as u64;
                    from.reads_much = n >= IDLE_READ_SIZE;
                }
                Poll::Pending => return Carried::Waits,
                Poll::Ready(read) => {
                    from.read_end(read);
                    return Carried::Otherwise;
                }
            }
            to.write_bytes(cx);
            if !to.has_nothing_to_write() {
                return Carried::Otherwise;
            }
            if from.reads_much != was_large {
                return Carried::Moved; // other memory, or another way, fits what comes
            }
        }
        Carried::Moved
    }
}

/// Returns `true` if what the transport brings is for the other side, byte by byte, and nothing that
/// came before waits for it.
#[inline]
pub(super) fn gives_bytes<L>(from: &mut Connection<L>) -> bool
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    from.goodbye.is_none()
        && matches!(from.writing, Writing::Open | Writing::Shut)
        && from.engine.is_transparent()
        && is_quiet(from.engine.from_wire())
        && is_quiet(from.engine.to_app())
}

/// Returns `true` if the transport takes bytes, and no byte that came before waits for it.
#[inline]
pub(super) fn takes_bytes<L>(to: &mut Connection<L>) -> bool
where
    L: Layer<In = Pipe, Out = Pipe>,
{
    matches!(to.writing, Writing::Open)
        && !to.is_buffering
        && to.engine.is_transparent()
        && is_quiet(to.engine.from_app())
        && is_quiet(to.engine.to_wire())
}

/// Returns `true` if this direction has ended cleanly, and all of it has left, its end too.
fn is_over<L, M>(from: &mut Connection<L>, to: &mut Connection<M>) -> bool
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    let is_finished = |end: Option<&End>| matches!(end, Some(End::Finished));
    is_finished(from.engine.from_wire().end())
        && is_finished(from.engine.to_app().end())
        && is_finished(to.engine.to_wire().end())
        && matches!(to.writing, Writing::Shut)
        && to.engine.to_wire().stop_state().is_none()
}

#[inline]
fn is_quiet(pipe: &Pipe) -> bool {
    pipe.is_empty() && !pipe.is_closed() && pipe.stop_state().is_none()
}

/// The number of reads before the other direction has its turn.
const MAX_ROUNDS: usize = 16;
