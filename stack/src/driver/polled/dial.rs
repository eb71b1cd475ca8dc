//! Carrying out what a [`Dialer`] says.

use super::{Connection, Found, Opened, Outside, Pending, Runtime};
use crate::auth::Credentials;
use crate::dial::{
    AttemptId, Destination, DialError, Dialer, Job, LookupId, QuestionId, Step, Trace,
};
use crate::driver::socket;
use crate::{Error, Layer};
use bytes::Bytes;
use http::Response;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

/// Connects as a dialer says, and returns the connection with what was done for it.
///
/// Dropping the future gives everything up.
///
/// # Errors
///
/// What the dialer gave up at.
pub async fn dial<L, R>(dialer: Dialer<L>, outside: &Outside<R>) -> Result<Dialed<L, R>, DialError>
where
    R: Runtime,
    L: Layer<In: Default, Out: Default>,
{
    let mut dialing = Dialing {
        dialer,
        outside,
        lookups: Vec::new(),
        opening: Vec::new(),
        open: Vec::new(),
        answers: Vec::new(),
        timer: None,
    };
    poll_fn(move |cx| dialing.run(cx)).await
}

/// What is under way for a dialer.
struct Dialing<'a, L: Layer, R: Runtime> {
    dialer: Dialer<L>,
    outside: &'a Outside<R>,
    lookups: Vec<(LookupId, Found)>,
    opening: Vec<(AttemptId, Pending<Opened<R>>)>,
    open: Vec<(AttemptId, Open<L, R>)>,
    answers: Vec<(QuestionId, Pending<Option<Answer>>)>,
    timer: Option<(Instant, R::Timer)>,
}

enum Answer {
    Credentials(Option<Credentials>),
    Reply(Result<Bytes, Error>),
    Ran(Job),
}

/// A connection, and what was done for it.
pub type Dialed<L, R> = (Open<L, R>, Trace);

type Open<L, R> = Connection<<R as Runtime>::Transport, L, R>;

impl<L, R> Dialing<'_, L, R>
where
    R: Runtime,
    L: Layer<In: Default, Out: Default>,
{
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Result<Dialed<L, R>, DialError>> {
        loop {
            match self.dialer.step(self.outside.runtime.now()) {
                Step::Resolve { lookup, host, port } => {
                    let found = self.outside.resolve(host, port);
                    self.lookups.push((lookup, found));
                }
                Step::Open { attempt, to } => {
                    let opened: Pending<_> = match to {
                        Destination::Stream(share) => {
                            self.outside.stream(share, self.dialer.timeouts())
                        }
                        to => {
                            let io = self.outside.runtime.open(to);
                            Box::pin(async { Ok((io.await.map_err(socket)?, None)) })
                        }
                    };
                    self.opening.push((attempt, opened));
                }
                Step::Close { attempt } => {
                    self.opening.retain(|(id, _)| *id != attempt);
                    self.open.retain(|(id, _)| *id != attempt);
                }
                Step::Ask { question, asked } => {
                    let given = (self.outside.ask)(asked);
                    self.answer(question, async { Some(Answer::Credentials(given.await)) });
                }
                Step::Exchange {
                    question,
                    url,
                    data,
                } => {
                    let reply = (self.outside.exchange)(url, data);
                    self.answer(question, async { Some(Answer::Reply(reply.await)) });
                }
                Step::Run(job) => {
                    let question = job.question();
                    let ran = self.outside.runtime.run(job);
                    // What panicked never comes back, and the dialer's time-out tells.
                    self.answer(question, async { ran.await.map(Answer::Ran) });
                }
                Step::Ready { attempt } => {
                    if let Some(at) = self.open.iter().position(|(id, _)| *id == attempt) {
                        let (_, connection) = self.open.swap_remove(at);
                        return Poll::Ready(Ok((connection, self.dialer.trace().clone())));
                    }
                }
                Step::Failed(error) => return Poll::Ready(Err(error)),
                Step::Wait { until } => {
                    if !self.report(cx) && self.wait(until, cx).is_pending() {
                        return Poll::Pending;
                    }
                }
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
    /// Tells the dialer what has happened; whether anything has.
    fn report(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.outside.runtime.now();
        let found = ready(&mut self.lookups, |found| found.as_mut().poll_next(cx));
        if let Some((at, found)) = found {
            let (lookup, _) = self.lookups[at];
            match found {
                Some(Ok(found)) => self.dialer.found(lookup, found, now),
                over => {
                    drop(self.lookups.swap_remove(at));
                    let failed = |error| Error::local("resolver", error);
                    let rest = over.unwrap_or(Ok(Vec::new())).map_err(failed);
                    self.dialer.resolved(lookup, rest, now);
                }
            }
            return true;
        }
        if let Some((at, opened)) = ready(&mut self.opening, |io| io.as_mut().poll(cx)) {
            let (attempt, _) = self.opening.swap_remove(at);
            match opened {
                Ok((io, response)) => self.opened(attempt, io, response),
                Err(error) => self.dialer.refused(attempt, error, now),
            }
            return true;
        }
        if let Some((at, answer)) = ready(&mut self.answers, |it| it.as_mut().poll(cx)) {
            let (question, _) = self.answers.swap_remove(at);
            match answer {
                Some(Answer::Credentials(given)) => {
                    self.dialer.credentials(question, given, now);
                }
                Some(Answer::Reply(reply)) => self.dialer.replied(question, reply, now),
                Some(Answer::Ran(job)) => self.dialer.ran(job, now),
                None => {}
            }
            for (attempt, connection) in &mut self.open {
                self.dialer.observe(*attempt, connection.engine(), now);
            }
            return true;
        }
        for (attempt, connection) in &mut self.open {
            if connection.advance(cx).is_ready() {
                self.dialer.observe(*attempt, connection.engine(), now);
                return true;
            }
        }
        false
    }
    fn opened(&mut self, attempt: AttemptId, io: R::Transport, response: Option<Response<()>>) {
        let now = self.outside.runtime.now();
        let engine = match response {
            Some(response) => self.dialer.opened_stream(attempt, response, now),
            None => self.dialer.opened(attempt, now),
        };
        if let Some(mut engine) = engine {
            engine.process(now);
            self.dialer.observe(attempt, &mut engine, now);
            let runtime = self.outside.runtime.clone();
            self.open
                .push((attempt, Connection::dialled_on(runtime, io, engine)));
        }
    }
    fn wait(&mut self, until: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until else {
            return Poll::Pending;
        };
        let runtime = &self.outside.runtime;
        let (due, timer) = self
            .timer
            .get_or_insert_with(|| (until, runtime.timer(until)));
        if *due != until {
            runtime.reset(timer, until);
            *due = until;
        }
        Pin::new(timer).poll(cx)
    }
}

/// Finds the first that is ready, and where it is.
fn ready<I, P, T>(
    pending: &mut [(I, P)],
    mut poll: impl FnMut(&mut P) -> Poll<T>,
) -> Option<(usize, T)> {
    let mut each = pending.iter_mut().enumerate();
    each.find_map(|(at, (_, pending))| match poll(pending) {
        Poll::Ready(done) => Some((at, done)),
        Poll::Pending => None,
    })
}
