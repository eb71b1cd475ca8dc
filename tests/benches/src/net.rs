//! The transport below the WebSocket, and the direction of its messages.

/// The transport below the WebSocket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Net {
    /// TCP alone.
    Tcp,
    /// TLS 1.3 over TCP.
    Tls,
}

impl Net {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Tcp, Self::Tls];

    /// Returns its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Returns the one with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|net| net.name() == name)
    }
}

/// The direction of the messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From client to server, masked.
    Up,
    /// From server to client.
    Down,
}

impl Direction {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Up, Self::Down];

    /// Returns its name in the tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Up => "to the server",
            Self::Down => "to the client",
        }
    }
}
