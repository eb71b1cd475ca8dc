use std::fmt;

/// One of the laws that every layer keeps. [`Layer`](wirestack_layer::Layer) explains them.
///
/// ```
/// use wirestack_laws::Law;
///
/// // As the message of a broken law explains it.
/// let law = Law::Fragmentation.to_string();
/// assert_eq!(law, "Fragmentation (cutting the input differently changes nothing)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// Cutting the input differently changes nothing that the application sees.
    Fragmentation,
    /// An error or an end comes after everything that precedes it.
    Ordering,
    /// `process` again with nothing new moves nothing and changes nothing.
    Idempotence,
    /// After `process(now)`, `deadline()` is `None` or later than `now`. While it is `None`, time
    /// changes nothing.
    Deadline,
    /// A flow ends once and nothing is written after. A layer that is over discards its inputs, and
    /// stops the flow that its application has not ended.
    Termination,
    /// With no room, no new unit is started. Overshoot is at most one unit.
    Backpressure,
    /// A layer that leaves bytes unread while it has room has asked for more.
    Demand,
    /// Every grouping, boxed or not, is indistinguishable.
    Associativity,
    /// No bytes panic, nothing hangs, and memory stays within the stated limits.
    Robustness,
    /// A transparent layer stays so. Bypassed or not, it is indistinguishable.
    Transparency,
    /// If `to_wire` is stopped, so is `from_app`. Arriving bytes are still delivered.
    Cancellation,
    /// A layer tells the truth about itself: if it is open, if it is flushed, its progress, and the
    /// blame and the place of its errors.
    Honesty,
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let law = match self {
            Self::Fragmentation => "cutting the input differently changes nothing",
            Self::Ordering => "an error or an end comes after everything that precedes it",
            Self::Idempotence => "a call too many does nothing",
            Self::Deadline => "a deadline is later than now",
            Self::Termination => {
                "nothing follows an end, and a layer that is over discards its inputs"
            }
            Self::Backpressure => "with no room, no new unit is started",
            Self::Demand => "a layer that leaves bytes unread has asked for more",
            Self::Associativity => "every grouping is indistinguishable",
            Self::Robustness => "no bytes panic, hang or take memory",
            Self::Transparency => "a transparent layer is a plain tunnel for ever",
            Self::Cancellation => "a stopped output stops the input",
            Self::Honesty => "what a layer says about itself is true",
        };
        write!(f, "{self:?} ({law})")
    }
}
