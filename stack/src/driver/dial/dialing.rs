//! The loop that carries out the steps of a [`Dialer`].

use super::context::{DialContext, OpenedStream};
use crate::driver::error::{no_runtime_error, socket};
use crate::driver::io::Connection;
use crate::driver::runtime::{
    AddressStream, AsyncTimer, BoxFuture, NoRuntime, Runtime, TcpOptions, Transport, run_blocking,
};
use http::Response;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use wirestack_dial::{
    Answer, AttemptId, Destination, DialError, Dialer, FindAnswer, LookupId, QuestionId, Step,
    TlsTask, Trace,
};
use wirestack_layer::{Error, Instant, Layer, origin};

impl DialContext {
    /// Carries out the steps of a dialer, and returns the connection and the trace of those steps.
    ///
    /// Dropping the future closes all attempts.
    ///
    /// # Errors
    ///
    /// The error that the dialer gave up with, or there is no current runtime.
    pub async fn dial<L>(&self, dialer: Dialer<L>) -> Result<Dialed<L>, DialError>
    where
        L: Layer<In: Default, Out: Default> + 'static,
    {
        self.begin(dialer)?.await
    }

    /// Begins to carry out the steps of a dialer. The value is boxed, because it is large and would
    /// be moved with each future around it.
    pub(crate) fn begin<L>(&self, dialer: Dialer<L>) -> Result<Box<Dialing<'_, L>>, DialError>
    where
        L: Layer<In: Default, Out: Default> + 'static,
    {
        let runtime = self.find_runtime().map_err(no_runtime)?;
        #[cfg(feature = "negotiate")]
        let dialer = dialer.or_default_credentials(crate::driver::negotiate::ticket);
        Ok(Box::new(Dialing {
            dialer,
            context: self,
            runtime,
            lookups: Vec::new(),
            opening: Vec::with_capacity(1),
            open: Vec::with_capacity(1),
            answers: Vec::new(),
            making_tls: None,
            finding: None,
            timer: None,
            told: 0,
        }))
    }
}

/// The error of dialing without a runtime.
pub(crate) fn no_runtime(cause: NoRuntime) -> DialError {
    DialError::invalid(no_runtime_error(cause), Instant::now())
}

/// The operations that are under way for a dialer.
pub(crate) struct Dialing<'a, L: Layer> {
    dialer: Dialer<L>,
    context: &'a DialContext,
    runtime: Arc<dyn Runtime>,
    lookups: Vec<(LookupId, AddressStream)>,
    opening: Vec<(AttemptId, Opening)>,
    open: Vec<(AttemptId, Connection<L>)>,
    answers: Vec<(QuestionId, BoxFuture<Option<Answer>>)>,
    making_tls: Option<BoxFuture<Option<TlsTask>>>,
    finding: Option<BoxFuture<FindAnswer>>,
    timer: Option<(Instant, Pin<Box<dyn AsyncTimer>>)>,
    /// The number of events that the user has been told of.
    told: usize,
}

/// The opening of a transport.
enum Opening {
    Tcp(BoxFuture<io::Result<Box<dyn Transport>>>, TcpOptions),
    Unix(BoxFuture<io::Result<Box<dyn Transport>>>),
    Stream(BoxFuture<OpenedStream>),
}

/// A transport, and the response that opened it if it is a stream of a shared connection.
type Opened = Result<(Box<dyn Transport>, Option<Response<()>>), Error>;

/// A connection, and the trace of the steps that opened it.
///
/// ```
/// use wirestack::Dialed;
/// use wirestack::dial::BoxSocket;
///
/// /// Prints how a connection was opened, and hands it on.
/// fn logged((socket, trace): Dialed<BoxSocket>) -> wirestack::WebSocket {
///     print!("{}", trace.waterfall());
///     socket
/// }
/// ```
pub type Dialed<L> = (Connection<L>, Trace);

impl<L> Future for Dialing<'_, L>
where
    L: Layer<In: Default, Out: Default> + 'static,
{
    type Output = Result<Dialed<L>, DialError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().poll_steps(cx)
    }
}

// No field is ever pinned in its place.
impl<L: Layer> Unpin for Dialing<'_, L> {}

