//! Conversations under pressure: wires that are full, applications that never read, large units that
//! arrive in many pieces.

use crate::laws::{items, most, stuck};
use crate::link::{Cutting, reset};
use crate::side::Role;
use crate::world::{Setting, Talk, World};
use crate::{Subject, Traffic};
use wirestack_layer::Flow;

/// How a side ends whose wire is full.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// Its peer breaks the protocol.
    Fault,
    /// Its application finishes, and gives up waiting.
    Finish,
    /// Its wire breaks.
    Break,
}

/// Ends a side that owes its peer answers and has no room for them: nothing may follow its end once there
/// is room again.
pub(crate) fn full_wires<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    for limit in &subject.limits {
        for from in [Role::Client, Role::Server] {
            for ending in [Ending::Fault, Ending::Finish, Ending::Break] {
                let what = format!("the wire of the {from:?} is full ({ending:?})");
                let mut world = World::new(subject, Setting::whole(*limit), what);
                world.settle();
                world.ways[from as usize].stalled = true;
                world.send(from, &(subject.sample)(2 * limit + 1000));
                world.settle();
                for side in [&mut world.client, &mut world.server] {
                    side.poke();
                }
                world.settle();
                match ending {
                    Ending::Fault => {
                        let side = world.side(from);
                        if !side.from_wire.is_closed() {
                            side.from_wire.write(&JUNK);
                        }
                        world.settle();
                    }
                    Ending::Finish => world.wind_up(),
                    Ending::Break => {
                        world.side(from).from_wire.abort(reset());
                        world.settle();
                    }
                }
                world.ways[from as usize].stalled = false;
                world.settle();
                world.hang_up();
            }
        }
    }
}

/// Ends connections whose applications have read nothing at all.
pub(crate) fn deaf_applications<F: Traffic>(subject: &Subject<F>) {
    let items = items(subject);
    for limit in &subject.limits {
        for poked in [false, true] {
            let what = format!("the applications never read (pokes: {poked})");
            let mut world = World::new(subject, Setting::whole(*limit), what);
            world.client.reads = false;
            world.server.reads = false;
            for _ in 0..3 {
                world.send(Role::Client, &items);
                world.send(Role::Server, &items);
                if poked {
                    world.client.poke();
                    world.server.poke();
                }
                world.settle();
            }
            world.wind_up();
            world.break_wires();
            world.client.reads = true;
            world.server.reads = true;
            world.hang_up();
        }
    }
}

/// Sends messages larger than every limit through links that cut them into many pieces: copying all of
/// it for each piece would take minutes.
pub(crate) fn large_units_in_pieces<F: Traffic>(subject: &Subject<F>) {
    if subject.refused {
        return;
    }
    let large = (subject.sample)(subject.largest);
    for size in [1000, 5000] {
        let setting = Setting::cut(most(subject), Cutting::Chunks(size));
        let mut world = World::new(subject, setting, "a large message in pieces");
        Talk::Turns.hold(&mut world, &large);
        stuck(&world);
    }
}

/// Bytes that begin no message of any protocol here.
const JUNK: [u8; 64] = [0xff; 64];
