//! Carrying out what a [`Dialer`] says.

use super::{Connection, Outside, TimedOut, Transport};
use crate::auth::Credentials;
use crate::dial::{
    AttemptId, Destination, DialError, Dialer, Job, LookupId, QuestionId, Step, Timeouts, Trace,
};
use crate::driver::socket;
use crate::{Error, Layer};
use bytes::Bytes;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// Connects as a dialer says, and returns the connection with what was done for it.
///
/// What may take its time is done by threads of their own, which end with their time-outs.
///
/// # Errors
///
/// What the dialer gave up at.
pub fn dial<L>(
    dialer: Dialer<L>,
    outside: &Outside,
) -> Result<(Connection<Transport, L>, Trace), DialError>
where
    L: Layer<In: Default, Out: Default>,
{
    let (tell, news) = mpsc::channel();
    Dialing {
        dialer,
        outside,
        tell,
        news,
        under_way: 0,
        wanted: Vec::new(),
        open: None,
    }
    .run()
}

/// What is under way for a dialer.
struct Dialing<'a, L: Layer> {
    dialer: Dialer<L>,
    outside: &'a Outside,
    tell: Sender<News>,
    news: Receiver<News>,
    /// How many threads have not told yet what became of their work.
    under_way: usize,
    /// The attempts that are not given up.
    wanted: Vec<AttemptId>,
    open: Option<(AttemptId, Connection<Transport, L>)>,
}

/// What a thread has to tell.
enum News {
    Resolved(LookupId, io::Result<Vec<SocketAddr>>),
    Opened(AttemptId, io::Result<Transport>),
    Credentials(QuestionId, Option<Credentials>),
    Replied(QuestionId, Result<Bytes, Error>),
    Ran(Job),
}

impl<L> Dialing<'_, L>
where
    L: Layer<In: Default, Out: Default>,
{
    fn run(mut self) -> Result<(Connection<Transport, L>, Trace), DialError> {
        loop {
            match self.dialer.step(Instant::now()) {
                Step::Resolve { lookup, host, port } => {
                    let resolve = self.outside.resolve.clone();
                    self.begin(move || News::Resolved(lookup, resolve(&host, port)));
                }
                Step::Open { attempt, to } => {
                    let timeouts = self.dialer.timeouts();
                    self.wanted.push(attempt);
                    self.begin(move || News::Opened(attempt, open(&to, timeouts)));
                }
                Step::Close { attempt } => {
                    self.wanted.retain(|id| *id != attempt);
                    self.open.take_if(|(id, _)| *id == attempt);
                }
                Step::Ask { question, asked } => {
                    let ask = self.outside.ask.clone();
                    self.begin(move || News::Credentials(question, ask(asked)));
                }
                Step::Exchange {
                    question,
                    url,
                    data,
                } => {
                    let exchange = self.outside.exchange.clone();
                    self.begin(move || News::Replied(question, exchange(url, data)));
                }
                Step::Run(mut job) => self.begin(move || {
                    job.run();
                    News::Ran(job)
                }),
                Step::Ready { attempt } => {
                    if let Some((_, connection)) = self.open.take_if(|(id, _)| *id == attempt) {
                        return Ok((connection, self.dialer.trace().clone()));
                    }
                }
                Step::Failed(error) => return Err(error),
                Step::Wait { until } => self.wait(until),
            }
        }
    }
    /// Has a thread do something and tell what came of it. One that panics never tells, and the
    /// dialer's time-out does.
    fn begin(&mut self, work: impl FnOnce() -> News + Send + 'static) {
        let tell = self.tell.clone();
        self.under_way += 1;
        thread::spawn(move || tell.send(work()));
    }
    /// Waits until something happened, at most until then.
    fn wait(&mut self, until: Option<Instant>) {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let Some((attempt, connection)) = &mut self.open else {
            let left = left.unwrap_or(Duration::MAX);
            match self.news.recv_timeout(left) {
                Ok(news) => self.hear(news),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            return;
        };
        // While a thread may have something to tell, the transport is listened to turn by turn.
        let turn = match self.under_way {
            0 => until,
            _ => [until, Instant::now().checked_add(TURN)]
                .into_iter()
                .flatten()
                .min(),
        };
        let news = match connection.advance(turn) {
            Ok(()) => {
                let now = Instant::now();
                self.dialer.observe(*attempt, connection.engine(), now);
                self.news.try_recv().ok()
            }
            Err(error) if error.cause::<TimedOut>().is_some() => self.news.try_recv().ok(),
            // Nothing more can come over the transport: a thread may have something to tell.
            Err(_) => self.news.recv_timeout(left.unwrap_or(Duration::MAX)).ok(),
        };
        if let Some(news) = news {
            self.hear(news);
        }
    }
    fn hear(&mut self, news: News) {
        let now = Instant::now();
        self.under_way -= 1;
        match news {
            News::Resolved(lookup, found) => {
                let found = found.map_err(|error| Error::local("resolver", error));
                self.dialer.resolved(lookup, found, now);
            }
            News::Opened(attempt, _) if !self.wanted.contains(&attempt) => {}
            News::Opened(attempt, Ok(io)) => {
                if let Some(mut engine) = self.dialer.opened(attempt, now) {
                    engine.process(now);
                    self.dialer.observe(attempt, &mut engine, now);
                    self.open = Some((attempt, Connection::dialled(io, engine)));
                }
            }
            News::Opened(attempt, Err(error)) => self.dialer.refused(attempt, socket(error), now),
            News::Credentials(question, given) => self.dialer.credentials(question, given, now),
            News::Replied(question, reply) => self.dialer.replied(question, reply, now),
            News::Ran(job) => self.dialer.ran(job, now),
        }
        if let Some((attempt, connection)) = &mut self.open {
            self.dialer.observe(*attempt, connection.engine(), now);
        }
    }
}

/// Opens a transport. A thread cannot be told to stop, so it stops by itself.
fn open(to: &Destination, timeouts: Timeouts) -> io::Result<Transport> {
    match to {
        Destination::Tcp(to) => {
            TcpStream::connect_timeout(to, timeouts.connect).map(Transport::Tcp)
        }
        #[cfg(unix)]
        Destination::Unix(path) => {
            std::os::unix::net::UnixStream::connect(path).map(Transport::Unix)
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// How long a transport is listened to before what threads tell is heard.
const TURN: Duration = Duration::from_millis(10);
