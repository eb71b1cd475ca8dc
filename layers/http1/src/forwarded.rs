use crate::body::{Chunked, Framing};
use crate::error::Http1Error;
use crate::head::{self, Head, RequestHead, ResponseHead};
use crate::limits::Limits;
use bytes::BytesMut;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use http::{Method, StatusCode, Version};
use std::fmt;
use wirestack_layer::Error;

/// Adds fields, such as `Proxy-Authorization`, to each request on a connection to a proxy that
/// forwards requests itself (RFC 9112 §3.2.2). The requests are those of an HTTP/1.1 client, which
/// knows nothing of the proxy's fields.
///
/// A field that a request has already is not added. Behind a CONNECT or an upgrade, everything is
/// carried as it is. Behind a request for an upgrade that the proxy refuses, further requests follow:
/// [`answered`](Self::answered) shows the answer.
///
/// ```
/// use bytes::BytesMut;
/// use http::header::{HeaderMap, PROXY_AUTHORIZATION};
/// use wirestack_http1::{ForwardedRequests, basic_credentials};
///
/// let mut fields = HeaderMap::new();
/// fields.insert(PROXY_AUTHORIZATION, basic_credentials("me", "pw")?);
/// let mut requests = ForwardedRequests::new(fields);
/// let mut wire = BytesMut::new();
/// requests.push(b"GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n", &mut wire)?;
/// let wanted = "GET http://example.org/ HTTP/1.1\r\n\
///     Proxy-Authorization: Basic bWU6cHc=\r\nHost: example.org\r\n\r\n";
/// assert_eq!(wire, wanted);
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub struct ForwardedRequests {
    fields: HeaderMap,
    limits: Limits,
    state: State,
    upgrade: Upgrade,
}

enum State {
    /// The start of a head.
    Head(BytesMut),
    Body(Framing),
    /// A request for an upgrade has gone, and waits for its answer.
    Asked,
    /// No further request follows.
    Tunnel,
}

/// The state of an upgrade. The server may answer before the whole request has left.
enum Upgrade {
    NotAsked,
    /// The head of the answer begins so.
    Asked(BytesMut),
    Switched,
}

impl ForwardedRequests {
    /// Creates the state before the first request.
    pub fn new(fields: HeaderMap) -> Self {
        Self {
            fields,
            limits: Limits {
                head: 256 * 1024, // it is our own client that writes them
                headers: 1000,
                ..Limits::default()
            },
            state: State::Head(BytesMut::new()),
            upgrade: Upgrade::NotAsked,
        }
    }

