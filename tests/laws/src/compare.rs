//! Comparisons of a conversation with what was said, and with another conversation.

use crate::law::Law;
use crate::peer::Ended;
use crate::role::Role;
use crate::traffic::Traffic;
use crate::world::{Outcome, World, difference};
use std::fmt;

/// Returns what is missing of a conversation that should have come through, and who misses it.
pub(crate) fn comes_through<F: Traffic>(world: &World<'_, F>) -> Option<(&'static str, String)> {
    let outcome = world.outcome();
    let [client_sent, server_sent] = world.sent();
    let differs = outcome.differs(&Outcome::good(client_sent, server_sent));
    if !world.is_over() {
        let behind = if world.client.is_over() {
            &world.server
        } else {
            &world.client
        };
        let why = match differs {
            Some((_, seen)) if !world.subject.refused => seen,
            _ => "the conversation does not end".into(),
        };
        return Some((behind.who(), why));
    }
    if !world.subject.refused {
        return differs;
    }
    let (got, end) = outcome.of(Role::Client);
    match end {
        Ended::Aborted { .. } if got.is_empty() => None,
        end => Some(("client", format!("it was refused, but to_app {end}"))),
    }
}

/// Several conversations, each of which has to equal the first.
pub(crate) struct Comparison<T> {
    law: Law,
    first: Option<(Outcome<T>, Transcripts)>,
}

impl<T: Clone + PartialEq + fmt::Debug> Comparison<T> {
    /// Starts without a conversation; those that differ will break this law.
    pub(crate) fn new(law: Law) -> Self {
        Self { law, first: None }
    }

    /// Adds a conversation that was held. The first one has to come through.
    pub(crate) fn add<F: Traffic<Item = T>>(&mut self, world: &World<'_, F>) {
        let outcome = world.outcome();
        let Some((wanted, bytes)) = &self.first else {
            if let Some((who, seen)) = comes_through(world) {
                world.fail(self.law, who, seen);
            }
            self.first = Some((outcome, transcripts(world)));
            return;
        };
        if let Some((who, seen)) = outcome.differs(wanted) {
            world.fail(self.law, who, seen);
        }
        if world.subject.same_bytes {
            written(world, bytes, self.law);
        }
    }
}

/// Everything that the link carried, each way.
pub(crate) type Transcripts = [Vec<u8>; 2];

pub(crate) fn transcripts<F: Traffic>(world: &World<'_, F>) -> Transcripts {
    [0, 1].map(|way| world.ways[way].transcript.clone())
}

/// Fails if the link carried other bytes.
pub(crate) fn written<F: Traffic>(world: &World<'_, F>, wanted: &Transcripts, law: Law) {
    for from in [Role::Client, Role::Server] {
        let seen = &world.ways[from as usize].transcript;
        if let Some(what) = difference(seen, &wanted[from as usize]) {
            world.fail(law, from.name(), format!("on the wire, {what}"));
        }
    }
}
