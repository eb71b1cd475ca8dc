//! The fields of a WebSocket's handshake, for all builders that send one.

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use wirestack_http::grammar::is_token;
use wirestack_http::{basic_credentials, is_secret, mark_secrets};
use wirestack_layer::Error;
use wirestack_websocket::ClientRequest;
use zeroize::Zeroizing;

/// Fields of a request, or the first error in them, which is told when the builder is awaited.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    subprotocols: Vec<String>,
    headers: HeaderMap,
    error: Option<Error>,
}

impl Fields {
    pub(super) fn new(subprotocols: Vec<String>, mut headers: HeaderMap) -> Self {
        mark_secrets(&mut headers);
        Self {
            subprotocols,
            headers,
            error: None,
        }
    }

    pub(crate) fn subprotocol(&mut self, name: String) {
        self.subprotocols.push(name);
    }

    /// Adds a field.
    pub(crate) fn add(&mut self, name: impl TryInto<HeaderName>, value: impl TryInto<HeaderValue>) {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(mut value)) => {
                if is_secret(&name) {
                    value.set_sensitive(true);
                }
                self.headers.append(name, value);
            }
            (Ok(name), Err(_)) => self.fail(Error::local("http", BadField::Value(name))),
            (Err(_), _) => self.fail(Error::local("http", BadField::Name)),
        }
    }

    /// Sets a field in place of those with the same name.
    pub(crate) fn set(&mut self, name: HeaderName, value: impl TryInto<HeaderValue>) {
        self.headers.remove(&name);
        self.add(name, value);
    }

    pub(crate) fn bearer(&mut self, token: &str) {
        // "b64token" of RFC 6750 §2.1, and whatever else HTTP can send.
        let value = Zeroizing::new(format!("Bearer {token}"));
        self.set(AUTHORIZATION, value.as_str());
    }

    pub(crate) fn basic_auth(&mut self, user: &[u8], password: &[u8]) {
        match basic_credentials(user, password) {
            Ok(value) => self.set(AUTHORIZATION, value),
            Err(error) => self.fail(error),
        }
    }

    /// Adds a cookie. A request has one field with all of them (RFC 6265 §5.4).
    pub(crate) fn cookie(&mut self, name: &str, value: &str) {
        if !is_token(name) || !is_cookie_value(value) {
            return self.fail(Error::local("http", BadCookie));
        }
        let mut all = Zeroizing::new(Vec::new());
        for before in self.headers.get_all(COOKIE) {
            all.extend_from_slice(before.as_bytes());
            all.extend_from_slice(b"; ");
        }
        for piece in [name, "=", value] {
            all.extend_from_slice(piece.as_bytes());
        }
        self.set(COOKIE, all.as_slice());
    }

    /// Returns the request for a URL with these fields. `known` is the authorization that the URL
    /// has, which goes unless another one was set.
    pub(crate) fn request(
        self,
        url: &str,
        known: Option<HeaderValue>,
    ) -> Result<ClientRequest, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut request = ClientRequest::new(url)?;
        if let Some(value) = known.filter(|_| !self.headers.contains_key(AUTHORIZATION)) {
            request = request.header(AUTHORIZATION, value)?;
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name)?;
        }
        for (name, value) in &self.headers {
            request = request.header(name, value)?;
        }
        Ok(request)
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

