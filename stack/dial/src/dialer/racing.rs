//! The part of a dialer that looks the first name up and connects to its addresses.

use super::{Dialer, State};
use crate::dialer::happy_eyeballs::NextAttempt;
use crate::dialer::step::Step;
use crate::report::error::Reason;
use crate::report::event::Event;
use crate::report::id::{AttemptId, Destination, LookupId};
use std::net::SocketAddr;
use wirestack_layer::{Error, Instant, Layer};

impl<L: Layer> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    pub(super) fn apply_next_attempt(&mut self, next: NextAttempt, now: Instant) {
        match next {
            NextAttempt::Open(to) => {
                let attempt = AttemptId(self.next_id());
                if let State::Racing(race) = &mut self.state {
                    race.started(attempt, to.clone(), now);
                }
                let event = Event::Connecting {
                    attempt,
                    to: to.clone(),
                };
                self.trace.add(now, event);
                self.steps.push_back(Step::Open { attempt, to });
            }
            NextAttempt::Close(attempt) => {
                self.trace.add(now, Event::Closed { attempt });
                self.steps.push_back(Step::Close { attempt });
            }
            NextAttempt::LookupTimedOut => self.time_out(self.timeouts.resolve, false, now),
            NextAttempt::AllFailed(tried) => {
                let part = self.part(0);
                self.next_route(Reason::Unreached { part, tried }, now);
            }
            NextAttempt::Wait(_) => {}
        }
    }

    /// Takes some addresses of a look-up; more will follow.
    pub fn found(&mut self, lookup: LookupId, found: Vec<SocketAddr>, now: Instant) {
        if let State::Racing(race) = &mut self.state {
            let n = found.len();
            if race.found(lookup, found, false, &self.timeouts, now) {
                self.trace.add(now, Event::Resolved(n));
            }
        }
    }

    /// Takes the result of a look-up, or the rest of its addresses.
    pub fn resolved(
        &mut self,
        lookup: LookupId,
        found: Result<Vec<SocketAddr>, Error>,
        now: Instant,
    ) {
        let State::Racing(race) = &mut self.state else {
            return;
        };
        let (found, error) = match found {
            Ok(found) => (found, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let n = found.len();
        let alone = race.is_looking_up();
        if !race.found(lookup, found, true, &self.timeouts, now) {
            return;
        }
        match error {
            Some(error) => {
                self.trace.add(now, Event::NotResolved(error.to_string()));
                if alone {
                    let part = self.part(0);
                    self.next_route(Reason::NotResolved { part, error }, now);
                }
            }
            // An empty rest is no news.
            None if n > 0 || alone => self.trace.add(now, Event::Resolved(n)),
            None => {}
        }
    }

    /// Takes the error of an attempt that could not be opened.
    pub fn refused(&mut self, attempt: AttemptId, error: Error, now: Instant) {
        let State::Racing(race) = &mut self.state else {
            return;
        };
        if let Some(Destination::Stream(share)) = race.to_of(attempt) {
            let share = share.clone();
            return self.stream_failed(attempt, share, error, now);
        }
        let why = error.to_string();
        if let Some(to) = race.lose(attempt, error, now) {
            self.trace.add(now, Event::Refused { attempt, to, why });
            self.steps.push_back(Step::Close { attempt });
        }
    }
}
