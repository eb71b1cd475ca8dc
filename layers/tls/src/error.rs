use crate::NAME;
use rustls::{AlertDescription, CertificateError, pki_types};
use wirestack_layer::Error;

/// The cause of an error of a TLS layer, or of its settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer sent this fatal alert (RFC 8446 §6.2).
    #[error("the peer sent the fatal alert {}", alert_name(.0))]
    Alert(AlertDescription),
    /// The peer's certificate is not accepted, for this reason.
    #[error("the peer's certificate is not accepted: {}", reason(.0))]
    Certificate(CertificateError),
    /// The wire ended without `close_notify`: what came before may be incomplete (RFC 8446 §6.1).
    #[error("the wire ended without close_notify")]
    Truncated,
    /// The peer closed a TLS 1.2 session. This ends both directions: nothing can be sent any more.
    #[error("closed by the peer (close_notify)")]
    Closed,
    /// The wire ended in the handshake, which was waiting for this message.
    #[error("the wire ended in the handshake, wanted {0}")]
    CutHandshake(&'static str),
    /// The peer sent this byte, with which no TLS record begins.
    #[error("saw the byte {0:#04x} where a TLS record was wanted")]
    NotTls(u8),
    /// The peer sent a plaintext HTTP response.
    #[error("saw a plaintext HTTP response where a TLS record was wanted")]
    HttpResponse,
    /// The peer sent a plaintext HTTP request.
    #[error("saw a plaintext HTTP request where a TLS record was wanted")]
    HttpRequest,
    /// Any other error of `rustls`.
    #[error(transparent)]
    Rustls(rustls::Error),
    /// As much was encrypted with these keys as is safe, and TLS 1.2 cannot renew them.
    #[error(
        "the keys are worn out and TLS 1.2 cannot renew them, wanted TLS 1.3 or a new connection"
    )]
    WornOut,
    /// The server's configuration accepts early data, which this layer cannot deliver.
    #[error("the configuration accepts early data, wanted `max_early_data_size` 0")]
    EarlyData,
    /// The host is neither a DNS name in ASCII nor an IP address.
    #[error("saw the host {0:?}, wanted a DNS name in ASCII or an IP address")]
    ServerName(String),
    /// The named PEM text cannot be read.
    #[error("the {what} cannot be read as PEM")]
    Pem {
        /// The name of the text, such as `private key`.
        what: &'static str,
        /// The fault in it.
        source: pki_types::pem::Error,
    },
    /// The PEM text holds nothing of this kind, such as `private key`.
    #[error("the PEM text holds no {0}")]
    NoPem(&'static str),
    /// The certificate authorities, given or the system's, cannot be used, for this reason.
    #[error("the trusted roots cannot be used: {0}")]
    Roots(String),
    /// The certificate chain and the private key of this side cannot be used.
    #[error("the certificate chain and private key cannot be used: {0}")]
    Identity(rustls::Error),
    /// A protocol for ALPN has this many bytes, not 1 to 255 (RFC 7301 §3.1).
    #[error("saw an ALPN protocol of {0} bytes, wanted 1 to 255")]
    Alpn(usize),
}

impl TlsError {
    /// Returns an error for which this side is to blame.
    pub(crate) fn local(self) -> Error {
        Error::local(NAME, self)
    }

    /// Returns an error for which the peer is to blame.
    pub(crate) fn peer(self) -> Error {
        Error::peer(NAME, self)
    }
}

/// Returns the layer's error for an error of rustls, with the side that is to blame.
pub(crate) fn session_error(error: rustls::Error) -> Error {
    use rustls::Error as E;
    match error {
        E::AlertReceived(alert) => TlsError::Alert(alert).peer(),
        E::InvalidCertificate(why) => TlsError::Certificate(why).peer(),
        E::InappropriateMessage { .. }
        | E::InappropriateHandshakeMessage { .. }
        | E::InvalidEncryptedClientHello(_)
        | E::InvalidMessage(_)
        | E::NoCertificatesPresented
        | E::DecryptError
        | E::PeerIncompatible(_)
        | E::PeerMisbehaved(_)
        | E::PeerSentOversizedRecord
        | E::NoApplicationProtocol => TlsError::Rustls(error).peer(),
        _ => TlsError::Rustls(error).local(),
    }
}

/// Returns the RFC's name of an alert: `bad_record_mac`.
fn alert_name(alert: &AlertDescription) -> String {
    let Some(camel) = alert.as_str() else {
        return u8::from(*alert).to_string();
    };
    let letters: Vec<char> = camel.chars().collect();
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let after_small = i > 0 && letters[i - 1].is_lowercase();
        let before_small = i > 0 && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Returns the reason in words, where those of rustls are hard to understand.
fn reason(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer => "it is issued by no authority trusted here".into(),
        CertificateError::Revoked => "it has been revoked".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_have_the_names_of_the_rfc() {
        for (alert, name) in [
            (AlertDescription::BadRecordMac, "bad_record_mac"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::UnknownPSKIdentity, "unknown_psk_identity"),
            (AlertDescription::Unknown(200), "200"),
        ] {
            assert_eq!(alert_name(&alert), name);
        }
    }
}
