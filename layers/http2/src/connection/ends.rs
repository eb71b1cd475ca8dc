//! The end of a connection.

use super::Connection;
use crate::error::{Http2Error, peer, typed, unsent};
use crate::lingering::Lingering;
use crate::session::Session;
use crate::stream::News;
use crate::streams::Streams;
use crate::waiting::Waiting;
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
