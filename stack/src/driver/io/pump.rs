//! The loop of a connection: moves bytes between the transport and the wire of the stack.

use super::connection::{Connection, Writing};
use super::spare;
use crate::driver::error::{is_reset, socket};
use crate::driver::runtime::{BULK_READ_SIZE, IDLE_READ_SIZE};
use std::io;
use std::mem;
use std::task::{Context, Poll, ready};
use wirestack_layer::{End, Error, Flow, Instant, Layer, origin};

impl<L> Connection<L>
where
    L: Layer,
{
    #[inline]
    pub(super) fn process(&mut self) {
        let runtime = &self.runtime;
        self.engine.process_with(|| runtime.now());
    }

    /// Processes, writes, reads and processes again. Ready if bytes or messages moved, which the
    /// application may see; `Pending` if nothing can move, and then the waker of `cx` is
    /// registered.
    pub(crate) fn advance(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.advance_inlined(cx)
    }

    /// Does the same as [`advance`](Self::advance), inlined where most calls come from.
    #[inline(always)]
    pub(super) fn advance_inlined(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Most calls find nothing to do but to read.
        if self.goodbye.is_none() && self.engine.is_idle() && self.has_nothing_to_write() {
            if self.read_inlined(cx) {
                self.process();
                return Poll::Ready(());
            }
            if !matches!(self.writing, Writing::Broken(_)) && self.timer.is_none() {
                self.take_back_memory();
                return Poll::Pending; // an idle stack has no deadline
            }
        }
        self.advance_all(cx)
    }

    fn advance_all(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let before = self.revision();
        self.poll_goodbye(cx);
        self.lend_memory();
        self.process_in_time(cx);
        let wrote = self.write(cx);
        // A read that blocks must not hide what the write made possible.
        let read = !(wrote && self.is_blocking()) && self.read(cx);
        if wrote || read {
            self.process();
            self.take_back_memory();
            return Poll::Ready(());
        }
        if let Writing::Broken(error) = &mut self.writing
            && let Some(error) = error.take()
        {
            self.engine.break_wire(*error);
            return Poll::Ready(());
        }
        if self.revision() != before {
            // Messages that the application took made room for those that waited between the
            // layers.
            return Poll::Ready(());
        }
        if !self.engine.is_wire_quiet() {
            self.process(); // the time in which the peer has to take bytes runs
        }
        self.take_back_memory();
        self.poll_deadline(cx)
    }

    /// Lends memory of this thread for what the application sends.
    #[inline(always)]
    fn lend_memory(&mut self) {
        if self.engine.to_wire().capacity() == 0
            && !(self.engine.from_app().is_empty() && self.engine.is_drained())
        {
            self.engine.to_wire().lend(spare::take());
        }
    }

    /// Takes the lent memory back, so that a connection that waits holds none.
    #[inline(always)]
    fn take_back_memory(&mut self) {
        if let Some(memory) = self.engine.to_wire().take_back() {
            spare::keep(memory);
        }
    }

    /// Runs the goodbye of the connection once the server ends.
    #[inline]
    fn poll_goodbye(&mut self, cx: &Context<'_>) {
        if self.goodbye.is_some() {
            self.poll_signal(cx);
        }
    }

    fn poll_signal(&mut self, cx: &Context<'_>) {
        if let Some(goodbye) = &mut self.goodbye
            && goodbye.signal.poll_started(cx).is_ready()
        {
            let say = goodbye.say;
            self.goodbye = None;
            say(&mut self.engine);
        }
    }

    /// Processes and writes, until everything that the application wrote has left.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.write_with(cx, Self::flush_all)
    }

    #[inline]
    fn flush_all(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            self.process_and_write(cx);
            if let Some(error) = self.undelivered_error() {
                return Poll::Ready(Err(error));
            }
            if self.engine.is_flushed() && !self.is_buffering {
                self.read_after_flush(cx);
                return Poll::Ready(Ok(()));
            }
            // A peer may accept more only after it was read from.
            ready!(self.advance(cx));
        }
    }

    /// Returns the error of every further write, if no write is possible any more.
    pub(crate) fn refused(&mut self) -> Option<Error> {
        if let Some(End::Aborted(error)) = self.engine.to_app().closed() {
            return Some(error.clone());
        }
        self.engine.from_app().stopped().cloned()
    }

    /// Returns the error because of which written bytes or messages will never be delivered.
    fn undelivered_error(&mut self) -> Option<Error> {
        if let Some(End::Aborted(error)) = self.engine.to_app().closed() {
            return Some(error.clone());
        }
        let lost = self.engine.from_app().refused().cloned();
        lost.or_else(|| self.engine.to_wire().refused().cloned())
    }

    /// Reads once after a flush, unless a read was tried since the last one: a task that only sends
    /// must learn of a Close or a reset.
    #[inline]
    fn read_after_flush(&mut self, cx: &mut Context<'_>) {
        if !mem::take(&mut self.was_read) && !self.is_blocking() {
            self.read_once(cx);
        }
    }

    fn read_once(&mut self, cx: &mut Context<'_>) {
        if self.read_for_reader(cx) {
            self.process_and_write(cx);
        }
        self.was_read = false;
    }

    /// Reads once. A transport remembers one waker for reading, so the read uses the waker of the task
    /// that waits to read, if there is one, and wakes it.
    fn read_for_reader(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(reader) = self.reader.clone() else {
            return self.read(cx);
        };
        let read = self.read(&mut Context::from_waker(&reader));
        if read {
            reader.wake();
        }
        read
    }

    /// Processes and writes until the transport accepts no more bytes. Bytes that left make room
    /// for those that wait between the layers, so both are repeated.
    pub(crate) fn process_and_write(&mut self, cx: &mut Context<'_>) {
        self.lend_memory();
        self.process_in_time(cx);
        while self.write(cx) {
            self.process();
        }
        self.take_back_memory();
    }

    /// Processes. A program may not have driven the connection for long, so what came in time is read
    /// before a deadline that has passed is judged. A transparent stack waits for no bytes, only for
    /// the peer to take some, and a relay may hold bytes inside the kernel that come before the next
    /// ones.
    #[inline]
    pub(super) fn process_in_time(&mut self, cx: &mut Context<'_>) {
        if self.engine.may_have_deadline() {
            self.process_timed(cx);
        } else {
            self.process();
        }
    }

    fn process_timed(&mut self, cx: &mut Context<'_>) {
        let (now, due) = (self.runtime.now(), self.engine.deadline());
        let is_past = due.is_some_and(|due| due <= now);
        if is_past && !self.is_blocking() && !self.engine.is_transparent() {
            self.read_for_reader(cx);
        }
        self.engine.process_with(|| now);
    }

    /// Returns `true` at the first call only: a stream returns the error that ended the stack once.
    pub(crate) fn take_error_once(&mut self) -> bool {
        !mem::replace(&mut self.error_taken, true)
    }

    /// Resets the transport and aborts both directions, without the bytes that still wait.
    pub(super) fn reset(&mut self, error: &Error) {
        if let Some(io) = self.io.take() {
            io.reset();
        }
        self.engine.to_wire().lose(error.clone());
        self.engine.break_wire(error.clone());
        self.process();
    }

    /// Returns `true` if the transport is closed, so that nothing is left to drive.
    pub(crate) fn is_over(&self) -> bool {
        self.io.is_none()
    }

    /// Returns a number that changes whenever something moves in the stack's outer flows, or has
    /// left the buffer of the transport.
    pub(crate) fn revision(&self) -> u64 {
        self.engine.revision() + u64::from(self.late_flushes)
    }

    /// Returns `true` if everything that the layers have sent has left.
    pub(crate) fn is_drained(&self) -> bool {
        self.engine.is_drained() && !self.is_buffering
    }

    /// Returns `true` if nothing waits for the transport or in its buffer, and no end does.
    #[inline]
    pub(super) fn has_nothing_to_write(&self) -> bool {
        self.engine.is_wire_quiet() && !self.is_buffering
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.io.as_ref().is_some_and(|io| io.is_blocking())
    }

    /// Writes the bytes for the wire, or its end. Returns `true` if something moved.
    #[inline]
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        !self.has_nothing_to_write() && self.write_bytes(cx)
    }

    pub(super) fn write_bytes(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else {
            self.is_buffering = false;
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
            return self.break_writing(error);
        }
        // For transports with a buffer.
        if moved || self.is_buffering {
            match io.poll_flush(cx) {
                Poll::Pending => self.is_buffering = true,
                Poll::Ready(Err(error)) => return self.break_writing(error),
                Poll::Ready(Ok(())) if self.is_buffering => {
                    self.is_buffering = false;
                    self.late_flushes = self.late_flushes.wrapping_add(1);
                    moved = true;
                }
                Poll::Ready(Ok(())) => {}
            }
        }
        let is_over =
            self.engine.to_wire().is_closed() || self.engine.to_wire().stop_state().is_some();
        is_over && self.shut_or_close(cx) || moved
    }

    /// Notes that the transport takes no more bytes. Those that the peer sent before are still read.
    #[cold]
    fn break_writing(&mut self, error: io::Error) -> bool {
        let error = socket(error);
        self.engine.to_wire().lose(error.clone());
        self.is_buffering = false;
        self.writing = Writing::Broken(Some(Box::new(error)));
        true
    }

    /// Ends the transport in the way that the stack ended its wire. Returns `true` if it was
    /// closed.
    fn shut_or_close(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(io) = &mut self.io else { return false };
        if let Writing::Open = self.writing
            && self.engine.to_wire().stop_state().is_some()
        {
            // The engine has given up a peer that takes nothing. An orderly end would wait for it.
            io.reset();
            self.io = None;
            return true;
        }
        match self.engine.to_wire().end() {
            Some(End::Aborted(_)) => {
                io.reset();
                self.io = None;
                true
            }
            Some(End::Finished) => {
                // Both directions are at their end.
                if io.ends_when_dropped()
                    && let Some(End::Finished) = self.engine.from_wire().closed()
                {
                    self.io = None;
                    return true;
                }
                if let Writing::Open = self.writing
                    && io.poll_shutdown(cx).is_ready()
                {
                    self.writing = Writing::Shut;
                }
                let shut = !matches!(self.writing, Writing::Open);
                let from_wire = self.engine.from_wire();
                let is_unread = io.lingers() && from_wire.stopped().is_some();
                if shut && (is_unread || from_wire.is_closed()) {
                    self.io = None;
                    return true;
                }
                false
            }
            None => false,
        }
    }

    /// Reads once, if there is room. Returns `true` if bytes, an end or an error arrived.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        self.read_inlined(cx)
    }

    #[inline(always)]
    fn read_inlined(&mut self, cx: &mut Context<'_>) -> bool {
        self.was_read = true;
        let Some(io) = &mut self.io else { return false };
        let from_wire = self.engine.from_wire();
        if from_wire.room() == 0 || from_wire.is_closed() {
            return false;
        }
        let wanted = from_wire.wanted();
        let expected = if self.reads_much || wanted > IDLE_READ_SIZE {
            // Memory grows with the received bytes, not with a length that the peer merely claims.
            wanted.clamp(1, (MAX_GROWTH_FACTOR * from_wire.len()).max(BULK_READ_SIZE))
        } else {
            0
        };
        if expected > 0 && from_wire.capacity() == 0 && !io.brings_memory() {
            from_wire.lend(spare::take_large());
        }
        match io.poll_read(cx, from_wire, expected) {
            Poll::Ready(Ok(n)) if n > 0 => {
                self.reads_much = n >= IDLE_READ_SIZE;
                true
            }
            Poll::Pending => {
                if let Some(memory) = from_wire.take_back() {
                    spare::keep_large(memory);
                }
                false
            }
            Poll::Ready(read) => self.read_end(read),
        }
    }

    /// Takes the end of the stream or its error.
    #[cold]
    pub(super) fn read_end(&mut self, read: io::Result<usize>) -> bool {
        let from_wire = self.engine.from_wire();
        match read {
            Ok(0) => match &mut self.writing {
                // The system reports a reset once. It did so to the write, so this is not an end.
                Writing::Broken(error) if error.as_deref().is_some_and(is_reset) => {
                    if let Some(error) = error.take() {
                        self.engine.break_wire(*error);
                    }
                }
                _ => from_wire.finish(),
            },
            Ok(_) => {}
            Err(error) => self.engine.break_wire(socket(error)),
        }
        true
    }

    /// Waits for the deadline of the stack, and processes when it has come.
    #[inline]
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.engine.deadline() {
            None if self.timer.is_none() => Poll::Pending,
            deadline => self.poll_timer(deadline, cx),
        }
    }

    fn poll_timer(&mut self, deadline: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline else {
            self.timer = None;
            return Poll::Pending;
        };
        // A timer for an earlier time stays, and is set again when it expires: a deadline that each
        // message moves would otherwise cost a timer each time.
        let runtime = &self.runtime;
        let (due, timer) = self
            .timer
            .get_or_insert_with(|| (deadline, runtime.new_timer(deadline)));
        if deadline < *due {
            timer.as_mut().reset(deadline);
            *due = deadline;
        }
        let expired = loop {
            let expired = ready!(timer.as_mut().poll_expired(cx));
            if expired.is_err() || deadline <= *due {
                break expired;
            }
            timer.as_mut().reset(deadline);
            *due = deadline;
        };
        self.timer = None;
        match expired {
            Ok(()) => self.process(),
            Err(error) => self.engine.break_wire(Error::local(origin::RUNTIME, error)),
        }
        Poll::Ready(())
    }
}

/// A read reserves at most this many times the bytes that already wait, for the rest of their unit.
const MAX_GROWTH_FACTOR: usize = 2;
