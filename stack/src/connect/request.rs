//! The start of a WebSocket: its URL, with the subprotocols and the fields that come with it.

use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderValue, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Uri, Version};
use std::fmt;
use wirestack_dial::{RouteError, Target};
use wirestack_http::SafeDebug;
use wirestack_layer::HostPort;

/// The start of a WebSocket: a URL, or a whole request. [`connect`](fn@crate::connect) takes
/// everything that converts into it: `&str`, `String`, `Uri`, a [`Target`], `http::Request<()>`, and the
/// `Url` of the crate `url` (feature `url`).
///
/// Of a request, it takes the URI, the subprotocols and the fields. `Host`, `Connection`, `Upgrade`
/// and `Sec-WebSocket-Key` are made anew, so those of the request are passed over.
///
/// # Errors
///
/// A request whose method is not `GET`, whose `Host` is another one than that of its URI, whose
/// `Upgrade` or `Sec-WebSocket-Version` is for something else, or that has
/// `Sec-WebSocket-Extensions`: a [`WebSocketConfig`](crate::websocket::WebSocketConfig) says what
/// to offer.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let request = http::Request::get("wss://example.org/chat")
///     .header("authorization", "Bearer secret")
///     .header("sec-websocket-protocol", "chat.v2, chat.v1")
///     .body(())?;
/// let socket = wirestack::connect(request).await?;
/// println!("{:?}", socket.subprotocol());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WebSocketRequest {
    pub(super) target: Target,
    pub(super) subprotocols: Vec<String>,
    pub(super) headers: HeaderMap,
    /// The request says that it is one of HTTP/2.
    pub(super) over_http2: bool,
}

impl From<Target> for WebSocketRequest {
    fn from(target: Target) -> Self {
        Self {
            target,
            subprotocols: Vec::new(),
            headers: HeaderMap::new(),
            over_http2: false,
        }
    }
}

macro_rules! read_from {
    ($($type:ty)*) => {$(
        impl TryFrom<$type> for WebSocketRequest {
            type Error = RouteError;

            fn try_from(url: $type) -> Result<Self, RouteError> {
                Target::try_from(url).map(Self::from)
            }
        }
    )*};
}
read_from!(&str String &String Uri &Uri);
#[cfg(feature = "url")]
read_from!(url::Url & url::Url);

impl TryFrom<Request<()>> for WebSocketRequest {
    type Error = RouteError;

    fn try_from(request: Request<()>) -> Result<Self, RouteError> {
        let (parts, ()) = request.into_parts();
        if parts.method != Method::GET {
            return Err(RouteError::Request("its method must be GET"));
        }
        let target = Target::try_from(&parts.uri)?;
        let mut headers = parts.headers;
        let is_same_host = |value: &HeaderValue| is_host_of(value, &target);
        check(&headers, HOST.as_str(), is_same_host, OTHER_HOST)?;
        let is_websocket = |value: &HeaderValue| is(value, "websocket");
        check(&headers, UPGRADE.as_str(), is_websocket, OTHER_UPGRADE)?;
        let is_13 = |value: &HeaderValue| is(value, "13");
        check(
            &headers,
            SEC_WEBSOCKET_VERSION.as_str(),
            is_13,
            OTHER_VERSION,
        )?;
        check(
            &headers,
            SEC_WEBSOCKET_EXTENSIONS.as_str(),
            |_| false,
            EXTENSIONS,
        )?;
        let mut subprotocols = Vec::new();
        for list in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
            let list = list.to_str();
            let list = list.map_err(|_| RouteError::Request(BAD_SUBPROTOCOLS))?;
            let names = list.split(',').map(str::trim);
            subprotocols.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
        }
        let made_anew = [
            HOST,
            CONNECTION,
            UPGRADE,
            SEC_WEBSOCKET_KEY,
            SEC_WEBSOCKET_VERSION,
            SEC_WEBSOCKET_PROTOCOL,
        ];
        for name in made_anew {
            headers.remove(name);
        }
        Ok(Self {
            target,
            subprotocols,
            headers,
            over_http2: parts.version == Version::HTTP_2,
        })
    }
}

/// Shows neither the query of the URL nor the values of fields: they may be secrets.
impl fmt::Debug for WebSocketRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketRequest")
            .field("target", &format_args!("{}", self.target))
            .field("subprotocols", &self.subprotocols)
            .field("fields", &SafeDebug(&self.headers))
            .finish_non_exhaustive()
    }
}

/// Checks every value of a field.
fn check(
    headers: &HeaderMap,
    name: &str,
    is_right: impl Fn(&HeaderValue) -> bool,
    error: &'static str,
) -> Result<(), RouteError> {
    if headers.get_all(name).iter().all(is_right) {
        Ok(())
    } else {
        Err(RouteError::Request(error))
    }
}

fn is(value: &HeaderValue, wanted: &str) -> bool {
    value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes())
}

/// Returns `true` if this value of `Host` names the host and the port of the target.
fn is_host_of(value: &HeaderValue, target: &Target) -> bool {
    let endpoint = target.endpoint();
    let default_port = if target.is_secure() { 443 } else { 80 };
    let Ok(text) = value.to_str() else {
        return false;
    };
    HostPort::parse(text, Some(default_port)).is_some_and(|seen| {
        seen.host().eq_ignore_ascii_case(&endpoint.host) && seen.port() == endpoint.port
    })
}

const OTHER_HOST: &str = "its field Host names another host than its URI: leave Host out; to reach \
                          the host elsewhere, use `via` or a resolver of your own";
const OTHER_UPGRADE: &str = "its field Upgrade must be websocket, or left out";
const OTHER_VERSION: &str = "its field Sec-WebSocket-Version must be 13, or left out";
const EXTENSIONS: &str = "it has the field Sec-WebSocket-Extensions: leave it out, and set the \
                          compression in the configuration of the WebSocket";
const BAD_SUBPROTOCOLS: &str = "its field Sec-WebSocket-Protocol is no list of names";
