//! What every driver has from the system: entropy, and errors.

use crate::{Error, Place, Seed};
use std::io;

/// An error of the transport below every layer. A transport that is itself made of layers tells its
/// own.
pub(super) fn socket(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::peer("wire", error).at(Place::Wire),
    }
}

/// Wraps an error for the traits of bytes: the wire's own kind if it was the wire, the text as it is.
pub(super) fn to_io(error: &Error) -> io::Error {
    let kind = error
        .cause::<io::Error>()
        .map_or(io::ErrorKind::ConnectionAborted, io::Error::kind);
    io::Error::new(kind, error.clone())
}

/// Randomness for one connection, from the system.
///
/// # Panics
///
/// If the system has none to give: nothing that needs keys may go on then.
pub(super) fn seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system's entropy");
    Seed::new(bytes)
}
