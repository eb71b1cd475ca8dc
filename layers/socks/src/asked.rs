use crate::{Address, Command, Request};
use core::fmt;

/// A request, and the decisions of the application on it.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The address that was bound for it, once it is accepted.
    pub(crate) bound: Option<Address>,
    /// The peer that has connected, if the request is BIND.
    pub(crate) peer: Option<Address>,
}

impl Asked {
    /// Returns `true` while the peer of a BIND may connect.
    pub(crate) fn wants_peer(&self) -> bool {
        self.request.command == Command::Bind && self.bound.is_some() && self.peer.is_none()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.request.target;
        match (self.request.command, &self.peer) {
            (Command::Bind, Some(peer)) => write!(f, "connected from {peer}")?,
            (Command::UdpAssociate, _) => write!(f, "datagrams from {target}")?,
            _ => write!(f, "connected to {target}")?,
        }
        match &self.bound {
            Some(bound) => write!(f, ", bound {bound}"),
            None => Ok(()),
        }
    }
}
