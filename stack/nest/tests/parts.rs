//! Layers are found in stacks, and reading a fact does not make the stack run again.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use wirestack_laws::Subject;
use wirestack_layer::Instant;
use wirestack_layer::{End, Error, Flow, Flows, Layer, LayerExt, Pipe, Progress, Tunnel};
use wirestack_nest::{Engine, Identity, Nest, OpeningTimedOut, Stack};

/// A tunnel with a number, which counts its calls.
#[derive(Default)]
struct Numbered {
    number: u32,
    runs: Rc<Cell<u32>>,
}

impl Numbered {
    fn new(number: u32) -> Self {
        Self {
            number,
            runs: Rc::default(),
        }
    }
}

impl Layer for Numbered {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "numbered"
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        self.runs.set(self.runs.get() + 1);
        flows.pass_through();
    }

    fn is_open(&self) -> bool {
        self.number != 0
    }

    fn progress(&self) -> Progress {
        match self.number {
            0 => Progress::Opening("a number"),
            _ => Progress::Open,
        }
    }

    fn facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "number {}", self.number)
    }
}

/// The same, with a type of its own.
struct Other(Numbered);

impl Layer for Other {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        "other"
    }

    fn process(&mut self, flows: Flows<'_>, now: Instant) {
        self.0.process(flows, now);
    }

    fn is_open(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }
}

/// A layer that shows a part of its own.
struct WithPart(Numbered);

impl Layer for WithPart {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "with a part"
    }

    fn process(&mut self, flows: Flows<'_>, now: Instant) {
        self.0.process(flows, now);
    }

    fn is_open(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }

    fn find_part(&self, wanted: &mut dyn FnMut(TypeId) -> bool) -> Option<&dyn Any> {
        if wanted(TypeId::of::<Self>()) {
            return Some(self);
        }
        wanted(TypeId::of::<Numbered>()).then_some(&self.0)
    }
}