    /// Takes bytes of requests, cut anywhere, and appends those for the proxy to `out`. A head is
    /// held until it is whole.
    ///
    /// # Errors
    ///
    /// The bytes are no HTTP/1.1 request, or its head is too large.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut BytesMut) -> Result<(), Error> {
        while !bytes.is_empty() {
            let n = match &mut self.state {
                State::Asked | State::Tunnel => bytes.len(),
                State::Body(framing) => framing.skip(bytes),
                State::Head(head) => {
                    let before = head.len();
                    let Some(length) = add_up_to_end(head, bytes) else {
                        if head.len() > self.limits.head {
                            return Err(wrong(Http1Error::HeadTooLarge(self.limits.head)));
                        }
                        return Ok(());
                    };
                    let head = std::mem::take(head);
                    self.forward(&head, out)?;
                    bytes = bytes.get(length - before..).unwrap_or_default();
                    continue;
                }
            };
            let (now, rest) = bytes.split_at(n);
            out.extend_from_slice(now);
            bytes = rest;
            if let State::Body(framing) = &self.state {
                match framing {
                    Framing::Complete => self.state = self.behind_request(),
                    Framing::Broken => {
                        return Err(wrong(Http1Error::Malformed("the chunks of a request")));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Reads bytes that the proxy sends, if a request for an upgrade waits for its answer.
    ///
    /// ```
    /// use bytes::BytesMut;
    /// use http::header::{HeaderMap, HeaderValue, USER_AGENT};
    /// use wirestack_http1::ForwardedRequests;
    ///
    /// let fields = [(USER_AGENT, HeaderValue::from_static("us"))];
    /// let mut requests = ForwardedRequests::new(fields.into_iter().collect());
    /// let mut wire = BytesMut::new();
    /// requests.push(b"GET http://a/ HTTP/1.1\r\nUpgrade: x\r\n\r\n", &mut wire)?;
    /// requests.answered(b"HTTP/1.1 200 OK\r\n\r\n"); // no upgrade
    /// requests.push(b"GET http://a/ HTTP/1.1\r\n\r\n", &mut wire)?;
    /// assert!(wire.ends_with(b"\r\nUser-Agent: us\r\n\r\n"));
    /// # Ok::<(), wirestack_layer::Error>(())
    /// ```
    pub fn answered(&mut self, mut bytes: &[u8]) {
        while let Upgrade::Asked(head) = &mut self.upgrade {
            let before = head.len();
            let Some(length) = add_up_to_end(head, bytes) else {
                if head.len() > self.limits.head {
                    self.upgrade = Upgrade::Switched; // it is no answer of HTTP
                    break;
                }
                return;
            };
            bytes = bytes.get(length - before..).unwrap_or_default();
            let answer = ResponseHead::parse(head, self.limits.headers, true);
            let status = answer.ok().flatten().map(|(answer, _)| answer.status);
            self.upgrade = match status {
                None | Some(StatusCode::SWITCHING_PROTOCOLS) => Upgrade::Switched,
                Some(status) if status.is_informational() => Upgrade::Asked(BytesMut::new()),
                Some(_) => Upgrade::NotAsked,
            };
        }
        if let State::Asked = self.state {
            self.state = self.behind_request();
        }
    }

    /// Returns the state behind a request, whose content has gone.
    fn behind_request(&self) -> State {
        match self.upgrade {
            Upgrade::NotAsked => State::Head(BytesMut::new()),
            Upgrade::Asked(_) => State::Asked,
            Upgrade::Switched => State::Tunnel,
        }
    }

    /// Writes a head with the fields behind its first line.
    fn forward(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), Error> {
        let parsed = RequestHead::parse(bytes, self.limits.headers, false).map_err(wrong)?;
        let Some((request, _)) = parsed else {
            return Err(wrong(Http1Error::Malformed(
                "it does not end where its lines do",
            )));
        };
        let line = bytes
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let (line, rest) = bytes.split_at(line);
        out.extend_from_slice(line);
        for (name, value) in &self.fields {
            if !request.headers.contains_key(name) {
                head::write_header(out, name, value);
            }
        }
        out.extend_from_slice(rest);
        if request.headers.contains_key(http::header::UPGRADE) {
            self.upgrade = Upgrade::Asked(BytesMut::new());
        }
        self.state = match Framing::of_request(&request) {
            _ if request.method == Method::CONNECT => State::Tunnel,
            Framing::Complete => self.behind_request(),
            Framing::Broken => return Err(wrong(Http1Error::Malformed("the length of a request"))),
            framing => State::Body(framing),
        };
        Ok(())
    }
}

impl fmt::Debug for ForwardedRequests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardedRequests").finish_non_exhaustive()
    }
}

/// Adds the bytes of a head, up to its empty line. Returns the length of the head, if it is whole.
fn add_up_to_end(head: &mut BytesMut, bytes: &[u8]) -> Option<usize> {
    let before = head.len();
    head.extend_from_slice(bytes);
    let start = before.saturating_sub(3);
    let end = head
        .get(start..)?
        .windows(4)
        .position(|four| four == b"\r\n\r\n")?;
    let length = start + end + 4;
    head.truncate(length);
    Some(length)
}

impl Framing {
    /// Returns the framing of a request's content (RFC 9112 §6.3).
    fn of_request(request: &RequestHead) -> Self {
        let headers = &request.headers;
        if headers.contains_key(TRANSFER_ENCODING) && !headers.contains_key(CONTENT_LENGTH) {
            // "If [...] the chunked transfer coding is the final encoding, the message body length
            // is determined by reading and decoding the chunked data": whatever is below the chunks.
            return match request.version {
                Version::HTTP_11 if ends_with_chunked(headers) => Self::CHUNKED,
                _ => Self::Broken,
            };
        }
        match Self::of_fields(request.version, headers) {
            Self::UntilClose if headers.contains_key(TRANSFER_ENCODING) => Self::Broken,
            Self::UntilClose => Self::Complete, // a request without a length has no content
            framing => framing,
        }
    }

    /// Passes over content; returns the number of its bytes.
    fn skip(&mut self, bytes: &[u8]) -> usize {
        let n = match self {
            Self::Length(left) | Self::Chunked(Chunked::Data { left }) => {
                let n = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= n as u64;
                if *left > 0 {
                    return n;
                }
                n
            }
            Self::Chunked(chunked) => {
                *self = chunked.next(bytes.first().copied().unwrap_or_default());
                return 1;
            }
            _ => return bytes.len(),
        };
        *self = match self {
            Self::Length(_) => Self::Complete,
            _ => Self::Chunked(Chunked::DataEnd { cr: false }),
        };
        n
    }
}

/// Returns `true` if the last coding is `chunked`, and no other one is.
fn ends_with_chunked(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(TRANSFER_ENCODING).iter();
    let codings = fields.flat_map(|list| list.as_bytes().split(|&byte| byte == b','));
    let codings = codings
        .map(<[u8]>::trim_ascii)
        .filter(|coding| !coding.is_empty());
    let mut codings = codings
        .map(|coding| coding.eq_ignore_ascii_case(b"chunked"))
        .rev();
    codings.next() == Some(true) && !codings.any(|is_chunked| is_chunked)
}

/// The name of this part in errors.
const NAME: &str = "forward";

fn wrong(cause: Http1Error) -> Error {
    Error::local(NAME, cause)
}

#[cfg(test)]
mod tests;
