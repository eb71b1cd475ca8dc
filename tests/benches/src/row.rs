//! A row: one kind of work, and the contestants that do it.

use crate::contestant::Kind;

/// A kind of work that several contestants do.
pub(crate) struct Row {
    /// The table or the plot to which it belongs.
    pub(crate) group: &'static str,
    /// Its name, such as `16 B, TCP`. In a plot it begins with the number on the horizontal axis.
    pub(crate) name: String,
    /// The contestants. The first is the one that the others are compared with.
    pub(crate) cases: Vec<Case>,
}

impl Row {
    /// Creates a row without contestants.
    pub(crate) fn new(group: &'static str, name: impl Into<String>) -> Self {
        Self {
            group,
            name: name.into(),
            cases: Vec::new(),
        }
    }

    /// Adds a contestant, by the function that does so many messages. Its cost is measured.
    pub(crate) fn case(
        mut self,
        name: &'static str,
        kind: Kind,
        work: impl Fn(usize) + 'static,
    ) -> Self {
        let work = Work::Messages(Box::new(work));
        self.cases.push(Case { name, kind, work });
        self
    }

    /// Adds a contestant, by the function that opens so many connections and returns the bytes that
    /// each of them takes.
    pub(crate) fn memory(
        mut self,
        name: &'static str,
        kind: Kind,
        connections: usize,
        work: impl Fn(usize) -> f64 + 'static,
    ) -> Self {
        let work = Work::Memory(connections, Box::new(work));
        self.cases.push(Case { name, kind, work });
        self
    }
}

/// A contestant in a row.
pub(crate) struct Case {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its part in the comparison.
    pub(crate) kind: Kind,
    /// Its work.
    pub(crate) work: Work,
}

/// The work of a contestant.
pub(crate) enum Work {
    /// Does so many messages.
    Messages(Box<dyn Fn(usize)>),
    /// Opens so many connections, and returns the bytes that each of them takes.
    Memory(usize, Box<dyn Fn(usize) -> f64>),
}