fn numbers(layer: &(impl Layer + 'static)) -> Vec<u32> {
    let parts = (0..).map_while(|nth| layer.nth_part::<Numbered>(nth));
    parts.map(|part| part.number).collect()
}

#[test]
fn parts_are_found_from_the_top_down_in_every_grouping() {
    let other = || Other(Numbered::new(7));
    let [one, two, three] = [1, 2, 3].map(Numbered::new);
    let left = one.over(other()).over(two).over(three);
    assert_eq!(numbers(&left), [1, 2, 3]);

    let [one, two, three] = [1, 2, 3].map(Numbered::new);
    let right = one.over(other().over(two.over(three)));
    assert_eq!(numbers(&right), [1, 2, 3]);
    assert!(right.part::<Other>().is_some());
    assert!(right.nth_part::<Other>(1).is_none());
    assert!(right.part::<Identity>().is_none());
}

#[test]
fn parts_are_found_in_boxes() {
    let inner: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(Numbered::new(2).over(Identity));
    let boxed: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(Numbered::new(1).over(inner));
    let mut engine = Engine::new(boxed);
    let numbered = |nth| engine.nth_part::<Numbered>(nth).map(|it| it.number);
    assert_eq!([0, 1, 2].map(numbered), [Some(1), Some(2), None]);
    engine.nth_part_mut::<Numbered>(1).unwrap().number = 9;
    engine.part_mut::<Numbered>().unwrap().number = 8;
    assert_eq!(numbers(engine.layer()), [8, 9]);
    assert!(engine.part::<Identity>().is_some());
    assert!(engine.nth_part_mut::<Numbered>(2).is_none());
    let shown: Vec<_> = engine.describe().iter().map(ToString::to_string).collect();
    let wanted = [
        "identity: open",
        "numbered: open (number 9)",
        "numbered: open (number 8)",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn parts_are_found_in_a_layer_that_is_chosen_later_once_it_is() {
    let later = Numbered::new(0).then(|_| Ok(Other(Numbered::new(7))));
    let mut engine = Engine::new(later);
    assert!(engine.part::<Other>().is_none());
    assert!(engine.part_mut::<Other>().is_none());
    engine.part_mut::<Numbered>().unwrap().number = 1;
    engine.process(Instant::ORIGIN);
    assert!(engine.part::<Other>().is_some());
}

#[test]
fn layers_are_found_by_their_index_from_the_wire_up() {
    let upper: Box<dyn Layer<In = Pipe, Out = Pipe>> = Box::new(Identity.over(Numbered::new(3)));
    let mut stack = upper.over(Numbered::new(2).over(Other(Numbered::new(1))));
    let number = |part: &dyn Any| part.downcast_ref::<Numbered>().map(|part| part.number);
    assert!(stack.layer_at(0).unwrap().is::<Other>());
    assert_eq!(
        [1, 2].map(|n| number(stack.layer_at(n).unwrap())),
        [Some(2), Some(3)]
    );
    assert!(stack.layer_at(3).unwrap().is::<Identity>());
    assert!(stack.layer_at(4).is_none() && stack.layer_at_mut(4).is_none());
    let part = stack.layer_at_mut(1).unwrap();
    part.downcast_mut::<Numbered>().unwrap().number = 9;
    assert_eq!(numbers(&stack), [3, 9]);

    // A part that is no layer of its own has no index.
    let stack = WithPart(Numbered::new(5)).over(Numbered::new(4));
    assert_eq!(numbers(&stack), [5, 4]);
    assert_eq!(number(stack.layer_at(0).unwrap()), Some(4));
    assert!(stack.layer_at(1).unwrap().is::<WithPart>());
    assert!(stack.layer_at(2).is_none());

    // A layer that is chosen later has its index once it is there.
    let later = Numbered::new(0).then(|_| Ok(Other(Numbered::new(7))));
    assert!(later.layer_at(0).unwrap().is::<Numbered>());
    assert!(later.layer_at(1).is_none());
}

#[test]
fn a_layer_with_a_part_of_its_own_has_one_index() {
    let tunnel = Tunnel::with_state("counter", 7_u32, async |_| Ok(()));
    let mut stack = Identity.over(tunnel).over(Numbered::new(1));
    assert_eq!(stack.part::<u32>(), Some(&7));
    assert!(stack.layer_at(0).unwrap().is::<Numbered>());
    assert!(stack.layer_at_mut(0).unwrap().is::<Numbered>());
    assert!(stack.layer_at(1).unwrap().is::<Tunnel<u32>>());
    assert!(stack.layer_at(2).unwrap().is::<Identity>());
}

#[test]
fn an_engine_drives_a_stack_that_is_lent_to_it() {
    let mut stack = Stack::new(Numbered::new(2), Numbered::new(1));
    let mut engine = Engine::new(&mut stack);
    engine.from_wire().write(b"hello");
    engine.process(Instant::ORIGIN);
    assert_eq!(engine.to_app().unread(), b"hello");
    assert_eq!(engine.layer().upper().unwrap().number, 1);
    drop(engine);
    assert_eq!(numbers(&stack), [1, 2]);
    assert!(stack.part::<Numbered>().unwrap().runs.get() > 0);

    let mut lower = Numbered::new(4);
    let mut engine = Engine::new(Numbered::new(3).over(&mut lower));
    engine.from_app().write(b"hello");
    engine.process(Instant::ORIGIN);
    assert_eq!(engine.to_wire().unread(), b"hello");
}

#[test]
fn reading_a_fact_does_not_make_the_stack_run_again() {
    let now = Instant::ORIGIN;
    let layer = Numbered::new(1);
    let runs = layer.runs.clone();
    let mut engine = Engine::new(layer);
    engine.process(now);
    assert_eq!(runs.get(), 1);
    assert!(engine.is_idle());

    assert_eq!(engine.part::<Numbered>().unwrap().number, 1);
    assert_eq!(engine.nth_part::<Numbered>(0).unwrap().number, 1);
    assert_eq!(engine.layer().number, 1);
    assert_eq!(engine.describe().len(), 1);
    assert!(engine.is_idle());
    engine.process(now);
    assert_eq!(runs.get(), 1);

    let decisions: [fn(&mut Engine<Numbered>); 3] = [
        |engine| engine.part_mut::<Numbered>().unwrap().number = 2,
        |engine| engine.nth_part_mut::<Numbered>(0).unwrap().number = 3,
        |engine| engine.layer_mut().number = 4,
    ];
    for (decided, decide) in decisions.into_iter().enumerate() {
        decide(&mut engine);
        assert!(!engine.is_idle());
        engine.process(now);
        assert_eq!(runs.get() as usize, 2 + decided);
    }
}

#[test]
fn bytes_that_were_transmitted_do_not_make_the_stack_run_again() {
    let now = Instant::ORIGIN;
    let layer = Numbered::new(1);
    let runs = layer.runs.clone();
    let mut engine = Engine::new(layer);
    engine.from_app().write(b"hello");
    assert!(engine.is_drained() && !engine.is_flushed());
    engine.process(now);
    assert!(!engine.is_drained() && !engine.is_flushed());
    let sent = engine.transmit(|to_wire| {
        let n = to_wire.len();
        to_wire.consume(n);
        n
    });
    assert_eq!(sent, 5);
    assert!(engine.is_drained() && engine.is_flushed() && engine.is_idle());
    engine.process(now);
    assert_eq!(runs.get(), 1);

    // The stack may have waited for room.
    engine.from_app().write(&vec![7; 100_000]);
    engine.process(now);
    assert_eq!(engine.to_wire().room(), 0);
    engine.transmit(|to_wire| to_wire.consume(1));
    assert!(!engine.is_idle());
}

#[test]
fn a_stack_that_does_not_open_in_time_says_what_it_waited_for() {
    let now = Instant::ORIGIN;
    let mut engine = Engine::new(Numbered::new(0));
    engine.set_open_timeout(Duration::from_secs(2), now);
    engine.process(now);
    assert!(!engine.is_idle());
    engine.process(now + Duration::from_secs(2));
    let Some(wirestack_layer::End::Aborted(error)) = engine.to_app().closed().cloned() else {
        panic!("it ended well");
    };
    let late = error.cause::<OpeningTimedOut>().unwrap();
    assert_eq!(
        late.to_string(),
        "not open after 2s: opening, waiting for a number"
    );
}

#[test]
fn the_neutral_layer_keeps_every_law() {
    let subject = Subject::tunnel("identity", || Identity, || Identity).same_bytes();
    wirestack_laws::check(&subject.largest(100_000).samples(10));
}

/// A lower layer that waits for a byte of its peer.
fn greeted() -> Tunnel {
    Tunnel::new("greeted", async |wire| {
        wire.read(1, "the greeting").await?;
        Ok(())
    })
}

fn aborted(flow: &impl Flow) -> &Error {
    match flow.end() {
        Some(End::Aborted(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_abort_does_not_wait_until_an_upper_layer_is_chosen() {
    let mut engine = Engine::new(greeted().then(|_| Ok(Identity)));
    engine.process(Instant::ORIGIN);
    engine.from_app().write(b"x");
    engine.from_app().abort(Error::local("app", "had enough"));
    engine.process(Instant::ORIGIN);
    assert_eq!(aborted(engine.to_wire()).to_string(), "app: had enough");
    assert_eq!(aborted(engine.to_app()).to_string(), "app[1]: had enough");
    assert!(engine.from_app().refused().is_some(), "a byte is lost");
    engine.from_wire().write(b"+");
    engine.process(Instant::ORIGIN);
    assert!(!engine.is_open() && engine.from_wire().is_empty());
}

#[test]
fn the_wire_ends_when_no_upper_layer_can_be_chosen() {
    let choose = |_: &mut Tunnel| Err(Error::local("choice", "none fits"));
    let mut engine = Engine::new(greeted().then::<Identity>(choose));
    engine.from_wire().write(b"+");
    engine.process(Instant::ORIGIN);
    assert_eq!(aborted(engine.to_app()).to_string(), "choice[1]: none fits");
    assert_eq!(
        aborted(engine.to_wire()).to_string(),
        "choice[1]: none fits"
    );
}

/// A tunnel that opens with the byte `+`.
fn gate() -> Tunnel {
    Tunnel::new("gate", async |wire| {
        match wire.read_array("a sign").await? {
            [b'+'] => Ok(()),
            _ => Err(Error::peer("gate", "closed")),
        }
    })
}

#[test]
fn a_layer_is_first_called_when_the_one_below_is_open_or_something_has_ended() {
    type Event = fn(&mut Engine<Stack<Tunnel, Numbered>>);
    let events: [(&str, Event); 6] = [
        ("it opens", |engine| engine.from_wire().write(b"+")),
        ("it fails", |engine| engine.from_wire().write(b"-")),
        ("the wire ends", |engine| engine.from_wire().finish()),
        ("the wire takes nothing", |engine| {
            engine.to_wire().stop(Error::peer("wire", "reset").into());
        }),
        ("the application has finished", |engine| {
            engine.from_app().finish();
        }),
        ("the application takes nothing", |engine| {
            engine.to_app().stop(Error::local("app", "enough").into());
        }),
    ];
    for (event, cause) in events {
        let upper = Numbered::new(1);
        let runs = upper.runs.clone();
        let mut engine = Engine::new(Stack::new(gate(), upper));
        engine.from_app().write(b"early");
        engine.process(Instant::ORIGIN);
        assert_eq!(runs.get(), 0, "before {event}");
        cause(&mut engine);
        engine.process(Instant::ORIGIN);
        assert!(runs.get() > 0, "when {event}");
    }
}
