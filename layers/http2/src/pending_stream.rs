//! The part of a stream before it is a tunnel.

use crate::pieces::Pieces;
use bytes::BytesMut;
use h2::Reason;
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use wirestack_http::Refusal;

/// The event that a stream waits for before it is a tunnel.
pub(crate) enum PendingStream {
    /// A client waits for the response to the request of this name.
    Asked(ResponseFuture, String),
    /// A client reads why it was refused.
    Refused(Box<Refusal>, BytesMut, usize),
    /// A server waits for its application. The flag says whether the request can open a tunnel.
    Deciding(SendResponse<Pieces>, bool),
    Done,
}

impl PendingStream {
    /// Returns `true` if the stream is a tunnel, or becomes one with a 2xx.
    pub(crate) fn opens_tunnel(&self) -> bool {
        !matches!(self, Self::Deciding(_, false))
    }

    /// Resets a stream that waits for the application of a server.
    pub(crate) fn reset(&mut self, reason: Reason) {
        if let Self::Deciding(respond, _) = self {
            respond.send_reset(reason);
            *self = Self::Done;
        }
    }
}
