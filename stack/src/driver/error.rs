//! The errors of the driver, and randomness from the system.

use super::runtime::NoRuntime;
use std::io;
use wirestack_dial::SeedStream;
use wirestack_layer::{Error, Place, Seed, origin};

/// Converts an error of the transport. A transport that is itself made of layers, such as a stream
/// of an HTTP/2 connection, has an error of a layer already.
pub(crate) fn socket(error: io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => error,
        Err(error) => Error::peer(origin::WIRE, error).at(Place::Wire),
    }
}

/// Returns `true` if an error of the transport is a reset by the peer.
pub(crate) fn is_reset(error: &Error) -> bool {
    let kind = error.cause::<io::Error>().map(io::Error::kind);
    kind == Some(io::ErrorKind::ConnectionReset)
}

/// Converts an error for the stream traits. It has the kind of the transport's error, if there is
/// one.
pub(crate) fn to_io(error: &Error) -> io::Error {
    let kind = error
        .cause::<io::Error>()
        .map_or(io::ErrorKind::ConnectionAborted, io::Error::kind);
    io::Error::new(kind, error.clone())
}

/// The error of a call that found no runtime.
pub(crate) fn no_runtime_error(cause: NoRuntime) -> Error {
    Error::local(origin::RUNTIME, cause)
}

/// Returns the seeds for one dialing, which draw from the system if a layer needs one.
pub(crate) fn seeds() -> SeedStream {
    SeedStream::drawn_by(seed)
}

/// Draws a seed for one connection from the system's random numbers.
///
/// # Panics
///
/// If the system has no random numbers: without them no key may be made.
pub(crate) fn seed() -> Seed {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("random numbers from the system");
    Seed::new(bytes)
}
