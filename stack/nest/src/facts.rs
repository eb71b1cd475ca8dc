//! The facts of a running stack: its state, and the layers in it by their types.

use crate::Engine;
use std::any::Any;
use wirestack_layer::{Layer, LayerExt, Progress, Status};

impl<L: Layer> Engine<L> {
    /// Returns how far the stack has come, and what it waits for.
    ///
    /// ```
    /// use wirestack_layer::Progress;
    /// use wirestack_nest::{Engine, Identity};
    ///
    /// let mut engine = Engine::new(Identity);
    /// assert_eq!(engine.progress(), Progress::Open);
    /// assert!(engine.part::<Identity>().is_some());
    /// assert!(engine.nth_part::<Identity>(1).is_none()); // there is no second one
    /// assert!(engine.nth_part_mut::<Identity>(0).is_some());
    /// let _: &mut Identity = engine.layer_mut(); // the whole stack
    /// ```
    pub fn progress(&self) -> Progress {
        self.layer().progress()
    }

    /// Returns the state of each layer, from the wire up. Each one displays as a line.
    ///
    /// ```
    /// use wirestack_nest::{Engine, Nest};
    /// use {wirestack_http1 as http1, wirestack_socks as socks};
    ///
    /// # let now = wirestack_layer::Instant::ORIGIN;
    /// let socks = socks::Client::new(socks::Address::new("proxy.test", 3128)?);
    /// let connect = http1::connect::Client::new("example.org", 22)?;
    /// let mut engine = Engine::new(connect.over(socks));
    /// engine.from_wire().write(b"\x05\x00\x05\x00\x00\x01\x7f\0\0\x01\x12\x67");
    /// engine.process(now);
    /// let lines: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
    /// assert_eq!(lines, [
    ///     "socks: open (bound 127.0.0.1:4711)",
    ///     "connect: opening, waiting for the CONNECT response",
    /// ]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn describe(&self) -> Vec<Status<'_>> {
        let mut all = Vec::new();
        self.layer().visit(&mut |status| all.push(status));
        all
    }

    /// Returns the topmost layer of type `T`, to read facts from.
    pub fn part<T: Any>(&self) -> Option<&T>
    where
        L: 'static,
    {
        self.layer().part()
    }

    /// Returns the topmost layer of type `T`, to take a decision in, for example to accept a
    /// request. The next [`process`](Self::process) then runs every layer.
    pub fn part_mut<T: Any>(&mut self) -> Option<&mut T>
    where
        L: 'static,
    {
        self.layer_mut().part_mut()
    }

    /// Returns the `nth` layer of type `T`, counted from the top down from 0, to read facts from.
    /// TLS in TLS has two.
    pub fn nth_part<T: Any>(&self, nth: usize) -> Option<&T>
    where
        L: 'static,
    {
        self.layer().nth_part(nth)
    }

    /// Returns the `nth` layer of type `T`, counted from the top down, to take a decision in.
    pub fn nth_part_mut<T: Any>(&mut self, nth: usize) -> Option<&mut T>
    where
        L: 'static,
    {
        self.layer_mut().nth_part_mut(nth)
    }
}
