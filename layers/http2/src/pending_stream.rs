//! The part of a stream before it is a tunnel.

use crate::pieces::Pieces;
use crate::request::{RequestKind, request_kind};
use bytes::BytesMut;
use h2::Reason;
use h2::client::ResponseFuture;
use h2::server::SendResponse;
use http::{Method, Request};
use wirestack_http::Refusal;

/// The event that a stream waits for before it is a tunnel.
pub(crate) enum PendingStream {
    /// A client waits for the response to the request of this name.
    Asked(ResponseFuture, String),
    /// A client reads why it was refused.
    Refused(Box<Refusal>, BytesMut, usize),
    /// A server waits for its application to answer this kind of request.
    Deciding(SendResponse<Pieces>, Asked),
    Done,
}

/// The kind of a request, as far as its answer depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It can open a tunnel.
    Tunnel,
    /// It is a HEAD, whose answer has no content.
    Head,
    Other,
}

impl Asked {
    pub(crate) fn by(request: &Request<()>) -> Self {
        match request_kind(request) {
            RequestKind::Response if request.method() == Method::HEAD => Self::Head,
            RequestKind::Response => Self::Other,
            _ => Self::Tunnel,
        }
    }
}

impl PendingStream {
    /// Returns `true` if the stream is a tunnel, or becomes one with a 2xx.
    pub(crate) fn opens_tunnel(&self) -> bool {
        !matches!(self, Self::Deciding(_, asked) if *asked != Asked::Tunnel)
    }

    /// Resets a stream that waits for the application of a server.
    pub(crate) fn reset(&mut self, reason: Reason) {
        if let Self::Deciding(respond, _) = self {
            respond.send_reset(reason);
            *self = Self::Done;
        }
    }
}
