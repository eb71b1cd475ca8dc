//! A request on a stream of a server.

use super::stream::Http2Stream;
use bytes::Bytes;
use http::header::HeaderMap;
use http::{Method, Response, StatusCode};
use wirestack_http2::{RequestKind, request_kind};

/// A request that a server has not answered yet. If it is dropped, the answer is 503 (Service
/// Unavailable).
///
/// ```
/// use wirestack::Incoming;
/// use wirestack::http::{HeaderMap, Response};
/// use wirestack::http2::RequestKind;
///
/// async fn answer(incoming: Incoming) {
///     println!("{} {}", incoming.request().method(), incoming.request().uri());
///     if let RequestKind::Tunnel(_) = incoming.request_kind() {
///         let gone = incoming.closed(); // ready once the client wants no answer any more
///         let stream = incoming.accept(HeaderMap::new());
///         drop((gone, stream));
///     } else {
///         incoming.respond(Response::new("a page\n".into()));
///     }
/// }
/// ```
pub struct Incoming {
    pub(super) request: http::Request<()>,
    pub(super) stream: Option<Http2Stream>,
}

impl Incoming {
    /// Returns the request.
    pub fn request(&self) -> &http::Request<()> {
        &self.request
    }

    pub(crate) fn extensions_mut(&mut self) -> &mut http::Extensions {
        self.request.extensions_mut()
    }

    /// Returns what it asks for.
    pub fn request_kind(&self) -> RequestKind<'_> {
        request_kind(&self.request)
    }

    /// Waits until nobody waits for the answer any more: the client has reset the stream, the
    /// connection is over, or the stream was answered and dropped.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let closed = self.stream.as_ref().map(Http2Stream::closed);
        async move {
            if let Some(closed) = closed {
                closed.await;
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.stream.as_ref().is_none_or(Http2Stream::is_closed)
    }

    /// Opens the requested tunnel: answers 200 with these fields, and returns the stream. Returns
    /// `None` for an ordinary request, which it answers with 501 (Not Implemented).
    pub fn accept(self, headers: HeaderMap) -> Option<Http2Stream> {
        Some(self.accept_with_request(headers)?.0)
    }

    /// Opens the requested tunnel as [`accept`](Self::accept) does, and returns the request too.
    pub(crate) fn accept_with_request(
        mut self,
        headers: HeaderMap,
    ) -> Option<(Http2Stream, http::Request<()>)> {
        let opens = self.request_kind() != RequestKind::Response;
        let mut response = Response::new(Bytes::new());
        *response.headers_mut() = headers;
        if !opens {
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        }
        let stream = self.stream.take()?;
        stream.respond(response);
        opens.then(|| (stream, std::mem::take(&mut self.request)))
    }

    /// Answers with a response whose content is what is written to the stream, to its shutdown. What
    /// is read from it is the content of the request. A 2xx to a CONNECT opens the tunnel.
    ///
    /// Trailers are neither sent nor shown. Content that the client must not get (RFC 9110 §6.4.1: to
    /// HEAD, with 204 and 304) is thrown away.
    ///
    /// ```
    /// use tokio::io::AsyncWriteExt;
    /// use wirestack::Incoming;
    /// use wirestack::http::Response;
    ///
    /// /// Answers with a page that is made while it is sent.
    /// async fn answer(incoming: Incoming) -> std::io::Result<()> {
    ///     let Some(mut content) = incoming.respond_streaming(Response::new(())) else {
    ///         return Ok(());
    ///     };
    ///     for line in 0..1_000_000 {
    ///         content.write_all(format!("line {line}\n").as_bytes()).await?; // as fast as it is read
    ///     }
    ///     content.shutdown().await
    /// }
    /// ```
    pub fn respond_streaming(mut self, response: Response<()>) -> Option<Http2Stream> {
        let stream = self.stream.take()?;
        stream.respond_streaming(response);
        Some(stream)
    }

    /// Sends an interim response (1xx, RFC 9110 §15.2) before the response itself: 100 for a client that
    /// waits for it, or 103 with hints. A status that is no such one, and 101, is not sent.
    ///
    /// ```
    /// use wirestack::Incoming;
    /// use wirestack::http::Response;
    ///
    /// /// Tells what a page will need, while it is made.
    /// fn hint(incoming: &Incoming) -> Result<(), wirestack::http::Error> {
    ///     let hints = Response::builder().status(103).header("link", "</a.css>; rel=preload");
    ///     incoming.respond_interim(hints.body(())?);
    ///     Ok(())
    /// }
    /// ```
    pub fn respond_interim(&self, response: Response<()>) {
        if let Some(stream) = &self.stream {
            stream.respond_interim(response);
        }
    }

    /// Returns the request and its stream, which nobody has answered.
    #[cfg(feature = "proxy-server")]
    pub(crate) fn into_parts(mut self) -> Option<(http::Request<()>, Http2Stream)> {
        let stream = self.stream.take()?;
        Some((std::mem::take(&mut self.request), stream))
    }

    /// Answers with a response, and opens no tunnel. A 2xx response to a CONNECT becomes 403
    /// (Forbidden), as a 2xx would open the tunnel.
    pub fn respond(mut self, mut response: Response<Bytes>) {
        if self.request_kind() != RequestKind::Response && response.status().is_success() {
            *response.status_mut() = StatusCode::FORBIDDEN;
        }
        if self.request.method() == Method::HEAD {
            response.body_mut().clear(); // RFC 9110 §9.3.2: "MUST NOT send content"
        }
        if let Some(stream) = self.stream.take() {
            stream.respond(response);
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take() {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            stream.respond(response);
        }
    }
}
