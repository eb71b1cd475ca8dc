//! What both roles do once the handshake is over (RFC 6455 §5 to §7).

use crate::close::{Close, CloseCode, Closed, Closer};
use crate::deflate::{Compression, Deflate};
use crate::keepalive::{Duty, PAYLOAD, Watch};
use crate::mask::Masks;
use crate::message::Payload;
use crate::ping::{PingToken, Pings, Pong};
use crate::receive::{Received, Receiver};
use crate::send::Sender;
use crate::{NAME, Settings, WebSocketError};
use bytes::Bytes;
use std::time::Duration;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Place, Progress};

/// An open WebSocket of either role.
#[derive(Debug)]
pub(crate) struct Connection {
    state: State,
    receiver: Receiver,
    sender: Sender,
    pings: Pings,
    watch: Watch,
    /// What the Close frame will say when the application has finished.
    farewell: Close,
    closed: Option<Closed>,
    close_timeout: Duration,
    /// Until when, once the application has finished.
    leaving: Option<Option<Instant>>,
    compression: Option<Compression>,
    /// What the connection fails for as soon as the application has taken what came before: so it
    /// can still answer that.
    refused: Option<WebSocketError>,
    /// "The client SHOULD wait for the server to close the connection" (RFC 6455 §7.1.1).
    waits_for_end: bool,
}

/// How far the closing handshake has come (RFC 6455 §7.1.2). A time that is `None` never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nobody has closed.
    Open,
    /// Our Close frame is out. The peer's messages still come in until its own.
    Closing { until: Option<Instant> },
    /// The peer's Close frame is in. It is answered behind what the application had queued.
    Answering {
        code: CloseCode,
        until: Option<Instant>,
    },
    /// Both Close frames are exchanged, and the server has to end the connection.
    Ending { until: Option<Instant> },
    /// Both directions have ended.
    Over,
}

/// Why a connection fails.
enum Failure {
    /// This side refuses what it saw, and says so.
    Refused(WebSocketError),
    /// There is nobody left to tell.
    Lost(Error),
}

impl Connection {
    pub(crate) fn client(masks: Masks, settings: &Settings) -> Self {
        Self::new(Some(masks), settings)
    }

    pub(crate) fn server(settings: &Settings) -> Self {
        Self::new(None, settings)
    }

    fn new(masks: Option<Masks>, settings: &Settings) -> Self {
        let is_client = masks.is_some();
        Self {
            state: State::Open,
            receiver: Receiver::new(!is_client, settings),
            sender: Sender::new(masks, settings),
            pings: Pings::default(),
            watch: Watch::new(settings.keepalive),
            farewell: Close::bare(CloseCode::NORMAL),
            closed: None,
            close_timeout: settings.close_timeout,
            leaving: None,
            compression: None,
            refused: None,
            waits_for_end: is_client,
        }
    }

    /// Compresses from now on, if that was agreed on.
    pub(crate) fn compress(&mut self, agreed: Option<Compression>, settings: Option<&Deflate>) {
        if let (Some(agreed), Some(settings)) = (agreed, settings) {
            let (deflater, inflater) = agreed.ends(self.waits_for_end, settings);
            self.sender.compress(deflater);
            self.receiver.decompress(inflater);
            self.compression = Some(agreed);
        }
    }

    pub(crate) fn compression(&self) -> Option<&Compression> {
        self.compression.as_ref()
    }

    pub(crate) fn ping(&mut self, payload: Bytes) -> Result<PingToken, Error> {
        self.pings
            .add(payload)
            .map_err(|cause| Error::local(NAME, cause))
    }

    pub(crate) fn pong(&mut self) -> Option<Pong> {
        self.pings.next_pong()
    }

    pub(crate) fn is_answered(&self, ping: PingToken) -> bool {
        self.pings.is_answered(ping)
    }

    pub(crate) fn pong_to(&mut self, ping: PingToken) -> Option<Pong> {
        self.pings.pong_to(ping)
    }

