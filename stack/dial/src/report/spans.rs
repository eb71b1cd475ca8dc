//! The events of connecting as spans of `tracing`. Open connections and their layers have spans of
//! their own.

use crate::report::event::Event;
use crate::report::id::AttemptId;
use std::collections::HashMap;
use std::fmt;
use tracing::{Span, debug, debug_span, field};

/// The spans that are open. A clone has none of them, because each span belongs to one dialer.
#[derive(Default)]
pub(crate) struct Observed {
    dial: Option<Span>,
    finding: Option<Span>,
    lookup: Option<Span>,
    attempts: HashMap<AttemptId, Span>,
    ask: Option<Span>,
}

impl Observed {
    /// Records an event. Spans close when they are dropped.
    pub(crate) fn note(&mut self, event: &Event) {
        let dial = self.dial.get_or_insert_with(|| debug_span!("dial"));
        match event {
            Event::Resolving(endpoint) => {
                let host = field::display(&endpoint.host);
                self.lookup = Some(debug_span!(parent: &*dial, "look up", host));
            }
            Event::Connecting { attempt, to } => {
                let span = debug_span!(parent: &*dial, "connect", %to);
                self.attempts.insert(*attempt, span);
            }
            Event::Connected { attempt, .. } => {
                self.attempts.remove(attempt);
            }
            Event::Refused { attempt, .. } | Event::Closed { attempt } => {
                let span = self.attempts.remove(attempt);
                debug!(parent: span.as_ref().unwrap_or(dial), "{event}");
            }
            Event::Asking(what) => self.ask = Some(debug_span!(parent: &*dial, "ask", what)),
            Event::Answered => self.ask = None,
            Event::Resolved(_) | Event::NotResolved(_) => {
                let span = self.lookup.take();
                debug!(parent: span.as_ref().unwrap_or(dial), "{event}");
            }
            Event::Ready => {
                debug!(parent: &*dial, "{event}");
                *self = Self::default();
            }
            Event::LayerOpen { .. } | Event::Failed(_) => debug!(parent: &*dial, "{event}"),
            Event::MakingTls | Event::MadeTls => debug!(parent: &*dial, "{event}"),
            Event::FindingRoutes(source) => {
                self.finding = Some(debug_span!(parent: &*dial, "find routes", source));
            }
            Event::RoutesNote(_) => {
                let span = self.finding.as_ref();
                debug!(parent: span.unwrap_or(dial), "{event}");
            }
            Event::FoundRoutes(_) | Event::RoutesNotFound(_) => {
                let span = self.finding.take();
                debug!(parent: span.as_ref().unwrap_or(dial), "{event}");
            }
            Event::Again(_)
            | Event::Redirected { .. }
            | Event::Route(_)
            | Event::RouteSkipped(_) => {
                debug!(parent: &*dial, "{event}");
            }
        }
    }
}

impl Clone for Observed {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observed")
    }
}
