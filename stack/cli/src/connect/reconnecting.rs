//! A WebSocket that connects again.

use super::events::Events;
use super::input::Input;
use super::session::{Plan, exit_of, message};
use crate::exit::{Exit, Failure};
use wirestack::dial::Backoff;
use wirestack::websocket::CloseCode;
use wirestack::{Connect, ReconnectEvent};

/// Carries messages, over one connection after the other.
pub(crate) async fn run(
    connect: Connect,
    mut input: Option<Input>,
    plan: &Plan,
    events: &Events,
) -> Result<Exit, Failure> {
    let mut feed = connect.reconnecting(Backoff::default());
    let mut last = Exit::Done;
    loop {
        // Input waits while there is no connection, so that no message is lost unseen.
        let is_open = feed.socket().is_some();
        let next = async {
            match &mut input {
                Some(input) if is_open => input.next().await,
                _ => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = feed.next() => event,
            bytes = next => {
                match bytes {
                    Some(bytes) => {
                        let sent = feed.send(message(bytes?, plan)?).await;
                        if let Err(error) = sent {
                            events.note(&format!("a message was not sent: {error}"));
                        }
                    }
                    None if plan.no_close => input = None,
                    None => {
                        let answers = async {
                            while let Some(event) = feed.next().await {
                                match event {
                                    ReconnectEvent::Message(message) => _ = events.message(&message),
                                    _ => return,
                                }
                            }
                        };
                        let _ = tokio::time::timeout(plan.linger, answers).await;
                        let _ = feed.close(CloseCode::NORMAL, "").await;
                        return Ok(Exit::Done);
                    }
                }
                continue;
            }
            _ = tokio::signal::ctrl_c() => return Err(Failure::new(Exit::Interrupted, "")),
        };
        match event {
            None => return Ok(last),
            Some(ReconnectEvent::Connected(_)) => {
                let socket = feed.socket();
                let protocol = socket.and_then(|socket| socket.subprotocol().map(str::to_owned));
                events.open(&[], protocol.as_deref());
            }
            Some(ReconnectEvent::Message(message)) => {
                if !events.message(&message) || plan.one {
                    let _ = feed.close(CloseCode::NORMAL, "").await;
                    return Ok(Exit::Done);
                }
            }
            Some(ReconnectEvent::Closed(frame)) => {
                last = exit_of(frame.as_ref());
                events.closed(frame.as_ref());
            }
            Some(ReconnectEvent::Failed(error)) => {
                last = Exit::of(error.reason());
                events.note(&format!("not connected: {error}"));
            }
            Some(ReconnectEvent::Broke(error)) => {
                last = Exit::Broken;
                events.note(&format!("lost: {error}"));
            }
            Some(other) => events.note(&other.to_string()),
        }
    }
}
