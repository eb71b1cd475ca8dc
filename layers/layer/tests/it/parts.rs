//! The methods that a layer gets by default: it is found by its type and shown, alone, boxed and
//! lent.

use std::fmt;
use wirestack_layer::{Flow, Flows, Instant, Layer, LayerExt, Pipe, Progress};

/// A tunnel that counts its calls: the four required methods and one fact.
#[derive(Default)]
struct Counter {
    runs: usize,
}

impl Layer for Counter {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        self.runs += 1;
        flows.pass_through();
    }

    fn is_open(&self) -> bool {
        self.runs > 0
    }

    fn progress(&self) -> Progress {
        match self.runs {
            0 => Progress::Opening("the first call"),
            _ => Progress::Open,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.runs {
            0 => Ok(()),
            runs => write!(f, "{runs} runs"),
        }
    }
}

/// A layer with the four required methods alone.
struct Least;

impl Layer for Least {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "least"
    }

    fn process(&mut self, _: Flows<'_>, _now: Instant) {}
    fn is_open(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }
}

/// Runs any layer once, and returns what the application received.
fn run(mut layer: impl Layer<In = Pipe, Out = Pipe>) -> Vec<u8> {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_wire.write(b"hello");
    from_wire.finish();
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    layer.process(flows, Instant::ORIGIN);
    assert!(to_app.is_closed());
    to_app.unread().to_vec()
}

#[test]
fn a_leaf_is_found_by_its_own_type_only() {
    let mut counter = Counter::default();
    counter.part_mut::<Counter>().unwrap().runs = 7;
    assert_eq!(counter.part::<Counter>().unwrap().runs, 7);
    assert!(counter.part::<Least>().is_none());
    assert!(counter.part_mut::<Least>().is_none());
    assert!(counter.nth_part::<Counter>(0).is_some());
    assert!(counter.nth_part::<Counter>(1).is_none());
    assert!(counter.nth_part_mut::<Counter>(1).is_none());
}

#[test]
fn a_box_is_looked_into_however_deep_and_is_not_found_itself() {
    let boxed: Box<dyn Layer<In = Pipe, Out = Pipe> + Send> = Box::new(Counter::default());
    let mut twice = Box::new(boxed);
    twice.part_mut::<Counter>().unwrap().runs = 7;
    assert_eq!(twice.part::<Counter>().unwrap().runs, 7);
    assert!(twice.nth_part::<Counter>(1).is_none());
    assert!(
        twice
            .part::<Box<dyn Layer<In = Pipe, Out = Pipe> + Send>>()
            .is_none()
    );
}

#[test]
fn a_lent_layer_is_a_layer() {
    let mut counter = Counter::default();
    assert_eq!(run(&mut counter), b"hello");
    assert_eq!(run(&mut &mut counter), b"hello");
    let lent: &mut dyn Layer<In = Pipe, Out = Pipe> = &mut counter;
    assert_eq!(run(&mut *lent), b"hello");
    let shown = lent.status().to_string();
    assert_eq!(shown, "counter: open (3 runs)");
    assert_eq!((lent.name(), lent.depth()), ("counter", 1));
    assert!(lent.is_open() && lent.is_flushed() && lent.carries_half_close());
    assert!(!lent.is_transparent() && lent.deadline().is_none());
    assert_eq!(counter.runs, 3);
}

#[test]
fn a_layer_that_was_lent_for_long_is_looked_into() {
    let mut lent: &'static mut Counter = Box::leak(Box::default());
    assert_eq!(run(&mut lent), b"hello");
    assert_eq!(lent.nth_part_mut::<Counter>(0).unwrap().runs, 1);
    let lent: Box<&'static mut Counter> = Box::new(lent);
    assert_eq!((*lent).part::<Counter>().unwrap().runs, 1);
}

#[test]
fn a_status_shows_facts_only_if_there_are_some() {
    let mut counter = Counter::default();
    assert_eq!(
        counter.status().to_string(),
        "counter: opening, waiting for the first call"
    );
    assert_eq!(counter.status().facts.to_string(), "");
    counter.runs = 2;
    let mut seen = Vec::new();
    counter.visit(&mut |status| seen.push(status));
    let [status] = seen[..] else {
        panic!("a leaf has one status, not {}", seen.len());
    };
    assert_eq!(status.to_string(), "counter: open (2 runs)");
    assert_eq!(status.facts.to_string(), "2 runs");
    assert!(format!("{status:?}").contains("facts: \"2 runs\""));
    assert_eq!(Least.status().to_string(), "least: open");
}

#[test]
fn four_methods_are_enough() {
    assert!(Least.carries_half_close() && Least.is_flushed());
    assert!(!Least.is_transparent() && Least.deadline().is_none());
    assert_eq!(Least.depth(), 1);
    assert!(Least.part::<Least>().is_some());
}

#[test]
fn a_layer_alone_has_the_index_0_and_needs_the_time() {
    let mut counter = Counter::default();
    assert!(counter.layer_at(0).unwrap().is::<Counter>());
    assert!(counter.layer_at_mut(0).unwrap().is::<Counter>());
    assert!(counter.layer_at(1).is_none() && counter.layer_at_mut(1).is_none());
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    assert!(!counter.process_untimed(flows), "that is for others to say");
    assert_eq!(counter.runs, 0);
}
