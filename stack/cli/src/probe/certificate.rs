//! One certificate, as far as a person wants to know it.

use crate::output::safe_text;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// The names and the dates of a certificate. All texts are safe to show.
pub(crate) struct Certificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) names: Vec<String>,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// The days that are left; negative if it has expired.
    pub(crate) days_left: i64,
}

impl Certificate {
    /// Reads a certificate. One that cannot be read has empty texts.
    pub(crate) fn read(der: &[u8]) -> Self {
        let unknown = Self {
            subject: "a certificate that cannot be read".to_owned(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            days_left: 0,
        };
        let Ok(certificate) = X509::from_der(der) else {
            return unknown;
        };
        let fields = certificate.tbs_certificate();
        let validity = fields.validity();
        let end = validity.not_after.to_unix_duration().as_secs();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let seconds =
            i64::try_from(end).unwrap_or(i64::MAX) - i64::try_from(now.as_secs()).unwrap_or(0);
        let names = fields.get_extension::<SubjectAltName>().ok().flatten();
        let names = names.map_or_else(Vec::new, |(_, names)| {
            names.0.iter().filter_map(name).take(NAMES).collect()
        });
        Self {
            subject: text(fields.subject()),
            issuer: text(fields.issuer()),
            names,
            not_before: date(&validity.not_before),
            not_after: date(&validity.not_after),
            days_left: seconds.div_euclid(86_400),
        }
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.subject.is_empty() {
            "(no subject)"
        } else {
            &self.subject
        })?;
        if self.not_after.is_empty() {
            return Ok(());
        }
        if self.issuer == self.subject {
            f.write_str(", issued by itself")?;
        } else {
            write!(f, ", issued by {}", self.issuer)?;
        }
        write!(f, ", valid from {} to {}", self.not_before, self.not_after)?;
        match self.days_left {
            days if days < 0 => f.write_str(" (expired)")?,
            days => write!(f, " ({days} days left)")?,
        }
        if !self.names.is_empty() {
            write!(f, ", for {}", self.names.join(" "))?;
        }
        Ok(())
    }
}

fn text(name: &x509_cert::name::Name) -> String {
    safe_text(name.to_string().as_bytes())
}

fn date(time: &x509_cert::time::Time) -> String {
    let shown = time.to_date_time().to_string();
    shown.split('T').next().unwrap_or_default().to_owned()
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(safe_text(name.as_str().as_bytes())),
        GeneralName::IpAddress(bytes) => match bytes.as_bytes() {
            &[a, b, c, d] => Some(std::net::Ipv4Addr::new(a, b, c, d).to_string()),
            bytes => <[u8; 16]>::try_from(bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
        },
        _ => None,
    }
}

/// The number of names that are shown.
const NAMES: usize = 20;
