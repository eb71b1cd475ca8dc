//! The errors that may heal by themselves, and those that a person has to mend.

use crate::plan::fallback::NoHttp2;
use crate::report::error::{DialError, Phase, Reason, Retry};
use crate::retry::retry_after::refusal;
use http::StatusCode;
use std::io;
use wirestack_http1::Http1Error;
use wirestack_http2::{self as http2, Http2Error};
use wirestack_layer::{Blame, Error};
use wirestack_socks::{Reply, SocksError};
use wirestack_tls::TlsError;
use wirestack_tls::rustls::{self, AlertDescription};
use wirestack_websocket::WebSocketError;

impl DialError {
    /// Returns `true` if the same call may succeed some time later, although nobody changes
    /// anything: after a time-out, a lost connection, a server that is overloaded or restarts.
    ///
    /// It is `false` for what a person has to mend: a URL, settings, a certificate, a password, a
    /// forbidden target, a protocol that the other side does not speak. The error of a layer of the
    /// caller's own is temporary, unless this side is to blame for it.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack_dial::DialError;
    ///
    /// fn advice(error: &DialError) -> &'static str {
    ///     if error.is_temporary() { "try again later" } else { "something has to be mended" }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_temporary(&self) -> bool {
        reason_is_temporary(self.reason())
    }
}

fn reason_is_temporary(reason: &Reason) -> bool {
    match reason {
        Reason::Invalid(_) | Reason::NotAuthenticated { .. } | Reason::Redirect { .. } => false,
        Reason::TimedOut { phase, .. } => *phase != Phase::Ask, // nobody was there to answer
        Reason::NotResolved { error, .. }
        | Reason::RoutesNotFound { error, .. }
        | Reason::Layer { error, .. } => error_is_temporary(error),
        Reason::Unreached { tried, .. } => {
            let mut errors = tried.iter().map(|unreached| &unreached.error);
            tried.is_empty() || errors.any(error_is_temporary)
        }
        Reason::TooManyConnections { chain } => match chain.last() {
            Some(Retry::Layer(error)) => error_is_temporary(error),
            Some(Retry::Redirect { .. }) => false,
            None => true,
        },
        Reason::AllRoutesFailed { tried } => {
            tried.is_empty()
                || tried
                    .iter()
                    .any(|failed| reason_is_temporary(&failed.reason))
        }
    }
}

fn error_is_temporary(error: &Error) -> bool {
    if let Some(refusal) = refusal(error) {
        return status_is_temporary(refusal.status);
    }
    if let Some(cause) = error.cause::<Http1Error>() {
        return matches!(cause, Http1Error::Truncated { .. });
    }
    if let Some(cause) = error.cause::<Http2Error>() {
        return http2_is_temporary(cause);
    }
    if let Some(cause) = error.cause::<TlsError>() {
        return tls_is_temporary(cause);
    }
    if let Some(cause) = error.cause::<SocksError>() {
        return socks_is_temporary(cause);
    }
    if let Some(cause) = error.cause::<WebSocketError>() {
        // All others are faults of the handshake, or of frames in the first flight.
        return matches!(
            cause,
            WebSocketError::Cut
                | WebSocketError::Silent(_)
                | WebSocketError::Closed { .. }
                | WebSocketError::UnfinishedMessage(_)
        );
    }
    if error.cause::<NoHttp2>().is_some() {
        return false;
    }
    if let Some(dialing) = error.cause::<DialError>() {
        return dialing.is_temporary(); // of the shared connection below
    }
    if let Some(cause) = error.cause::<io::Error>() {
        return io_is_temporary(cause);
    }
    error.blame() != Blame::Local
}

fn io_is_temporary(error: &io::Error) -> bool {
    !matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
    )
}

fn http2_is_temporary(cause: &Http2Error) -> bool {
    match cause {
        Http2Error::Reset(reason) | Http2Error::GoAway { reason, .. } => ![
            http2::Reason::HTTP_1_1_REQUIRED,
            http2::Reason::INADEQUATE_SECURITY,
            http2::Reason::PROTOCOL_ERROR,
            http2::Reason::FRAME_SIZE_ERROR,
            http2::Reason::COMPRESSION_ERROR,
        ]
        .contains(reason),
        Http2Error::BadRequest(_)
        | Http2Error::NotOffered
        | Http2Error::NotHttp2(_)
        | Http2Error::GivenUp
        | Http2Error::RefusedHere(_)
        | Http2Error::Protocol(_) => false,
        _ => true,
    }
}

fn tls_is_temporary(cause: &TlsError) -> bool {
    match cause {
        TlsError::Truncated | TlsError::Closed | TlsError::CutHandshake(_) | TlsError::WornOut => {
            true
        }
        TlsError::Alert(alert) => [
            AlertDescription::CloseNotify,
            AlertDescription::BadRecordMac,
            AlertDescription::DecryptError,
            AlertDescription::InternalError,
            AlertDescription::UserCanceled,
        ]
        .contains(alert),
        TlsError::Rustls(error) => matches!(
            error,
            rustls::Error::DecryptError | rustls::Error::FailedToGetRandomBytes
        ),
        _ => false,
    }
}

fn socks_is_temporary(cause: &SocksError) -> bool {
    match cause {
        SocksError::Truncated { .. } => true,
        SocksError::Refused { reply, .. } => match reply {
            Reply::NotAllowed | Reply::CommandNotSupported | Reply::AddressTypeNotSupported => {
                false
            }
            // 91 stands for every failure; 92 and 93 are about the user.
            Reply::Socks4(code) => !matches!(code, 92 | 93),
            _ => true,
        },
        _ => false,
    }
}

fn status_is_temporary(status: StatusCode) -> bool {
    let temporary = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    let for_good = [
        StatusCode::NOT_IMPLEMENTED,
        StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        StatusCode::VARIANT_ALSO_NEGOTIATES,
        StatusCode::LOOP_DETECTED,
        StatusCode::NOT_EXTENDED,
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED,
    ];
    temporary.contains(&status) || (status.is_server_error() && !for_good.contains(&status))
}

#[cfg(test)]
mod tests;
