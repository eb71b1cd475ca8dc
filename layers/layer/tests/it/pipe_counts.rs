//! What a pipe counts: its revision, the bytes that ever went in, and what its reader requires.

use wirestack_layer::{End, Error, Flow, Pipe};

/// A change of a pipe.
type Change = fn(&mut Pipe);

/// The changes of a pipe that is new, or has five bytes.
const CHANGES: &[(&str, Change)] = &[
    ("write", |pipe| pipe.write(b"x")),
    ("push", |pipe| pipe.push(vec![7; 5000].into())),
    ("finish", |pipe| pipe.finish()),
    ("abort", |pipe| pipe.abort(Error::peer("test", "broken"))),
    ("stop", |pipe| pipe.refuse(Error::peer("test", "enough"))),
    ("transfer to it", |pipe| {
        let mut from = Pipe::new();
        from.write(b"x");
        from.transfer_all_to(pipe);
    }),
    ("prepend to it", |pipe| {
        let mut from = Pipe::new();
        from.write(b"x");
        from.prepend_to(pipe);
    }),
    ("require more than its limit", |pipe| {
        pipe.require((64 << 10) + 1)
    }),
];

/// The changes of a pipe that has five bytes.
const READS: &[(&str, Change)] = &[
    ("consume", |pipe| pipe.consume(1)),
    ("take", |pipe| _ = pipe.take(1)),
    ("reclaim", |pipe| pipe.reclaim(5)),
    ("discard", |pipe| pipe.discard()),
    ("transfer from it", |pipe| {
        pipe.transfer_up_to(&mut Pipe::new(), 1)
    }),
    ("prepend it", |pipe| pipe.prepend_to(&mut Pipe::new())),
];

const NO_CHANGES: &[(&str, Change)] = &[
    ("write of nothing", |pipe| pipe.write(b"")),
    ("consume of nothing", |pipe| pipe.consume(0)),
    ("take of nothing", |pipe| _ = pipe.take(0)),
    ("reclaim of nothing", |pipe| pipe.reclaim(0)),
    ("require within its limit", |pipe| pipe.require(64 << 10)),
    ("unread", |pipe| _ = pipe.unread()),
    ("transfer of nothing to it", |pipe| {
        Pipe::new().transfer_all_to(pipe)
    }),
    ("transfer of nothing from it", |pipe| {
        pipe.transfer_up_to(&mut Pipe::new(), 0)
    }),
];

fn with_bytes() -> Pipe {
    let mut pipe = Pipe::new();
    pipe.write(b"hello");
    pipe
}

#[test]
fn every_change_is_another_revision_and_nothing_else_is() {
    let assert_changes = |name: &str, mut pipe: Pipe, change: Change, changes: bool| {
        let before = pipe.revision();
        change(&mut pipe);
        assert_eq!(pipe.revision() != before, changes, "{name}");
    };
    for (name, change) in CHANGES {
        assert_changes(name, Pipe::new(), *change, true);
        assert_changes(name, with_bytes(), *change, true);
    }
    for (name, change) in READS {
        assert_changes(name, with_bytes(), *change, true);
    }
    for (name, change) in NO_CHANGES {
        assert_changes(name, Pipe::new(), *change, false);
        assert_changes(name, with_bytes(), *change, false);
    }
}

/// A layer that requires the same at each call must not look as if it had moved something.
#[test]
fn what_was_required_before_is_no_change() {
    let mut pipe = Pipe::with_limit(10);
    assert_eq!((pipe.room(), pipe.wanted()), (10, 0));
    pipe.require(20);
    let before = pipe.revision();
    pipe.require(20);
    pipe.require(15);
    assert_eq!(pipe.revision(), before);
    pipe.write(b"abc");
    assert_eq!((pipe.required(), pipe.wanted(), pipe.room()), (20, 17, 17));
    pipe.write(&[0; 20]);
    assert_eq!((pipe.wanted(), pipe.room()), (0, 0));
    pipe.consume(0);
    pipe.reclaim(0);
    assert_eq!(pipe.required(), 20, "nothing was read");
    pipe.consume(1);
    assert_eq!((pipe.required(), pipe.room()), (0, 0));
    assert_eq!(Pipe::new().room(), 64 << 10);
}

#[test]
fn the_total_is_what_ever_went_in() {
    let mut pipe = Pipe::new();
    pipe.write(b"hello");
    pipe.write(b", world");
    pipe.push(vec![7; 5000].into());
    pipe.consume(100);
    pipe.fill(|buffer| buffer.extend_from_slice(b"x"));
    let mut from = with_bytes();
    from.transfer_up_to(&mut pipe, 3);
    assert_eq!(pipe.total(), 5 + 7 + 5000 + 1 + 3);
}

#[test]
fn a_reader_in_the_middle_of_a_unit_learns_why_it_was_interrupted() {
    let mut pipe = with_bytes();
    assert!(
        pipe.truncation("test", "half a unit").is_none(),
        "more may come"
    );
    pipe.finish();
    let error = pipe.truncation("test", "half a unit").expect("an end");
    assert_eq!(error.to_string(), "test: half a unit");
    let mut pipe = with_bytes();
    pipe.close(End::Aborted(Error::peer("socket", "reset")));
    let error = pipe.truncation("test", "half a unit").expect("an end");
    assert_eq!(error.to_string(), "socket: reset");
}
