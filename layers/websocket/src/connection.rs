//! An open WebSocket, for both roles (RFC 6455 §5 to §7).

mod alive;
mod backlog;
mod messages;

use crate::close::{CloseFrame, Closer};
use crate::close_code::CloseCode;
use crate::control::Control;
use crate::deflate::Deflate;
use crate::handshake::Negotiated;
use crate::keepalive::Watch;
use crate::mask::Masks;
use crate::message::Payload;
use crate::receive::{Received, Receiver};
use crate::send::Sender;
use crate::{NAME, WebSocketConfig, WebSocketError};
use std::time::Duration;
use wirestack_layer::{End, Error, Flow, Flows, Instant, Place, Progress};

/// An open WebSocket of either role.
#[derive(Debug)]
pub(crate) struct Connection {
    state: State,
    receiver: Receiver,
    sender: Sender,
    pub(crate) control: Control,
    watch: Watch,
    close_timeout: Duration,
    /// The time when the closing must be done, once the application has finished. A time that is
    /// `None` never comes.
    closing_deadline: Option<Option<Instant>>,
    /// A fault of the peer. It is reported when the application has taken all that it can of what
    /// came before, so that the application can still answer that.
    fault: Option<WebSocketError>,
    /// The bytes that have come with the messages that wait, beside them.
    beside: usize,
    /// "The client SHOULD wait for the server to close the connection" (RFC 6455 §7.1.1).
    waits_for_end: bool,
    /// The wire is a stream of HTTP/2 (RFC 8441): nobody has to wait for its end, as a stream has no
    /// TIME_WAIT.
    over_stream: bool,
}

/// The state of the closing handshake (RFC 6455 §7.1.2). A time that is `None` never comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No side has closed.
    Open,
    /// Our Close frame is sent. The peer's messages still arrive until its own.
    Closing {
        code: CloseCode,
        deadline: Option<Instant>,
    },
    /// The peer's Close frame has arrived. The answer is sent behind the queued messages.
    Answering {
        code: CloseCode,
        deadline: Option<Instant>,
    },
    /// Both Close frames are exchanged. A client waits until the server ends the connection.
    Ending { deadline: Option<Instant> },
    /// Both directions have ended.
    Over,
}

/// The failure of a connection.
enum Failure {
    /// The peer is at fault, and a Close frame tells it so.
    Fault(WebSocketError),
    /// The wire has ended: no Close frame can be sent.
    Lost(Error),
}

impl Connection {
    pub(crate) fn client(masks: Masks, config: &WebSocketConfig) -> Self {
        Self::new(Some(masks), config)
    }

    pub(crate) fn server(config: &WebSocketConfig) -> Self {
        Self::new(None, config)
    }

    fn new(masks: Option<Masks>, config: &WebSocketConfig) -> Self {
        let is_client = masks.is_some();
        Self {
            state: State::Open,
            receiver: Receiver::new(!is_client, config),
            sender: Sender::new(masks, config),
            control: Control::new(),
            watch: Watch::new(config.keepalive),
            close_timeout: config.close_timeout,
            closing_deadline: None,
            fault: None,
            beside: 0,
            waits_for_end: is_client,
            over_stream: false,
        }
    }

    /// Ends the wire right behind both Close frames, and reads it no further, in either role.
    pub(crate) fn over_stream(mut self) -> Self {
        self.over_stream = true;
        self
    }

