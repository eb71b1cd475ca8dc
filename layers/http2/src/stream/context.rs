//! What a stream is processed with.

use crate::io::Io;
use crate::streams::Streams;
use wirestack_layer::Instant;

/// The surroundings of a stream, besides h2.
pub(crate) struct StreamContext<'a> {
    pub(crate) io: &'a Io,
    pub(crate) from_app: &'a mut Streams,
    pub(crate) to_app: ToApp<'a>,
    /// The number of bytes of a refusal's body that are kept.
    pub(crate) excerpt: usize,
    /// The flow to the application says when to give the peer credit.
    pub(crate) gathers_credit: bool,
    /// `true` while h2 holds bytes for which the wire had no room.
    pub(crate) blocked: bool,
    /// The number of times that h2 could write.
    pub(crate) turn: u64,
    pub(crate) now: Instant,
    pub(crate) news: News,
}

/// The reason why a stream is processed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// h2 has woken it, or it is new, or its time has come.
    Any,
    /// The application has written to it, or has ended it.
    Written,
    /// The application has read from it, or has forgotten it.
    Read,
}

/// The streams towards the application, and the index of the layer, which errors are marked with.
pub(crate) struct ToApp<'a> {
    pub(crate) streams: &'a mut Streams,
    pub(crate) index: usize,
}
