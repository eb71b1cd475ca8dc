//! The fields of the opening handshake (RFC 6455 §4): built and checked, for both sides.
//!
//! The key and its proof, which only HTTP/1.1 has, are apart from the fields that a handshake over
//! HTTP/2 has too (RFC 8441 §5).

use crate::deflate::{self, Compression, Deflate};
use crate::extension::{Extension, Malformed};
use crate::origins::{self, Origins};
use crate::{NAME, WebSocketError};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, PAD, STANDARD};
use bytes::Bytes;
use http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE, VARY,
};
use http::{Method, StatusCode, Uri, Version};
use sha1::{Digest, Sha1};
use std::fmt;
use wirestack_http::grammar::{has_token, is_token};
use wirestack_http::{SafeDebug, is_secret, read_basic_credentials};
use wirestack_http1::upgrade;
use wirestack_layer::Error;

/// The `Sec-WebSocket-Key` of one handshake: 16 bytes in base64.
#[derive(Debug)]
pub(crate) struct Key([u8; 24]);

impl Key {
    pub(crate) fn new(nonce: [u8; 16]) -> Self {
        let mut text = [0; 24];
        let length = STANDARD.encode_slice(nonce, &mut text);
        debug_assert_eq!(length, Ok(24), "16 bytes are 24 characters");
        Self(text)
    }

    /// Reads the key of a request: "a base64-encoded value that, when decoded, is 16 bytes in
    /// length".
    pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
        let key = only(headers, &SEC_WEBSOCKET_KEY)?;
        let length = LENIENT.decode_slice(key, &mut [0; 18]); // its estimate for 24 characters
        (length.ok()? == 16).then_some(key)
    }

    /// Returns the value of the field.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_bytes(&self.0).ok() // base64 is always a valid value
    }

    /// Checks the proof in a response.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), WebSocketError> {
        match only(headers, &SEC_WEBSOCKET_ACCEPT) {
            Some(accept) if accept.trim().as_bytes() == proof(self.0) => Ok(()),
            _ => Err(WebSocketError::BadAccept),
        }
    }
}

/// Returns the `Sec-WebSocket-Accept` for a key: it proves that the server understood the handshake.
pub(crate) fn proof(key: impl AsRef<[u8]>) -> [u8; 28] {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut text = [0; 28];
    let length = STANDARD.encode_slice(hash, &mut text);
    debug_assert_eq!(length, Ok(28), "20 bytes are 28 characters");
    text
}

/// The parameters that both sides agreed on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Negotiated {
    pub(crate) subprotocol: Option<Box<str>>,
    pub(crate) compression: Option<Compression>,
}

/// Checks the parameters that a server chose.
pub(crate) fn check_response(
    offered: &[String],
    deflate: Option<&Deflate>,
    headers: &HeaderMap,
) -> Result<Negotiated, WebSocketError> {
    let compression = match joined(headers, &SEC_WEBSOCKET_EXTENSIONS) {
        Some(chosen) => check_extensions(chosen, deflate)?,
        None => None,
    };
    match joined(headers, &SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if !offered.contains(&chosen) => {
            Err(WebSocketError::UnofferedSubprotocol(chosen))
        }
        subprotocol => Ok(Negotiated {
            subprotocol: subprotocol.map(String::into_boxed_str),
            compression,
        }),
    }
}

fn check_extensions(
    chosen: String,
    deflate: Option<&Deflate>,
) -> Result<Option<Compression>, WebSocketError> {
    let extensions = Extension::parse_list(&chosen);
    match (extensions.as_deref(), deflate) {
        (Ok([]), _) => Ok(None),
        (Ok([extension]), Some(deflate)) => deflate::check(extension, deflate).map(Some),
        (Ok([_, _, ..]), Some(_)) | (Err(_), _) => Err(WebSocketError::BadExtension(chosen)),
        (Ok(_), None) => Err(WebSocketError::UnofferedExtension(chosen)),
    }
}

/// Checks a request, which `offers` an upgrade to a WebSocket or does not.
pub(crate) fn check_request(
    request: &http::Request<()>,
    offers: bool,
    origins: &Origins,
) -> Result<(), WebSocketError> {
    if request.method() != Method::GET {
        return Err(WebSocketError::NotGet(request.method().clone()));
    }
    if request.version() != Version::HTTP_11 {
        return Err(WebSocketError::OldHttp(request.version()));
    }
    if !offers {
        return Err(if asks(request) && upgrade::has_content(request) {
            WebSocketError::Content
        } else {
            WebSocketError::NoUpgrade
        });
    }
    let headers = request.headers();
    check_offer(headers)?;
    let key = Key::read(headers).map(drop);
    key.ok_or(WebSocketError::BadField(SEC_WEBSOCKET_KEY))?;
    origins::check(request, origins)
}

/// Returns `true` if a request of HTTP/1.1 asks for a WebSocket, rightly or not.
pub(crate) fn asks(request: &http::Request<()>) -> bool {
    has_token(request.headers(), &UPGRADE, TOKEN)
}

