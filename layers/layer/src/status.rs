//! The state of a layer, to be shown.

use crate::{AnyLayer, Progress};
use alloc::string::ToString;
use core::fmt::{self, Write};

/// The state of one layer, as [`Layer::visit`](crate::Layer::visit) shows it. It borrows the layer:
/// nothing is allocated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Status<'a> {
    /// The layer's name.
    pub name: &'static str,
    /// True once its handshake has succeeded.
    pub open: bool,
    /// The step of the protocol that it is at.
    pub progress: Progress,
    /// The facts that it learnt from the peer, in one line; may be empty.
    pub facts: Facts<'a>,
}

/// Shows a line: `tls: open (TLS 1.3)`.
impl fmt::Display for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.progress)?;
        let mut bracketed = Bracketed { f, begun: false };
        write!(bracketed, "{}", self.facts)?;
        if bracketed.begun {
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// The facts that a layer learnt while it opened, in one line without secrets, as
/// [`Layer::facts`](crate::Layer::facts) writes it.
#[derive(Clone, Copy)]
pub struct Facts<'a>(pub(crate) &'a (dyn AnyLayer + 'a));

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_facts(f)
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

/// Opens a bracket before the first character.
struct Bracketed<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    begun: bool,
}

impl Write for Bracketed<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.begun && !text.is_empty() {
            self.begun = true;
            self.f.write_str(" (")?;
        }
        self.f.write_str(text)
    }
}
