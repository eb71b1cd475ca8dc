//! The signals of a server that another connection, or another version of HTTP, would do.

use wirestack_http2::{Http2Error, Reason, Unprocessed, UseHttp1};
use wirestack_layer::Error;
use wirestack_tls::rustls::{self, AlertDescription, PeerMisbehaved};
use wirestack_tls::{self as tls, TlsError};

/// The cause of an error: a proxy or server does not speak HTTP/2, which ALPN has to choose (RFC
/// 9113 §3.2).
///
/// ```
/// use wirestack_dial::{DialError, NoHttp2};
///
/// /// Says what to do about a peer that does not speak HTTP/2.
/// fn advice(error: &DialError) -> Option<String> {
///     let cause: &NoHttp2 = error.layer_error()?.cause()?;
///     Some(format!("the {} chose {}: leave `http2_only` out", cause.peer, cause.chosen))
/// }
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("the {peer} does not speak HTTP/2: ALPN chose {chosen}")]
#[non_exhaustive]
pub struct NoHttp2 {
    /// The peer: `proxy` or `server`.
    pub peer: &'static str,
    /// The protocol that it chose, or `nothing`.
    pub chosen: String,
}

impl NoHttp2 {
    /// Checks that ALPN chose HTTP/2 in this session.
    pub(crate) fn check(peer: &'static str, tls: &tls::Client) -> Result<(), Error> {
        let chosen = match tls.alpn() {
            Some(b"h2") => return Ok(()),
            Some(other) => other.escape_ascii().to_string(),
            None => "nothing".to_owned(),
        };
        Err(Error::peer(TLS, Self { peer, chosen }))
    }

    /// Returns the error of a peer that refused the only protocol it was offered, if `error` is of
    /// one.
    pub(crate) fn of_refused_alpn(peer: &'static str, error: &Error) -> Option<Error> {
        let chosen = match error.cause()? {
            TlsError::Alert(AlertDescription::NoApplicationProtocol) => {
                "nothing (the alert no_application_protocol)"
            }
            TlsError::Rustls(rustls::Error::PeerMisbehaved(
                PeerMisbehaved::SelectedUnofferedApplicationProtocol,
            )) => "a protocol that was not offered",
            _ => return None,
        };
        let chosen = chosen.to_owned();
        let error_of_alpn = Error::peer(TLS, Self { peer, chosen });
        Some(error_of_alpn.at(error.place()))
    }
}

/// Returns `true` if a server asks for HTTP/1.1, or speaks nothing else, or has no extended CONNECT.
pub(crate) fn asks_for_http1(error: &Error) -> bool {
    error.retry_hint::<UseHttp1>().is_some() || error.cause::<NoHttp2>().is_some()
}

/// Returns `true` if a server offers extended CONNECT, but something behind it does not know what a
/// WebSocket by that method is. Its refusal says so: the same request by GET over HTTP/1.1 was not
/// refused.
pub(crate) fn refuses_extended_connect(error: &Error) -> bool {
    let Some(Http2Error::Refused(refusal)) = error.cause() else {
        return false;
    };
    // Bad Request, Method Not Allowed, Misdirected Request (RFC 9110 §15.5.20: "MAY retry [...]
    // over a different connection"), Upgrade Required, Not Implemented, HTTP Version Not Supported.
    matches!(refusal.status.as_u16(), 400 | 405 | 421 | 426 | 501 | 505)
}

/// Returns `true` if a request was certainly not processed (RFC 9113 §8.7), and the server does not
/// say that the client is at fault: a new connection may carry the request.
pub(crate) fn is_unprocessed(error: &Error) -> bool {
    let is_welcome = match error.cause() {
        // The fault would come again, or the server wants calm.
        Some(Http2Error::GoAway { reason, .. }) => {
            matches!(
                *reason,
                Reason::NO_ERROR | Reason::INTERNAL_ERROR | Reason::CANCEL
            )
        }
        _ => true,
    };
    is_welcome && error.retry_hint::<Unprocessed>().is_some()
}

/// Returns `true` if the hint of an error is for this module, which decides about it.
pub(crate) fn is_signal(error: &Error) -> bool {
    error.retry_hint::<UseHttp1>().is_some() || error.retry_hint::<Unprocessed>().is_some()
}

/// The layer that negotiates by ALPN, by its name.
const TLS: &str = "tls";
