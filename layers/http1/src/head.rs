//! Heads of messages: found, parsed by `httparse`, and written.

use crate::error::Http1Error;
use crate::limits::Limits;
use bytes::BytesMut;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode, Version};
use std::borrow::Cow;
use std::mem::MaybeUninit;
use wirestack_http::grammar::has_token;
use wirestack_layer::{FirstBytes, Pipe, SeenProtocol, decode_text};

/// The head of a response.
pub(crate) struct ResponseHead {
    pub(crate) version: Version,
    pub(crate) status: StatusCode,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) headers: HeaderMap,
}

/// The head of a request.
pub(crate) struct RequestHead {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
}

/// A head of either kind.
pub(crate) trait Head: Sized {
    /// The protocol of the head.
    const PROTOCOL: SeenProtocol;

    /// Parses a head; `None` if it is not whole. A lenient parser takes what many others take.
    fn parse(
        bytes: &[u8],
        max_headers: usize,
        lenient: bool,
    ) -> Result<Option<(Self, usize)>, Http1Error>;
}

impl Head for ResponseHead {
    const PROTOCOL: SeenProtocol = SeenProtocol::HttpResponse;

    fn parse(
        bytes: &[u8],
        max_headers: usize,
        lenient: bool,
    ) -> Result<Option<(Self, usize)>, Http1Error> {
        let (mut few, mut many) = ([UNREAD; FEW], Vec::new());
        let fields = room(&mut few, &mut many, bytes, max_headers);
        let mut head = httparse::Response::new(&mut []);
        let mut config = httparse::ParserConfig::default();
        // "A user agent that receives an obs-fold in a response message [...] MUST replace each
        // received obs-fold with one or more SP octets" (RFC 9112 §5.2)
        config.allow_obsolete_multiline_headers_in_responses(true);
        if lenient {
            config.allow_multiple_spaces_in_response_status_delimiters(true);
            config.allow_spaces_after_header_name_in_responses(true);
            config.allow_space_before_first_header_name(true);
            config.ignore_invalid_headers_in_responses(true);
        }
        let parsed = config.parse_response_with_uninit_headers(&mut head, bytes, fields);
        let parsed = parsed.map_err(|error| cause(error, max_headers))?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let status = StatusCode::from_u16(head.code.unwrap_or_default())
            .map_err(|_| Http1Error::Malformed("the status code is below 100"))?;
        let head = Self {
            version: version(head.version),
            status,
            reason: reason(bytes, status),
            headers: headers(head.headers, max_headers)?,
        };
        Ok(Some((head, length)))
    }
}

impl Head for RequestHead {
    const PROTOCOL: SeenProtocol = SeenProtocol::HttpRequest;

    fn parse(
        bytes: &[u8],
        max_headers: usize,
        _lenient: bool,
    ) -> Result<Option<(Self, usize)>, Http1Error> {
        let (mut few, mut many) = ([UNREAD; FEW], Vec::new());
        let fields = room(&mut few, &mut many, bytes, max_headers);
        let mut head = httparse::Request::new(&mut []);
        let parsed = head.parse_with_uninit_headers(bytes, fields);
        let parsed = parsed.map_err(|error| cause(error, max_headers))?;
        let httparse::Status::Complete(length) = parsed else {
            return Ok(None);
        };
        let head = Self {
            method: Method::from_bytes(head.method.unwrap_or_default().as_bytes())
                .map_err(|_| Http1Error::Malformed("the method is not a token"))?,
            target: head.path.unwrap_or_default().to_owned(),
            version: version(head.version),
            headers: headers(head.headers, max_headers)?,
        };
        Ok(Some((head, length)))
    }
}

/// Returns the room for the fields of a head: on the stack, where a usual limit has its place. A
/// limit alone takes no memory: there is room for as many fields as the bytes can have.
fn room<'a, 'b>(
    few: &'a mut [Unread<'b>; FEW],
    many: &'a mut Vec<Unread<'b>>,
    bytes: &[u8],
    max_headers: usize,
) -> &'a mut [Unread<'b>] {
    let wanted = max_headers.min(bytes.len() / SHORTEST_FIELD.len());
    match few.get_mut(..wanted) {
        Some(few) => few,
        None => {
            many.resize_with(wanted, || UNREAD);
            many
        }
    }
}

/// A place for a field, which costs nothing until the field is there.
type Unread<'a> = MaybeUninit<httparse::Header<'a>>;

const UNREAD: Unread<'static> = MaybeUninit::uninit();

/// The shortest line that is a field.
const SHORTEST_FIELD: &[u8] = b"a:\n";

/// The number of fields with a place on the stack: more than the limit by default.
const FEW: usize = 128;

/// Reads one head after the other from a pipe.
///
/// It searches each byte once for the end of the head and parses the head then, so a head that
/// arrives byte by byte costs no more than one that arrives whole. It parses the start line as soon
/// as it can, because a peer that does not speak HTTP may never send an empty line.
#[derive(Default)]
pub(crate) struct HeadReader {
    /// The number of bytes of the heads before this one.
    spent: usize,
    scanned: usize,
    line: usize,
    start_line: bool,
    lenient: bool,
}

