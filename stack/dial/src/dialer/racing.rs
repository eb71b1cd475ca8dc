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
    ///
    /// ```
    /// use wirestack_dial::{Dialer, Plan, Routes, Step, Timeouts};
    /// use wirestack_layer::{Instant, Seed};
    ///
    /// let now = Instant::ORIGIN;
    /// let plan = Plan::stream(Routes::direct(), "tcp://example.org:22".parse()?, None, None)?;
    /// let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    /// let Step::Resolve { lookup, .. } = dialer.step(now) else { panic!("a name is looked up") };
    /// dialer.found(lookup, vec!["[2001:db8::7]:22".parse()?], now); // the answer for AAAA came first
    /// let Step::Open { to, .. } = dialer.step(now) else { panic!("an address is known") };
    /// assert_eq!(to.to_string(), "[2001:db8::7]:22");
    /// dialer.resolved(lookup, Ok(vec!["192.0.2.7:22".parse()?]), now); // that for A, and the end
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// ```
    /// use std::io::ErrorKind;
    /// use wirestack_dial::{Dialer, Plan, Routes, Step, Timeouts};
    /// use wirestack_layer::{Error, Instant, Seed};
    ///
    /// let now = Instant::ORIGIN;
    /// let plan = Plan::stream(Routes::direct(), "tcp://192.0.2.7:22".parse()?, None, None)?;
    /// let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    /// let Step::Open { attempt, .. } = dialer.step(now) else { panic!("an address is known") };
    /// let refused = std::io::Error::from(ErrorKind::ConnectionRefused);
    /// dialer.refused(attempt, Error::peer("wire", refused), now);
    /// assert!(matches!(dialer.step(now), Step::Close { .. }));
    /// let Step::Failed(error) = dialer.step(now) else { panic!("there is no other address") };
    /// assert!(error.is_temporary());
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
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
