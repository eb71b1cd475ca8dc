//! The finding of the routes, before a connection begins.

use crate::route::find::{Fetch, Fetched, FindInput, Machine};
use crate::route::routes::{FindAction, FindRoutes, Routes};
use crate::route::tls_choice::{TlsChoice, TlsSource};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use wirestack_layer::{Error, Instant, origin};
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// Something for the driver to find out, while the routes to a target are looked for.
///
/// ```
/// use wirestack_dial::find::Machine;
/// use wirestack_dial::{FindAnswer, FindRequest};
/// use wirestack_layer::Error;
///
/// /// Answers as a driver without a network does.
/// fn answer(request: FindRequest) -> FindAnswer {
///     match request {
///         FindRequest::Machine => FindAnswer::Machine(Machine::default()),
///         FindRequest::Fetch(fetch, _, _) => {
///             let text = format!("{} cannot be fetched here", fetch.url);
///             FindAnswer::Fetched(Err(Error::local("driver", text)))
///         }
///         FindRequest::Resolve(names) => {
///             FindAnswer::Resolved(names.into_iter().map(|name| (name, Vec::new())).collect())
///         }
///         FindRequest::Run(mut task) => {
///             task.run(); // on a thread that may block
///             FindAnswer::Ran(Some(task))
///         }
///     }
/// }
/// let FindAnswer::Machine(machine) = answer(FindRequest::Machine) else { panic!("it was asked") };
/// assert!(machine.addresses.is_empty());
/// ```
pub enum FindRequest {
    /// The time, and the addresses of this machine.
    Machine,
    /// This resource, without any proxy, and with these TLS settings if there are some.
    Fetch(Fetch, Option<Arc<ClientConfig>>, Certificates),
    /// The addresses of these names.
    Resolve(Vec<String>),
    /// The result of this work, on a thread that may block.
    Run(FindTask),
}

/// Shows no fields of requests: they may hold secrets.
impl fmt::Debug for FindRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("Machine"),
            Self::Fetch(..) => f.write_str("Fetch"),
            Self::Resolve(names) => write!(f, "Resolve({} names)", names.len()),
            Self::Run(_) => f.write_str("Run"),
        }
    }
}

/// The answer to a [`FindRequest`].
///
/// ```
/// use wirestack_dial::FindAnswer;
///
/// let found = vec![("proxy.test".to_owned(), vec!["192.0.2.7".parse()?])];
/// let answer = FindAnswer::Resolved(found); // for `Dialer::found_out`
/// drop(answer);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub enum FindAnswer {
    /// The time, and the addresses of this machine.
    Machine(Machine),
    /// The resource, or the reason that there is none.
    Fetched(Result<Fetched, Error>),
    /// Each name with its addresses; none if it was not found.
    Resolved(Vec<(String, Vec<IpAddr>)>),
    /// The task, which has run; `None` if it panicked or never ran.
    Ran(Option<FindTask>),
}

/// Work for a thread that may block, while the routes to a target are looked for.
///
/// ```
/// use wirestack_dial::{FindAnswer, FindTask};
///
/// /// Runs the work; `None` is reported if it panics.
/// fn run(mut task: FindTask) -> FindAnswer {
///     let run = std::panic::AssertUnwindSafe(move || {
///         task.run();
///         task
///     });
///     FindAnswer::Ran(std::panic::catch_unwind(run).ok())
/// }
/// ```
pub struct FindTask {
    finder: Box<dyn FindRoutes>,
}

impl FindTask {
    /// Does the work.
    pub fn run(&mut self) {
        self.finder.run_blocking();
    }
}

impl fmt::Debug for FindTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FindTask(..)")
    }
}

/// A finding that is under way.
pub(crate) struct Finding {
    /// The finder; it is away while it runs on another thread.
    finder: Option<Box<dyn FindRoutes>>,
    pub(crate) source: String,
    pub(crate) since: Instant,
    /// The thing that it waits for.
    pub(crate) what: &'static str,
    /// Notes for the trace.
    pub(crate) notes: Vec<String>,
}

/// The consequence of an action of a finder.
pub(crate) enum Next {
    Ask(FindRequest),
    Found(Routes),
    Failed(Error),
}

impl Finding {
    pub(crate) fn new(source: String, finder: Box<dyn FindRoutes>, now: Instant) -> Self {
        Self {
            finder: Some(finder),
            source,
            since: now,
            what: "the first step",
            notes: Vec::new(),
        }
    }

    pub(crate) fn start(&mut self, tls: Option<&TlsChoice>, now: Instant) -> Next {
        self.step(FindInput::Start, tls, now)
    }

    pub(crate) fn answer(
        &mut self,
        answer: FindAnswer,
        tls: Option<&TlsChoice>,
        now: Instant,
    ) -> Next {
        let input = match answer {
            FindAnswer::Machine(machine) => FindInput::Machine(machine),
            FindAnswer::Fetched(fetched) => FindInput::Fetched(fetched),
            FindAnswer::Resolved(found) => FindInput::Resolved(found),
            FindAnswer::Ran(Some(task)) => {
                self.finder = Some(task.finder);
                FindInput::Ran
            }
            FindAnswer::Ran(None) => return Next::Failed(Error::local(origin::DIALER, Lost)),
        };
        self.step(input, tls, now)
    }

    fn step(&mut self, input: FindInput, tls: Option<&TlsChoice>, now: Instant) -> Next {
        let Some(finder) = &mut self.finder else {
            return Next::Failed(Error::local(origin::DIALER, Lost));
        };
        let action = finder.step(input, now);
        self.notes.extend(finder.take_notes());
        let (what, request) = match action {
            FindAction::AskMachine => ("the time and the addresses", FindRequest::Machine),
            FindAction::Fetch(fetch) => {
                // As for a proxy: no certificate of the client, which is for the target.
                let (tls, certificates) = match tls.map(|tls| &tls.hops) {
                    Some(TlsSource::Given(config)) => (Some(config.clone()), Certificates::new()),
                    Some(TlsSource::Made(certificates)) => (None, certificates.clone()),
                    None => (None, Certificates::new()),
                };
                ("the file", FindRequest::Fetch(fetch, tls, certificates))
            }
            FindAction::Resolve(names) => ("the addresses of names", FindRequest::Resolve(names)),
            FindAction::RunBlocking => match self.finder.take() {
                Some(finder) => ("work on a thread", FindRequest::Run(FindTask { finder })),
                None => return Next::Failed(Error::local(origin::DIALER, Lost)),
            },
            FindAction::Found(routes) => return Next::Found(routes),
            FindAction::Fail(error) => return Next::Failed(error),
        };
        self.what = what;
        Next::Ask(request)
    }
}

/// The number of sources that may name each other, one after another.
pub(crate) const MAX_SOURCES: usize = 4;

#[derive(Debug, thiserror::Error)]
#[error("the work that finds the routes has stopped without a result")]
struct Lost;

/// Too many sources of routes name each other.
#[derive(Debug, thiserror::Error)]
#[error(
    "{MAX_SOURCES} sources of routes name each other, one after another: name the proxy in one of \
     them"
)]
pub(crate) struct TooManySources;
