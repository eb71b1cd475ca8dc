//! A WebSocket that connects again.

use super::events::Events;
use super::input::Input;
use super::session::{GOODBYE, Heard, PONG, Plan, broke, exit_of, message};
use crate::exit::{Exit, Failure};
use bytes::Bytes;
use futures_util::Stream;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use wirestack::dial::Backoff;
use wirestack::websocket::{CloseCode, Control, PingToken};
use wirestack::{Connect, ReconnectEvent, ReconnectHandle, Reconnecting};

/// Carries messages, over one connection after the other.
pub(crate) async fn run(
    connect: Connect,
    input: Option<impl FnOnce() -> Input>,
    plan: Plan,
    events: Events,
) -> Result<Exit, Failure> {
    let mut feed = connect.reconnecting(Backoff::default());
    let facts = Facts::default();
    // Both go on together: a server may wait for its answers to be read before it takes more.
    let mut sending = pin!(send(feed.handle(), input, &plan, &events, &facts));
    let mut is_sent = false;
    let mut ping = None;
    let mut last = Ok(Exit::Done);
    loop {
        let event = tokio::select! {
            event = next(&mut feed, &mut ping, &facts) => event,
            sent = &mut sending, if !is_sent => {
                sent?;
                is_sent = true;
                continue;
            }
            () = facts.ping_wanted.notified() => {
                ping = begin_ping(&mut feed);
                if ping.is_none() {
                    facts.ping_answered.notify_one();
                }
                continue;
            }
        };
        match event {
            None => return last,
            Some(ReconnectEvent::Connected(_)) => {
                let socket = feed.socket();
                let protocol = socket.and_then(|socket| socket.subprotocol().map(str::to_owned));
                events.open(&[], protocol.as_deref());
                facts.is_open.send_replace(true);
            }
            Some(ReconnectEvent::Message(message)) => {
                facts.heard.now();
                if !events.message(&message) || plan.one {
                    let _ = timeout(GOODBYE, feed.close(CloseCode::NORMAL, "")).await;
                    return Ok(Exit::Done);
                }
            }
            Some(ReconnectEvent::Closed(frame)) => {
                facts.is_open.send_replace(false);
                last = Ok(exit_of(frame.as_ref()));
                events.closed(frame.as_ref());
            }
            Some(ReconnectEvent::Failed(error)) => {
                events.note(&format!("not connected: {error}"));
                last = Err(error.into());
            }
            Some(ReconnectEvent::Broke(error)) => {
                facts.is_open.send_replace(false);
                last = Err(broke(&error));
                events.note(&format!("lost: {error}"));
            }
            Some(other) => events.note(&other.to_string()),
        }
    }
}

/// The facts that the task that receives sets, and that the task that sends waits for.
struct Facts {
    is_open: watch::Sender<bool>,
    heard: Heard,
    ping_wanted: Notify,
    ping_answered: Notify,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            is_open: watch::Sender::new(false),
            heard: Heard::default(),
            ping_wanted: Notify::new(),
            ping_answered: Notify::new(),
        }
    }
}

/// Waits for the next event, and tells of the answer to a ping.
async fn next(
    feed: &mut Reconnecting,
    ping: &mut Option<PingToken>,
    facts: &Facts,
) -> Option<ReconnectEvent> {
    poll_fn(|cx| {
        let event = Pin::new(&mut *feed).poll_next(cx);
        if let Some(token) = *ping {
            let socket = feed.socket();
            let control = socket.and_then(|socket| socket.part::<Control>());
            // One that was lost with its connection has no answer.
            if control.is_none_or(|control| control.is_answered(token)) {
                *ping = None;
                facts.ping_answered.notify_one();
            }
        }
        event
    })
    .await
}

fn begin_ping(feed: &mut Reconnecting) -> Option<PingToken> {
    let control = feed.socket()?.part_mut::<Control>()?;
    control.ping(Bytes::new()).ok()
}

/// Sends the input, then closes as the plan says.
async fn send(
    handle: ReconnectHandle,
    input: Option<impl FnOnce() -> Input>,
    plan: &Plan,
    events: &Events,
    facts: &Facts,
) -> Result<(), Failure> {
    if let Some(start) = input {
        let mut is_open = facts.is_open.subscribe();
        // Until then, a person may be asked for a password.
        let _ = is_open.wait_for(|is_open| *is_open).await;
        let mut input = start();
        loop {
            // Input waits while there is no connection, so that no message is lost unseen.
            let _ = is_open.wait_for(|is_open| *is_open).await; // its sender is in `facts`
            let bytes = tokio::select! {
                biased;
                _ = is_open.wait_for(|is_open| !*is_open) => continue,
                bytes = input.next() => bytes,
            };
            let Some(bytes) = bytes else { break };
            if let Err(error) = handle.send(message(bytes?, plan)?).await {
                events.note(&format!("a message was not sent: {error}"));
            }
        }
    }
    if plan.no_close || plan.one {
        std::future::pending::<()>().await;
    }
    if !plan.linger.is_zero() {
        // The answer to a ping comes behind the last message at the server, however far it is.
        facts.ping_wanted.notify_one();
        let _ = timeout(PONG, facts.ping_answered.notified()).await;
        facts.heard.nothing_for(plan.linger).await;
    }
    let _ = handle.close(CloseCode::NORMAL, "").await; // the events tell of the end
    Ok(())
}
