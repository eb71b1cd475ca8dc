//! Decisions of the application, and the state that it shares with a layer.

use super::Side;
use wirestack_layer::{Error, Flow, Layer, LayerExt, Pipe, Progress, Tunnel};

/// A layer that waits for one letter from its application, and sends it.
fn asking() -> Tunnel {
    Tunnel::new("door", async |wire| {
        let answer = wire.decide("the guest", |state| state.pop()).await;
        wire.write([answer as u8]).await;
        Ok(())
    })
}

#[test]
fn a_decision_parks_the_layer_and_is_made_in_its_state() {
    let mut side = Side::new(asking());
    side.receive("parked");
    assert_eq!(side.layer.progress(), Progress::Deciding("the guest"));
    assert_eq!(side.from_wire.len(), 6);
    let layer: &mut (dyn Layer<In = Pipe, Out = Pipe> + 'static) = &mut side.layer;
    (*layer).part_mut::<Tunnel>().unwrap().state_mut().push('y');
    assert_eq!((*layer).part_mut::<String>().unwrap(), "y");
    assert!((*layer).nth_part::<String>(1).is_none() && (*layer).part_mut::<u8>().is_none());
    side.process();
    assert_eq!((&*side.sent(), &*side.delivered()), ("y", "parked"));
}

#[test]
fn a_decision_is_made_although_the_wire_has_no_room() {
    let mut side = Side::new(asking());
    side.process();
    side.to_wire.set_limit(0);
    side.layer.state_mut().push('y');
    side.process();
    assert_ne!(side.layer.progress(), Progress::Deciding("the guest"));
    side.to_wire.set_limit(1);
    side.process();
    assert_eq!(&*side.sent(), "y");
}

#[test]
fn a_state_is_found_in_a_layer_that_is_lent() {
    let mut side = Side::new(asking());
    side.layer.state_mut().push('y');
    let layer: &(dyn Layer<In = Pipe, Out = Pipe> + 'static) = &side.layer;
    assert_eq!((*layer).part::<String>().unwrap(), "y");
    assert!((*layer).part::<Tunnel>().is_some() && (*layer).part::<u8>().is_none());
}

/// Each write uses up the room for its own bytes, and not once more that for the bytes before them.
#[test]
fn all_is_written_at_once_that_there_is_room_for() {
    let mut side = Side::new(Tunnel::new("writer", async |wire| {
        for _ in 0..4 {
            wire.write([7; 15_000]).await;
        }
        Ok(())
    }));
    side.process();
    assert_eq!(side.to_wire.len(), 60_000);
    assert!(side.layer.is_open());
}

#[test]
fn an_abort_passes_while_the_application_decides() {
    let mut side = Side::new(asking());
    side.process();
    side.from_wire.abort(Error::peer("socket", "reset"));
    side.process();
    assert_eq!(side.layer.progress(), Progress::Over);
}