impl HeadReader {
    /// Creates a reader that is lenient, or strict.
    pub(crate) fn new(lenient: bool) -> Self {
        Self {
            lenient,
            ..Self::default()
        }
    }

    /// Takes the next head out of the pipe, or requires more bytes.
    pub(crate) fn read<H: Head>(
        &mut self,
        from: &mut Pipe,
        limits: &Limits,
    ) -> Result<Option<H>, Http1Error> {
        let limit = limits.head.saturating_sub(self.spent);
        let unread = from.unread();
        let within = unread.get(..limit).unwrap_or(unread);
        // Most heads arrive whole. What is not one is read as if it came in pieces.
        if self.scanned == 0
            && within.ends_with(b"\r\n\r\n")
            && let Ok(Some((head, length))) = H::parse(within, limits.headers, self.lenient)
            && within.get(..length).is_some_and(ends_with_empty_line)
        {
            return Ok(Some(self.take(head, length, from)));
        }
        let Some(length) = self.end::<H>(within)? else {
            if within.len() == limit {
                return Err(Http1Error::HeadTooLarge(limits.head));
            }
            let more = unread.len() + 1;
            from.require(more);
            return Ok(None);
        };
        let whole = unread.get(..length).unwrap_or_default();
        match H::parse(whole, limits.headers, self.lenient)? {
            Some((head, parsed)) if parsed == length => Ok(Some(self.take(head, length, from))),
            _ => Err(Http1Error::Malformed("it does not end where its lines do")),
        }
    }

    fn take<H>(&mut self, head: H, length: usize, from: &mut Pipe) -> H {
        from.consume(length);
        *self = Self {
            spent: self.spent + length,
            ..Self::new(self.lenient)
        };
        head
    }

    /// Returns the length of the head; `None` before its empty line is there.
    fn end<H: Head>(&mut self, bytes: &[u8]) -> Result<Option<usize>, Http1Error> {
        let before = self.scanned;
        while let Some(rest) = bytes.get(self.scanned..)
            && let Some(n) = rest.iter().position(|&byte| byte == b'\n')
        {
            self.scanned += n + 1;
            let line = bytes.get(self.line..self.scanned).unwrap_or_default();
            self.line = self.scanned;
            let empty = matches!(line, b"\n" | b"\r\n");
            if empty && self.start_line {
                return Ok(Some(self.scanned));
            }
            if !empty && !self.start_line {
                // Empty lines before a start line are skipped (RFC 9112 §2.2).
                self.start_line = true;
                let line = bytes.get(..self.scanned).unwrap_or_default();
                if let Err(cause) = H::parse(line, 0, self.lenient) {
                    return self.not_http::<H>(bytes, cause);
                }
            }
        }
        if !self.start_line
            && before < EARLY
            && let Err(cause) = H::parse(bytes.get(..EARLY).unwrap_or(bytes), 0, self.lenient)
        {
            return self.not_http::<H>(bytes, cause);
        }
        self.scanned = bytes.len();
        Ok(None)
    }

    /// Returns the error of a start line that is none: the protocol that it belongs to, if it is
    /// another one. Returns `None` while that needs more bytes.
    fn not_http<H: Head>(
        &mut self,
        bytes: &[u8],
        cause: Http1Error,
    ) -> Result<Option<usize>, Http1Error> {
        let wanted = H::PROTOCOL;
        if self.spent > 0 {
            return Err(cause);
        }
        match FirstBytes::read(bytes, false) {
            Ok(seen) => match seen.protocol() {
                Some(protocol) if protocol == wanted => Err(cause),
                // Any token may be a method, but every response begins with its version.
                None if wanted == SeenProtocol::HttpRequest => Err(cause),
                _ => Err(Http1Error::NotHttp { seen, wanted }),
            },
            Err(_) => {
                *self = Self::new(self.lenient);
                Ok(None)
            }
        }
    }
}

/// Returns `true` if the last line of a head is empty. A lenient parser ends a head at a line of
/// blanks too, and what follows could be fields or data.
fn ends_with_empty_line(head: &[u8]) -> bool {
    head.ends_with(b"\n\r\n") || head.ends_with(b"\n\n")
}

/// The number of bytes up to which an incomplete start line is parsed, again with each that comes.
const EARLY: usize = 32;

fn version(minor: Option<u8>) -> Version {
    match minor {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    }
}

fn cause(error: httparse::Error, max_headers: usize) -> Http1Error {
    use httparse::Error as E;
    Http1Error::Malformed(match error {
        E::TooManyHeaders => return Http1Error::TooManyHeaders(max_headers),
        E::HeaderName => "a header name is not a token",
        E::HeaderValue => "a header value has a control character",
        E::NewLine => "a line ends badly",
        E::Status => "the status is not three digits and a reason",
        E::Token => "the request line is not a method, a target and a version",
        E::Version => "the version is not HTTP/1.0 or HTTP/1.1",
    })
}

