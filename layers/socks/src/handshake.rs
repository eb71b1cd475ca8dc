//! What the handshakes of both sides have in common.

use crate::wire::{self, Fields, Unparsed};
use crate::{NAME, SocksError};
use wirestack_layer::{Error, Parsed, ReadError, Wire};

/// Reads one message and leaves what is behind it to whom it may concern.
pub(crate) async fn read<S: 'static, T>(
    wire: &Wire<S>,
    awaited: &'static str,
    mut parse: impl FnMut(&mut Fields<'_>) -> wire::Parsed<T>,
) -> Result<T, Error> {
    let message = wire.read_with(awaited, |unread| {
        let mut fields = Fields::new(awaited, unread);
        match parse(&mut fields) {
            Ok(parsed) => Ok(Parsed::Complete(fields.len(), parsed)),
            Err(Unparsed::Short(needed)) => Ok(Parsed::Partial(needed)),
            Err(Unparsed::Wrong(cause)) => Err(cause),
        }
    });
    message.await.map_err(|error| match error.cause() {
        Some(&ReadError::Truncated { awaited, seen }) => {
            refuse(SocksError::Truncated { awaited, seen })
        }
        _ => error,
    })
}

/// Returns the error of a peer that breaks the protocol, or refuses.
pub(crate) fn refuse(cause: SocksError) -> Error {
    Error::peer(NAME, cause)
}
