use crate::report::event::Event;
#[cfg(feature = "tracing")]
use crate::report::spans::Observed;
use std::fmt;
use std::time::Duration;
use wirestack_layer::Instant;

/// What connecting did, step by step, each with its time. It shows as text, a line a step; as a
/// picture, a line for all that took time, with [`waterfall`](Self::waterfall). With the feature
/// `tracing`, each step is a span or an event there too, at the level DEBUG.
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

    pub(crate) fn add(&mut self, now: Instant, event: Event) {
        #[cfg(feature = "tracing")]
        self.observed.note(&event);
        self.events.push((now, event));
    }

    /// Returns each step, with the time since the beginning.
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
            writeln!(f, "{:9.2} ms {:+9.2}  {event}", ms(at), ms(at - last))?;
            last = at;
        }
        Ok(())
    }
}