impl<L> Dialing<'_, L>
where
    L: Layer<In: Default, Out: Default> + 'static,
{
    fn poll_steps(&mut self, cx: &mut Context<'_>) -> Poll<Result<Dialed<L>, DialError>> {
        let mut now = self.runtime.now();
        loop {
            let step = self.dialer.step(now);
            self.tell(&step);
            match step {
                Step::Resolve { lookup, host, port } => {
                    let found = self.context.resolve(&*self.runtime, host, port);
                    self.lookups.push((lookup, found));
                }
                Step::Open { attempt, to } => {
                    let opened = self.open_transport(to);
                    self.opening.push((attempt, opened));
                }
                Step::Close { attempt } => {
                    self.opening.retain(|(id, _)| *id != attempt);
                    self.open.retain(|(id, _)| *id != attempt);
                }
                Step::Ask { question, request } => {
                    let given = self.context.ask.as_ref().map(|ask| ask(request));
                    self.answer(question, async {
                        let given = match given {
                            Some(given) => given.await,
                            None => None,
                        };
                        Some(Answer::Credentials(given))
                    });
                }
                Step::Fetch {
                    question,
                    url,
                    data,
                } => {
                    let reply = self.context.fetch(&self.runtime, url, data);
                    self.answer(question, async { Some(Answer::Reply(reply.await)) });
                }
                Step::SpawnBlocking { question, mut task } => {
                    let ran = run_blocking(&*self.runtime, move || {
                        task.run();
                        task
                    });
                    // A task that panicked has no result: the dialer's time-out ends the wait for
                    // it.
                    self.answer(question, async { ran.await.map(Answer::Ran) });
                }
                Step::MakeTls { mut task } => {
                    self.making_tls = Some(run_blocking(&*self.runtime, move || {
                        task.run();
                        task
                    }));
                }
                Step::Find { request } => {
                    let timeouts = self.dialer.timeouts();
                    let found = self.context.find_out(&self.runtime, request, timeouts);
                    self.finding = Some(found);
                }
                Step::Ready { attempt } => {
                    if let Some(at) = self.open.iter().position(|(id, _)| *id == attempt) {
                        let (_, mut connection) = self.open.swap_remove(at);
                        connection.route = self.dialer.route_taken().cloned();
                        return Poll::Ready(Ok((connection, self.dialer.take_trace())));
                    }
                }
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::Wait { until } => {
                    now = match self.report_event(cx) {
                        Some(at) => at,
                        None => {
                            let expired = ready!(self.poll_timer(until, cx));
                            expired.map_err(|error| {
                                let error = Error::local(origin::RUNTIME, error);
                                DialError::invalid(error, self.runtime.now())
                            })?;
                            self.runtime.now()
                        }
                    };
                }
            }
        }
    }

    /// Tells the user of the events that are new.
    fn tell(&mut self, step: &Step) {
        let Some(on_event) = &self.context.on_event else {
            return;
        };
        let trace = match step {
            Step::Failed(error) => error.trace(),
            _ => self.dialer.trace(),
        };
        for (at, event) in trace.events().skip(self.told) {
            on_event(at, event);
            self.told += 1;
        }
    }

    fn open_transport(&self, to: Destination) -> Opening {
        match to {
            Destination::Tcp(to) => {
                let options = self.context.tcp_options;
                Opening::Tcp(self.runtime.connect_tcp_with(to, options), options)
            }
            Destination::Unix(path) => Opening::Unix(self.runtime.connect_unix(path)),
            Destination::Stream(share) => {
                Opening::Stream(self.context.open_stream(share, self.dialer.timeouts()))
            }
        }
    }

    fn answer(
        &mut self,
        question: QuestionId,
        answer: impl Future<Output = Option<Answer>> + Send + 'static,
    ) {
        self.answers.push((question, Box::pin(answer)));
    }

    /// Reports to the dialer the next event that has happened. Returns its time, which is that behind it: a
    /// layer may have computed for long, and peers on this machine may answer within one poll.
    fn report_event(&mut self, cx: &mut Context<'_>) -> Option<Instant> {
        if let Some(making) = &mut self.making_tls
            && let Poll::Ready(made) = making.as_mut().poll(cx)
        {
            let now = self.runtime.now();
            self.making_tls = None;
            self.dialer.made_tls(made, now);
            return Some(now);
        }
        if let Some(finding) = &mut self.finding
            && let Poll::Ready(answer) = finding.as_mut().poll(cx)
        {
            let now = self.runtime.now();
            self.finding = None;
            self.dialer.found_out(answer, now);
            return Some(now);
        }
        let found = first_ready(&mut self.lookups, |found| found.as_mut().poll_next(cx));
        if let Some((at, found)) = found {
            let now = self.runtime.now();
            let (lookup, _) = self.lookups[at];
            match found {
                Some(Ok(found)) => self.dialer.found(lookup, found, now),
                over => {
                    drop(self.lookups.swap_remove(at));
                    let failed = |error| Error::local(origin::RESOLVER, error);
                    let rest = over.unwrap_or(Ok(Vec::new())).map_err(failed);
                    self.dialer.resolved(lookup, rest, now);
                }
            }
            return Some(now);
        }
        if let Some((at, opened)) = first_ready(&mut self.opening, |io| io.poll(cx)) {
            let now = self.runtime.now();
            let (attempt, _) = self.opening.swap_remove(at);
            match opened {
                Ok((io, response)) => self.run_attempt(attempt, io, response, now),
                Err(error) => self.dialer.refused(attempt, error, now),
            }
            return Some(now);
        }
        if let Some((at, answer)) =
            first_ready(&mut self.answers, |answer| answer.as_mut().poll(cx))
        {
            let now = self.runtime.now();
            let (question, _) = self.answers.swap_remove(at);
            if let Some(answer) = answer {
                let mut open = self.open.iter_mut();
                let asking = open.find(|(attempt, _)| *attempt == question.attempt());
                let engine = asking.map(|(_, connection)| connection.engine());
                self.dialer.answer(question, answer, engine, now);
            }
            return Some(now);
        }
        for (attempt, connection) in &mut self.open {
            if connection.advance(cx).is_ready() {
                let now = self.runtime.now();
                self.dialer.observe(*attempt, connection.engine(), now);
                return Some(now);
            }
        }
        None
    }

    /// Runs the stack of an attempt on the transport that was opened for it.
    fn run_attempt(
        &mut self,
        attempt: AttemptId,
        io: Box<dyn Transport>,
        response: Option<Response<()>>,
        now: Instant,
    ) {
        let engine = match response {
            Some(response) => self.dialer.opened_stream(attempt, response, now),
            None => self.dialer.opened(attempt, now),
        };
        if let Some(mut engine) = engine {
            engine.process(now);
            self.dialer.observe(attempt, &mut engine, now);
            let connection = Connection::new(self.runtime.clone(), io, engine);
            self.open.push((attempt, connection));
        }
    }

    /// Waits until a time. A timer for an earlier time stays, and is set again when it expires: most
    /// waits end long before, and a timer costs more than a wait.
    fn poll_timer(&mut self, until: Option<Instant>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(until) = until else {
            return Poll::Pending;
        };
        let runtime = &self.runtime;
        let (due, timer) = self
            .timer
            .get_or_insert_with(|| (until, runtime.new_timer(until)));
        if until < *due {
            timer.as_mut().reset(until);
            *due = until;
        }
        loop {
            ready!(timer.as_mut().poll_expired(cx))?;
            if until <= *due {
                self.timer = None;
                return Poll::Ready(Ok(()));
            }
            timer.as_mut().reset(until);
            *due = until;
        }
    }
}

impl Opening {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Opened> {
        match self {
            Self::Tcp(io, options) => {
                let io = ready!(io.as_mut().poll(cx)).map_err(socket)?;
                Poll::Ready(Ok((options.keep(io), None)))
            }
            Self::Unix(io) => {
                let io = ready!(io.as_mut().poll(cx)).map_err(socket)?;
                Poll::Ready(Ok((io, None)))
            }
            Self::Stream(opened) => {
                let (io, response) = ready!(opened.as_mut().poll(cx))?;
                Poll::Ready(Ok((io, Some(response))))
            }
        }
    }
}

/// Polls each one until one is ready, and returns its index and its result.
fn first_ready<I, P, T>(
    pending: &mut [(I, P)],
    mut poll: impl FnMut(&mut P) -> Poll<T>,
) -> Option<(usize, T)> {
    let mut each = pending.iter_mut().enumerate();
    each.find_map(|(index, (_, pending))| match poll(pending) {
        Poll::Ready(done) => Some((index, done)),
        Poll::Pending => None,
    })
}
