//! The first bytes of a peer, which may speak another protocol.

use crate::error::Http2Error;
use wirestack_layer::{FirstBytes, Flow, Pipe, SeenProtocol};

/// The check that the first bytes of the peer are not those of another protocol. The errors of h2
/// would not tell its name.
pub(crate) struct FirstBytesCheck {
    /// The protocol that they must be, until they are in.
    wanted: Option<SeenProtocol>,
}

impl FirstBytesCheck {
    /// Begins before the preface of a client.
    pub(crate) fn of_client() -> Self {
        let wanted = Some(SeenProtocol::Http2Preface);
        Self { wanted }
    }

    /// Begins before the first frame of a server.
    pub(crate) fn of_server() -> Self {
        let wanted = Some(SeenProtocol::Http2Settings);
        Self { wanted }
    }

    /// Returns `true` once h2 may read them.
    pub(crate) fn is_done(&self) -> bool {
        self.wanted.is_none()
    }

    /// Checks the bytes that are there, or requires more.
    pub(crate) fn check(&mut self, from_wire: &mut Pipe) -> Result<(), Http2Error> {
        if let Some(wanted) = self.wanted
            && !from_wire.is_empty()
        {
            let ended = from_wire.is_closed();
            match FirstBytes::read(from_wire.unread(), ended) {
                Ok(seen) if seen.protocol().is_some_and(|seen| seen != wanted) => {
                    return Err(Http2Error::NotHttp2(seen));
                }
                Ok(_) => self.wanted = None,
                Err(needed) => from_wire.require(needed),
            }
        }
        Ok(())
    }
}

/// Returns the cause for a peer whose first frame begins with these bytes, and is no SETTINGS frame.
pub(crate) fn not_settings(bytes: &[u8]) -> Http2Error {
    let seen = FirstBytes::read(bytes, true);
    seen.map_or(Http2Error::Truncated, Http2Error::NotHttp2)
}
