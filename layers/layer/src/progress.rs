use core::fmt;

/// The step that a layer is at, and what it waits for.
///
/// ```
/// use wirestack_layer::Progress;
///
/// assert_eq!(Progress::Opening("the peer's Hello").to_string(), "opening, waiting for the peer's Hello");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// The handshake waits for this from the peer: `the CONNECT response`.
    Opening(&'static str),
    /// The handshake waits for the application to decide on this: `the CONNECT request`.
    Deciding(&'static str),
    /// The layer is open: the application is heard.
    Open,
    /// The layer closes, and waits for this from the peer: `the peer's close frame`.
    Closing(&'static str),
    /// The layer is over, with or without an error.
    Over,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opening(what) => write!(f, "opening, waiting for {what}"),
            Self::Deciding(what) => write!(f, "waiting for a decision on {what}"),
            Self::Open => f.write_str("open"),
            Self::Closing(what) => write!(f, "closing, waiting for {what}"),
            Self::Over => f.write_str("over"),
        }
    }
}