/// The methods for fields, of a builder with the field `fields`.
macro_rules! with_fields {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: wirestack_websocket::Payload>)? $builder$(<$form>)? {
            /// Offers a subprotocol (RFC 6455 §1.9). The server chooses one of the offered ones, or
            /// none.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// // In the order of preference: `socket.subprotocol()` is the one that the server has chosen.
            /// let chat = connect("wss://example.org/").subprotocol("chat.v2").subprotocol("chat.v1");
            /// assert!(chat.plan().is_ok());
            /// ```
            pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
                self.fields.subprotocol(name.into());
                self
            }

            /// Sends a header field with the handshake: the name and the value as text, or as the
            /// types of `http`. An invalid one is an error when the builder is awaited.
            ///
            /// The values of `Authorization`, `Cookie` and `Proxy-Authorization` are secrets: no
            /// `Debug` shows them, and they are not sent to another origin after a redirect. Mark
            /// others by `HeaderValue::set_sensitive`.
            ///
            /// ```no_run
            /// # async fn example() -> Result<(), wirestack::dial::DialError> {
            /// let connect = wirestack::connect("wss://example.org/chat");
            /// let socket = connect.header("x-client", "1.2").await?;
            /// # drop(socket);
            /// # Ok(())
            /// # }
            /// ```
            pub fn header(
                mut self,
                name: impl TryInto<http::HeaderName>,
                value: impl TryInto<http::HeaderValue>,
            ) -> Self {
                self.fields.add(name, value);
                self
            }

            /// Sends this token as `Authorization: Bearer` (RFC 6750 §2.1). It replaces the user and
            /// the password of the URL.
            ///
            /// ```
            /// let chat = wirestack::connect("wss://example.org/").bearer("a-token");
            /// assert!(!format!("{chat:?}").contains("a-token")); // a secret is in no log
            /// ```
            pub fn bearer(mut self, token: impl AsRef<str>) -> Self {
                self.fields.bearer(token.as_ref());
                self
            }

            /// Sends a user and a password as `Authorization: Basic` (RFC 7617). They replace those
            /// of the URL.
            ///
            /// ```
            /// let chat = wirestack::connect("wss://example.org/").basic_auth("ada", "secret");
            /// assert!(!format!("{chat:?}").contains("secret"));
            /// ```
            pub fn basic_auth(
                mut self,
                user: impl AsRef<[u8]>,
                password: impl AsRef<[u8]>,
            ) -> Self {
                self.fields.basic_auth(user.as_ref(), password.as_ref());
                self
            }

            /// Sends this `User-Agent`. Without the call, there is none.
            ///
            /// ```
            /// assert!(wirestack::connect("wss://example.org/").user_agent("my-client/1.0").plan().is_ok());
            /// ```
            pub fn user_agent(mut self, value: impl TryInto<http::HeaderValue>) -> Self {
                self.fields.set(http::header::USER_AGENT, value);
                self
            }

            /// Sends this `Origin` (RFC 6455 §4.1), as a browser does for the page that it shows.
            /// Without the call, there is none.
            ///
            /// ```
            /// // For servers that serve the pages of one site alone.
            /// let chat = wirestack::connect("wss://example.org/").origin("https://example.org");
            /// assert!(chat.plan().is_ok());
            /// ```
            pub fn origin(mut self, value: impl TryInto<http::HeaderValue>) -> Self {
                self.fields.set(http::header::ORIGIN, value);
                self
            }

            /// Sends a cookie (RFC 6265 §4.2). Each call adds one to the field.
            ///
            /// ```no_run
            /// # async fn example() -> Result<(), wirestack::dial::DialError> {
            /// let connect = wirestack::connect("wss://example.org/chat");
            /// let socket = connect.cookie("session", "31d4d96e407aad42").await?;
            /// # drop(socket);
            /// # Ok(())
            /// # }
            /// ```
            pub fn cookie(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
                self.fields.cookie(name.as_ref(), value.as_ref());
                self
            }
        }
    };
}
pub(super) use with_fields;

/// "cookie-octet" (RFC 6265 §4.1.1), and the quotes around them.
fn is_cookie_value(text: &str) -> bool {
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let is_octet =
        |c: u8| matches!(c, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    inner.unwrap_or(text).bytes().all(is_octet)
}

/// A field that HTTP cannot send (RFC 9110 §5.1, §5.5). Its value may be a secret.
#[derive(Debug, thiserror::Error)]
enum BadField {
    #[error("the name of a field is no token: it may have letters, digits and !#$%&'*+-.^_`|~")]
    Name,
    #[error("the value of the field {0} has a control character, which HTTP cannot send")]
    Value(HeaderName),
}

#[derive(Debug, thiserror::Error)]
#[error(
    "the name of a cookie must be a token, and its value must have no blank, comma, semicolon, \
     backslash or control character: encode it"
)]
struct BadCookie;
