//! Connections for clients of `hyper`.

use super::ByteStream;
use super::builders::Connector;
use crate::driver::runtime::BoxFuture;
use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;
use wirestack_dial::DialError;
use wirestack_tls as tls;

/// Connects to the host of an `http` or `https` URI through a tunnel of each proxy, also for
/// `http`. Over TLS it offers HTTP/2 and HTTP/1.1.
///
/// ```no_run
/// # #[cfg(feature = "hyper")]
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use wirestack::Connector;
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
            let io = stream.await?;
            let tls = io.part::<tls::Client>().filter(|_| secure);
            let http2 = tls.is_some_and(|tls| tls.alpn() == Some(b"h2"));
            Ok(HyperStream { io, http2 })
        })
    }
}

/// A future that connects for `hyper`.
pub type Connecting = BoxFuture<Result<HyperStream, DialError>>;

/// A stream of bytes with the traits of `hyper`.
pub struct HyperStream {
    io: ByteStream,
    http2: bool,
}

impl HyperStream {
    /// Returns the connection itself.
    pub fn into_inner(self) -> ByteStream {
        self.io
    }
}

impl Connection for HyperStream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.http2 {
            connected.negotiated_h2()
        } else {
            connected
        }
    }
}

impl Read for HyperStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let most = buf.remaining();
        let taken = self
            .get_mut()
            .io
            .poll_read_bytes(cx, most, |bytes| buf.put_slice(bytes));
        taken.map_ok(|_| ())
    }
}

impl Write for HyperStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().io.poll_write_bytes(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io.poll_flush_bytes(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().io.poll_shutdown_bytes(cx)
    }
}
