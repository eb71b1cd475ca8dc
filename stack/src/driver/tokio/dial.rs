//! Carrying out what a [`Dialer`] says.

use super::{Connection, now, socket};
use crate::dial::{AttemptId, DialError, Dialer, LookupId, Step, Trace};
use crate::{Error, Layer};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Sleep, sleep_until};

/// Connects as a dialer says, and returns the connection with what was done for it.
///
/// Names are looked up by the system's resolver. Dropping the future gives everything up.
///
/// # Errors
///
/// What the dialer gave up at.
pub async fn dial<L>(dialer: Dialer<L>) -> Result<(Connection<TcpStream, L>, Trace), DialError>
where
    L: Layer<In: Default, Out: Default>,
{
    let mut dialing = Dialing {
        dialer,
        lookups: Vec::new(),
        opening: Vec::new(),
        open: Vec::new(),
        timer: None,
    };
    poll_fn(move |cx| dialing.run(cx)).await
}

/// What is under way for a dialer.
struct Dialing<L: Layer> {
    dialer: Dialer<L>,
    lookups: Vec<(LookupId, Pending<Vec<SocketAddr>>)>,
    opening: Vec<(AttemptId, Pending<TcpStream>)>,
    open: Vec<(AttemptId, Connection<TcpStream, L>)>,
    timer: Option<Pin<Box<Sleep>>>,
}

type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;
type Dialed<L> = (Connection<TcpStream, L>, Trace);

impl<L> Dialing<L>
where
    L: Layer<In: Default, Out: Default>,
{
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<Result<Dialed<L>, DialError>> {
        loop {
            match self.dialer.step(now()) {
                Step::Resolve { lookup, host, port } => {
                    let found = async move { Ok(lookup_host((host, port)).await?.collect()) };
                    self.lookups.push((lookup, Box::pin(found)));
                }
                Step::Open { attempt, address } => {
                    self.opening
                        .push((attempt, Box::pin(TcpStream::connect(address))));
                }
                Step::Close { attempt } => {
                    self.opening.retain(|(id, _)| *id != attempt);
                    self.open.retain(|(id, _)| *id != attempt);
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
    /// Tells the dialer what has happened; whether anything has.
    fn report(&mut self, cx: &mut Context<'_>) -> bool {
        if let Some((lookup, found)) = take_ready(&mut self.lookups, cx) {
            let found = found.map_err(|error| Error::local("resolver", error));
            self.dialer.resolved(lookup, found, now());
            return true;
        }
        if let Some((attempt, opened)) = take_ready(&mut self.opening, cx) {
            match opened {
                Ok(io) => self.opened(attempt, io),
                Err(error) => self.dialer.refused(attempt, socket(error), now()),
            }
            return true;
        }
        for (attempt, connection) in &mut self.open {
            if connection.advance(cx).is_ready() {
                self.dialer.observe(*attempt, connection.engine(), now());
                return true;
            }
        }
        false
    }
    fn opened(&mut self, attempt: AttemptId, io: TcpStream) {
        if let Some(mut engine) = self.dialer.opened(attempt, now()) {
            engine.process(now());
            self.dialer.observe(attempt, &mut engine, now());
            self.open.push((attempt, Connection::tcp(io, engine)));
        }
    }
    fn wait(&mut self, until: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(until) = until else {
            return Poll::Pending;
        };
        let until = tokio::time::Instant::from_std(until);
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        if timer.deadline() != until {
            timer.as_mut().reset(until);
        }
        timer.as_mut().poll(cx)
    }
}

/// Takes out the first that is ready.
fn take_ready<I: Copy, T>(
    pending: &mut Vec<(I, Pending<T>)>,
    cx: &mut Context<'_>,
) -> Option<(I, io::Result<T>)> {
    for at in 0..pending.len() {
        if let Poll::Ready(result) = pending[at].1.as_mut().poll(cx) {
            let (id, _) = pending.swap_remove(at);
            return Some((id, result));
        }
    }
    None
}
