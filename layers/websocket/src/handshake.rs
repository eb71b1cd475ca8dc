//! The fields of the opening handshake (RFC 6455 §4): built and checked, for both sides.
//!
//! What HTTP/1.1 adds, the key and its proof, is apart from what a handshake over HTTP/2 has as well
//! (RFC 8441 §5).

use crate::{Cause, NAME};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, PROXY_AUTHORIZATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, StatusCode, Uri, Version};
use sha1::{Digest, Sha1};
use wirestack_layer::Error;

/// The `Sec-WebSocket-Key` of one handshake.
#[derive(Debug)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(nonce: [u8; 16]) -> Self {
        Self(STANDARD.encode(nonce))
    }
    /// Reads the key of a request: "a base64-encoded value that, when decoded, is 16 bytes in
    /// length".
    fn read(headers: &HeaderMap) -> Option<Self> {
        let key = only(headers, &SEC_WEBSOCKET_KEY)?;
        let nonce = LENIENT.decode(key).ok()?;
        (nonce.len() == 16).then(|| Self(key.to_owned()))
    }
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
    /// Returns the `Sec-WebSocket-Accept` that proves that the server understood the handshake.
    fn accept(&self) -> String {
        let proof = Sha1::new().chain_update(&self.0).chain_update(GUID);
        STANDARD.encode(proof.finalize())
    }
    /// Checks the proof in a response.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Cause> {
        match only(headers, &SEC_WEBSOCKET_ACCEPT) {
            Some(accept) if accept.trim() == self.accept() => Ok(()),
            _ => Err(Cause::BadAccept),
        }
    }
}

/// Checks what a server chose, and returns the subprotocol.
pub(crate) fn check_choice(
    offered: &[String],
    headers: &HeaderMap,
) -> Result<Option<String>, Cause> {
    if let Some(extension) = joined(headers, &SEC_WEBSOCKET_EXTENSIONS) {
        return Err(Cause::UnofferedExtension(extension));
    }
    match joined(headers, &SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if !offered.contains(&chosen) => Err(Cause::UnofferedSubprotocol(chosen)),
        chosen => Ok(chosen),
    }
}

/// Checks a request to upgrade, and returns its key; `offers` tells whether it asks for the upgrade.
pub(crate) fn check_request(request: &http::Request<()>, offers: bool) -> Result<Key, Cause> {
    if request.method() != Method::GET {
        return Err(Cause::NotGet(request.method().clone()));
    }
    if request.version() != Version::HTTP_11 {
        return Err(Cause::OldHttp(request.version()));
    }
    if !offers {
        return Err(Cause::NoUpgrade);
    }
    let headers = request.headers();
    check_offer(headers)?;
    Key::read(headers).ok_or(Cause::BadField(SEC_WEBSOCKET_KEY))
}

/// Checks the fields of a request that do not depend on the version of HTTP.
fn check_offer(headers: &HeaderMap) -> Result<(), Cause> {
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION) {
        return Err(Cause::UnsupportedVersion);
    }
    let mut seen = Vec::new();
    for name in subprotocols(headers) {
        if !is_token(name) || seen.contains(&name) {
            return Err(Cause::BadField(SEC_WEBSOCKET_PROTOCOL));
        }
        seen.push(name);
    }
    Ok(())
}

/// Returns the response to a request that is refused for `cause`.
pub(crate) fn refusal(cause: &Cause) -> http::Response<Bytes> {
    let (status, name, value) = match cause {
        Cause::NotGet(_) => (StatusCode::METHOD_NOT_ALLOWED, ALLOW, "GET"),
        Cause::NoUpgrade => (StatusCode::UPGRADE_REQUIRED, UPGRADE, TOKEN),
        // "an appropriate HTTP error code (such as 426 Upgrade Required) and a |Sec-WebSocket-Version|
        // header field indicating the version(s) the server is capable of understanding"
        Cause::UnsupportedVersion => (StatusCode::UPGRADE_REQUIRED, SEC_WEBSOCKET_VERSION, VERSION),
        _ => (StatusCode::BAD_REQUEST, SEC_WEBSOCKET_VERSION, VERSION),
    };
    let mut response = http::Response::new(Bytes::from(format!("{cause}\n")));
    *response.status_mut() = status;
    if status == StatusCode::UPGRADE_REQUIRED {
        let token = HeaderValue::from_static(TOKEN);
        response.headers_mut().insert(UPGRADE, token);
    }
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// What a client asks of a server.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    request: &'a http::Request<()>,
}

