use crate::WebSocketError;
use crate::deflate::{self, Deflate};
use crate::handshake::{Negotiated, Offer, add, extensions, local, proof};
use http::Extensions;
use http::header::{
    HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_PROTOCOL,
};
use std::fmt;
use wirestack_http::SafeDebug;
use wirestack_layer::Error;

/// The answer of a server that accepts a request.
///
/// ```
/// use wirestack_websocket::Accept;
///
/// let accept = Accept::new()
///     .subprotocol("chat.v1")
///     .header("set-cookie", "seen=1")?;
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Accept {
    subprotocol: Option<String>,
    headers: HeaderMap,
    extensions: Extensions,
}

impl Accept {
    /// Creates an answer without a subprotocol.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses a subprotocol. The client must have offered it.
    #[must_use]
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.subprotocol = Some(name.into());
        self
    }

    /// Returns the subprotocol that was [chosen](Self::subprotocol).
    ///
    /// ```
    /// use wirestack_websocket::Accept;
    ///
    /// assert_eq!(Accept::new().subprotocol("chat").chosen_subprotocol(), Some("chat"));
    /// assert_eq!(Accept::new().chosen_subprotocol(), None);
    /// ```
    pub fn chosen_subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// Adds a field to the response.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::InvalidField`]; [`WebSocketError::ReservedField`] for a field that the
    /// handshake sets itself.
    pub fn header(
        mut self,
        name: impl TryInto<HeaderName>,
        value: impl TryInto<HeaderValue>,
    ) -> Result<Self, Error> {
        add(&mut self.headers, name, value).map_err(local)?;
        Ok(self)
    }

    /// Adds a value to the [extensions](http::Request::extensions) of the accepted request, for
    /// those who serve the WebSocket: the user who has logged in, for example. The client does not
    /// see it.
    ///
    /// ```
    /// use wirestack_websocket::Accept;
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// let accept = Accept::new().extension(User("ada".to_owned()));
    /// ```
    #[must_use]
    pub fn extension(mut self, value: impl Clone + Send + Sync + 'static) -> Self {
        self.extensions.insert(value);
        self
    }

    /// Takes the values of [`extension`](Self::extension) out.
    ///
    /// ```
    /// use wirestack_websocket::Accept;
    ///
    /// let mut accept = Accept::new().extension(7_u32);
    /// assert_eq!(accept.take_extensions().get::<u32>(), Some(&7));
    /// ```
    pub fn take_extensions(&mut self) -> Extensions {
        std::mem::take(&mut self.extensions)
    }

    /// Returns the parameters that this answer agrees on, and the fields of the response to an
    /// offer that was checked.
    pub(crate) fn answer(
        self,
        offer: &Offer<'_>,
        deflate: Option<&Deflate>,
    ) -> Result<(Negotiated, AnswerFields), WebSocketError> {
        let mut subprotocol = None;
        if let Some(chosen) = &self.subprotocol {
            let offered = offer.subprotocols().any(|name| name == chosen);
            let value = HeaderValue::try_from(chosen).ok().filter(|_| offered);
            let value =
                value.ok_or_else(|| WebSocketError::UnofferedSubprotocol(chosen.clone()))?;
            subprotocol = Some(value);
        }
        let answer = deflate.and_then(|deflate| {
            let offers = extensions(offer.headers()).unwrap_or_default();
            deflate::answer(&offers, deflate)
        });
        // Tokens and base64 are always valid values.
        let extensions = answer.as_ref();
        let extensions = extensions.and_then(|(_, answer)| HeaderValue::try_from(answer).ok());
        let key = offer.key();
        let accept = key.and_then(|key| HeaderValue::from_bytes(&proof(key)).ok());
        let fields = AnswerFields {
            headers: self.headers,
            own: [
                (SEC_WEBSOCKET_PROTOCOL, subprotocol),
                (SEC_WEBSOCKET_EXTENSIONS, extensions),
                (SEC_WEBSOCKET_ACCEPT, accept),
            ],
        };
        let negotiated = Negotiated {
            subprotocol: self.subprotocol.map(String::into_boxed_str),
            compression: answer.map(|(compression, _)| compression),
        };
        Ok((negotiated, fields))
    }
}

/// The fields of an answer: those of the application, and those that the handshake sets.
pub(crate) struct AnswerFields {
    headers: HeaderMap,
    own: [(HeaderName, Option<HeaderValue>); 3],
}

impl AnswerFields {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let own = self.own.iter();
        let own = own.filter_map(|(name, value)| Some((name, value.as_ref()?)));
        self.headers.iter().chain(own)
    }

    pub(crate) fn into_map(self) -> HeaderMap {
        let mut fields = self.headers;
        let own = self.own.into_iter();
        fields.extend(own.filter_map(|(name, value)| Some((name, value?))));
        fields
    }
}

/// Shows no values of fields: they may be secrets, such as cookies.
impl fmt::Debug for Accept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept")
            .field("subprotocol", &self.subprotocol)
            .field("fields", &SafeDebug(&self.headers))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_application_adds_is_kept_and_taken_once() {
        let mut accept = Accept::new().extension("ada").extension(7_u8);
        let mut taken = accept.take_extensions();
        assert_eq!(taken.remove::<&str>(), Some("ada"));
        assert_eq!(taken.remove::<u8>(), Some(7));
        assert!(accept.take_extensions().is_empty());
    }
}