    pub(crate) fn close(&mut self, code: CloseCode, reason: &str) -> Result<(), Error> {
        self.farewell = Close::new(code, reason).map_err(|cause| Error::local(NAME, cause))?;
        Ok(())
    }

    pub(crate) fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    pub(crate) fn progress(&self) -> Progress {
        match self.state {
            State::Open => Progress::Open,
            State::Closing { .. } => Progress::Closing("the peer's close frame"),
            State::Answering { .. } => Progress::Closing("the peer to read"),
            State::Ending { .. } => Progress::Closing("the end of the connection"),
            State::Over => Progress::Over,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Closing { until } | State::Answering { until, .. } | State::Ending { until } => {
                until
            }
            State::Open => {
                let watch = self.watch.deadline().into_iter();
                watch.chain(self.leaving.flatten()).min()
            }
            State::Over => None,
        }
    }

    /// Until when the closing has to be done: counted from when the application asked for it, or the
    /// peer did.
    fn until(&self, now: Instant) -> Option<Instant> {
        match self.leaving {
            Some(until) => until,
            None => now.checked_add(self.close_timeout),
        }
    }

    pub(crate) fn process<F: Payload>(&mut self, mut p: Flows<'_, F, F>, now: Instant) {
        if self.leaving.is_none() && self.state != State::Over && p.from_app.is_closed() {
            self.leaving = Some(self.until(now));
        }
        if let State::Open | State::Closing { .. } = self.state
            && let Err(failure) = self.receive(&mut p, now)
        {
            return self.fail(failure, &mut p, now);
        }
        self.send(&mut p, now);
        if let State::Open = self.state
            && let Err(failure) = self.watch(&mut p, now)
        {
            return self.fail(failure, &mut p, now);
        }
        let deaf = matches!(
            self.state,
            State::Answering { .. } | State::Ending { .. } | State::Over
        );
        if deaf || self.refused.is_some() {
            // "a peer discards any further data received" (RFC 6455 §1.4)
            p.from_wire.discard();
        }
        if let State::Ending { .. } | State::Over = self.state {
            p.from_app.discard();
        }
        if let State::Ending { .. } = self.state
            && p.from_wire.is_closed()
        {
            self.end(&mut p);
        }
        let until = match self.state {
            State::Open => self.leaving.flatten(),
            _ => self.deadline(),
        };
        if until.is_some_and(|until| until <= now) {
            self.give_up(&mut p);
        }
    }

