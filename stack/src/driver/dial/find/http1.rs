//! One request and one response over HTTP/1.1, by `hyper`.

use super::error::FetchError;
use crate::driver::io::Connection;
use crate::driver::io::hyper_io::HyperIo;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use wirestack_dial::Target;
use wirestack_dial::find::Fetched;
use wirestack_http1::basic_credentials;
use wirestack_layer::{Error, origin};
use wirestack_nest::BoxTunnel;

/// Returns the request for the resource of a target.
pub(super) fn request(target: &Target, headers: &HeaderMap) -> Result<Request<NoBody>, Error> {
    let invalid = |error: http::Error| Error::local(origin::DIALER, error);
    let mut request = Request::get(target.path_and_query())
        .header(HOST, target.authority())
        .header(ACCEPT, "application/x-ns-proxy-autoconfig, */*")
        .header(ACCEPT_ENCODING, "identity")
        .header(USER_AGENT, concat!("wirestack/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, HeaderValue::from_static("close"))
        .body(NoBody)
        .map_err(invalid)?;
    if let Some(known) = target.credentials() {
        let value = basic_credentials(&known.user, &known.password)?;
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    let own = headers.iter();
    let own = own.map(|(name, value)| (name.clone(), value.clone()));
    request.headers_mut().extend(own);
    Ok(request)
}

/// Sends a request and reads the response, with a content of at most `limit` bytes.
pub(super) async fn exchange(
    io: Connection<BoxTunnel>,
    request: Request<NoBody>,
    limit: usize,
) -> Result<Fetched, Error> {
    let failed = |error: hyper::Error| Error::peer(origin::DIALER, FetchError::Http(error));
    let mut client = http1::Builder::new();
    client.max_buf_size(MOST_BUFFERED);
    let (mut sender, connection) = client.handshake(HyperIo::new(io)).await.map_err(failed)?;
    let response = async move {
        let response = sender.send_request(request).await.map_err(failed)?;
        let (head, body) = response.into_parts();
        let content = read(body, limit).await?;
        Ok(Fetched::new(head.status, head.headers, content))
    };
    let mut response = pin!(response);
    let mut connection = pin!(connection);
    let mut is_over = false;
    poll_fn(move |cx| {
        // The response has the error of the connection, too.
        is_over = is_over || connection.as_mut().poll(cx).is_ready();
        response.as_mut().poll(cx)
    })
    .await
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Error> {
    let long = || Error::peer(origin::DIALER, FetchError::Long(limit));
    if body.size_hint().lower() > limit as u64 {
        return Err(long());
    }
    let mut body = pin!(body);
    let mut content = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(|error| Error::peer(origin::DIALER, FetchError::Http(error)))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > limit - content.len() {
                return Err(long());
            }
            content.extend_from_slice(data);
        }
    }
    Ok(content.freeze())
}

/// The content of a request that has none.
pub(super) struct NoBody;

impl Body for NoBody {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// The number of bytes of a head, or of a part of the content, that are held.
const MOST_BUFFERED: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::runtime::TokioTransport;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use wirestack_nest::{Engine, Identity, Nest};

    /// Sends the start of a head of this many bytes, and its end after the client has read all of it.
    async fn fetched(start: usize) -> Result<Fetched, Error> {
        // No more than this is on its way.
        let (near, mut far) = duplex(start);
        let server = tokio::spawn(async move {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(far.read_u8().await?);
            }
            let mut head = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-long: ".to_vec();
            head.resize(start, b'x');
            far.write_all(&head).await?;
            far.write_all(b"\r\n\r\nok").await
        });
        let engine = Engine::new(Identity.boxed());
        let io = Connection::from_transport(TokioTransport::new(near), engine).unwrap();
        let request = Request::get("/proxy.pac").body(NoBody).unwrap();
        let fetched = exchange(io, request, 100).await;
        server.abort();
        fetched
    }

    #[tokio::test]
    async fn a_head_has_less_than_64_kib_when_its_end_is_waited_for() {
        let fetched_whole = fetched(65_535).await.unwrap();
        assert_eq!(&fetched_whole.content[..], b"ok");
        let error = fetched(65_536).await.unwrap_err().to_string();
        assert!(error.contains("message head is too large"), "{error}");
    }
}
