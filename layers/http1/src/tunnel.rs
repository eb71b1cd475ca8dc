//! A handshake and the tunnel that it opens, as in all four layers of this crate.

use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Progress};

/// The exchange on the wire until the tunnel is open.
pub(crate) trait Handshake {
    /// The result of a handshake that succeeded.
    type Outcome;
    /// The name of the layer.
    const NAME: &'static str;
    /// Goes on as far as it can, without `now` only while it needs no time. The outcome opens the
    /// tunnel; an error ends it.
    fn step(
        &mut self,
        p: &mut Flows<'_>,
        now: Option<Instant>,
    ) -> Result<Option<Self::Outcome>, Error>;

    /// Returns `true` if it goes on only with a look at the time.
    fn needs_time(&self) -> bool {
        false
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Returns `true` while it waits for a decision that still matters when the wire is broken.
    fn holds(&self) -> bool {
        false
    }

    fn progress(&self) -> Progress;
}

/// A tunnel and the handshake that opens it.
pub(crate) enum Tunnel<H: Handshake> {
    Opening(Box<H>),
    Open(H::Outcome),
    Over,
}

impl<H: Handshake> Tunnel<H> {
    pub(crate) fn new(handshake: H) -> Self {
        Self::Opening(Box::new(handshake))
    }

    pub(crate) fn opening(&mut self) -> Option<&mut H> {
        match self {
            Self::Opening(handshake) => Some(handshake),
            _ => None,
        }
    }

    pub(crate) fn outcome(&self) -> Option<&H::Outcome> {
        match self {
            Self::Open(outcome) => Some(outcome),
            _ => None,
        }
    }

    pub(crate) fn outcome_mut(&mut self) -> Option<&mut H::Outcome> {
        match self {
            Self::Open(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Goes on as far as it can. Returns `false` if that needs `now`, and there is none.
    pub(crate) fn process(&mut self, mut p: Flows<'_>, now: Option<Instant>) -> bool {
        if let Self::Opening(handshake) = self {
            p.propagate_stop();
            match handshake.step(&mut p, now) {
                Ok(Some(outcome)) => *self = Self::Open(outcome),
                Ok(None) if now.is_none() && handshake.needs_time() => return false,
                // A handshake that waits for room or for a decision does not see an abort.
                Ok(None) => match (p.from_wire.closed(), p.from_app.closed()) {
                    (Some(End::Aborted(error)), _) if !handshake.holds() => {
                        let error = error.clone();
                        *self = Self::Over;
                        p.fail(error);
                    }
                    (_, Some(End::Aborted(error))) => {
                        let error = error.clone();
                        *self = Self::Over;
                        p.to_wire.abort(error.clone());
                        p.to_app.abort(error);
                    }
                    _ => return true,
                },
                Err(error) => {
                    *self = Self::Over;
                    p.fail(error);
                }
            }
        }
        match self {
            Self::Open(_) => p.pass_through(),
            _ => p.discard(),
        }
        true
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Opening(handshake) => handshake.deadline(),
            _ => None,
        }
    }

    pub(crate) fn progress(&self) -> Progress {
        match self {
            Self::Opening(handshake) => handshake.progress(),
            Self::Open(_) => Progress::Open,
            Self::Over => Progress::Over,
        }
    }
}

/// Implements `Layer` for a type that has a `tunnel` whose outcome has `facts`.
macro_rules! tunnel_layer {
    ($layer:ty, $handshake:ty) => {
        impl wirestack_layer::Layer for $layer {
            type In = wirestack_layer::Pipe;
            type Out = wirestack_layer::Pipe;

            fn name(&self) -> &'static str {
                <$handshake as $crate::tunnel::Handshake>::NAME
            }

            fn process(
                &mut self,
                flows: wirestack_layer::Flows<'_>,
                now: wirestack_layer::Instant,
            ) {
                self.tunnel.process(flows, Some(now));
            }

            fn process_untimed(&mut self, flows: wirestack_layer::Flows<'_>) -> bool {
                self.tunnel.process(flows, None)
            }

            fn deadline(&self) -> Option<wirestack_layer::Instant> {
                self.tunnel.deadline()
            }

            fn is_open(&self) -> bool {
                self.tunnel.outcome().is_some()
            }

            fn is_transparent(&self) -> bool {
                self.is_open()
            }

            fn progress(&self) -> wirestack_layer::Progress {
                self.tunnel.progress()
            }

            fn facts(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let outcome = self.tunnel.outcome();
                outcome.map_or(Ok(()), |outcome| std::fmt::Display::fmt(&outcome.facts, f))
            }
        }
    };
}
pub(crate) use tunnel_layer;