    fn receive<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) -> Result<(), Failure> {
        if let Some(cause) = self.refused.take_if(|_| p.to_app.is_empty()) {
            return Err(cause.into());
        }
        while self.refused.is_none() && p.to_app.room() > 0 {
            let received = match self.receiver.next(p.from_wire, p.to_app) {
                Err(cause) if !p.to_app.is_empty() => {
                    self.refused = Some(cause);
                    break;
                }
                received => received?,
            };
            match received {
                Received::Data => {}
                Received::Ping(payload) => self.sender.pong(payload, p.to_wire),
                Received::Pong(payload) => self.pings.answer(&payload, now),
                Received::Close(close) => {
                    self.peer_closed(close, p, now);
                    break;
                }
                Received::Nothing => {
                    return match p.from_wire.truncation(NAME, WebSocketError::Cut) {
                        Some(error) => Err(Failure::Lost(error)),
                        None => Ok(()),
                    };
                }
            }
        }
        Ok(())
    }

    /// Asks a silent peer for a sign of life.
    fn watch<F: Payload>(&mut self, p: &mut Flows<'_, F, F>, now: Instant) -> Result<(), Failure> {
        let unread = !p.from_wire.is_empty();
        match self.watch.process(now, p.from_wire.total(), unread) {
            Duty::GiveUp(timeout) => return Err(WebSocketError::Silent(timeout).into()),
            // A peer that does not read is asked by that already.
            Duty::Ping if p.to_wire.room() > 0 => {
                self.sender.ping(Bytes::from_static(PAYLOAD), p.to_wire)
            }
            _ => {}
        }
        Ok(())
    }

    fn peer_closed<F: Payload>(
        &mut self,
        Close { code, reason }: Close,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) {
        let is_echo = match self.state {
            State::Closing { .. } => code == self.farewell.code,
            _ => false,
        };
        let cause = WebSocketError::Closed {
            code,
            reason: reason.clone(),
        };
        let error = Error::peer(NAME, cause).at(Place::Layer(p.index));
        // What the application had queued still goes; more it may not say.
        p.from_app.stop(error.clone().into());
        if is_echo || code.is_clean() {
            p.to_app.finish();
        } else {
            p.to_app.abort(error);
        }
        self.sender.no_reply();
        let by = match self.state {
            State::Closing { until } => {
                self.both_closed(until, p);
                Closer::Local
            }
            _ => {
                let until = self.until(now);
                self.state = State::Answering { code, until };
                Closer::Peer
            }
        };
        self.closed = Some(Closed { code, reason, by });
    }

    /// Sends what there is room for.
    fn send<F: Payload>(&mut self, p: &mut Flows<'_, F, F>, now: Instant) {
        if let State::Open | State::Closing { .. } = self.state {
            self.sender.reply(p.to_wire); // "unless it already received a Close frame"
        }
        while self.state == State::Open
            && p.to_wire.room() > 0
            && let Some(payload) = self.pings.send(now)
        {
            self.sender.ping(payload, p.to_wire);
        }
        while let State::Open | State::Answering { .. } = self.state
            && p.to_wire.room() > 0
        {
            if self.sender.continued(p.to_wire) {
                continue;
            }
            let waiting = p.from_app.waiting();
            if let Some((message, last)) = p.from_app.next() {
                match self.sender.message(message, last, waiting, p.to_wire) {
                    Ok(()) => continue,
                    Err(cause) => return self.abandon(Error::local(NAME, cause), p),
                }
            }
            match (p.from_app.end(), self.state) {
                (Some(End::Aborted(error)), _) => {
                    let error = error.clone();
                    return self.abandon(error, p);
                }
                (_, State::Answering { code, until }) => {
                    self.sender.close(&Close::bare(code), p.to_wire);
                    self.both_closed(until, p);
                }
                (Some(End::Finished), _) => {
                    self.sender.close(&self.farewell, p.to_wire);
                    let until = self.until(now);
                    self.state = State::Closing { until };
                }
                (None, _) => return,
            }
        }
    }

    fn both_closed<F: Payload>(&mut self, until: Option<Instant>, p: &mut Flows<'_, F, F>) {
        if self.waits_for_end {
            self.state = State::Ending { until };
        } else {
            self.end(p); // "The server MUST close the underlying TCP connection immediately"
        }
    }

    fn end<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) {
        p.to_wire.finish();
        self.state = State::Over;
    }

    /// The application broke off: the peer sees an end without a Close frame, which nobody takes for
    /// a clean one.
    fn abandon<F: Payload>(&mut self, error: Error, p: &mut Flows<'_, F, F>) {
        p.to_wire.abort(error.clone());
        p.fail(error);
        self.state = State::Over;
    }

    /// The closing took too long.
    fn give_up<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) {
        if let State::Ending { .. } = self.state {
            return self.end(p); // everything was said
        }
        let error = Error::peer(NAME, WebSocketError::CloseTimedOut(self.close_timeout));
        self.abandon(error.at(Place::Layer(p.index)), p);
    }

    fn fail<F: Payload>(&mut self, failure: Failure, p: &mut Flows<'_, F, F>, now: Instant) {
        let error = match failure {
            Failure::Refused(cause) => {
                if self.state == State::Open {
                    self.send(p, now); // what the application said before
                }
                if self.state == State::Open {
                    self.sender
                        .close(&Close::bare(cause.close_code()), p.to_wire);
                }
                Error::peer(NAME, cause)
            }
            Failure::Lost(error) => error,
        };
        p.fail(error);
        self.state = State::Over;
    }
}

impl From<WebSocketError> for Failure {
    fn from(cause: WebSocketError) -> Self {
        Self::Refused(cause)
    }
}
