//! The parts that the handshakes of both sides share.

use crate::SocksError;
use crate::wire::fields::{self, Fields, Unparsed};
use wirestack_layer::{Error, Parsed, ReadError, Wire};

/// The name of both layers, in errors and traces.
pub(crate) const NAME: &str = "socks";

/// Reads one message, and no byte behind it.
pub(crate) async fn read<S: 'static, T>(
    wire: &Wire<S>,
    awaited: &'static str,
    mut parse: impl FnMut(&mut Fields<'_>) -> fields::Parsed<T>,
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

/// Creates the error of a peer that breaks the protocol, or refuses.
pub(crate) fn refuse(cause: SocksError) -> Error {
    Error::peer(NAME, cause)
}
