//! Compression: permessage-deflate (RFC 7692).

mod codec;
mod negotiation;
mod pool;
mod settings;

pub(crate) use codec::{Deflater, Inflater, Step};
pub(crate) use negotiation::{answer, check, offer};
pub use settings::{Compression, Deflate};
