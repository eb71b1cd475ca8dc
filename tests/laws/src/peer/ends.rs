//! The ends of flows, in words.

use std::fmt;
use wirestack_layer::End;

/// The ends of the two outputs of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ends {
    pub(crate) app: Ended,
    pub(crate) wire: Ended,
}

/// The end of a flow, in words that can be compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ended {
    Not,
    Finished,
    Aborted { origin: &'static str, text: String },
}

impl From<Option<&End>> for Ended {
    fn from(end: Option<&End>) -> Self {
        match end {
            None => Self::Not,
            Some(End::Finished) => Self::Finished,
            Some(End::Aborted(error)) => Self::Aborted {
                origin: error.origin(),
                text: error.to_string(),
            },
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Not => f.write_str("goes on"),
            Self::Finished => f.write_str("finished"),
            Self::Aborted { text, .. } => write!(f, "aborted with \"{text}\""),
        }
    }
}
