//! Errors of the driver, and entropy from the system.

use super::runtime::NoRuntime;
use std::io;
use wirestack_layer::{Error, Place, Seed, origin};

/// Makes an error of the transport below every layer. A transport that is made of layers itself has its
/// own.
pub(crate) fn socket(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::peer(origin::WIRE, error).at(Place::Wire),
    }
}

/// Returns whether an error of the transport is a reset.
pub(crate) fn is_reset(error: &Error) -> bool {
    let kind = error.cause::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::ConnectionReset)
}

/// Wraps an error for the traits of bytes: with the kind of the wire's error if there is one.
pub(crate) fn to_io(error: &Error) -> io::Error {
    let kind = error
        .cause::<io::Error>()
        .map_or(io::ErrorKind::ConnectionAborted, io::Error::kind);
    io::Error::new(kind, error.clone())
}

/// There is no runtime where one is needed.
pub(crate) fn none_here(none: NoRuntime) -> Error {
    Error::local(origin::RUNTIME, none)
}

/// Draws randomness for one connection from the system.
///
/// # Panics
///
/// If the system has none to give: nothing that needs keys may go on then.
pub(crate) fn seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system's entropy");
    Seed::new(bytes)
}
