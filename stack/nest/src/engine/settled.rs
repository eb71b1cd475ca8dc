//! The layers of a stack that have nothing left to do.

use super::Engine;
use crate::Identity;
use wirestack_layer::{Flow, Layer, Pipe};

impl<L: Layer<In = Pipe, Out = Pipe>> Engine<L> {
    /// Returns `true` if the layers are of no more use for the bytes that come: all of them are
    /// [transparent](Self::is_transparent), and in no flow does anything wait or has anything ended.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::{Engine, Identity};
    ///
    /// let mut engine = Engine::new(Identity);
    /// engine.process(Instant::ORIGIN);
    /// assert!(engine.is_settled());
    /// engine.from_wire().write(b"hello");
    /// engine.process(Instant::ORIGIN);
    /// assert!(!engine.is_settled()); // the application has to read it
    /// ```
    pub fn is_settled(&self) -> bool {
        self.is_idle() && self.layer.is_transparent() && self.flows().into_iter().all(is_quiet)
    }

    /// Drops the layers, and keeps the flows with their limits and counts. A stack that
    /// [is settled](Self::is_settled) loses nothing but its facts.
    ///
    /// ```
    /// use wirestack_layer::{Flow, Instant};
    /// use wirestack_nest::{Engine, Identity, Nest};
    ///
    /// let mut engine = Engine::new(Identity.boxed().over(Identity.boxed()).boxed());
    /// engine.process(Instant::ORIGIN);
    /// assert!(engine.is_settled());
    /// let mut engine: Engine<Identity> = engine.without_layers();
    /// engine.from_app().write(b"hello");
    /// engine.process(Instant::ORIGIN);
    /// assert_eq!(engine.to_wire().unread(), b"hello");
    /// ```
    pub fn without_layers(self) -> Engine<Identity> {
        Engine {
            layer: Identity,
            from_wire: self.from_wire,
            to_wire: self.to_wire,
            from_app: self.from_app,
            to_app: self.to_app,
            opening: None,
            writing: self.writing,
            processed: None,
            layers_deadline: None,
            #[cfg(feature = "tracing")]
            spans: self.spans.without_layers(),
        }
    }

    fn flows(&self) -> [&Pipe; 4] {
        [&self.from_wire, &self.to_wire, &self.from_app, &self.to_app]
    }
}

fn is_quiet(pipe: &Pipe) -> bool {
    pipe.is_empty() && !pipe.is_closed() && pipe.stop_state().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Nest;
    use wirestack_layer::{Error, Instant};

    #[test]
    fn a_stack_is_settled_only_while_nothing_waits_and_nothing_has_ended() {
        let changes: [fn(&mut Engine<Identity>); 6] = [
            |engine| engine.from_app().write(b"x"),
            |engine| engine.from_wire().write(b"x"),
            |engine| engine.from_app().finish(),
            |engine| engine.from_wire().finish(),
            |engine| engine.break_wire(Error::peer("wire", "broken")),
            |engine| engine.to_app().stop(Error::local("app", "enough").into()),
        ];
        for (n, change) in changes.into_iter().enumerate() {
            let mut engine = Engine::new(Identity);
            assert!(!engine.is_settled(), "nothing was processed");
            engine.process(Instant::ORIGIN);
            assert!(engine.is_settled());
            change(&mut engine);
            assert!(!engine.is_settled(), "change {n}");
            engine.process(Instant::ORIGIN);
            assert!(!engine.is_settled(), "change {n}");
        }
    }

    #[test]
    fn an_engine_without_layers_keeps_its_limits_and_its_counts() {
        let (down, up) = (Pipe::with_limit(10), Pipe::with_limit(20));
        let stack = Identity.boxed().over(Identity.boxed()).boxed();
        let mut engine = Engine::with_flows(stack, down, up);
        engine.set_write_timeout(std::time::Duration::from_secs(7));
        engine.from_app().write(b"hello");
        engine.process(Instant::ORIGIN);
        engine.to_wire().discard();
        engine.process(Instant::ORIGIN);
        assert!(engine.is_settled());
        let mut engine = engine.without_layers();
        assert_eq!(engine.from_app().total(), 5);
        assert_eq!((engine.from_app().room(), engine.to_app().room()), (10, 20));
        assert_eq!(engine.write_timeout().as_secs(), 7);
    }
}
