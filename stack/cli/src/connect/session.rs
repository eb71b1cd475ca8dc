//! One WebSocket: input to it, messages from it, until one side ends.

use super::events::Events;
use super::input::Input;
use crate::exit::{Exit, Failure};
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use wirestack::websocket::{CloseCode, CloseFrame, Control, Message};
use wirestack::{
    BoxSocket, Engine, Error, Flow, Queue, WebSocket, WebSocketReader, WebSocketWriter,
};

/// How messages are sent, and when the WebSocket is closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) is_binary: bool,
    pub(crate) one: bool,
    pub(crate) no_close: bool,
    pub(crate) linger: Duration,
}

/// Carries messages until one side ends.
pub(crate) async fn run(
    socket: WebSocket,
    input: Option<Input>,
    plan: Plan,
    events: Events,
) -> Result<Exit, Failure> {
    let layers: Vec<_> = socket.describe().iter().map(ToString::to_string).collect();
    events.open(&layers, socket.subprotocol());
    let (writer, reader) = socket.split();
    let heard = Heard::default();
    let sending = send(writer, input, plan, heard.clone());
    let receiving = receive(reader, &plan, &events, &heard);
    tokio::pin!(sending, receiving);
    let mut is_sent = false;
    let received = loop {
        tokio::select! {
            received = &mut receiving => break received,
            sent = &mut sending, if !is_sent => {
                sent?;
                is_sent = true;
            }
        }
    };
    let (mut reader, received) = received;
    let received = received?;
    let frame = closed(&reader);
    events.closed(frame.as_ref());
    Ok(match received {
        Received::All => exit_of(frame.as_ref()),
        Received::Enough => {
            reader.with(begin_close);
            let _ = tokio::time::timeout(GOODBYE, drain(&mut reader)).await;
            Exit::Done
        }
    })
}

/// Returns the exit code for the Close frame of a server.
pub(crate) fn exit_of(frame: Option<&CloseFrame>) -> Exit {
    let clean = [
        CloseCode::NORMAL,
        CloseCode::GOING_AWAY,
        CloseCode::NO_STATUS,
    ];
    match frame {
        Some(frame) if !clean.contains(&frame.code) => Exit::Closed,
        _ => Exit::Done,
    }
}

/// Makes a message of input.
pub(crate) fn message(bytes: Bytes, plan: &Plan) -> Result<Message, Failure> {
    if plan.is_binary {
        return Ok(Message::binary(bytes));
    }
    match String::from_utf8(bytes.into()) {
        Ok(text) => Ok(Message::text(text)),
        Err(_) => Err(Failure::usage(
            "a line of the input is not UTF-8, so it cannot be sent as text: use --binary",
        )),
    }
}

enum Received {
    /// The server has closed.
    All,
    /// No more is wanted.
    Enough,
}

async fn receive(
    mut reader: WebSocketReader,
    plan: &Plan,
    events: &Events,
    heard: &Heard,
) -> (WebSocketReader, Result<Received, Failure>) {
    let received = receive_all(&mut reader, plan, events, heard).await;
    (reader, received)
}

async fn receive_all(
    reader: &mut WebSocketReader,
    plan: &Plan,
    events: &Events,
    heard: &Heard,
) -> Result<Received, Failure> {
    while let Some(message) = reader.next().await {
        heard.now();
        let message = match message {
            Ok(message) => message,
            // A code that is an error says more in the Close frame.
            Err(_) if closed(reader).is_some() => return Ok(Received::All),
            Err(error) => return Err(broke(&error)),
        };
        if !events.message(&message) || plan.one {
            return Ok(Received::Enough);
        }
    }
    Ok(Received::All)
}

async fn send(
    mut writer: WebSocketWriter,
    input: Option<Input>,
    plan: Plan,
    heard: Heard,
) -> Result<(), Failure> {
    if let Some(mut input) = input {
        while let Some(bytes) = input.next().await {
            // What ended the connection is told by the reader.
            if writer.send(message(bytes?, &plan)?).await.is_err() {
                return Ok(());
            }
        }
    }
    if plan.no_close || plan.one {
        // The halves live as long as both: the reader hears of the end.
        std::future::pending::<()>().await;
    }
    if !plan.linger.is_zero() {
        // The answer to a ping comes behind the last message at the server, however far it is.
        let _ = tokio::time::timeout(PONG, writer.ping(Bytes::new())).await;
        heard.nothing_for(plan.linger).await;
    }
    writer.with(begin_close);
    let _ = writer.flushed().await;
    std::future::pending().await
}

/// The time at which the last message arrived.
#[derive(Clone)]
pub(super) struct Heard(Arc<Mutex<Instant>>);

impl Heard {
    pub(super) fn now(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until nothing has arrived for this time.
    pub(super) async fn nothing_for(&self, time: Duration) {
        self.now(); // the time begins now
        loop {
            let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= time {
                return;
            }
            match last.checked_add(time) {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                // The clock never shows it.
                None => std::future::pending().await,
            }
        }
    }
}

impl Default for Heard {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

/// Sends the Close frame behind all messages, and goes on receiving.
fn begin_close(engine: &mut Engine<BoxSocket<Queue<Message>>>) {
    if let Some(control) = engine.part_mut::<Control>() {
        let _ = control.close(CloseCode::NORMAL, ""); // a valid code
    }
    engine.from_app().finish();
}

async fn drain(reader: &mut WebSocketReader) {
    while let Some(Ok(_)) = reader.next().await {}
}

fn closed(reader: &WebSocketReader) -> Option<CloseFrame> {
    reader.with(|engine| engine.part::<Control>().and_then(Control::closed).cloned())
}

pub(super) fn broke(error: &Error) -> Failure {
    Failure::new(Exit::Broken, format!("the connection was lost: {error}"))
}

/// The time for the answer to the ping behind the last message.
pub(super) const PONG: Duration = Duration::from_secs(10);

/// The time for the goodbye of a server.
pub(super) const GOODBYE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Waker};

    #[tokio::test]
    async fn a_silence_that_the_clock_cannot_hold_has_no_end() {
        let heard = Heard::default();
        let mut silence = pin!(heard.nothing_for(Duration::MAX));
        let mut context = Context::from_waker(Waker::noop());
        assert!(silence.as_mut().poll(&mut context).is_pending());
    }
}
