//! Moving bytes between a transport and the wire of a stack.

use super::connection::{Connection, Writing};
use crate::driver::error::{is_reset, socket};
use crate::driver::runtime::{BULK_READ, SMALL_READ};
use std::io;
use std::mem;
use std::task::{Context, Poll, Waker, ready};
use wirestack_layer::{End, Error, Flow, Layer, origin};

impl<L> Connection<L>
where
    L: Layer,
{
    #[inline]
    pub(super) fn process(&mut self) {
        if !self.engine.is_idle() {
            self.engine.process(self.runtime.now());
        }
    }

    /// Moves bytes until something has moved that the application may see, or nothing can.
    ///
    /// The order is: process, write, read, process. `Pending` means that `cx` will be woken.
    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.revision();
        self.process();
        let wrote = self.write(cx);
        // A read that blocks must not hide what the write made possible.
        let read = !(wrote && self.is_blocking()) && self.read(cx);
        if wrote || read {
            self.process();
            return Poll::Ready(());
        }
        if let Writing::Broken(error) = &mut self.writing
            && let Some(error) = error.take()
        {
            self.engine.break_wire(*error);
            return Poll::Ready(());
        }
        if self.revision() != before {
            // What the application took made room for what waited between the layers.
            return Poll::Ready(());
        }
        self.wait(cx)
    }

    /// Processes and writes, until everything that the application handed over has left.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.push(cx);
            if let Some(error) = self.lost() {
                return Poll::Ready(Err(error));
            }
            if self.engine.is_flushed() {
                self.hear(cx);
                return Poll::Ready(Ok(()));
            }
            // The peer may have to be heard before it takes more.
            ready!(self.advance(cx));
        }
    }

    /// Returns the error that every write fails with, if nothing can be written any more.
    pub(crate) fn refused(&mut self) -> Option<Error> {
        if let Some(End::Aborted(error)) = self.engine.to_app().closed() {
            return Some(error.clone());
        }
        self.engine.from_app().stopped().cloned()
    }

    /// Returns the error of a stop that lost something which had been written.
    fn lost(&mut self) -> Option<Error> {
        if let Some(End::Aborted(error)) = self.engine.to_app().closed() {
            return Some(error.clone());
        }
        let lost = self.engine.from_app().refused().cloned();
        lost.or_else(|| self.engine.to_wire().refused().cloned())
    }

    /// Reads once behind what was sent, if nothing was read since the last time: a task that only
    /// sends has to learn of a Close or a reset. A task that waits to read keeps its place as the one
    /// that is woken.
    fn hear(&mut self, cx: &mut Context<'_>) {
        if mem::take(&mut self.was_read) || self.is_blocking() {
            return;
        }
        let reader = self.reader.clone();
        let read = match &reader {
            Some(reader) => self.read(&mut Context::from_waker(reader)),
            None => self.read(cx),
        };
        self.was_read = false;
        if read {
            self.push(cx);
            reader.into_iter().for_each(Waker::wake);
        }
    }

    /// Remembers the task that waits to read.
    #[inline]
    pub(crate) fn waits_to_read(&mut self, cx: &Context<'_>) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }

    /// Processes and writes as far as the transport takes it. What left makes room for what waits
    /// between the layers.
    pub(crate) fn push(&mut self, cx: &mut Context<'_>) {
        loop {
            self.process();
            if !self.write(cx) {
                return;
            }
        }
    }

    /// Returns whether the error that ended the stack is still to be told: a stream tells it once.
    pub(crate) fn take_error_once(&mut self) -> bool {
        !mem::replace(&mut self.error_taken, true)
    }

    /// Cuts both directions short, whatever still waits.
    pub(super) fn cut(&mut self, error: &Error) {
        if let Some(io) = self.io.take() {
            io.reset();
        }
        self.engine.to_wire().lose(error.clone());
        self.engine.break_wire(error.clone());
        self.process();
    }

    /// Returns whether there is nothing left to drive.
    pub(crate) fn is_over(&self) -> bool {
        self.io.is_none()
    }

    /// Returns a number that changes whenever something moves in the stack's outer flows.
    pub(crate) fn revision(&self) -> u64 {
        self.engine.revision()
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.io.as_ref().is_some_and(|io| io.is_blocking())
    }

    /// Writes what there is; returns whether something moved.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else {
            self.engine.to_wire().discard();
            return false;
        };
        if let Writing::Broken(_) = self.writing {
            self.engine.to_wire().discard();
            return self.shut_or_close(cx);
        }
        let mut moved = false;
        while !self.engine.to_wire().is_empty() {
            let written = self.engine.transmit(|to_wire| io.poll_write(cx, to_wire));
            let error = match written {
                Poll::Ready(Ok(0)) => io::ErrorKind::WriteZero.into(),
                Poll::Ready(Ok(_)) => {
                    moved = true;
                    continue;
                }
                Poll::Ready(Err(error)) => error,
                Poll::Pending => break,
            };
            // What the peer said before is still read.
            let error = socket(error);
            self.engine.to_wire().lose(error.clone());
            self.writing = Writing::Broken(Some(Box::new(error)));
            return true;
        }
        if moved {
            // Transports that buffer are told; an error shows at the next write.
            let _ = io.poll_flush(cx);
        }
        self.shut_or_close(cx) || moved
    }

    /// Ends the transport as the stack ended its wire; returns whether something changed.
    fn shut_or_close(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else { return false };
        match self.engine.to_wire().end() {
            Some(End::Aborted(_)) => {
                io.reset();
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

    /// Reads once, if there is room; returns whether something arrived.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        self.was_read = true;
        let Some(io) = &mut self.io else { return false };
        let from_wire = self.engine.from_wire();
        if from_wire.room() == 0 || from_wire.is_closed() {
            return false;
        }
        let wanted = from_wire.wanted();
        let expected = if self.reads_much || wanted > SMALL_READ {
            // Memory grows with what came, not with a length that the peer merely claims.
            wanted.clamp(1, (GROWTH * from_wire.len()).max(BULK_READ))
        } else {
            0
        };
        match io.poll_read(cx, from_wire, expected) {
            Poll::Ready(Ok(0)) => match &mut self.writing {
                // The system tells of a reset once, and it has told the write: this is no end.
                Writing::Broken(error) if error.as_deref().is_some_and(is_reset) => {
                    let error = error.take();
                    error.into_iter().for_each(|it| self.engine.break_wire(*it));
                }
                _ => from_wire.finish(),
            },
            Poll::Ready(Ok(n)) => self.reads_much = n >= SMALL_READ,
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
                    timer.as_mut().reset(deadline);
                    *until = deadline;
                }
                timer
            }
            none => {
                let timer = self.runtime.new_timer(deadline);
                &mut none.insert((deadline, timer)).1
            }
        };
        let expired = ready!(timer.as_mut().poll_expired(cx));
        self.timer = None;
        match expired {
            Ok(()) => self.process(),
            Err(error) => self.engine.break_wire(Error::local(origin::RUNTIME, error)),
        }
        Poll::Ready(())
    }
}

/// How many times what waits already may be reserved for the rest of its unit.
const GROWTH: usize = 2;
