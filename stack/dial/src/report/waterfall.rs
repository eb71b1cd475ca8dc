//! A trace as spans of time, and as a picture.

use crate::report::event::Event;
use crate::report::id::AttemptId;
use crate::report::trace::Trace;
use std::fmt;
use std::time::Duration;

/// Something that took time on the way to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// What was done: `look up`, `open` (a connection), `ask`, or the name of a layer that opened.
    pub what: &'static str,
    /// With whom, or why.
    pub part: String,
    /// What was learnt, in one line; may be empty.
    pub facts: String,
    /// When it began, since the beginning of it all.
    pub start: Duration,
    /// When it ended.
    pub end: Duration,
    /// How it ended.
    pub outcome: Outcome,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// As it should.
    Done,
    /// It failed.
    Failed,
    /// It was no longer wanted.
    GivenUp,
    /// It takes no time: a new connection, a redirect, another way.
    Note,
}

impl Trace {
    /// Returns what took time, in the order in which it began.
    pub fn spans(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        let mut connecting: Vec<(AttemptId, usize)> = Vec::new();
        let (mut lookup, mut asked) = (None, None);
        let mut layer = Duration::ZERO;
        for (at, event) in self.events() {
            let mut begin = |what, part: &dyn fmt::Display, start| {
                spans.push(Span {
                    what,
                    part: part.to_string(),
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
                Event::Route(name) => (Some(begin("way", name, at)), Outcome::Note, String::new()),
                Event::Again(why) => (Some(begin("again", why, at)), Outcome::Note, String::new()),
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
                (span.end, span.outcome, span.facts) = (at, outcome, facts);
            }
        }
        spans.sort_by_key(|span| span.start);
        spans
    }

    /// Shows it as a picture, a line for each [span](Self::spans): what was done, when, and how long
    /// it took.
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
            ((share * WIDTH as f64) as usize).min(WIDTH - 1)
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
            bar.extend(std::iter::repeat_n(fill, to - from + 1));
            let took = (span.end - span.start).as_secs_f64() * 1e3;
            write!(f, "{:<9} [{bar:<WIDTH$}]", span.what)?;
            match span.outcome {
                Outcome::Note => write!(f, "             {}", span.part)?,
                _ => write!(f, " {took:>9.2} ms {}", span.part)?,
            }
            match span.facts.is_empty() {
                true => writeln!(f)?,
                false => writeln!(f, "  ({})", span.facts)?,
            }
        }
        let total = total.as_secs_f64() * 1e3;
        writeln!(f, "{:<9}  {:<WIDTH$}  {total:>9.2} ms", "in all", "")
    }
}

/// How many characters wide the picture is.
const WIDTH: usize = 32;
