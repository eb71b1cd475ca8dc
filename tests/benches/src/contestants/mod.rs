//! The contestants, with their measurements.

mod floor;
mod peers;
mod raw;
mod wirestack;

pub(crate) use peers::{Messages, YawcConn};
pub(crate) use raw::Raw;
pub(crate) use wirestack::{client as open_client, server as open_server};

use crate::contestant::{Kind, Peer};
use crate::echo::{Asker, Echoer};
use crate::loopback::both_ends;
use crate::net::{Direction, Net};
use crate::stream::End;
use crate::{connections, idle};

/// A contestant as the rows see it: a name and its work.
#[derive(Clone, Copy)]
pub(crate) struct Contestant {
    /// Its name in the tables.
    pub(crate) name: &'static str,
    /// Its part in the comparison.
    pub(crate) kind: Kind,
    /// Echoes messages: their size and their number.
    pub(crate) echo: fn(Net, usize, usize),
    /// Sends messages one way: their size and their number.
    pub(crate) stream: fn(Net, Direction, usize, usize),
    /// Echoes a message on each of so many connections, so many times.
    pub(crate) connections: fn(usize, usize),
    /// The server's part of a measurement of memory, in a process of its own.
    pub(crate) memory_server: fn(Net, usize),
    /// The client's part of a measurement of memory, in a process of its own.
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
            echo: |net, size, messages| {
                both_ends::<P, _, _>(net, size, Asker { size, messages }, Echoer);
            },
            stream: |net, direction, size, messages| {
                let [client, server] = End::both(direction, size, messages);
                both_ends::<P, _, _>(net, size, client, server);
            },
            connections: connections::echo::<P>,
            memory_server: idle::server::<P>,
            memory_client: idle::client::<P>,
        }
    }

    /// Returns the contestant of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|c| c.name == name).copied()
    }
}
