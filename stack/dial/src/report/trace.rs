//! The record of connecting, event by event.

use crate::report::event::Event;
#[cfg(feature = "tracing")]
use crate::report::spans::Observed;
use std::fmt;
use std::time::Duration;
use wirestack_layer::Instant;

/// The record of connecting: each event with its time.
///
/// It shows as text, one line for each event. [`waterfall`](Self::waterfall) shows it as a picture,
/// one line for each span of time. With the feature `tracing`, each event is also a span or an
/// event of that crate, at the level DEBUG.
///
/// ```
/// use wirestack_dial::Trace;
///
/// fn show(trace: &Trace) {
///     eprintln!("{}", trace.waterfall()); // a picture for people
///     for (at, event) in trace.events() {
///         eprintln!("{at:?} {event:?}"); // each step
///     }
///     for span in trace.spans() {
///         eprintln!("{} {} took {:?}", span.what, span.part, span.end - span.start);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Trace {
    start: Instant,
    events: Vec<(Instant, Event)>,
    #[cfg(feature = "tracing")]
    observed: Observed,
}

impl Trace {
    pub(crate) fn new(start: Instant) -> Self {
        Self {
            start,
            events: Vec::new(),
            #[cfg(feature = "tracing")]
            observed: Default::default(),
        }
    }

    /// Takes all events, and begins anew.
    pub(crate) fn take(&mut self) -> Self {
        let start = self.start;
        std::mem::replace(self, Self::new(start))
    }

    /// Records an event.
    pub(crate) fn add(&mut self, now: Instant, event: Event) {
        #[cfg(feature = "tracing")]
        self.observed.note(&event);
        self.events.push((now, event));
    }

    /// Returns each event with the time since the start.
    pub fn events(&self) -> impl Iterator<Item = (Duration, &Event)> {
        let start = self.start;
        self.events
            .iter()
            .map(move |(at, event)| (at.saturating_duration_since(start), event))
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = Duration::ZERO;
        for (at, event) in self.events() {
            let ms = |time: Duration| time.as_secs_f64() * 1e3;
            // A driver may have read its clock before an earlier event.
            let passed = ms(at.saturating_sub(last));
            writeln!(f, "{:9.2} ms {passed:+9.2}  {event}", ms(at))?;
            last = at;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_of_a_clock_that_goes_back_can_be_shown() {
        let at = |seconds| Instant::ORIGIN + Duration::from_secs(seconds);
        let mut trace = Trace::new(at(1));
        trace.add(at(3), Event::Failed("late".to_owned()));
        trace.add(at(2), Event::Resolved(1));
        trace.add(at(0), Event::MakingTls);
        let (connected, failed) = (at(5), at(4));
        let attempt = crate::report::id::AttemptId(1);
        let to = crate::report::id::Destination::Unix("/run/one".into());
        trace.add(connected, Event::Connected { attempt, to });
        trace.add(failed, Event::Failed("early".to_owned()));
        assert!(trace.to_string().contains("early"));
        assert!(trace.waterfall().to_string().contains("early"));
    }
}
