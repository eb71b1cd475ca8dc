use std::fmt;

/// One of the laws that every layer keeps. They are explained at
/// [`Layer`](wirestack_layer::Layer).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Cutting the input differently changes nothing that the application sees.
    Split,
    /// An error or an end comes after everything that precedes it.
    Order,
    /// `process` again with nothing new moves nothing and changes nothing.
    Quiet,
    /// After `process(now)`, `deadline()` is `None` or later than `now`.
    Clock,
    /// A flow ends once and nothing is written after; a layer that is over discards its inputs, and
    /// stops what its application has not ended.
    End,
    /// With no room, no new unit is started; overshoot is at most one unit.
    Room,
    /// A layer that leaves bytes unread while it has room has asked for more.
    Need,
    /// Every grouping, boxed or not, is indistinguishable.
    Nesting,
    /// No bytes panic, nothing hangs, and memory stays within the stated limits.
    Calm,
    /// A transparent layer stays so; bypassed or not, it is indistinguishable.
    Clear,
    /// When `to_wire` is stopped, so is `from_app`; what arrives is still heard.
    Stop,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let law = match self {
            Self::Split => "cutting the input differently changes nothing",
            Self::Order => "an error or an end comes after everything that precedes it",
            Self::Quiet => "a call too many does nothing",
            Self::Clock => "a deadline is later than now",
            Self::End => "nothing follows an end, and who is over discards its inputs",
            Self::Room => "with no room, no new unit is started",
            Self::Need => "who leaves bytes unread has asked for more",
            Self::Nesting => "every grouping is indistinguishable",
            Self::Calm => "no bytes panic, hang or take memory",
            Self::Clear => "a transparent layer is a plain tunnel for ever",
            Self::Stop => "a stopped output stops the input",
        };
        write!(f, "{self:?} ({law})")
    }
}
