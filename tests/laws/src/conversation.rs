//! Conversations that a protocol has to carry.

use crate::role::Role::{Client, Server};
use crate::traffic::Traffic;
use crate::world::World;
use std::fmt;

/// Who says what, in which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    /// The client sends and finishes, and the server answers only then; or, where the end of one
    /// direction ends both, before the client finishes.
    Turns,
    /// The server speaks at once.
    Greeting,
    /// Both speak at once.
    Both,
    /// The client finishes at once, and nobody says anything.
    Silence,
    /// The server finishes first.
    ServerEnds,
}

impl Talk {
    pub(crate) const ALL: [Self; 5] = [
        Self::Turns,
        Self::Greeting,
        Self::Both,
        Self::Silence,
        Self::ServerEnds,
    ];

    /// Holds the conversation to its end.
    pub(crate) fn hold<F: Traffic>(self, world: &mut World<'_, F>, items: &[F::Item]) {
        let half = world.half_closes();
        match self {
            Self::Turns if half => {
                world.send(Client, items);
                world.finish(Client);
                world.settle();
                world.send(Server, items);
            }
            Self::Turns => {
                world.send(Client, items);
                world.settle();
                world.send(Server, items);
            }
            Self::Greeting => {
                world.send(Server, items);
                world.settle();
                world.send(Client, items);
            }
            Self::Both => {
                world.send(Client, items);
                world.send(Server, items);
                if half {
                    world.finish(Client);
                    world.finish(Server);
                }
            }
            Self::Silence => world.finish(Client),
            Self::ServerEnds => {
                world.send(Client, items);
                world.send(Server, items);
                world.settle();
                world.finish(Server);
            }
        }
        world.settle();
        world.finish(Client);
        world.settle();
        world.wind_up();
    }
}

impl fmt::Display for Talk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a conversation ({self:?})")
    }
}
