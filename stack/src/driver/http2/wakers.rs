//! The tasks that wait for a shared connection, and the one of them that drives it.

use super::waiting::{Alarmed, Interest, Part, Place, Slots, Waiting};
use crate::driver::runtime::{AsyncTimer, Runtime};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use wirestack_http2::StreamId;

/// The wakers of waiting tasks, and the task that drives the connection.
///
/// It is the waker for the transport and for its timer. An event of these wakes one task only: the
/// driver, or else the waiting task that leads. That one reads, and wakes those for which something
/// has arrived. A leader that has nothing to wait for any more appoints another one.
///
/// A task may also stop to wait without a word: a future was dropped, and its stream was not. Such a
/// leader does not answer. So an [alarm](Alarm) runs while a leader is called, and wakes all.
pub(super) struct Wakers {
    waiting: Mutex<Waiting>,
    alarm: Mutex<Option<Pin<Box<dyn AsyncTimer>>>>,
    alarm_waker: Waker,
    runtime: Arc<dyn Runtime>,
    /// The number of drivers so far.
    drivers: AtomicU64,
    /// Every clone and every stream has been dropped.
    abandoned: AtomicBool,
}

impl Wakers {
    pub(super) fn new(runtime: Arc<dyn Runtime>) -> Arc<Self> {
        Arc::new_cyclic(|wakers: &Weak<Self>| Self {
            waiting: Mutex::default(),
            alarm: Mutex::default(),
            alarm_waker: Waker::from(Arc::new(Alarm(wakers.clone()))),
            runtime,
            drivers: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
        })
    }

    /// Registers the waker of a task that has to wait. Returns its part, and the wakers in whose
    /// place it is now: they may run any code when they are dropped.
    pub(super) fn register(&self, interest: Interest, waker: &Waker) -> (Part, [Option<Waker>; 2]) {
        let mut waiting = self.lock();
        let old = waiting.register(interest, waker);
        (waiting.part(interest.place(), waker), old)
    }

    /// Returns a number for a driver.
    pub(super) fn number_driver(&self) -> u64 {
        self.drivers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn register_driver(&self, number: u64, waker: &Waker) {
        self.lock().register_driver(number, waker);
    }

    /// Notes that a driver has been dropped. Returns the wakers of another driver or, if there is
    /// none, of all waiting tasks: one of them leads from now on.
    pub(super) fn remove_driver(&self, number: u64) -> Vec<Waker> {
        self.lock().remove_driver(number)
    }

    pub(super) fn has_driver(&self) -> bool {
        self.lock().has_driver()
    }

    /// Ends the part of the task that leads from this place. Returns the place of the next leader,
    /// which has to be [called](Self::call).
    pub(super) fn next_leader(&self, place: Place) -> Option<Place> {
        self.lock().next_leader(place)
    }

    /// Forgets the wakers of a stream. Returns them, as they may run any code when they are dropped.
    pub(super) fn forget(&self, id: StreamId) -> (Option<Slots>, Option<Waker>) {
        self.lock().forget(id)
    }

    /// Wakes the task that drives the connection, or all that wait if there is none.
    pub(super) fn call(&self) {
        if !self.call_driver() {
            let woken = self.lock().take_all();
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// Wakes the task that drives the connection. Returns `false` if there is none.
    pub(super) fn call_driver(&self) -> bool {
        let called = self.lock().call();
        let Some((waker, starts_alarm)) = called else {
            return false;
        };
        waker.wake();
        if starts_alarm {
            self.start_alarm();
        }
        true
    }

    /// Notes that every clone and every stream has been dropped.
    pub(super) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.call_driver();
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the time in which a leader that was called has to answer.
    fn start_alarm(&self) {
        let at = self.runtime.now().checked_add(ANSWER_TIMEOUT);
        let runs = at.is_some_and(|at| {
            let mut alarm = self.alarm.lock().unwrap_or_else(PoisonError::into_inner);
            let timer = match &mut *alarm {
                Some(timer) => {
                    timer.as_mut().reset(at);
                    timer
                }
                none => none.insert(self.runtime.new_timer(at)),
            };
            let cx = &mut Context::from_waker(&self.alarm_waker);
            timer.as_mut().poll_expired(cx).is_pending()
        });
        if !runs {
            // A runtime whose timers do not work here.
            let woken = self.lock().take_all();
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// Wakes all if the leader has not answered to the call because of which the alarm was started.
    fn ring(&self) {
        let alarmed = self.lock().alarm();
        match alarmed {
            Alarmed::Answered => {}
            Alarmed::CalledAgain => self.start_alarm(),
            Alarmed::NoAnswer(woken) => woken.into_iter().for_each(Waker::wake),
        }
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.call();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.call();
    }
}

/// The waker of the timer that runs while a leader is called.
struct Alarm(Weak<Wakers>);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(wakers) = self.0.upgrade() {
            wakers.ring();
        }
    }
}

/// The time in which a leader that was called has to be polled. Beyond it all waiting tasks are
/// woken: at twice the time, if the alarm runs since an earlier call. It is far longer than a task
/// that is alive needs, on a machine that is not overloaded.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(50);
