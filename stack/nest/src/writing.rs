//! The watch over the bytes that wait for the peer, and the error of a peer that takes none.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use wirestack_layer::Instant;

/// The watch over the bytes that wait in the flow to the wire.
pub(crate) struct WriteWatch {
    pub(crate) allowed: Duration,
    /// The number of bytes that had left at the last look.
    sent: u64,
    /// The time since which none has left, or since which the last try runs.
    since: Instant,
    is_last_try: bool,
}

impl Default for WriteWatch {
    fn default() -> Self {
        Self {
            allowed: WRITE_TIMEOUT,
            sent: u64::MAX,
            since: Instant::ORIGIN,
            is_last_try: false,
        }
    }
}

impl WriteWatch {
    /// Looks while bytes wait and `sent` bytes have left. Returns `true` if none has left for too
    /// long.
    ///
    /// A program may not have driven the connection for a long time. So when the time is over, the
    /// driver has a last try, as it may find that the peer takes bytes.
    #[inline]
    pub(crate) fn is_late(&mut self, sent: u64, now: Instant) -> bool {
        if self.sent != sent {
            (self.sent, self.since, self.is_last_try) = (sent, now, false);
            return false;
        }
        if self.deadline().is_none_or(|due| now < due) {
            return false;
        }
        if self.is_last_try {
            return true;
        }
        (self.since, self.is_last_try) = (now, true);
        false
    }

    /// Returns the time of the next look.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let most = if self.is_last_try {
            LAST_TRY
        } else {
            Duration::MAX
        };
        self.since.checked_add(self.allowed.min(most))
    }
}

/// The cause of an error: bytes waited for the peer, and it took none of them in the time of
/// [`set_write_timeout`](crate::Engine::set_write_timeout).
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::{Engine, Identity, WriteTimedOut};
///
/// let mut engine = Engine::new(Identity);
/// engine.set_write_timeout(Duration::from_secs(30));
/// engine.from_app().write(b"hello"); // and the socket takes nothing
/// for seconds in [0, 30, 31] {
///     engine.process(Instant::ORIGIN + Duration::from_secs(seconds)); // and a last try
/// }
/// let error = engine.from_app().stopped().expect("it is given up");
/// assert_eq!(error.cause::<WriteTimedOut>().unwrap().waiting, 5);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct WriteTimedOut {
    /// The time in which it had to take some.
    pub allowed: Duration,
    /// The number of bytes that waited.
    pub waiting: usize,
}

impl fmt::Display for WriteTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { allowed, waiting } = self;
        write!(
            f,
            "the peer took none of the {waiting} bytes that wait for it within {allowed:?}"
        )
    }
}

impl StdError for WriteTimedOut {}

/// The default time in which a peer has to take some of the bytes that wait for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest time of the last try.
const LAST_TRY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use crate::{Engine, Identity, WriteTimedOut};
    use std::time::Duration;
    use wirestack_layer::{End, Flow, Instant};

    const START: Instant = Instant::after_origin(Duration::from_secs(1000));

    fn at(seconds: u64) -> Instant {
        START + Duration::from_secs(seconds)
    }

    fn waiting(bytes: usize) -> Engine<Identity> {
        let mut engine = Engine::new(Identity);
        engine.from_app().write(&vec![7; bytes]);
        engine.process(START);
        assert_eq!(engine.to_wire().len(), bytes);
        engine
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up_after_a_last_try() {
        let mut engine = waiting(1000);
        assert_eq!(engine.deadline(), Some(at(60)));
        for now in [at(59), at(60)] {
            engine.process(now);
            assert!(engine.to_wire().stopped().is_none());
        }
        assert_eq!(engine.deadline(), Some(at(61)), "the last try");
        engine.process(at(61));
        let Some(End::Aborted(error)) = engine.to_app().end().cloned() else {
            panic!("not ended");
        };
        let late = error.cause::<WriteTimedOut>().expect("the cause");
        assert_eq!((late.waiting, late.allowed.as_secs()), (1000, 60));
        let told = engine.from_app().refused().expect("a writer is told");
        assert!(told.cause::<WriteTimedOut>().is_some());
        assert!(engine.to_wire().is_empty());
        assert_eq!(engine.deadline(), None);
    }

    #[test]
    fn a_peer_that_takes_a_byte_now_and_then_goes_on() {
        let mut engine = waiting(1000);
        for n in 1..=1000 {
            let now = at(n * 59);
            engine.process(now);
            engine.transmit(|to_wire| to_wire.consume(1));
            assert!(engine.is_idle() == (n == 1000), "{n}");
            engine.process(now);
        }
        assert_eq!(engine.deadline(), None, "all bytes have left");
        assert!(!engine.to_app().is_closed());
    }

    #[test]
    fn a_program_that_was_away_for_long_tries_once_more_and_goes_on() {
        let mut engine = waiting(1000);
        engine.process(at(5000)); // nobody tried to send in between
        engine.transmit(|to_wire| to_wire.consume(10));
        engine.process(at(5000));
        assert_eq!(engine.deadline(), Some(at(5060)));
        engine.process(at(5001));
        assert!(!engine.to_app().is_closed());
    }

    #[test]
    fn the_time_is_a_setting_and_may_be_endless() {
        let mut engine = waiting(10);
        engine.set_write_timeout(Duration::from_millis(1500));
        assert_eq!(engine.deadline(), Some(START + Duration::from_millis(1500)));
        engine.set_write_timeout(Duration::MAX);
        assert_eq!(engine.deadline(), None);
        engine.process(at(1 << 40));
        assert!(!engine.to_app().is_closed());
    }
}
