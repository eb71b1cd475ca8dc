//! The conversations that every protocol carries.

use crate::role::Role::{Client, Server};
use crate::simulation::Simulation;
use crate::traffic::Traffic;
use std::fmt;

/// An order in which the client and the server send and finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversation {
    /// The client sends and finishes, then the server answers. Without half-close, the client
    /// finishes behind the answer.
    Turns,
    /// The server sends first.
    Greeting,
    /// Both send at the same time.
    Both,
    /// The client finishes at once, and nobody sends anything.
    Silence,
    /// The server finishes first.
    ServerEnds,
}

impl Conversation {
    pub(crate) const ALL: [Self; 5] = [
        Self::Turns,
        Self::Greeting,
        Self::Both,
        Self::Silence,
        Self::ServerEnds,
    ];

    /// Holds the conversation to its end.
    pub(crate) fn hold<F: Traffic>(self, simulation: &mut Simulation<'_, F>, items: &[F::Item]) {
        let half = simulation.half_closes();
        match self {
            Self::Turns if half => {
                simulation.send(Client, items);
                simulation.finish(Client);
                simulation.settle();
                simulation.send(Server, items);
            }
            Self::Turns => {
                simulation.send(Client, items);
                simulation.settle();
                simulation.send(Server, items);
            }
            Self::Greeting => {
                simulation.send(Server, items);
                simulation.settle();
                simulation.send(Client, items);
            }
            Self::Both => {
                simulation.send(Client, items);
                simulation.send(Server, items);
                if half {
                    simulation.finish(Client);
                    simulation.finish(Server);
                }
            }
            Self::Silence => simulation.finish(Client),
            Self::ServerEnds => {
                simulation.send(Client, items);
                simulation.send(Server, items);
                simulation.settle();
                simulation.finish(Server);
            }
        }
        simulation.settle();
        simulation.finish(Client);
        simulation.settle();
        simulation.wind_up();
    }
}

impl fmt::Display for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a conversation ({self:?})")
    }
}
