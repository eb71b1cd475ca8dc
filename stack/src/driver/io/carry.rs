//! Bytes that a relay passes from one transport straight to the other, because no layer changes them.

use super::connection::{Connection, Writing};
use super::spare;
use super::splice::Splice;
use crate::driver::runtime::{BULK_READ_SIZE, IDLE_READ_SIZE};
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

/// Reads what came, and writes it, until the source has nothing more.
///
/// The bytes go into the last flow of their way at once, and leave from there. Those that the target
/// does not take stay in it, within its limit.
#[inline]
pub(super) fn carry<L, M>(
    from: &mut Connection<L>,
    to: &mut Connection<M>,
    splice: &Splice,
    carried: &mut u64,
    cx: &mut Context<'_>,
) -> Carried
where
    L: Layer<In = Pipe, Out = Pipe>,
    M: Layer<In = Pipe, Out = Pipe>,
{
    if splice.is_busy() || !gives_bytes(from) || !takes_bytes(to) {
        return if is_over(from, to) {
            Carried::Over
        } else {
            Carried::Otherwise
        };
    }
    let (Some(source), Some(target)) = (&from.io, &to.io) else {
        return Carried::Otherwise;
    };
    let is_large = from.reads_much;
    if is_large && splice.connects(&**source, &**target) {
        return Carried::Otherwise;
    }
    if !source.brings_memory() {
        to.engine.to_wire().lend(if is_large {
            spare::take_large()
        } else {
            spare::take()
        });
    }
    let result = read_and_write(from, to, carried, cx);
    if let Some(memory) = to.engine.to_wire().take_back() {
        if is_large {
            spare::keep_large(memory);
        } else {
            spare::keep(memory);
        }
    }
    result
}

#[inline(always)]
fn read_and_write<L: Layer, M: Layer>(
    from: &mut Connection<L>,
    to: &mut Connection<M>,
    carried: &mut u64,
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
                *carried += n as u64;
                from.reads_much = n >= IDLE_READ_SIZE;
            }
            Poll::Pending => return Carried::Waits,
            Poll::Ready(read) => {
                from.read_end(read);
                return Carried::Otherwise;
            }
        }
        to.write_bytes(cx);
        if !to.engine.is_wire_quiet() {
            return Carried::Otherwise;
        }
        if from.reads_much != was_large {
            return Carried::Moved; // other memory, or another way, fits what comes
        }
    }
    Carried::Moved
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
