//! The contestants, with their measurements.

mod floor;
mod peers;
mod raw;
mod wirestack;

pub(crate) use peers::Messages;
pub(crate) use wirestack::{client as open_client, server as open_server};

use crate::conditions::{Direction, Net};
use crate::contestant::{Kind, Peer};
use crate::{echo, memory, stream};

/// A contestant as the command line and the tables see it: a name and its measurements.
#[derive(Clone, Copy)]
pub(crate) struct Contestant {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Its part in the comparison.
    pub(crate) kind: Kind,
    /// One echo measurement with messages of this size: CPU microseconds a message.
    pub(crate) echo: fn(usize) -> f64,
    /// One streaming measurement: CPU microseconds a message.
    pub(crate) stream: fn(Net, Direction, usize) -> f64,
    /// The server's part of a memory measurement, in a process of its own.
    pub(crate) memory_server: fn(Net, usize),
    /// The client's part of a memory measurement, in a process of its own.
    pub(crate) memory_client: fn(Net, usize, u16),
}

impl Contestant {
    /// Every contestant. The first is the one that all others are compared with.
    pub(crate) const ALL: &[Self] = &[
        Self::of::<raw::Raw>(),
        Self::of::<floor::Floor>(),
        Self::of::<wirestack::Wirestack>(),
        Self::of::<peers::Tungstenite>(),
        Self::of::<peers::FastWebSockets>(),
        Self::of::<peers::TokioWebSockets>(),
        Self::of::<peers::Yawc>(),
        Self::of::<peers::SockudoWs>(),
    ];

    const fn of<P: Peer>() -> Self {
        Self {
            name: P::NAME,
            kind: P::KIND,
            echo: echo::run::<P>,
            stream: stream::run::<P>,
            memory_server: memory::server::<P>,
            memory_client: memory::client::<P>,
        }
    }

    /// Returns the contestant of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|c| c.name == name).copied()
    }
}
