//! The errors of rustls in words. Its own texts show its types.

use crate::certificate::Issuer;
use rustls::pki_types::{self, UnixTime};
use rustls::{AlertDescription, CertificateError, Error};
use std::fmt::Debug;
use wirestack_layer::{Escaped, FirstBytes, SeenProtocol};

/// Returns the RFC's name of an alert, and its meaning where the name does not tell it:
/// `unknown_ca: it does not trust the certificate of this side`.
pub(crate) fn alert(alert: &AlertDescription) -> String {
    use AlertDescription as A;
    let name = alert_name(alert);
    let meaning = match alert {
        A::UnknownCA => "it does not trust the authority behind the certificate of this side",
        A::BadCertificate | A::CertificateUnknown | A::UnsupportedCertificate => {
            "it does not accept the certificate of this side"
        }
        A::CertificateExpired => "the certificate of this side has expired, or is not valid yet",
        A::CertificateRequired => "it wants a certificate of this side, and there is none",
        A::AccessDenied => "it does not let this side in",
        A::HandshakeFailure => "the two sides have no cipher suite or the like in common",
        A::ProtocolVersion => "the two sides have no version of TLS in common",
        A::NoApplicationProtocol => "the two sides have no protocol of ALPN in common",
        A::UnrecognisedName => "it does not serve the name that was asked for",
        _ => return name,
    };
    format!("{name}: {meaning}")
}

/// Returns the reason why a certificate is not accepted.
pub(crate) fn certificate(why: &CertificateError, issuer: Option<&Issuer>) -> String {
    use CertificateError as E;
    match why {
        E::UnknownIssuer => unknown_issuer(issuer),
        E::Expired => "it has expired".into(),
        E::ExpiredContext { time, not_after } => format!(
            "it expired at {}, and the clock here says {}",
            date(*not_after),
            date(*time)
        ),
        E::NotValidYet => "it is not valid yet".into(),
        E::NotValidYetContext { time, not_before } => format!(
            "it is not valid before {}, and the clock here says {}",
            date(*not_before),
            date(*time)
        ),
        E::ExpiredRevocationListContext { time, next_update } => format!(
            "its revocation list expired at {}, and the clock here says {}",
            date(*next_update),
            date(*time)
        ),
        E::NotValidForName => "it is for another name".into(),
        E::NotValidForNameContext {
            expected,
            presented,
        } => {
            let expected = Escaped::excerpt(expected.to_str()).to_string();
            match names(presented) {
                Some(names) => format!("it is for {names}, wanted {expected}"),
                None => format!("it has no name (subjectAltName), wanted {expected}"),
            }
        }
        E::InvalidPurposeContext {
            required,
            presented,
        } => {
            let presented: Vec<_> = presented.iter().take(8).map(ToString::to_string).collect();
            let presented = Escaped::excerpt(presented.join(", "));
            format!("it is for {presented} (extended key usage), wanted {required}")
        }
        E::Revoked => "it has been revoked".into(),
        E::BadEncoding => "it is malformed".into(),
        E::BadSignature => "its signature is wrong".into(),
        E::UnhandledCriticalExtension => {
            "it has a critical extension that is not known here".into()
        }
        E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "it is signed by an algorithm that is not supported here".into()
        }
        E::Other(other) => match &*other.to_string() {
            text if text.contains("CaUsedAsEndEntity") => {
                "it is that of an authority, wanted that of a server or a client".into()
            }
            text if text.contains("UnsupportedCertVersion") => {
                "it has another version than 3, and so no names".into()
            }
            text if is_prose(text) => Escaped::excerpt(text).to_string(),
            _ => words(other),
        },
        other => words(other),
    }
}

fn unknown_issuer(issuer: Option<&Issuer>) -> String {
    let seen = match issuer {
        None => return format!("it is issued by no authority trusted here: {TRUST}"),
        Some(Issuer {
            name, is_own: true, ..
        }) => {
            format!("it is issued by \"{name}\" itself (self-signed)")
        }
        Some(Issuer { name, .. }) => format!("it is issued by \"{name}\""),
    };
    let advice = match issuer {
        Some(Issuer {
            of_client: true, ..
        }) => TRUST_CLIENT,
        _ => TRUST,
    };
    format!("{seen}, which is no authority trusted here: {advice}")
}

/// Shows the names in a certificate. rustls gives them as `DnsName("a")` and `IpAddress(::1)`.
fn names(presented: &[String]) -> Option<String> {
    let bare = presented.iter().take(NAMES_SHOWN).map(|name| {
        let name = name.split_once('(').map_or(&**name, |(_, name)| name);
        let name = name.strip_suffix(')').unwrap_or(name);
        Escaped::excerpt(name.trim_matches('"')).to_string()
    });
    let more = match presented.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let bare: Vec<_> = bare.collect();
    (!bare.is_empty()).then(|| format!("{}{more}", bare.join(", ")))
}

