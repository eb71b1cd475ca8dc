//! Connections for clients made of `hyper`.

use super::{ByteStream, Connector};
use crate::dial::DialError;
use crate::tls;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Connects to the host of an `http` or `https` URI by the way that it was told: every hop tunnels,
/// also for `http`. Over TLS, HTTP/2 and HTTP/1.1 are offered.
///
/// ```no_run
/// # #[cfg(feature = "hyper")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use wirestack::tokio::Connector;
///
/// let connector = Connector::default()
///     .via("socks5h://gate.test:1080")
///     .via("http://proxy.test:3128");
/// let client = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(connector);
/// let response = client.get("https://example.org/".parse()?);
/// # drop(response);
/// # Ok(())
/// # }
/// ```
impl Service<Uri> for Connector {
    type Response = HyperStream;
    type Error = DialError;
    type Future = Connecting;
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, uri: Uri) -> Connecting {
        let stream = self.stream(&uri.to_string()).alpn(&[b"h2", b"http/1.1"]);
        let secure = uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        Box::pin(async move {
            let mut stream = stream.await?;
            let tls = stream.part::<tls::Client>().filter(|_| secure);
            let http2 = tls.is_some_and(|tls| tls.alpn() == Some(b"h2"));
            let io = TokioIo::new(stream);
            Ok(HyperStream { io, http2 })
        })
    }
}

/// A connection that is being made for `hyper`.
pub type Connecting = Pin<Box<dyn Future<Output = Result<HyperStream, DialError>> + Send>>;

/// A stream of bytes with the traits of `hyper`.
pub struct HyperStream {
    io: TokioIo<ByteStream>,
    http2: bool,
}

impl HyperStream {
    /// Returns the connection itself.
    pub fn into_inner(self) -> ByteStream {
        self.io.into_inner()
    }
}

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        match self.http2 {
            true => connected.negotiated_h2(),
            false => connected,
        }
    }
}

impl Read for HyperStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl Write for HyperStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
