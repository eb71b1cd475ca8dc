//! The end of a connection.

use super::Connection;
use crate::error::{Http2Error, peer, typed, unsent};
use crate::goaway;
use crate::lingering::Lingering;
use crate::session::Session;
use crate::stream::News;
use crate::streams::Streams;
use crate::waiting::Waiting;
use h2::Reason;
use std::task::Context;
use wirestack_layer::{End, Error, Flow, Flows, Instant, Place};

impl Connection {
    /// Ends every stream, and the flow of new ones, because h2 has ended.
    pub(super) fn end(
        &mut self,
        p: &mut Flows<'_, Streams, Streams>,
        error: Option<h2::Error>,
        now: Instant,
    ) {
        let ids: Vec<_> = self.streams.keys().copied().collect();
        for id in ids {
            self.process_stream(id, News::Any, false, p, now); // deliver what arrived before the end
        }
        let mut pipes = self.io.pipes();
        pipes.outgoing.transfer_all_to(p.to_wire);
        // h2 keeps only the text of an error of the wire. The wire has the error itself.
        let error = match (pipes.incoming.closed(), error) {
            (Some(End::Aborted(error)), _) => Some(error.clone()),
            (_, Some(error)) => Some(typed(&error).unwrap_or_else(|| peer(Http2Error::Truncated))),
            (_, None) if p.to_app.has_open() => Some(peer(Http2Error::Truncated)),
            (_, None) => None,
        };
        drop(pipes);
        self.opened |= self.has_settings();
        if self.opened {
            let cause = self
                .session
                .unsendable(&mut Context::from_waker(self.woken.waker()));
            self.refusal.clone_from(&cause);
            let cause = cause.or_else(|| error.clone());
            let cause = cause.unwrap_or_else(|| peer(Http2Error::Truncated));
            self.waiting.give_up(p, &unsent(cause));
        }
        match error {
            Some(error) => self.fail(p, error),
            None => {
                p.to_wire.finish();
                p.to_app.finish();
                p.from_app
                    .refuse(peer(Http2Error::Closed).at(Place::Layer(p.index)));
                self.close();
            }
        }
    }

    /// Fails, and tells the peer the reason and its words first: "an endpoint that encounters a
    /// connection error SHOULD first send a GOAWAY frame" (RFC 9113 §5.4.1).
    pub(super) fn fail_with(
        &mut self,
        p: &mut Flows<'_, Streams, Streams>,
        reason: Reason,
        cause: Http2Error,
    ) {
        let mut pipes = self.io.pipes();
        pipes.outgoing.transfer_all_to(p.to_wire);
        // Behind a part of a frame it would be taken for the rest of that.
        let is_between_frames = !pipes.blocked && p.to_wire.room() > 0;
        drop(pipes);
        if is_between_frames && !p.to_wire.is_closed() {
            let last = match self.session {
                Session::ClientHandshake(_) | Session::Client(..) => 0, // a server opens none
                _ => MAX_STREAM,
            };
            p.to_wire
                .push(goaway::frame(last, reason, &cause.to_string()));
        }
        self.fail(p, peer(cause));
    }

    pub(super) fn fail(&mut self, p: &mut Flows<'_, Streams, Streams>, error: Error) {
        p.fail(error);
        self.close();
    }

    pub(super) fn close(&mut self) {
        self.session = Session::Over;
        self.streams.clear();
        self.waiting = Waiting::default();
        self.lingering = Lingering::default();
        self.pinger = None;
    }
}

/// The largest number of a stream.
const MAX_STREAM: u32 = u32::MAX >> 1;
