//! A connection that two tasks use, one to read and one to write, by a split that is not its own.
//!
//! The stream traits promise that a task that waits to write is woken although another one has been
//! polled to read since, and the other way round. A transport and a timer remember one waker for each
//! direction, and each call drives both. So while another task waits, both are woken.

use super::Connection;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use wirestack_layer::{Flow, Layer};

impl<L: Layer> Connection<L> {
    /// Polls for a task that reads, and remembers it if it has to wait.
    #[inline(always)]
    pub(super) fn read_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if is_other(&self.writer, cx) {
            return self.read_beside(cx, act);
        }
        let polled = act(self, cx);
        if polled.is_pending() {
            remember(&mut self.reader, cx);
        }
        polled
    }

    /// Polls for a task that writes, and remembers it if it has to wait.
    #[inline(always)]
    pub(super) fn write_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if is_other(&self.reader, cx) {
            return self.write_beside(cx, act);
        }
        let polled = act(self, cx);
        self.note_writer(polled.is_pending(), cx);
        polled
    }

    #[cold]
    #[inline(never)]
    fn read_beside<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let (writer, before) = (self.writer.clone(), self.revision());
        let polled = self.beside(writer, cx, act);
        if self.revision() != before
            && let Some(writer) = self.writer.take()
        {
            writer.wake(); // it may have waited for what moved
        }
        if polled.is_pending() {
            remember(&mut self.reader, cx);
        }
        polled
    }

    #[cold]
    #[inline(never)]
    fn write_beside<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let reader = self.reader.clone();
        let before = self.engine.to_app().revision();
        let polled = self.beside(reader, cx, act);
        if self.engine.to_app().revision() != before
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        self.note_writer(polled.is_pending(), cx);
        polled
    }

    #[inline(always)]
    fn note_writer(&mut self, has_to_wait: bool, cx: &Context<'_>) {
        if has_to_wait {
            remember(&mut self.writer, cx);
        } else if self.writer.is_some() {
            self.writer = None;
        }
    }

    /// Polls with a waker that wakes another task too.
    fn beside<T>(
        &mut self,
        other: Option<Waker>,
        cx: &Context<'_>,
        act: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let other = other.unwrap_or_else(|| cx.waker().clone());
        let both = Waker::from(Arc::new(Both(cx.waker().clone(), other)));
        act(self, &mut Context::from_waker(&both))
    }

    /// Forgets the tasks that wait, where no other one can.
    pub(super) fn forget_tasks(&mut self) {
        self.reader = None;
        self.writer = None;
    }
}

/// Returns `true` if another task than the present one waits.
#[inline(always)]
fn is_other(task: &Option<Waker>, cx: &Context<'_>) -> bool {
    task.as_ref()
        .is_some_and(|task| !task.will_wake(cx.waker()))
}

#[inline]
fn remember(task: &mut Option<Waker>, cx: &Context<'_>) {
    match task {
        Some(known) => known.clone_from(cx.waker()),
        none => *none = Some(cx.waker().clone()),
    }
}

/// The waker of two tasks.
struct Both(Waker, Waker);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.wake_by_ref();
        self.1.wake_by_ref();
    }
}
