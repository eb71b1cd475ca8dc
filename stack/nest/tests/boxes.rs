//! Finished tunnels leave boxed stacks, and everything that is asked of the stack stays as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, LayerExt, Pipe, Place, Progress};
use wirestack_nest::{BoxTunnel, Engine, Nest};

const NOW: Instant = Instant::ORIGIN;

/// A tunnel that is finished once it has seen a byte, which it eats. It counts its calls.
struct Gate {
    number: u32,
    is_open: bool,
    calls: Arc<AtomicU32>,
}

impl Gate {
    fn new(number: u32, calls: &Arc<AtomicU32>) -> Self {
        let calls = calls.clone();
        Self {
            number,
            is_open: false,
            calls,
        }
    }
}

impl Layer for Gate {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "gate"
    }

    fn process(&mut self, mut flows: Flows<'_>, _: Instant) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if !self.is_open && !flows.from_wire.is_empty() {
            flows.from_wire.consume(1);
            self.is_open = true;
        }
        if self.is_open {
            flows.pass_through();
        }
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn is_transparent(&self) -> bool {
        self.is_open
    }

    fn progress(&self) -> Progress {
        if self.is_open {
            Progress::Open
        } else {
            Progress::Opening("a byte")
        }
    }
}

/// Fails at the first `!`.
struct Fails;

impl Layer for Fails {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "fails"
    }

    fn process(&mut self, mut flows: Flows<'_>, _: Instant) {
        if flows.from_wire.unread().contains(&b'!') {
            flows.fail(Error::peer("fails", "a fault"));
        }
        flows.pass_through();
    }

    fn is_open(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }
}

fn numbers(engine: &Engine<BoxTunnel>) -> Vec<u32> {
    let found = |nth| engine.nth_part::<Gate>(nth).map(|gate| gate.number);
    (0..).map_while(found).collect()
}

#[test]
fn a_finished_tunnel_leaves_and_is_still_found() {
    let calls = Arc::new(AtomicU32::new(0));
    let gates = [1, 2, 3].map(|n| Gate::new(n, &calls).boxed());
    let top = Fails.boxed();
    let stack = gates
        .into_iter()
        .rev()
        .fold(top, |upper, lower| upper.over(lower).boxed());
    let mut engine = Engine::new(stack);
    engine.process(NOW);
    assert_eq!(engine.progress(), Progress::Opening("a byte"));
    let asked = |engine: &mut Engine<BoxTunnel>| {
        let names: Vec<_> = engine.describe().iter().map(|status| status.name).collect();
        let at = |n| engine.layer().layer_at(n).map(|it| it.is::<Gate>());
        let shown = (numbers(engine), names, [0, 1, 2, 3, 4].map(at));
        (shown, engine.layer().depth(), engine.layer().name())
    };
    let before = asked(&mut engine);
    assert_eq!(before.0.0, [3, 2, 1]);
    for _ in 0..3 {
        engine.from_wire().write(b".");
        engine.process(NOW);
        assert_eq!(asked(&mut engine), before);
    }
    assert!(engine.is_open());
    assert_eq!(engine.progress(), Progress::Open);

    let opened = calls.load(Ordering::Relaxed);
    engine.from_wire().write(b"hello");
    engine.from_app().write(b"there");
    engine.process(NOW);
    assert_eq!(engine.to_app().unread(), b"hello");
    assert_eq!(engine.to_wire().unread(), b"there");
    assert_eq!(calls.load(Ordering::Relaxed), opened);

    engine.nth_part_mut::<Gate>(1).expect("the second").number = 9;
    assert_eq!(numbers(&engine), [3, 9, 1]);
    let lowest = engine.layer_mut().layer_at_mut(0).expect("the lowest");
    lowest.downcast_mut::<Gate>().expect("a gate").number = 8;
    assert_eq!(numbers(&engine), [3, 9, 8]);
    assert!(engine.part::<Fails>().is_some());

    engine.from_wire().write(b"!");
    engine.process(NOW);
    let _ = engine.to_app().take(5);
    let Some(End::Aborted(error)) = engine.to_app().end() else {
        panic!("not ended");
    };
    assert_eq!(error.place(), Place::Layer(3));
}

#[test]
fn a_box_of_a_box_is_one_box() {
    let calls = Arc::new(AtomicU32::new(0));
    let boxed = Gate::new(1, &calls).boxed().boxed().boxed();
    assert_eq!(boxed.depth(), 1);
    assert!(boxed.part::<Gate>().is_some());
}
