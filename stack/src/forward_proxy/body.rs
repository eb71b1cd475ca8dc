//! The contents of requests and responses that a proxy passes on.

use crate::driver::http2::Http2Stream;
use crate::driver::server::entry::Entry;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use wirestack_layer::{Error, origin};

/// The content of a response to a client.
pub(super) enum ResponseBody {
    /// A text of the proxy itself.
    Text(Option<Bytes>),
    /// That of the server.
    Passed(Box<PassedResponse>),
}

/// The content of a response of a server. It ends the entry of its request.
pub(super) struct PassedResponse {
    pub(super) body: Incoming,
    pub(super) entry: Entry,
    /// The bytes of the request's content.
    pub(super) sent: Arc<AtomicU64>,
}

/// The content of a request, whose bytes are counted.
pub(super) struct PassedRequest<B> {
    pub(super) body: B,
    pub(super) sent: Arc<AtomicU64>,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let passed = match self.get_mut() {
            Self::Text(text) => return Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Passed(passed) => passed,
        };
        let frame = ready!(Pin::new(&mut passed.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                passed.entry.relayed.received += length(frame);
            }
            Some(Err(error)) => {
                let error = Error::peer(origin::PROXY, error.to_string());
                passed.entry.end(&Err(error));
            }
            None => passed.entry.end(&Ok(())),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Text(text) => text.as_ref().is_none_or(Bytes::is_empty),
            Self::Passed(passed) => passed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Self::Passed(passed) => passed.body.size_hint(),
        }
    }
}

impl Drop for PassedResponse {
    fn drop(&mut self) {
        self.entry.relayed.sent = self.sent.load(Ordering::Relaxed);
        // `hyper` does not ask for the end of a content whose length it knows.
        if self.body.is_end_stream() {
            self.entry.end(&Ok(()));
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for PassedRequest<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            this.sent.fetch_add(length(frame), Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The content of a request on a stream of HTTP/2.
pub(super) struct StreamContent {
    pub(super) stream: Arc<Http2Stream>,
    /// The bytes that are still to come, if the request has told its length.
    pub(super) left: Option<u64>,
}

impl Body for StreamContent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let data = ready!(this.stream.poll_read_data(cx))?;
        if let Some(left) = &mut this.left {
            *left = left.saturating_sub(data.len() as u64);
        }
        Poll::Ready(
            Some(data)
                .filter(|data| !data.is_empty())
                .map(|data| Ok(Frame::data(data))),
        )
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_read()
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn length(frame: &Frame<Bytes>) -> u64 {
    frame.data_ref().map_or(0, |data| data.len() as u64)
}
