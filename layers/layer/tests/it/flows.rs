//! The four flows of a layer together.

use wirestack_layer::{End, Error, Flow, Flows, HostPort, Pipe};

#[test]
fn an_error_of_a_layer_ends_both_directions_and_tells_its_place() {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_wire.write(b"unread");
    let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
    flows.at_index(3).fail(Error::peer("test", "no"));
    let Some(End::Aborted(error)) = to_app.closed() else {
        panic!("the application hears nothing");
    };
    assert_eq!(error.to_string(), "test[3]: no");
    assert!(matches!(to_wire.closed(), Some(End::Finished)));
    assert!(from_wire.is_empty() && from_wire.refused().is_some());
    assert!(from_app.stopped().is_some() && from_app.refused().is_none());
}

#[test]
fn a_layer_that_is_over_reads_neither_side() {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    from_wire.write(b"wire");
    from_app.write(b"app");
    Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app).discard();
    assert!(from_wire.is_empty() && from_app.is_empty());
    assert!(to_wire.is_empty() && to_app.is_empty());
}

#[test]
fn an_application_is_stopped_when_nothing_can_leave() {
    let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
    to_wire.stop(Error::peer("test", "broken").into());
    from_wire.write(b"still read");
    Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app).propagate_stop();
    let error = from_app.stopped().expect("a stop");
    assert_eq!(error.to_string(), "test: broken");
    assert_eq!(from_wire.unread(), b"still read");
}

#[test]
fn each_move_in_any_flow_makes_another_revision() {
    let mut pipes = <[Pipe; 4]>::default();
    let mut seen = Vec::new();
    for moved in [0, 0, 1, 2, 3, 1] {
        pipes[moved].write(b"x");
        let [from_wire, to_wire, from_app, to_app] = &mut pipes;
        seen.push(Flows::new(from_wire, to_wire, from_app, to_app).revision());
    }
    assert!(seen.is_sorted_by(|one, next| one < next), "{seen:?}");
}

#[test]
fn a_host_and_its_port_are_kept_apart() {
    let both = HostPort::new("example.org", 443);
    assert_eq!((both.host(), both.port()), ("example.org", 443));
}
