//! A reader that wants no more: the writer learns it, and what it writes is thrown away.

use wirestack_layer::{ByteSize, End, Error, Flow, Flows, Pipe, Queue};

fn error(text: &'static str) -> Error {
    Error::peer("test", text)
}

fn stop_of(flow: &impl Flow) -> Option<String> {
    flow.stopped().map(ToString::to_string)
}

#[test]
fn waiting_bytes_stay_and_new_ones_are_thrown_away() {
    let mut pipe = Pipe::new();
    pipe.write(b"before");
    let before = pipe.revision();
    pipe.stop(error("enough").into());
    pipe.stop(error("again").into());
    assert_eq!(pipe.revision(), before + 1);
    assert_eq!(stop_of(&pipe).unwrap(), "test: enough");
    pipe.write(b"small");
    pipe.push(vec![0; 100_000].into());
    assert_eq!(pipe.unread(), b"before");
    assert_eq!(pipe.total(), 6);
    assert_eq!(pipe.revision(), before + 1);
    pipe.finish();
    assert!(pipe.is_closed());
    pipe.discard();
    assert!(matches!(pipe.end(), Some(End::Finished)));
}

#[test]
fn lost_bytes_are_told_apart_from_unwanted_ones() {
    let mut pipe = Pipe::new();
    pipe.write(b"taken");
    pipe.stop(error("enough").into());
    pipe.discard();
    assert!(pipe.stopped().is_some() && pipe.refused().is_none());
    let before = pipe.revision();
    pipe.lose(error("broken"));
    pipe.lose(error("again"));
    assert_eq!(pipe.refused().unwrap().to_string(), "test: enough");
    assert_eq!(pipe.revision(), before + 1);
    // A flow that feeds a stopped one is stopped too; its bytes are lost if some wait.
    for waits in [false, true] {
        let (mut from, mut to) = (Pipe::new(), Pipe::new());
        to.stop(error("enough").into());
        from.write(&b"waits"[..if waits { 5 } else { 0 }]);
        from.transfer_to(&mut to);
        assert!(from.stopped().is_some() && from.is_empty());
        assert_eq!(from.refused().is_some(), waits);
    }
}

#[test]
fn a_reader_that_refuses_loses_what_waits_and_nothing_else() {
    for waits in [false, true] {
        let mut pipe = Pipe::new();
        pipe.write(&b"waits"[..if waits { 5 } else { 0 }]);
        pipe.refuse(error("no"));
        assert!(pipe.is_empty());
        assert_eq!(stop_of(&pipe).unwrap(), "test: no");
        assert_eq!(pipe.refused().is_some(), waits);
    }
}

#[test]
fn a_stop_that_loses_bytes_later_tells_the_flow_that_feeds_it() {
    let (mut from, mut to) = (Pipe::new(), Pipe::new());
    to.stop(error("enough").into());
    from.stop_with(&to);
    assert!(from.stopped().is_some() && from.refused().is_none());
    let before = from.revision();
    from.stop_with(&to);
    assert_eq!(from.revision(), before);
    to.lose(error("broken"));
    from.stop_with(&to);
    assert_eq!(from.refused().unwrap().to_string(), "test: enough");
    let before = from.revision();
    from.stop_with(&to);
    assert_eq!(from.revision(), before);
}

#[test]
fn a_queue_stops_as_a_pipe_does() {
    #[derive(Debug)]
    struct Item;
    impl ByteSize for Item {
        fn byte_size(&self) -> usize {
            10
        }
    }
    let mut queue = Queue::default();
    queue.push(Item);
    queue.stop(error("enough").into());
    queue.push(Item);
    assert_eq!((queue.len(), queue.byte_size()), (1, 10));
    queue.refuse(error("again"));
    assert_eq!(stop_of(&queue).unwrap(), "test: enough");
    assert!(Flow::is_empty(&queue));
}

#[test]
fn a_tunnel_passes_stops_back_and_ends_on() {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    to_wire.write(b"in the way");
    from_app.write(b"lost");
    from_app.finish();
    from_wire.write(b"heard");
    to_wire.lose(error("broken"));
    Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app).pass_through();
    assert_eq!(stop_of(&from_app).unwrap(), "test: broken");
    assert!(from_app.is_empty() && to_wire.is_empty());
    assert!(matches!(to_wire.end(), Some(End::Finished)));
    assert_eq!(to_app.unread(), b"heard");
    assert!(stop_of(&from_wire).is_none());
    to_app.refuse(error("gone"));
    from_wire.write(b"nobody reads this");
    Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app).pass_through();
    assert_eq!(stop_of(&from_wire).unwrap(), "test: gone");
    assert!(from_wire.is_empty() && to_app.is_empty());
}

#[test]
fn a_joint_that_dissolves_hands_its_stop_over() {
    let (mut joint, mut wire) = (Pipe::new(), Pipe::new());
    joint.write(b"1");
    joint.stop(error("enough").into());
    wire.write(b"2");
    joint.prepend_to(&mut wire);
    assert_eq!(wire.unread(), b"12");
    assert_eq!(stop_of(&wire).unwrap(), "test: enough");
    let (mut joint, mut wire) = (Pipe::new(), Pipe::new());
    joint.write(b"1");
    wire.stop(error("broken").into());
    joint.transfer_all_to(&mut wire);
    assert!(joint.is_empty() && wire.is_empty());
}
