//! The time that a stack has to open, and the error of a stack that took longer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Instant, Progress};

/// The time that a stack has to open.
pub(crate) struct OpenDeadline {
    pub(crate) allowed: Duration,
    pub(crate) until: Instant,
}

/// The cause of an error: the stack did not open in the time of
/// [`set_open_timeout`](crate::Engine::set_open_timeout).
///
/// ```
/// use std::time::Duration;
/// use wirestack_layer::{End, Flow, Instant};
/// use wirestack_nest::{Engine, OpeningTimedOut};
/// use wirestack_socks::{Address, Client};
///
/// let mut engine = Engine::new(Client::new(Address::new("example.org", 443)?));
/// engine.set_open_timeout(Duration::from_secs(10), Instant::ORIGIN);
/// engine.process(Instant::ORIGIN);
/// engine.process(Instant::ORIGIN + Duration::from_secs(10)); // the proxy is silent
/// let Some(End::Aborted(error)) = engine.to_app().end() else { panic!() };
/// let late: &OpeningTimedOut = error.cause().unwrap();
/// assert_eq!(late.allowed, Duration::from_secs(10));
/// # Ok::<(), wirestack_socks::AddressError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct OpeningTimedOut {
    /// The time that it had.
    pub allowed: Duration,
    /// The state of the stack at the end of that time, with what it waited for.
    pub progress: Progress,
}

impl fmt::Display for OpeningTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not open after {:?}: {}", self.allowed, self.progress)
    }
}

impl StdError for OpeningTimedOut {}
