//! Comparisons of conversations, with what was sent and with each other.

use crate::law::Law;
use crate::peer::Ended;
use crate::role::Role;
use crate::simulation::{Outcome, Simulation, difference};
use crate::subject::WireBytes;
use crate::traffic::Traffic;
use std::fmt;

/// Returns what is missing of a conversation that should come through, and the peer that misses it.
pub(crate) fn comes_through<F: Traffic>(
    simulation: &Simulation<'_, F>,
) -> Option<(&'static str, String)> {
    let outcome = simulation.outcome();
    let [client_sent, server_sent] = simulation
        .sent()
        .map(|sent| simulation.subject.joined(sent));
    let differs = outcome.differs(&Outcome::good(&client_sent, &server_sent));
    if !simulation.is_over() {
        let behind = if simulation.client.is_over() {
            &simulation.server
        } else {
            &simulation.client
        };
        let why = match differs {
            Some((_, seen)) if !simulation.subject.refused => seen,
            _ => "the conversation does not end".into(),
        };
        return Some((behind.who(), why));
    }
    if !simulation.subject.refused {
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
    /// Starts without a conversation. One that differs from the first breaks this law.
    pub(crate) fn new(law: Law) -> Self {
        Self { law, first: None }
    }

    /// Adds a conversation. The first one has to come through.
    pub(crate) fn add<F: Traffic<Item = T>>(&mut self, simulation: &Simulation<'_, F>) {
        let outcome = simulation.outcome();
        let Some((wanted, bytes)) = &self.first else {
            if let Some((who, seen)) = comes_through(simulation) {
                simulation.fail(self.law, who, seen);
            }
            self.first = Some((outcome, transcripts(simulation)));
            return;
        };
        if let Some((who, seen)) = outcome.differs(wanted) {
            simulation.fail(self.law, who, seen);
        }
        if simulation.subject.wire_bytes == WireBytes::Same {
            written(simulation, bytes, self.law);
        }
    }
}

/// The bytes that the link carried, in each direction.
pub(crate) type Transcripts = [Vec<u8>; 2];

pub(crate) fn transcripts<F: Traffic>(simulation: &Simulation<'_, F>) -> Transcripts {
    [0, 1].map(|direction| simulation.directions[direction].transcript.clone())
}

/// Fails if the link carried other bytes than these.
pub(crate) fn written<F: Traffic>(simulation: &Simulation<'_, F>, wanted: &Transcripts, law: Law) {
    for from in [Role::Client, Role::Server] {
        let seen = &simulation.directions[from as usize].transcript;
        if let Some(what) = difference(seen, &wanted[from as usize]) {
            simulation.fail(law, from.name(), format!("on the wire, {what}"));
        }
    }
}