fn headers(fields: &[httparse::Header<'_>], max_headers: usize) -> Result<HeaderMap, Http1Error> {
    let headers = HeaderMap::try_with_capacity(fields.len());
    let mut headers = headers.map_err(|_| Http1Error::TooManyHeaders(max_headers))?;
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| Http1Error::Malformed("a header name is not a token"))?;
        // No value with a line end is valid as it is.
        let value = HeaderValue::from_bytes(field.value).or_else(|_| {
            let unfolded: Vec<u8> = field.value.iter().map(|byte| unfold(*byte)).collect();
            HeaderValue::from_bytes(&unfolded)
        });
        let mut value =
            value.map_err(|_| Http1Error::Malformed("a header value has a control character"))?;
        value.set_sensitive(wirestack_http::is_secret(&name));
        let added = headers.try_append(name, value);
        added.map_err(|_| Http1Error::TooManyHeaders(max_headers))?;
    }
    Ok(headers)
}

/// Replaces a line end, which is left in a value only where that is folded.
fn unfold(byte: u8) -> u8 {
    match byte {
        b'\r' | b'\n' => b' ',
        byte => byte,
    }
}

/// Returns the reason phrase of a response that was parsed, in Latin-1 if it is not UTF-8. It is
/// shortened, and its control characters are replaced.
fn reason(head: &[u8], status: StatusCode) -> Cow<'static, str> {
    let line = head.trim_ascii_start();
    let end = line.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let line = line.get(..end.unwrap_or(line.len())).unwrap_or_default();
    // A lenient parser takes several blanks before the status.
    let from_status = line.get(VERSION.len()..).unwrap_or_default();
    let from_status = from_status.trim_ascii_start();
    let reason = from_status.get(STATUS_DIGITS..).unwrap_or_default();
    let reason = reason.trim_ascii();
    if let Some(usual) = status.canonical_reason()
        && reason == usual.as_bytes()
    {
        return Cow::Borrowed(usual);
    }
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    if reason.len() <= REASON_SHOWN && reason.iter().all(is_plain) {
        return Cow::Owned(str::from_utf8(reason).unwrap_or_default().to_owned());
    }
    let reason = decode_text(reason);
    let shown = reason.chars().take(REASON_SHOWN);
    let shown = shown.map(|c| {
        if c.is_control() {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    });
    Cow::Owned(shown.collect())
}

/// The form of the version of a response.
const VERSION: &[u8] = b"HTTP/1.1";

/// The number of the digits of a status.
const STATUS_DIGITS: usize = 3;

/// The number of characters of a reason phrase that are kept.
const REASON_SHOWN: usize = 128;

/// Returns `true` if a request announces content.
pub(crate) fn has_content(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    headers.contains_key(header::TRANSFER_ENCODING) || lengths.any(|length| length != "0")
}

/// Returns `true` if the head lets the connection carry another exchange after this one (RFC 9112
/// §9.3).
pub(crate) fn is_persistent(version: Version, headers: &HeaderMap) -> bool {
    version == Version::HTTP_11
        && !has_token(headers, &header::CONNECTION, "close")
        && !has_token(headers, &PROXY_CONNECTION, "close")
}

/// A field of no RFC, in which some proxies say `close`.
static PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Writes a status line.
pub(crate) fn write_status(out: &mut BytesMut, status: StatusCode, reason: &str) {
    write_line(out, &["HTTP/1.1 ", status.as_str(), " ", reason]);
}

/// Writes a line that consists of pieces.
pub(crate) fn write_line(out: &mut BytesMut, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the fields, except those that are `left_out`.
pub(crate) fn write_headers<'a>(
    out: &mut BytesMut,
    fields: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    left_out: &[HeaderName],
) {
    for (name, value) in fields {
        if !left_out.contains(name) {
            write_header(out, name, value);
        }
    }
}

/// Writes one field. Its name is spelled as in the RFCs, because some old peers compare it exactly.
pub(crate) fn write_header(out: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    let start = out.len();
    out.extend_from_slice(name.as_str().as_bytes());
    if let Some(name) = out.get_mut(start..) {
        spell(name);
    }
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Spells a name in lower case as in the RFCs: with an upper-case letter behind each hyphen.
fn spell(name: &mut [u8]) {
    for word in name.split_mut(|&byte| byte == b'-') {
        match &*word {
            b"websocket" => word.copy_from_slice(b"WebSocket"),
            b"www" => word.copy_from_slice(b"WWW"),
            _ => word.iter_mut().take(1).for_each(u8::make_ascii_uppercase),
        }
    }
}

/// The fields that frame content. No caller sets them in a message of this crate.
pub(crate) const FRAMING: [HeaderName; 2] = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
