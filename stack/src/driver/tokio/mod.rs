//! The driver on tokio.

mod bytes;
mod connection;
mod messages;
mod shared;

pub use connection::{Connection, Ended};
pub use messages::Closed;
pub use shared::{Handle, Reader, Writer};

use crate::Error;
use connection::now;
use std::io;

/// An error of the transport below every layer.
fn socket(error: io::Error) -> Error {
    Error::peer("wire", error).at(crate::Place::Wire)
}