/// Checks the fields of a request that do not depend on the version of HTTP.
fn check_offer(headers: &HeaderMap) -> Result<(), WebSocketError> {
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION) {
        return Err(WebSocketError::UnsupportedVersion);
    }
    let mut names: Vec<_> = subprotocols(headers).collect();
    names.sort_unstable(); // equal ones are neighbours then, however long the list is
    let is_repeated = names.windows(2).any(|pair| pair[0] == pair[1]);
    if is_repeated || !names.into_iter().all(is_token) {
        return Err(WebSocketError::BadField(SEC_WEBSOCKET_PROTOCOL));
    }
    match extensions(headers) {
        Ok(_) => Ok(()),
        Err(Malformed) => Err(WebSocketError::BadField(SEC_WEBSOCKET_EXTENSIONS)),
    }
}

/// Returns the extensions that a client offers.
pub(crate) fn extensions(headers: &HeaderMap) -> Result<Vec<Extension>, Malformed> {
    match joined(headers, &SEC_WEBSOCKET_EXTENSIONS) {
        Some(offered) => Extension::parse_list(&offered),
        None => Ok(Vec::new()),
    }
}

/// Returns the response to a request that is refused for `cause`.
pub(crate) fn refusal(cause: &WebSocketError) -> http::Response<Bytes> {
    let (status, name, value) = match cause {
        WebSocketError::NotGet(_) => (StatusCode::METHOD_NOT_ALLOWED, ALLOW, "GET"),
        WebSocketError::NoUpgrade => (StatusCode::UPGRADE_REQUIRED, UPGRADE, TOKEN),
        // "an appropriate HTTP error code (such as 426 Upgrade Required) and a
        // |Sec-WebSocket-Version| header field indicating the version(s) the server is capable of
        // understanding"
        WebSocketError::UnsupportedVersion => {
            (StatusCode::UPGRADE_REQUIRED, SEC_WEBSOCKET_VERSION, VERSION)
        }
        WebSocketError::ForeignOrigin(_) => (StatusCode::FORBIDDEN, VARY, "Origin"),
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

/// A client's request for a WebSocket, as the server reads it.
///
/// ```
/// use http::{Method, Request};
/// use wirestack_websocket::{Offer, Origins};
///
/// let request = Request::get("/chat?room=7")
///     .header("host", "example.org")
///     .header("origin", "https://example.org")
///     .header("connection", "upgrade")
///     .header("upgrade", "websocket")
///     .header("sec-websocket-version", "13")
///     .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
///     .header("sec-websocket-protocol", "chat, echo")
///     .header("authorization", "Basic YWRhOnNlY3JldA==")
///     .body(())?;
/// // Over HTTP/2, where it is an extended CONNECT: `of_http2`.
/// let offer = Offer::of_http1(&request, &Origins::same()).ok().unwrap();
/// assert_eq!((offer.uri().path(), offer.uri().query()), ("/chat", Some("room=7")));
/// assert_eq!(offer.origin(), Some("https://example.org"));
/// assert_eq!(offer.subprotocols().collect::<Vec<_>>(), ["chat", "echo"]);
/// assert_eq!(offer.first_subprotocol(["echo", "chat"]), Some("echo")); // in our order
/// assert_eq!(offer.basic(), Some(("ada".into(), "secret".into())));
/// assert_eq!(offer.headers()["host"], "example.org");
/// assert_eq!(offer.request().method(), Method::GET);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    request: &'a http::Request<()>,
    /// `true` in HTTP/1.1, where the request is for an upgrade.
    upgrades: bool,
}

impl<'a> Offer<'a> {
    /// Wraps a request for an upgrade that was checked.
    pub(crate) fn checked(request: &'a http::Request<()>) -> Self {
        let upgrades = true;
        Self { request, upgrades }
    }

    /// Reads a `GET` of HTTP/1.1 (RFC 6455 §4.2.1), for a server that has its own HTTP. A
    /// [`Server`](crate::Server) does this by itself.
    ///
    /// # Errors
    ///
    /// The response that refuses the request, if it is not a valid handshake, or if a web page sent
    /// it whose origin is not permitted.
    pub fn of_http1(
        request: &'a http::Request<()>,
        origins: &Origins,
    ) -> Result<Self, Box<http::Response<Bytes>>> {
        match check_request(request, upgrade::offers(request, TOKEN), origins) {
            Ok(()) => Ok(Self::checked(request)),
            Err(cause) => Err(refusal(&cause).into()),
        }
    }

    /// Reads an extended CONNECT of HTTP/2 for `websocket` (RFC 8441 §5). A key is ignored.
    ///
    /// # Errors
    ///
    /// The response that refuses the request, if it is not a valid handshake, or if a web page sent
    /// it whose origin is not permitted.
    pub fn of_http2(
        request: &'a http::Request<()>,
        origins: &Origins,
    ) -> Result<Self, Box<http::Response<Bytes>>> {
        let upgrades = false;
        let checked = check_offer(request.headers());
        match checked.and_then(|()| origins::check(request, origins)) {
            Ok(()) => Ok(Self { request, upgrades }),
            Err(cause) => {
                let mut response = refusal(&cause);
                if response.status() == StatusCode::UPGRADE_REQUIRED {
                    *response.status_mut() = StatusCode::BAD_REQUEST;
                }
                response.headers_mut().remove(UPGRADE); // HTTP/2 forbids it
                Err(response.into())
            }
        }
    }

    pub(crate) fn upgrades(&self) -> bool {
        self.upgrades
    }

    /// Returns the key that the answer has to prove; none over HTTP/2. It was checked.
    pub(crate) fn key(&self) -> Option<&'a str> {
        only(self.headers(), &SEC_WEBSOCKET_KEY).filter(|_| self.upgrades)
    }

    /// Returns the request.
    pub fn request(&self) -> &'a http::Request<()> {
        self.request
    }

    /// Returns the target: path and query, or an absolute URI.
    pub fn uri(&self) -> &'a Uri {
        self.request.uri()
    }

    /// Returns all fields.
    pub fn headers(&self) -> &'a HeaderMap {
        self.request.headers()
    }

    /// Returns the `Origin`, which browsers always send. It has been checked: see [`Origins`].
    pub fn origin(&self) -> Option<&'a str> {
        only(self.headers(), &ORIGIN)
    }

    /// Returns the user and the password, if the request has Basic credentials in UTF-8 (RFC 7617).
    /// Programs send them if their URL has a user and a password; the scripts of a web page cannot.
    ///
    /// ```
    /// use wirestack_websocket::{Offer, Origins};
    ///
    /// let request = http::Request::builder()
    ///     .header("sec-websocket-version", "13")
    ///     .header("authorization", "Basic YWRhOnNlY3JldA==")
    ///     .body(())?;
    /// let offer = Offer::of_http2(&request, &Origins::same()).map_err(|_| "refused")?;
    /// assert_eq!(offer.basic(), Some(("ada".to_owned(), "secret".to_owned())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn basic(&self) -> Option<(String, String)> {
        read_basic_credentials(self.headers().get(AUTHORIZATION)?)
    }

    /// Returns the subprotocols that the client offers, the preferred first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'a str> {
        subprotocols(self.headers())
    }

    /// Returns the first of these subprotocols that the client offers. Their order is that of the
    /// server's preference.
    ///
    /// ```
    /// use wirestack_websocket::{Offer, Origins};
    ///
    /// let request = http::Request::builder()
    ///     .header("sec-websocket-version", "13")
    ///     .header("sec-websocket-protocol", "chat.v1, chat.v2")
    ///     .body(())?;
    /// let offer = Offer::of_http2(&request, &Origins::same()).map_err(|_| "refused")?;
    /// assert_eq!(offer.first_subprotocol(["chat.v3", "chat.v2"]), Some("chat.v2"));
    /// assert_eq!(offer.first_subprotocol(["soap"]), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn first_subprotocol(&self, ours: impl IntoIterator<Item: AsRef<str>>) -> Option<&'a str> {
        ours.into_iter()
            .find_map(|our| self.subprotocols().find(|name| *name == our.as_ref()))
    }
}

