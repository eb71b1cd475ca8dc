//! How the handshakes of both sides take messages, stop, and end.

use crate::wire::{Fields, Unparsed};
use crate::{Cause, NAME};
use wirestack_layer::{End, Error, Flow, Pipe, Ports};

/// Why a handshake does not go on now.
pub(crate) enum Stop {
    /// Something has to come first: bytes, room to answer them, a decision.
    Wait,
    /// It cannot succeed any more.
    Fail(Error),
    /// It has failed before.
    Over,
}

impl From<Cause> for Stop {
    fn from(cause: Cause) -> Self {
        Self::Fail(Error::peer(NAME, cause))
    }
}

impl Stop {
    /// Does what is left to do for now, and returns whether the layer is over.
    pub(crate) fn settle(self, ports: &mut Ports<'_>) -> bool {
        match self {
            Self::Wait => return ports.heed_aborts(),
            Self::Fail(error) => ports.fail(error),
            Self::Over => ports.discard(),
        }
        true
    }
}

/// Takes one message off the wire and leaves what is behind it to whom it may concern.
pub(crate) fn take<T>(
    from_wire: &mut Pipe,
    awaited: &'static str,
    parse: impl FnOnce(&mut Fields<'_>) -> Result<T, Unparsed>,
) -> Result<T, Stop> {
    let mut fields = Fields::new(awaited, from_wire.unread());
    match parse(&mut fields) {
        Ok(parsed) => {
            let read = fields.len();
            from_wire.consume(read);
            Ok(parsed)
        }
        Err(Unparsed::Wrong(cause)) => Err(cause.into()),
        Err(Unparsed::Short(needed)) => match from_wire.closed() {
            Some(End::Finished) => {
                let seen = from_wire.len();
                Err(Cause::Truncated { awaited, seen }.into())
            }
            _ => {
                from_wire.require(needed);
                Err(Stop::Wait)
            }
        },
    }
}