    /// Sets the parameters that the handshake has negotiated.
    pub(crate) fn set_negotiated(&mut self, negotiated: Negotiated, config: Option<&Deflate>) {
        if let (Some(compression), Some(config)) = (negotiated.compression, config) {
            let (deflater, inflater) = compression.codec(self.waits_for_end, config);
            self.sender.compress(deflater);
            self.receiver.decompress(inflater);
        }
        self.control.negotiated = negotiated;
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

    #[inline]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Open if self.closing_deadline.is_none() => self.watch.deadline(),
            State::Closing { deadline, .. }
            | State::Answering { deadline, .. }
            | State::Ending { deadline } => deadline,
            State::Open => {
                let watch = self.watch.deadline().into_iter();
                watch.chain(self.closing_deadline.flatten()).min()
            }
            State::Over => None,
        }
    }

    /// Returns the time when the closing must be done. The time-out runs from the moment when the
    /// application has finished or the peer has closed.
    fn closing_deadline(&self, now: Instant) -> Option<Instant> {
        match self.closing_deadline {
            Some(deadline) => deadline,
            None => now.checked_add(self.close_timeout),
        }
    }

    /// Returns `true` if all that was taken from the application has been sent.
    #[inline]
    pub(crate) fn is_flushed(&self) -> bool {
        self.sender.is_flushed()
    }

    #[inline]
    pub(crate) fn process<F: Payload>(&mut self, mut p: Flows<'_, F, F>, now: Instant) {
        if !self.process_untimed(p.reborrow()) {
            self.process_all(p, now);
        }
    }

    fn process_all<F: Payload>(&mut self, mut p: Flows<'_, F, F>, now: Instant) {
        if self.closing_deadline.is_none() && self.state != State::Over && p.from_app.is_closed() {
            self.closing_deadline = Some(self.closing_deadline(now));
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
        let ignores = matches!(
            self.state,
            State::Answering { .. } | State::Ending { .. } | State::Over
        );
        if ignores || self.fault.is_some() {
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
        let deadline = match self.state {
            State::Open => self.closing_deadline.flatten(),
            _ => self.deadline(),
        };
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.give_up(&mut p);
        }
    }

    fn receive<F: Payload>(
        &mut self,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) -> Result<(), Failure> {
        if let Some(cause) = self.fault.take_if(|_| p.to_app.is_taken()) {
            return Err(cause.into());
        }
        while self.fault.is_none() && p.to_app.room() > 0 {
            if self.receiver.next_plain(p.from_wire, p.to_app) {
                continue;
            }
            let (came, waiting) = (p.from_wire.len(), p.to_app.waiting());
            let received = self.receiver.next(p.from_wire, p.to_app);
            self.note_taken(came - p.from_wire.len(), waiting, p.to_app);
            let received = match received {
                Err(cause) if !p.to_app.is_taken() => {
                    self.fault = Some(cause);
                    break;
                }
                received => received?,
            };
            match received {
                Received::Data => {}
                Received::Ping(payload) => self.sender.pong(payload, p.to_wire),
                Received::Pong(payload) => self.control.pings.answer(&payload, now),
                Received::Close(frame) => {
                    self.peer_closed(frame, p, now);
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

    fn peer_closed<F: Payload>(
        &mut self,
        frame: CloseFrame,
        p: &mut Flows<'_, F, F>,
        now: Instant,
    ) {
        let code = frame.code;
        let is_echo = matches!(self.state, State::Closing { code: sent, .. } if sent == code);
        let cause = WebSocketError::Closed {
            code,
            reason: frame.reason.clone(),
        };
        let error = Error::peer(NAME, cause).at(Place::Layer(p.index));
        // Queued messages are still sent; the application cannot add more.
        p.from_app.stop(error.clone().into());
        if !is_echo && !code.is_clean() {
            p.to_app.abort(error);
        } else if self.state == State::Open && self.receiver.is_in_message() {
            // A side that answers a Close frame need not end its message (RFC 6455 §5.5.1). This one
            // was not asked to stop.
            let cut = Error::peer(NAME, WebSocketError::UnfinishedMessage(code));
            p.to_app.abort(cut.at(Place::Layer(p.index)));
        } else {
            p.to_app.finish();
        }
        self.control.closed = Some(Box::new(frame));
        let closer = match self.state {
            State::Closing { deadline, .. } => {
                self.both_closed(deadline, p);
                Closer::Local
            }
            _ => {
                let deadline = self.closing_deadline(now);
                self.state = State::Answering { code, deadline };
                Closer::Peer
            }
        };
        self.control.closed_by = Some(closer);
    }

    /// Sends while there is room.
    fn send<F: Payload>(&mut self, p: &mut Flows<'_, F, F>, now: Instant) {
        if self.state != State::Over && !self.sender.complete_frame(p.to_wire) {
            return;
        }
        if let State::Open | State::Closing { .. } = self.state {
            self.sender.reply(p.to_wire); // "unless it already received a Close frame"
        }
        // Before messages, which could fill the wire again and again.
        if self.state == State::Open && self.watch.is_due() {
            self.ping_silent_peer(p.to_wire, now);
        }
        while self.state == State::Open
            && p.to_wire.room() > 0
            && let Some(payload) = self.control.pings.send(now)
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
                (_, State::Answering { code, deadline }) => {
                    self.sender.close(&CloseFrame::bare(code), p.to_wire);
                    self.both_closed(deadline, p);
                }
                (Some(End::Finished), _) => {
                    let frame = &self.control.close_frame;
                    self.sender.close(frame, p.to_wire);
                    let (code, deadline) = (frame.code, self.closing_deadline(now));
                    self.state = State::Closing { code, deadline };
                }
                (None, _) => return,
            }
        }
    }

    fn both_closed<F: Payload>(&mut self, deadline: Option<Instant>, p: &mut Flows<'_, F, F>) {
        if self.waits_for_end && !self.over_stream {
            self.state = State::Ending { deadline };
        } else {
            self.end(p); // "The server MUST close the underlying TCP connection immediately"
        }
    }

    fn end<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) {
        p.to_wire.finish();
        if let (true, Some(frame)) = (self.over_stream, &self.control.closed) {
            let (code, reason) = (frame.code, frame.reason.clone());
            let error = Error::peer(NAME, WebSocketError::Closed { code, reason });
            p.from_wire.stop(error.at(Place::Layer(p.index)).into());
        }
        self.note_end();
    }

    /// Notes that both directions have ended. What was begun is not completed.
    fn note_end(&mut self) {
        self.state = State::Over;
        self.sender.abandon();
    }

    /// Ends both directions without a Close frame, so that the peer does not take it for a clean
    /// end.
    fn abandon<F: Payload>(&mut self, error: Error, p: &mut Flows<'_, F, F>) {
        p.to_wire.abort(error.clone());
        p.fail(error);
        self.note_end();
    }

    /// Ends a closing that took too long.
    fn give_up<F: Payload>(&mut self, p: &mut Flows<'_, F, F>) {
        if let State::Ending { .. } = self.state {
            return self.end(p); // both Close frames are exchanged
        }
        let error = Error::peer(NAME, WebSocketError::CloseTimedOut(self.close_timeout));
        self.abandon(error.at(Place::Layer(p.index)), p);
    }

    fn fail<F: Payload>(&mut self, failure: Failure, p: &mut Flows<'_, F, F>, now: Instant) {
        let error = match failure {
            Failure::Fault(cause) => {
                if self.state == State::Open {
                    self.send(p, now); // the messages that were queued before
                }
                if self.state == State::Open {
                    self.sender
                        .close(&CloseFrame::bare(cause.close_code()), p.to_wire);
                }
                Error::peer(NAME, cause)
            }
            Failure::Lost(error) => error,
        };
        p.fail(error);
        self.note_end();
    }
}

impl From<WebSocketError> for Failure {
    fn from(cause: WebSocketError) -> Self {
        Self::Fault(cause)
    }
}