/// Shows neither the query nor the values of fields: they may be secrets.
impl fmt::Debug for Offer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Offer")
            .field(&SafeDebug(self.request))
            .finish()
    }
}

pub(crate) fn local(cause: WebSocketError) -> Error {
    Error::local(NAME, cause)
}

/// Adds a field that the application wants.
pub(crate) fn add(
    headers: &mut HeaderMap,
    name: impl TryInto<HeaderName>,
    value: impl TryInto<HeaderValue>,
) -> Result<(), WebSocketError> {
    let name = name.try_into().or(Err(WebSocketError::InvalidField))?;
    let mut value = value.try_into().or(Err(WebSocketError::InvalidField))?;
    let framing = [HOST, CONNECTION, UPGRADE, CONTENT_LENGTH, TRANSFER_ENCODING];
    if framing.contains(&name) || name.as_str().starts_with("sec-websocket-") {
        return Err(WebSocketError::ReservedField(name));
    }
    if is_secret(&name) {
        value.set_sensitive(true);
    }
    headers.append(name, value);
    Ok(())
}

/// Returns the value of a field, if it occurs exactly once.
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
    // A value that is not text becomes an element that is not a token.
    let texts = values.map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let names = texts.flat_map(|text| text.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty())
}

/// The protocol name of the upgrade.
pub(crate) const TOKEN: &str = "websocket";
/// The version of the protocol.
pub(crate) const VERSION: &str = "13";
/// "258EAFA5-E914-47DA-95CA-C5AB0DC85B11 [...] unlikely to be used by network endpoints that do not
/// understand the WebSocket Protocol" (RFC 6455 §1.3)
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Accepts keys whose last bits are not zero: these bits have no meaning.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, PAD.with_decode_allow_trailing_bits(true));
