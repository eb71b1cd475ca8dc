//! Moving bytes between a transport and the wire of a stack.

use super::connection::{Connection, Writing};
use super::{Runtime, Wire};
use crate::driver::socket;
use crate::{End, Error, Flow, Layer};
use std::io::{self, IoSlice};
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<S, L, R> Connection<S, L, R>
where
    S: Wire<R>,
    R: Runtime,
    L: Layer,
{
    pub(super) fn process(&mut self) {
        self.engine.process(self.runtime.now());
    }
    /// Moves bytes until something has moved that the application may see, or nothing can.
    ///
    /// The order is: process, write, read, process. `Pending` means that `cx` will be woken.
    pub(in crate::driver) fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.moves();
        self.process();
        let wrote = self.write(cx);
        let read = self.read(cx);
        if wrote || read {
            self.process();
            return Poll::Ready(());
        }
        if let Writing::Broken(error) = &mut self.writing
            && let Some(error) = error.take()
        {
            self.engine.break_wire(error);
            return Poll::Ready(());
        }
        if self.moves() != before {
            // What the application took made room for what waited between the layers.
            return Poll::Ready(());
        }
        self.wait(cx)
    }
    /// Processes and writes, until everything that the application handed over has left.
    pub(in crate::driver) fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.push(cx);
            if let Some(End::Aborted(error)) = self.engine.to_app().closed() {
                return Poll::Ready(Err(error.clone()));
            }
            if self.engine.is_flushed() {
                return Poll::Ready(Ok(()));
            }
            // The peer may have to be heard before it takes more.
            ready!(self.advance(cx));
        }
    }
    /// Processes and writes as far as the transport takes it. What left makes room for what waits
    /// between the layers.
    pub(in crate::driver) fn push(&mut self, cx: &mut Context<'_>) {
        loop {
            self.process();
            if !self.write(cx) {
                return;
            }
        }
    }
    /// Whether the error that ended the stack is still to be told: a stream tells it once.
    pub(in crate::driver) fn tell_once(&mut self) -> bool {
        !mem::replace(&mut self.told, true)
    }
    /// Whether there is nothing left to drive.
    pub(in crate::driver) fn is_over(&self) -> bool {
        self.io.is_none()
    }
    /// A number that changes whenever something moves in the stack's outer flows.
    pub(in crate::driver) fn moves(&self) -> u64 {
        self.engine.moves()
    }
    /// Writes what there is; whether something moved.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else {
            self.engine.to_wire().discard();
            return false;
        };
        let to_wire = self.engine.to_wire();
        if let Writing::Broken(_) = self.writing {
            to_wire.discard();
            return self.shut_or_close(cx);
        }
        let before = to_wire.moves();
        while !to_wire.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let n = to_wire.io_slices(&mut slices);
            let written = io.poll_write(cx, &slices[..n]);
            match written {
                Poll::Ready(Ok(0)) => {
                    let error = io::Error::from(io::ErrorKind::WriteZero);
                    self.writing = Writing::Broken(Some(socket(error)));
                    break;
                }
                Poll::Ready(Ok(n)) => to_wire.consume(n),
                Poll::Ready(Err(error)) => {
                    self.writing = Writing::Broken(Some(socket(error)));
                    break;
                }
                Poll::Pending => break,
            }
        }
        let moved = to_wire.moves() != before;
        if moved {
            // Transports that buffer are told; an error shows at the next write.
            let _ = io.poll_flush(cx);
        }
        self.shut_or_close(cx) || moved
    }
    /// Ends the transport as the stack ended its wire; whether something changed.
    fn shut_or_close(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else { return false };
        match self.engine.to_wire().end() {
            Some(End::Aborted(_)) => {
                (self.cut)(io);
                self.io = None;
                true
            }
            Some(End::Finished) => {
                if let Writing::Open = self.writing
                    && io.poll_shutdown(cx).is_ready()
                {
                    self.writing = Writing::Shut;
                }
                let shut = !matches!(self.writing, Writing::Open);
                if shut && self.engine.from_wire().is_closed() {
                    self.io = None;
                    return true;
                }
                false
            }
            None => false,
        }
    }
    /// Reads once, if there is room; whether something arrived.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else { return false };
        let from_wire = self.engine.from_wire();
        if from_wire.room() == 0 || from_wire.is_closed() {
            return false;
        }
        let wanted = from_wire.wanted();
        let outcome = if self.busy || wanted > STACK {
            // Straight into its place, as far as a peer's mere claim may reserve.
            let size = wanted.clamp(BUSY, CLAIM);
            from_wire.fill(|buf| {
                if buf.capacity() - buf.len() < wanted.clamp(STACK, size) {
                    buf.reserve(size);
                }
                let read = io.poll_fill(cx, buf);
                if let Poll::Ready(Ok(n)) = read {
                    self.busy = n > STACK;
                }
                read
            })
        } else {
            // An idle connection holds no buffer, and a small message no more than its own size.
            let read = io.poll_read::<STACK>(cx, from_wire);
            if let Poll::Ready(Ok(n)) = read {
                self.busy = n == STACK;
            }
            read
        };
        match outcome {
            Poll::Ready(Ok(0)) => from_wire.finish(),
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => self.engine.break_wire(socket(error)),
            Poll::Pending => return false,
        }
        true
    }
    /// Waits for the deadline; ready if it has come.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.engine.deadline() else {
            self.timer = None;
            return Poll::Pending;
        };
        let timer = match &mut self.timer {
            Some((until, timer)) => {
                if *until != deadline {
                    self.runtime.reset(timer, deadline);
                    *until = deadline;
                }
                timer
            }
            none => {
                let timer = self.runtime.timer(deadline);
                &mut none.insert((deadline, timer)).1
            }
        };
        ready!(Pin::new(timer).poll(cx));
        self.timer = None;
        self.process();
        Poll::Ready(())
    }
}

/// What a read takes that is not known to be large, in bytes.
const STACK: usize = 8 * 1024;

/// What a read takes while much is coming, in bytes.
const BUSY: usize = 64 * 1024;

/// What is reserved at once for a unit whose length the peer merely claims, in bytes.
const CLAIM: usize = 1024 * 1024;

/// How many pieces one write system call takes.
const SLICES: usize = 32;
