//! The steps that a dialer tells its driver, and the timeouts.

use crate::auth::{Authenticator, Credentials};
use crate::dialer::finding::FindRequest;
use crate::plan::tls_task::TlsTask;
use crate::report::error::DialError;
use crate::report::id::{AttemptId, Destination, LookupId, QuestionId};
use bytes::Bytes;
use std::fmt;
use std::time::Duration;
use wirestack_layer::{Error, Escaped, Instant};

/// One action for the driver of a [`Dialer`](crate::Dialer): the next thing to do.
///
/// ```
/// use std::net::TcpStream;
/// use wirestack_dial::{Answer, AttemptId, DialError, Dialer, Step};
/// use wirestack_layer::{Error, Instant};
/// use wirestack_nest::{BoxTunnel, Engine};
///
/// /// Opens connections one after another, in the thread that calls it. It returns a connection with
/// /// the stack that is to be driven on it, or `None` once there is nothing to do but to wait.
/// fn carry_out(
///     dialer: &mut Dialer<BoxTunnel>,
///     clock: impl Fn() -> Instant,
/// ) -> Result<Option<(AttemptId, TcpStream, Engine<BoxTunnel>)>, DialError> {
///     loop {
///         match dialer.step(clock()) {
///             Step::Resolve { lookup, host, port } => {
///                 let found = std::net::ToSocketAddrs::to_socket_addrs(&(host.as_str(), port));
///                 let found = found.map(Iterator::collect).map_err(|e| Error::peer("resolver", e));
///                 dialer.resolved(lookup, found, clock());
///             }
///             Step::Open { attempt, to } => {
///                 let address = to.address().ok_or(std::io::ErrorKind::Unsupported.into());
///                 match address.and_then(TcpStream::connect) {
///                     Ok(socket) => {
///                         if let Some(engine) = dialer.opened(attempt, clock()) {
///                             return Ok(Some((attempt, socket, engine)));
///                         }
///                     }
///                     Err(error) => dialer.refused(attempt, Error::peer("wire", error), clock()),
///                 }
///             }
///             Step::MakeTls { mut task } => {
///                 task.run();
///                 dialer.made_tls(Some(task), clock());
///             }
///             Step::Ask { question, .. } => {
///                 dialer.answer(question, Answer::Credentials(None), None, clock());
///             }
///             Step::SpawnBlocking { question, mut task } => {
///                 task.run();
///                 dialer.answer(question, Answer::Ran(task), None, clock());
///             }
///             Step::Failed(error) => return Err(error),
///             _ => return Ok(None),
///         }
///     }
/// }
/// ```
pub enum Step {
    /// Look up this name, then call [`Dialer::resolved`](super::Dialer::resolved). A driver that
    /// gets the addresses in parts calls [`Dialer::found`](super::Dialer::found) with each part
    /// before.
    Resolve {
        /// The identifier of the look-up, for the answer.
        lookup: LookupId,
        /// The name to look up.
        host: String,
        /// The port to put into each address.
        port: u16,
    },
    /// Open a connection, then call [`Dialer::opened`](super::Dialer::opened) or
    /// [`Dialer::refused`](super::Dialer::refused). Several attempts may run at once.
    Open {
        /// The identifier of the attempt, for all that follows.
        attempt: AttemptId,
        /// The address to connect to.
        to: Destination,
    },
    /// Stop this attempt and close its connection.
    Close {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Ask the user, or another source, for credentials, then call
    /// [`Dialer::answer`](super::Dialer::answer).
    Ask {
        /// The identifier of the question, for the answer.
        question: QuestionId,
        /// The proxy and the challenge.
        request: CredentialsRequest,
    },
    /// Send this to another server, then call [`Dialer::answer`](super::Dialer::answer) with the
    /// reply.
    Fetch {
        /// The identifier of the question, for the answer.
        question: QuestionId,
        /// The URL of the server. Its meaning is the authenticator's.
        url: String,
        /// The data to send.
        data: Bytes,
    },
    /// Run this on a thread that may block, then call [`Dialer::answer`](super::Dialer::answer)
    /// with it.
    SpawnBlocking {
        /// The identifier of the question, for the answer.
        question: QuestionId,
        /// The work to run.
        task: BlockingTask,
    },
    /// Make TLS settings on a thread that may block, because that reads the system's roots and the
    /// files of certificates; then call [`Dialer::made_tls`](super::Dialer::made_tls).
    MakeTls {
        /// The work to run.
        task: TlsTask,
    },
    /// Find this out, then call [`Dialer::found_out`](super::Dialer::found_out): the routes to the
    /// target are being looked for.
    Find {
        /// The thing to find out.
        request: FindRequest,
    },
    /// Everything is open: hand the connection of this attempt to the application.
    Ready {
        /// The attempt.
        attempt: AttemptId,
    },
    /// Wait for this time or for the result of a step.
    Wait {
        /// The time to call [`Dialer::step`](super::Dialer::step) again, at the latest.
        until: Option<Instant>,
    },
    /// Give up: connecting failed.
    Failed(DialError),
}

/// Shows nothing that is sent to another server: it is a secret.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resolve { host, port, .. } => write!(f, "Resolve({host}, {port})"),
            Self::Open { to, .. } => write!(f, "Open({to})"),
            Self::Close { attempt } => f.debug_tuple("Close").field(attempt).finish(),
            Self::Ask { request, .. } => f.debug_tuple("Ask").field(request).finish(),
            Self::Fetch { data, .. } => write!(f, "Fetch({} bytes)", data.len()),
            Self::SpawnBlocking { task, .. } => f.debug_tuple("SpawnBlocking").field(task).finish(),
            Self::MakeTls { .. } => f.write_str("MakeTls"),
            Self::Find { request } => f.debug_tuple("Find").field(request).finish(),
            Self::Ready { attempt } => f.debug_tuple("Ready").field(attempt).finish(),
            Self::Wait { until } => f.debug_struct("Wait").field("until", until).finish(),
            Self::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
        }
    }
}