/// Returns any error of rustls as a text.
pub(crate) fn text(error: &Error) -> String {
    match error {
        Error::InappropriateMessage {
            expect_types,
            got_type,
        } => unexpected(got_type, expect_types),
        Error::InappropriateHandshakeMessage {
            expect_types,
            got_type,
        } => unexpected(got_type, expect_types),
        Error::InvalidMessage(what) => {
            format!("the peer sent a malformed message: {}", words(what))
        }
        Error::PeerIncompatible(why) => format!("the peer is incompatible: {}", words(why)),
        Error::PeerMisbehaved(why) => format!("the peer broke the protocol: {}", words(why)),
        Error::AlertReceived(alert) => {
            format!("the peer sent the fatal alert {}", self::alert(alert))
        }
        Error::InvalidCertificate(why) => {
            format!("a certificate is not accepted: {}", certificate(why, None))
        }
        Error::InvalidCertRevocationList(why) => {
            format!(
                "a certificate revocation list is not accepted: {}",
                words(why)
            )
        }
        Error::InconsistentKeys(_) => "the private key is not that of the certificate".into(),
        Error::NoCertificatesPresented => "the peer sent no certificate, and one is wanted".into(),
        Error::DecryptError => "a record of the peer cannot be decrypted".into(),
        Error::PeerSentOversizedRecord => "the peer sent a record that is too long".into(),
        Error::NoApplicationProtocol => {
            "the peer speaks none of the protocols that are wanted here (ALPN)".into()
        }
        Error::InvalidEncryptedClientHello(why) => {
            format!("the encrypted ClientHello failed: {}", words(why))
        }
        other => Escaped::new(other).at_most(500).to_string(),
    }
}

/// Returns the fault in a PEM text.
pub(crate) fn pem(error: &pki_types::pem::Error) -> &'static str {
    use pki_types::pem::Error as E;
    match error {
        E::MissingSectionEnd { .. } => "a section has no end (-----END)",
        E::IllegalSectionStart { .. } => "a section begins badly (-----BEGIN)",
        E::Base64Decode(_) => "a section is no Base64",
        E::NoItemsFound => "it has no section",
        _ => "it is damaged",
    }
}

fn unexpected<T: Debug>(got: &T, expected: &[T]) -> String {
    let expected: Vec<_> = expected.iter().map(|one| format!("{one:?}")).collect();
    let expected = expected.join(" or ");
    format!("the peer sent the message {got:?}, wanted {expected}")
}

/// Returns `true` if the text of an error is made of words, and is no name of a variant with what it holds.
fn is_prose(text: &str) -> bool {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    !behind.is_empty() && !behind.starts_with('(') && !behind.starts_with(" {")
}

/// Returns the name of a variant as words: `NoKxGroupsInCommon` is `no kx groups in common`.
fn words(value: &impl Debug) -> String {
    let value = format!("{value:?}");
    let is_name = |text: &&str| text.starts_with(|c: char| c.is_ascii_uppercase());
    // The innermost name, behind names of wrappers and outside of texts.
    let outside = value.split('"').step_by(2);
    let parts = outside.flat_map(|part| part.split(|c: char| !c.is_ascii_alphanumeric()));
    let part = parts.filter(is_name).filter(|part| *part != "None").last();
    spaced(part.unwrap_or("unknown"), ' ')
}

/// Returns the RFC's name of an alert: `bad_record_mac`.
fn alert_name(alert: &AlertDescription) -> String {
    match alert.as_str() {
        // RFC 6066 §3 spells it so.
        _ if *alert == AlertDescription::UnrecognisedName => "unrecognized_name".into(),
        Some(camel) => spaced(camel, '_'),
        None => u8::from(*alert).to_string(),
    }
}

/// Puts a separator before each word of a name in camel case, and makes it small.
fn spaced(camel: &str, separator: char) -> String {
    let letters: Vec<char> = camel.chars().collect();
    let mut name = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let after_small = i > 0 && letters[i - 1].is_lowercase();
        let before_small = i > 0 && letters.get(i + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_small || before_small) {
            name.push(separator);
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Shows a time as RFC 3339 has it: `2026-11-27T00:40:45Z`.
fn date(time: UnixTime) -> String {
    let (days, seconds) = (time.as_secs() / 86_400, time.as_secs() % 86_400);
    // The calendar repeats every 400 years, and a year that begins in March ends with its leap day.
    let days = days + 719_468; // since 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month < 3);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Returns the text for a peer that speaks no TLS.
pub(crate) fn not_tls(seen: &FirstBytes) -> String {
    use SeenProtocol as P;
    let advice = match seen.protocol() {
        Some(P::HttpResponse) => ": this port has no TLS, use http:// or ws://",
        Some(P::HttpRequest) => ": the client begins without TLS, wanted https:// or wss://",
        Some(P::Http2Preface) => ": the client begins HTTP/2 without TLS",
        Some(P::Http2Settings) => ": this port speaks HTTP/2 without TLS",
        Some(P::Markup) => ": something between answers for the server",
        Some(P::Socks5 | P::Socks4 | P::Socks4Reply) => ": SOCKS has no TLS, use socks5h://",
        Some(P::ProxyHeader) => ": a load balancer sends it, and this port expects none",
        Some(P::Ssh | P::Greeting220 | P::Imap | P::Pop3) => {
            ": this is the port of another service, or of one that begins TLS later (STARTTLS)"
        }
        _ => "",
    };
    format!("saw {seen} where a TLS record was wanted{advice}")
}

/// The number of names of a certificate that are shown.
const NAMES_SHOWN: usize = 8;

const TRUST: &str = "if you trust it, give its certificate with `ca_file`, or add it to the roots of \
    the system, or to the file that SSL_CERT_FILE names";

const TRUST_CLIENT: &str = "if you trust it, add its certificate to the authorities of clients";

#[cfg(test)]
mod tests;
