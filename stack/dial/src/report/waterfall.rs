//! The spans of time of a trace, and their picture.

use crate::report::event::Event;
use crate::report::id::AttemptId;
use crate::report::trace::Trace;
use std::fmt;
use std::time::Duration;
use wirestack_layer::Escaped;

/// A span of time while connecting.
///
/// ```
/// use wirestack_dial::{Outcome, Span};
///
/// /// Returns the slowest step.
/// fn slowest(spans: &[Span]) -> Option<&Span> {
///     let done = spans.iter().filter(|span| matches!(span.outcome, Outcome::Done));
///     done.max_by_key(|span| span.end - span.start)
/// }
/// assert!(slowest(&[]).is_none());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The name of a layer that opened, or `routes` (the finding of the routes), `note`, `roots` (the
    /// making of TLS settings), `look up`, `open` (a connection), `ask` (for credentials), `failed`,
    /// `route`, `retry` or `redirect`.
    pub what: &'static str,
    /// The host, address, hop, target or error that the span is about.
    pub part: String,
    /// The facts that were learnt, in one line; may be empty.
    pub facts: String,
    /// The time of its start, since the start of the trace.
    pub start: Duration,
    /// The time of its end, since the start of the trace.
    pub end: Duration,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a span of time.
///
/// ```
/// use wirestack_dial::{Outcome, Trace};
///
/// /// Returns the names of the steps that failed.
/// fn failures(trace: &Trace) -> Vec<String> {
///     let spans = trace.spans().into_iter();
///     let failed = spans.filter(|span| span.outcome == Outcome::Failed);
///     failed.map(|span| span.part).collect()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
    /// It was given up.
    GivenUp,
    /// It took no time: a new connection, a redirect, another route.
    Note,
}

impl Trace {
    /// Returns the spans of time, in the order of their start.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut connecting: Vec<(AttemptId, usize)> = Vec::new();
        let (mut lookup, mut asked, mut making, mut finding) = (None, None, None, None);
        let mut layer = Duration::ZERO;
        for (at, event) in self.events() {
            let mut begin = |what, part: &dyn fmt::Display, start| {
                spans.push(Span {
                    what,
                    part: Escaped::new(part).to_string(),
                    facts: String::new(),
                    start,
                    end: at,
                    outcome: Outcome::GivenUp,
                });
                spans.len() - 1
            };
            let (ended, outcome, facts) = match event {
                Event::Resolving(endpoint) => {
                    lookup = Some(begin("look up", &endpoint.host, at));
                    continue;
                }
                Event::FindingRoutes(source) => {
                    finding = Some(begin("routes", source, at));
                    continue;
                }
                Event::FoundRoutes(routes) => (finding.take(), Outcome::Done, routes.clone()),
                Event::RoutesNotFound(why) => (finding.take(), Outcome::Failed, why.clone()),
                Event::RoutesNote(note) => {
                    let span = begin("note", note, at);
                    (Some(span), Outcome::Note, String::new())
                }
                Event::MakingTls => {
                    making = Some(begin("roots", &"TLS settings with the system's roots", at));
                    continue;
                }
                Event::MadeTls => (making.take(), Outcome::Done, String::new()),
                Event::Connecting { attempt, to } => {
                    let span = begin("open", to, at);
                    connecting.push((*attempt, span));
                    continue;
                }
                Event::Asking(what) => {
                    asked = Some(begin("ask", what, at));
                    continue;
                }
                Event::Resolved(_) => (lookup, Outcome::Done, String::new()),
                Event::NotResolved(why) => (lookup, Outcome::Failed, why.clone()),
                Event::Connected { attempt, .. } => {
                    layer = at;
                    (
                        take(&mut connecting, *attempt),
                        Outcome::Done,
                        String::new(),
                    )
                }
                Event::Refused { attempt, why, .. } => (
                    take(&mut connecting, *attempt),
                    Outcome::Failed,
                    why.clone(),
                ),
                Event::Closed { attempt } => (
                    take(&mut connecting, *attempt),
                    Outcome::GivenUp,
                    String::new(),
                ),
                Event::Answered => (asked.take(), Outcome::Done, String::new()),
                Event::LayerOpen { name, part, facts } => {
                    let span = begin(name, part, layer);
                    layer = at;
                    (Some(span), Outcome::Done, facts.clone())
                }
                Event::Failed(why) => (
                    Some(begin("failed", why, layer)),
                    Outcome::Failed,
                    String::new(),
                ),
                Event::Route(name) => {
                    let span = begin("route", name, at);
                    (Some(span), Outcome::Note, String::new())
                }
                Event::RouteSkipped(why) => {
                    let span = begin("skipped", why, at);
                    (Some(span), Outcome::Note, String::new())
                }
                Event::Again(why) => {
                    let span = begin("retry", why, at);
                    (Some(span), Outcome::Note, String::new())
                }
                Event::Redirected { status, to } => {
                    let to = format!("{status} to {to}");
                    (
                        Some(begin("redirect", &to, at)),
                        Outcome::Note,
                        String::new(),
                    )
                }
                Event::Ready => continue,
            };
            if let Some(span) = ended.and_then(|ended| spans.get_mut(ended)) {
                let facts = Escaped::new(facts).to_string();
                (span.end, span.outcome, span.facts) = (at, outcome, facts);
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// Shows the trace as a picture, one line for each [span](Self::spans): its name, its place on
    /// a scale of time, and its length.
    pub fn waterfall(&self) -> impl fmt::Display + use<> {
        Waterfall(self.spans())
    }
}

fn take<I: PartialEq>(open: &mut Vec<(I, usize)>, id: I) -> Option<usize> {
    let at = open.iter().position(|(other, _)| *other == id)?;
    Some(open.swap_remove(at).1)
}

struct Waterfall(Vec<Span>);

impl fmt::Display for Waterfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.iter().map(|span| span.end).max().unwrap_or_default();
        let column = |at: Duration| {
            let share = at.as_secs_f64() / total.as_secs_f64().max(1e-9);
            ((share * BAR_COLUMNS as f64) as usize).min(BAR_COLUMNS - 1)
        };
        for span in &self.0 {
            let (from, to) = (column(span.start), column(span.end));
            let fill = match span.outcome {
                Outcome::Done => '=',
                Outcome::Failed => 'x',
                Outcome::GivenUp => '-',
                Outcome::Note => '|',
            };
            let mut bar = " ".repeat(from);
            bar.extend(std::iter::repeat_n(fill, to.saturating_sub(from) + 1));
            let took = span.end.saturating_sub(span.start).as_secs_f64() * 1e3;
            write!(f, "{:<9} [{bar:<BAR_COLUMNS$}]", span.what)?;
            match span.outcome {
                Outcome::Note => write!(f, "             {}", span.part)?,
                _ => write!(f, " {took:>9.2} ms {}", span.part)?,
            }
            if span.facts.is_empty() {
                writeln!(f)?;
            } else {
                writeln!(f, "  ({})", span.facts)?;
            }
        }
        let total = total.as_secs_f64() * 1e3;
        writeln!(f, "{:<9}  {:<BAR_COLUMNS$}  {total:>9.2} ms", "total", "")
    }
}

/// The width of the scale of time, in characters.
const BAR_COLUMNS: usize = 32;