/// The answer to a question: to [`Step::Ask`], [`Step::Fetch`] or [`Step::SpawnBlocking`].
///
/// ```
/// use wirestack_dial::{Answer, Credentials};
///
/// let answer = Answer::Credentials(Some(Credentials::new("ada", "secret")));
/// assert_eq!(format!("{answer:?}"), "Credentials(Some(Credentials(..)))"); // safe for a log
/// ```
pub enum Answer {
    /// The credentials that were asked for, if there are any.
    Credentials(Option<Credentials>),
    /// The reply of the other server.
    Reply(Result<Bytes, Error>),
    /// The task, which has run.
    Ran(BlockingTask),
}

/// Shows no credentials and no reply: they are secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(given) => f.debug_tuple("Credentials").field(given).finish(),
            Self::Reply(Ok(bytes)) => write!(f, "Reply({} bytes)", bytes.len()),
            Self::Reply(Err(error)) => f.debug_tuple("Reply").field(error).finish(),
            Self::Ran(task) => f.debug_tuple("Ran").field(task).finish(),
        }
    }
}

/// The proxy and the challenge that credentials are wanted for.
///
/// It shows as a question for the user, with the words of the proxy [escaped](Escaped):
/// `http://proxy.test:3128 wants a user and a password (Basic, "corp")`.
///
/// ```
/// use wirestack_dial::CredentialsRequest;
///
/// /// Returns the question for a dialog.
/// fn question(request: &CredentialsRequest) -> String {
///     let again = if request.again { "That was wrong. " } else { "" };
///     format!("{again}{} wants a login for {:?}", request.hop, request.realm)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CredentialsRequest {
    /// The proxy that wants the credentials, such as `http://proxy.test:3128`.
    pub hop: String,
    /// The authentication scheme, as the proxy wrote it.
    pub scheme: String,
    /// The realm, which may be empty.
    pub realm: String,
    /// `true` if the proxy refused the credentials that were given before.
    pub again: bool,
}

