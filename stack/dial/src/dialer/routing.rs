//! The part of a dialer that finds the routes, if they are not known.

use super::{Dialer, State};
use crate::dialer::finding::{FindAnswer, Finding, MAX_SOURCES, Next, TooManySources};
use crate::dialer::step::Step;
use crate::report::error::Reason;
use crate::report::event::Event;
use wirestack_layer::{Error, Instant, Layer, origin};

impl<L: Layer> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Begins to find the routes, or lists them if they are known.
    pub(super) fn look_for_routes(&mut self, now: Instant) {
        match self.plan.0.find() {
            Some((source, _)) if self.sources >= MAX_SOURCES => {
                let error = Error::local(origin::ROUTE, TooManySources);
                self.end(Reason::RoutesNotFound { source, error }, now);
            }
            Some((source, finder)) => {
                self.sources += 1;
                self.trace.add(now, Event::FindingRoutes(source.clone()));
                let mut finding = Finding::new(source, finder, now);
                let next = finding.start(self.plan.0.tls(), now);
                self.state = State::Finding(finding);
                self.follow_finding(next, now);
            }
            None => self.list_routes(now),
        }
    }

    /// Takes the answer to [`Step::Find`].
    ///
    /// ```
    /// use wirestack_dial::{Dialer, FindRequest, FindAnswer};
    /// use wirestack_layer::Instant;
    /// use wirestack_nest::BoxTunnel;
    ///
    /// /// Answers `Step::Find` if it wants names looked up, none of which is known.
    /// fn answer(dialer: &mut Dialer<BoxTunnel>, request: FindRequest, now: Instant) {
    ///     if let FindRequest::Resolve(names) = request {
    ///         let found = names.into_iter().map(|name| (name, Vec::new())).collect();
    ///         dialer.found_out(FindAnswer::Resolved(found), now);
    ///     }
    /// }
    /// ```
    pub fn found_out(&mut self, answer: FindAnswer, now: Instant) {
        if let State::Finding(finding) = &mut self.state {
            let next = finding.answer(answer, self.plan.0.tls(), now);
            self.follow_finding(next, now);
        }
    }

    fn follow_finding(&mut self, next: Next, now: Instant) {
        let State::Finding(finding) = &mut self.state else {
            return;
        };
        for note in finding.notes.drain(..) {
            self.trace.add(now, Event::RoutesNote(note));
        }
        match next {
            Next::Ask(request) => self.steps.push_back(Step::Find { request }),
            Next::Found(routes) => {
                self.trace.add(now, Event::FoundRoutes(routes.to_string()));
                self.plan.0.found(routes);
                self.state = State::Start;
            }
            Next::Failed(error) => {
                let source = finding.source.clone();
                self.trace
                    .add(now, Event::RoutesNotFound(error.to_string()));
                self.end(Reason::RoutesNotFound { source, error }, now);
            }
        }
    }
}
