use crate::certificate::Issuer;
use crate::{NAME, verifier, words};
use rustls::{AlertDescription, CertificateError, pki_types};
use std::fmt;
use wirestack_layer::{Error, Escaped, FirstBytes};

/// The cause of an error of a TLS layer, or of its settings.
///
/// ```
/// use wirestack_layer::{End, Flow, Flows, Instant, Layer, Pipe};
/// use wirestack_tls::{Client, ClientSettings, TlsError, server_name};
///
/// let made = rcgen::generate_simple_self_signed(["example.org".to_owned()]).unwrap();
/// let trust = ClientSettings::new().without_system_roots().ca_certificates(made.cert.pem());
/// let config = trust.build()?;
/// let mut client = Client::new(config, server_name("example.org")?)?;
/// let [mut from_wire, mut to_wire, mut from_app, mut to_app] = <[Pipe; 4]>::default();
/// from_wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n"); // not the port of TLS
/// let flows = Flows::new(&mut from_wire, &mut to_wire, &mut from_app, &mut to_app);
/// client.process(flows, Instant::ORIGIN);
/// let Some(End::Aborted(error)) = to_app.end() else { panic!() };
/// assert!(matches!(error.cause(), Some(TlsError::NotTls(_))));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The peer sent this fatal alert (RFC 8446 §6.2).
    #[error("the peer sent the fatal alert {}", words::alert(.0))]
    Alert(AlertDescription),
    /// The peer's certificate is not accepted, for this reason.
    #[error("the peer's certificate is not accepted: {0}")]
    Certificate(BadCertificate),
    /// The wire ended without `close_notify`: what came before may be incomplete (RFC 8446 §6.1).
    #[error("the connection ended without close_notify: what came before may be incomplete")]
    Truncated,
    /// The peer closed a TLS 1.2 session. This ends both directions: nothing can be sent any more.
    #[error("closed by the peer (close_notify)")]
    Closed,
    /// The wire ended in the handshake, which was waiting for this message.
    #[error("the connection ended in the handshake of TLS, wanted {0}")]
    CutHandshake(&'static str),
    /// The peer begins with another protocol.
    #[error("{}", words::not_tls(.0))]
    NotTls(FirstBytes),
    /// Any other error of `rustls`.
    #[error("{}", words::text(.0))]
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
    #[error("saw the host {}, wanted a DNS name in ASCII or an IP address", Escaped::excerpt(.0))]
    ServerName(String),
    /// The named PEM text cannot be read.
    #[error("the {what} cannot be read as PEM: {}", words::pem(source))]
    Pem {
        /// The name of the text, such as `private key`.
        what: &'static str,
        /// The fault in it.
        source: pki_types::pem::Error,
    },
    /// The PEM text holds nothing of this kind, such as `private key`.
    #[error("the PEM text holds no {0}")]
    NoPem(&'static str),
    /// The bytes are not PEM but another form of what is named.
    #[error("the {what} is {seen}, wanted plain PEM: convert it with `{command}`")]
    NotPem {
        /// The name of the text, such as `private key`.
        what: &'static str,
        /// The form.
        seen: &'static str,
        /// The command that converts it.
        command: &'static str,
    },
    /// The certificate authorities, given or the system's, cannot be used, for this reason.
    #[error("the trusted roots cannot be used: {0}")]
    Roots(String),
    /// A file of [`Certificates`](crate::Certificates), or its content in memory, cannot be used,
    /// for this reason. The text names the file.
    #[error("{0}")]
    Certificates(String),
    /// The certificate chain and the private key of this side cannot be used.
    #[error("the certificate chain and private key cannot be used: {}", words::text(.0))]
    Identity(rustls::Error),
    /// A protocol for ALPN has this many bytes, not 1 to 255 (RFC 7301 §3.1).
    #[error("saw an ALPN protocol of {0} bytes, wanted 1 to 255")]
    Alpn(usize),
}

/// The reason why a certificate is not accepted.
///
/// ```
/// use wirestack_layer::Error;
/// use wirestack_tls::TlsError;
/// use wirestack_tls::rustls::CertificateError;
///
/// fn has_expired(error: &Error) -> bool {
///     match error.cause() {
///         Some(TlsError::Certificate(bad)) => matches!(bad.why, CertificateError::Expired),
///         _ => false,
///     }
/// }
/// assert!(!has_expired(&Error::peer("tls", TlsError::Truncated)));
/// ```
#[derive(Clone, Debug)]
pub struct BadCertificate {
    /// The reason of `rustls`.
    pub why: CertificateError,
    /// The authority that is not trusted, if that is the reason and the configuration was made by
    /// the settings of this crate.
    pub issuer: Option<Issuer>,
}

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::certificate(&self.why, self.issuer.as_ref()))
    }
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
        E::InvalidCertificate(why) => {
            let issuer =
                verifier::take_refused().filter(|_| why == CertificateError::UnknownIssuer);
            TlsError::Certificate(BadCertificate { why, issuer }).peer()
        }
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
