//! What a dialer says to its driver.

use crate::auth::{Authenticator, Credentials};
use crate::report::error::DialError;
use crate::report::id::{AttemptId, Destination, LookupId, QuestionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Error, Instant};

/// What a driver has to do next.
#[derive(Debug)]
pub enum Step {
    /// Look this name up, then call [`Dialer::resolved`](super::Dialer::resolved); with pieces of the
    /// answer, [`Dialer::found`](super::Dialer::found).
    Resolve {
        /// Names the look-up in the answer.
        lookup: LookupId,
        /// What to look up.
        host: String,
        /// The port that the addresses shall have.
        port: u16,
    },
    /// Open a connection, then call [`Dialer::opened`](super::Dialer::opened) or
    /// [`Dialer::refused`](super::Dialer::refused). Several may be under way.
    Open {
        /// Names the attempt from now on.
        attempt: AttemptId,
        /// Where to connect to.
        to: Destination,
    },
    /// Forget this attempt and close what it holds.
    Close {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Ask the user, or another source, for credentials, then call
    /// [`Dialer::answer`](super::Dialer::answer).
    Ask {
        /// Names the question in the answer.
        question: QuestionId,
        /// What is asked.
        request: CredentialsRequest,
    },
    /// Send this to another server, then call [`Dialer::answer`](super::Dialer::answer) with what
    /// it replied.
    Fetch {
        /// Names the question in the answer.
        question: QuestionId,
        /// Where to send it: a URL whose meaning is the authenticator's.
        url: String,
        /// What to send.
        data: Bytes,
    },
    /// Run this on a thread that may wait, then call [`Dialer::answer`](super::Dialer::answer) with
    /// it.
    SpawnBlocking {
        /// Names the question in the answer.
        question: QuestionId,
        /// What to run.
        task: BlockingTask,
    },
    /// Everything is established: the connection of this attempt is the one.
    Ready {
        /// The attempt.
        attempt: AttemptId,
    },
    /// There is nothing to do before this time, or before something happens.
    Wait {
        /// When to call [`Dialer::step`](super::Dialer::step) again at the latest.
        until: Option<Instant>,
    },
    /// It cannot be done.
    Failed(DialError),
}

/// The answer to a question: to [`Step::Ask`], [`Step::Fetch`] or [`Step::SpawnBlocking`].
#[derive(Debug)]
pub enum Answer {
    /// The credentials that were asked for, if there are any.
    Credentials(Option<Credentials>),
    /// The reply of the other server.
    Reply(Result<Bytes, Error>),
    /// The task, which has run.
    Ran(BlockingTask),
}

/// What credentials are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialsRequest {
    /// The proxy that wants them, such as `http://proxy.test:3128`.
    pub hop: String,
    /// The scheme, as the proxy wrote it.
    pub scheme: String,
    /// The realm, which may be empty.
    pub realm: String,
    /// Whether those that were given before were refused.
    pub again: bool,
}

/// Work for a thread that may wait.
pub struct BlockingTask {
    pub(crate) authenticator: Box<dyn Authenticator>,
}

impl BlockingTask {
    /// Does the work.
    pub fn run(&mut self) {
        self.authenticator.run_blocking();
    }
}

impl fmt::Debug for BlockingTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockingTask(..)")
    }
}

/// How long connecting may take, part by part and in all, and what waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// For looking the first name up: 10 s.
    pub resolve: Duration,
    /// For each address to be connected to: 10 s.
    pub connect: Duration,
    /// For each layer to open: 10 s. While somebody is asked for credentials, it does not count.
    pub layer: Duration,
    /// For everything together: 60 s.
    pub total: Duration,
    /// After which another address is tried beside those under way (RFC 8305 §5): 250 ms.
    pub attempt_delay: Duration,
    /// For which IPv6 addresses are waited for when IPv4 addresses come first (RFC 8305 §3): 50 ms.
    pub resolution_delay: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            layer: Duration::from_secs(10),
            total: Duration::from_secs(60),
            attempt_delay: Duration::from_millis(250),
            resolution_delay: Duration::from_millis(50),
        }
    }
}