impl fmt::Display for CredentialsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, realm) = (
            Escaped::excerpt(&self.scheme),
            Escaped::excerpt(&self.realm),
        );
        let again = if self.again { " again" } else { "" };
        write!(
            f,
            "{} wants a user and a password{again} ({scheme}",
            self.hop
        )?;
        if self.realm.is_empty() {
            f.write_str(")")
        } else {
            write!(f, ", \"{realm}\")")
        }
    }
}

/// Work for a thread that may block.
///
/// ```
/// use wirestack_dial::{Answer, BlockingTask};
///
/// /// Runs the work on this thread, and returns the answer for `Dialer::answer`.
/// fn run(mut task: BlockingTask) -> Answer {
///     task.run();
///     Answer::Ran(task)
/// }
/// ```
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

/// The timeouts of connecting, and the delays of Happy Eyeballs.
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Timeouts;
///
/// let timeouts = Timeouts::default()
///     .layer(Duration::from_secs(30)) // for a proxy that is slow to answer
///     .total(Duration::from_secs(90));
/// assert_eq!(timeouts.resolve, Duration::from_secs(10));
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_dial::Timeouts;
///
/// let timeouts = Timeouts::default()
///     .find_routes(Duration::from_secs(5))
///     .resolve(Duration::from_secs(5))
///     .connect(Duration::from_secs(5))
///     .layer(Duration::from_secs(10)) // for each handshake
///     .total(Duration::from_secs(30))
///     .attempt_delay(Duration::from_millis(250)) // Happy Eyeballs (RFC 8305)
///     .resolution_delay(Duration::from_millis(50));
/// assert_eq!(timeouts.total, Duration::from_secs(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The timeout for finding the routes, if that takes I/O: 20 s. All of it counts: getting a
    /// proxy auto-config file, looking names up for it, running it.
    pub find_routes: Duration,
    /// The timeout for looking up the first name: 10 s.
    pub resolve: Duration,
    /// The timeout for connecting to each address: 10 s.
    pub connect: Duration,
    /// The timeout for each layer to open: 10 s. The time while the user is asked for credentials
    /// does not count; the time that a login waits for another server does.
    pub layer: Duration,
    /// The timeout for everything together: 60 s.
    pub total: Duration,
    /// The delay before the next address is tried beside those under way (RFC 8305 §5): 250 ms.
    pub attempt_delay: Duration,
    /// The delay in which IPv6 addresses may follow IPv4 addresses (RFC 8305 §3): 50 ms.
    pub resolution_delay: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            find_routes: Duration::from_secs(20),
            resolve: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            layer: Duration::from_secs(10),
            total: Duration::from_secs(60),
            attempt_delay: Duration::from_millis(250),
            resolution_delay: Duration::from_millis(50),
        }
    }
}

impl Timeouts {
    /// Sets the timeout for finding the routes, if that takes I/O.
    #[must_use]
    pub fn find_routes(mut self, find_routes: Duration) -> Self {
        self.find_routes = find_routes;
        self
    }

    /// Sets the timeout for looking up the first name.
    #[must_use]
    pub fn resolve(mut self, resolve: Duration) -> Self {
        self.resolve = resolve;
        self
    }

    /// Sets the timeout for connecting to each address.
    #[must_use]
    pub fn connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the timeout for each layer to open.
    #[must_use]
    pub fn layer(mut self, layer: Duration) -> Self {
        self.layer = layer;
        self
    }

    /// Sets the timeout for everything together.
    #[must_use]
    pub fn total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Sets the delay before the next address is tried beside those under way (RFC 8305 §5).
    #[must_use]
    pub fn attempt_delay(mut self, attempt_delay: Duration) -> Self {
        self.attempt_delay = attempt_delay;
        self
    }

    /// Sets the delay in which IPv6 addresses may follow IPv4 addresses (RFC 8305 §3).
    #[must_use]
    pub fn resolution_delay(mut self, resolution_delay: Duration) -> Self {
        self.resolution_delay = resolution_delay;
        self
    }
}