impl<'a> Offer<'a> {
    pub(crate) fn new(request: &'a http::Request<()>) -> Self {
        Self { request }
    }
    /// Reads what an extended CONNECT for `websocket` asks for (RFC 8441 §5). A key is ignored.
    ///
    /// # Errors
    ///
    /// The response to a request that is not a good one.
    pub fn of_http2(request: &'a http::Request<()>) -> Result<Self, Box<http::Response<Bytes>>> {
        match check_offer(request.headers()) {
            Ok(()) => Ok(Self { request }),
            Err(cause) => {
                let mut response = refusal(&cause);
                *response.status_mut() = StatusCode::BAD_REQUEST;
                response.headers_mut().remove(UPGRADE); // which HTTP/2 forbids
                Err(response.into())
            }
        }
    }
    /// Returns the target: path and query, or an absolute URI.
    pub fn uri(&self) -> &'a Uri {
        self.request.uri()
    }
    /// Returns all the fields.
    pub fn headers(&self) -> &'a HeaderMap {
        self.request.headers()
    }
    /// Returns the `Origin`, which browsers always send: a server for browsers checks it (RFC 6455
    /// §10.2).
    pub fn origin(&self) -> Option<&'a str> {
        only(self.headers(), &ORIGIN)
    }
    /// Returns the subprotocols that the client speaks, those it prefers first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> {
        subprotocols(self.headers())
    }
}

/// What a server answers when it accepts.
///
/// ```
/// use wirestack_websocket::Accept;
///
/// let accept = Accept::new()
///     .subprotocol("chat.v1")
///     .header("set-cookie", "seen=1")?;
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Accept {
    subprotocol: Option<String>,
    headers: HeaderMap,
}

impl Accept {
    /// Accepts, without a subprotocol.
    pub fn new() -> Self {
        Self::default()
    }
    /// Chooses a subprotocol, which must be one of those offered.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }
    /// Adds a field.
    ///
    /// # Errors
    ///
    /// [`Cause::InvalidField`]; [`Cause::ReservedField`] for a field that the handshake sets itself.
    pub fn header(
        mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, Error> {
        add(&mut self.headers, name, value).map_err(local)?;
        Ok(self)
    }
    /// Returns the fields of the response to an HTTP/1.1 upgrade with this key.
    pub(crate) fn to_http1(&self, offer: &Offer<'_>, key: &Key) -> Result<HeaderMap, Cause> {
        let mut fields = self.fields(offer)?;
        if let Ok(accept) = HeaderValue::try_from(key.accept()) {
            fields.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        Ok(fields)
    }
    /// Returns the fields of the response that accepts an extended CONNECT (RFC 8441 §5).
    ///
    /// # Errors
    ///
    /// [`Cause::UnofferedSubprotocol`].
    pub fn to_http2(&self, offer: &Offer<'_>) -> Result<HeaderMap, Error> {
        self.fields(offer).map_err(local)
    }
    /// Returns the fields that do not depend on the version of HTTP.
    fn fields(&self, offer: &Offer<'_>) -> Result<HeaderMap, Cause> {
        let mut fields = self.headers.clone();
        if let Some(chosen) = &self.subprotocol {
            let offered = offer.subprotocols().any(|name| name == chosen);
            let value = HeaderValue::try_from(chosen).ok().filter(|_| offered);
            let value = value.ok_or_else(|| Cause::UnofferedSubprotocol(chosen.clone()))?;
            fields.insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        Ok(fields)
    }
    pub(crate) fn into_subprotocol(self) -> Option<String> {
        self.subprotocol
    }
}

pub(crate) fn local(cause: Cause) -> Error {
    Error::local(NAME, cause)
}

/// Adds a field of the application's.
pub(crate) fn add(
    headers: &mut HeaderMap,
    name: impl TryInto<HeaderName>,
    value: impl TryInto<HeaderValue>,
) -> Result<(), Cause> {
    let name = name.try_into().or(Err(Cause::InvalidField))?;
    let mut value = value.try_into().or(Err(Cause::InvalidField))?;
    let framing = [HOST, CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
    if framing.contains(&name) || name.as_str().starts_with("sec-websocket-") {
        return Err(Cause::ReservedField(name));
    }
    if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(&name) {
        value.set_sensitive(true);
    }
    headers.append(name, value);
    Ok(())
}

/// Returns the value of a field that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value?.to_str().ok()
}

/// Returns all values of a field as one list.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values = headers.get_all(name).iter();
    let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
    texts
        .reduce(|list, text| list + ", " + text)
        .map(String::from)
}

fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    // A value that is not text stays as one element that is no token.
    let texts = values.map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let names = texts.flat_map(|text| text.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty())
}

pub(crate) fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// The token of the upgrade.
pub(crate) const TOKEN: &str = "websocket";
pub(crate) const VERSION: &str = "13";
/// "258EAFA5-E914-47DA-95CA-C5AB0DC85B11 [...] unlikely to be used by network endpoints that do not
/// understand the WebSocket Protocol" (RFC 6455 §1.3)
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Takes keys whose last bits are not zero: nobody uses what is in them.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, PAD.with_decode_allow_trailing_bits(true));
