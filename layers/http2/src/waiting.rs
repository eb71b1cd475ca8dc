//! The requests of a client that are not sent yet.

use crate::error::{Http2Error, peer};
use crate::stream_id::StreamId;
use crate::streams::Streams;
use http::Request;
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;
use wirestack_layer::{Error, Flow, Flows, Instant, Place};

/// The requests of a client that the server does not allow yet, in order.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pub(crate) requests: VecDeque<(StreamId, Request<()>)>,
    /// The time by which a server that allows no streams at all must allow one. A time that is
    /// `None` never comes.
    starved: Option<Option<Instant>>,
}

impl Waiting {
    pub(crate) fn has(&self, id: StreamId) -> bool {
        self.requests.iter().any(|(waiting, _)| *waiting == id)
    }

    pub(crate) fn remove(&mut self, id: StreamId) {
        self.requests.retain(|(waiting, _)| *waiting != id);
    }

    /// Returns `true` if requests wait because the server allows no streams at all.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved.is_some()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.starved.flatten()
    }

    /// Gives all of them up if the server has allowed no streams for `patience`. Returns `true` if
    /// it did.
    pub(crate) fn starve(
        &mut self,
        allows_none: bool,
        patience: Duration,
        p: &mut Flows<'_, Streams, Streams>,
        now: Instant,
    ) -> bool {
        if !allows_none || self.requests.is_empty() {
            self.starved = None;
            return false;
        }
        let due = *self
            .starved
            .get_or_insert_with(|| now.checked_add(patience));
        if due.is_none_or(|due| due > now) {
            return false;
        }
        self.give_up(p, &peer(Http2Error::NoStreams(patience)));
        true
    }

    /// Ends all of them with this error.
    pub(crate) fn give_up(&mut self, p: &mut Flows<'_, Streams, Streams>, error: &Error) {
        for (id, _) in mem::take(self).requests {
            p.from_app.forget(id);
            if let Some(mut pipe) = p.to_app.write(id) {
                pipe.abort(error.clone().at(Place::Layer(p.index)));
            }
        }
    }
}
