//! The names in a certificate (RFC 5280 §4.1), read for errors only: nothing is decided by them.

use rustls::pki_types::CertificateDer;
use wirestack_layer::{Escaped, decode_text};

/// The authority that would have to be trusted, so that a certificate is accepted.
///
/// ```
/// use wirestack_tls::{BadCertificate, Issuer};
///
/// /// Tells a user which authority to trust.
/// fn advice(bad: &BadCertificate) -> String {
///     match &bad.issuer {
///         Some(Issuer { name, is_own: true, .. }) => format!("{name} vouches for itself"),
///         Some(issuer) => format!("trust {} with `ca_file`", issuer.name),
///         None => "the certificate is broken".to_owned(),
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Issuer {
    /// Its name: the common name, and the organization if there is one. It is made safe to show.
    pub name: String,
    /// `true` if the certificate is its own: it is self-signed, or the root of its chain.
    pub is_own: bool,
    /// `true` if the certificate is one of a client, `false` if it is one of a server.
    pub of_client: bool,
}

/// Returns the last authority in the chain of a certificate, as far as [`MAX_CHAIN`] others tell it.
/// Returns `None` if the certificate cannot be read.
pub(crate) fn last_issuer(
    end_entity: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
) -> Option<Issuer> {
    // A peer may send thousands, each the issuer of another one.
    let chain = chain.get(..MAX_CHAIN).unwrap_or(chain);
    let mut last = Names::of(end_entity)?;
    for _ in chain {
        if last.issuer == last.subject {
            break;
        }
        let names = chain.iter().filter_map(|der| Names::of(der));
        match names.into_iter().find(|names| names.subject == last.issuer) {
            Some(above) => last = above,
            None => break,
        }
    }
    let is_own = last.issuer == last.subject;
    let name = show(last.issuer);
    Some(Issuer {
        name,
        is_own,
        of_client: false,
    })
}

/// Returns `true` if the bytes are one certificate in DER.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(crate) fn is_certificate(bytes: &[u8]) -> bool {
    Names::of(bytes).is_some()
        && element(bytes).is_some_and(|(tag, _, rest)| tag == SEQUENCE && rest.is_empty())
}

/// The two distinguished names of a certificate, in DER.
#[derive(Clone, Copy)]
struct Names<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
}

impl<'a> Names<'a> {
    fn of(certificate: &'a [u8]) -> Option<Self> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut fields, _) = element(certificate)?;
        if fields.first() == Some(&VERSION) {
            fields = element(fields)?.2;
        }
        // The serial number and the algorithm of the signature.
        let fields = element(element(fields)?.2)?.2;
        let (_, issuer, fields) = element(fields)?;
        let (_, _validity, fields) = element(fields)?;
        let (_, subject, _) = element(fields)?;
        Some(Self { issuer, subject })
    }
}

/// Shows a distinguished name: its common name and its organization, or what it has of them.
fn show(name: &[u8]) -> String {
    let [common, organization, unit] = [3, 10, 11].map(|kind| attribute(name, kind));
    let shown = match (common.or(unit), organization) {
        (Some(common), Some(organization)) if common != organization => {
            format!("{common} ({organization})")
        }
        (Some(only), _) | (None, Some(only)) => only,
        (None, None) => "an authority without a name".to_owned(),
    };
    Escaped::excerpt(shown).to_string()
}

/// Returns the first value of an attribute `2.5.4.kind` of a name.
fn attribute(name: &[u8], kind: u8) -> Option<String> {
    let mut sets = name;
    while let Some((_, set, rest)) = element(sets) {
        sets = rest;
        let Some((_, pair, _)) = element(set) else {
            continue;
        };
        let Some((_, [0x55, 0x04, found], value)) = element(pair) else {
            continue;
        };
        if let Some((form, text, _)) = element(value)
            && *found == kind
        {
            return Some(match form {
                BMP_STRING => {
                    let units = text
                        .chunks_exact(2)
                        .map(|unit| u16::from(unit[0]) << 8 | u16::from(unit[1]));
                    String::from_utf16_lossy(&units.collect::<Vec<_>>())
                }
                _ => decode_text(text).into_owned(),
            });
        }
    }
    None
}

/// Reads one element of DER. Returns its tag, its content, and the bytes behind it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x83 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = length
                .iter()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
const SEQUENCE: u8 = 0x30;

/// The tag of the version, which only certificates of version 1 lack.
const VERSION: u8 = 0xa0;

const BMP_STRING: u8 = 0x1e;

/// The number of certificates behind the first one that are looked at. Real chains have two or
/// three.
const MAX_CHAIN: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer as Signer, KeyPair};

    fn authority(name: &str) -> (CertificateParams, KeyPair) {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    }

    #[test]
    fn the_last_issuer_of_a_chain_has_a_name() {
        let (mut root, root_key) = authority("Corp Root\u{202e}");
        root.distinguished_name
            .push(DnType::OrganizationName, "Corp");
        let (middle, middle_key) = authority("Corp Proxy CA");
        let (leaf, leaf_key) = authority("leaf");
        let own = root.self_signed(&root_key).unwrap();
        let root = Signer::new(root, root_key);
        let signed = middle.signed_by(&middle_key, &root).unwrap();
        let middle = Signer::new(middle, middle_key);
        let leaf = leaf.signed_by(&leaf_key, &middle).unwrap();
        let named = |chain: &[CertificateDer<'_>]| {
            let issuer = last_issuer(leaf.der(), chain).unwrap();
            (issuer.name, issuer.is_own)
        };
        let root = r"Corp Root\u{202e} (Corp)".to_owned();
        assert_eq!(named(&[]), ("Corp Proxy CA".to_owned(), false));
        assert_eq!(named(&[signed.der().clone()]), (root.clone(), false));
        let whole = [signed.der().clone(), own.der().clone()];
        assert_eq!(named(&whole), (root, true));
        for cut in 0..leaf.der().len() {
            let cut = CertificateDer::from(&leaf.der()[..cut]);
            assert_eq!(last_issuer(&cut, &[]), None);
        }
    }

    /// 64 KiB, which a peer may send, have room for 1,500 of these, and each step looks through all.
    #[test]
    fn a_chain_is_followed_for_16_certificates_and_no_further() {
        fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
            let content = parts.concat();
            [&[tag, u8::try_from(content.len()).unwrap()], &content[..]].concat()
        }
        fn certificate(subject: usize, issuer: usize) -> CertificateDer<'static> {
            let [subject, issuer] = [subject, issuer].map(|name| {
                let text = element(0x0c, &[name.to_string().as_bytes()]);
                let pair = element(SEQUENCE, &[&[6, 3, 0x55, 4, 3], &text]);
                element(SEQUENCE, &[&element(0x31, &[&pair])])
            });
            let nothing = element(SEQUENCE, &[]);
            let fields = [&[2, 0][..], &nothing, &issuer, &nothing, &subject];
            element(SEQUENCE, &[&element(SEQUENCE, &fields)]).into()
        }
        let leaf = certificate(0, 1);
        let issuer = |chain: &[_]| last_issuer(&leaf, chain).unwrap().name;
        let mut chain: Vec<_> = (1..1500).map(|n| certificate(n, n + 1)).collect();
        assert_eq!(issuer(&chain[..10]), "11");
        assert_eq!(issuer(&chain[..16]), "17");
        assert_eq!(issuer(&chain), "17");
        chain.reverse();
        assert_eq!(issuer(&chain), "1");
    }

    #[test]
    fn a_name_is_shown_in_every_form_that_authorities_give_it() {
        use rcgen::DnValue::BmpString;
        let named = |pairs: &[(DnType, rcgen::DnValue)]| {
            let (mut params, key) = authority("");
            params.distinguished_name = rcgen::DistinguishedName::new();
            for (kind, value) in pairs {
                params.distinguished_name.push(kind.clone(), value.clone());
            }
            let own = params.self_signed(&key).unwrap();
            last_issuer(own.der(), &[]).unwrap().name
        };
        let text = |text: &str| rcgen::DnValue::Utf8String(text.to_owned());
        let (common, organization) = (DnType::CommonName, DnType::OrganizationName);
        let unit = DnType::OrganizationalUnitName;
        let wide = BmpString("Ĉorp".try_into().unwrap());
        for (pairs, shown) in [
            (vec![], "an authority without a name"),
            (vec![(organization.clone(), text("Corp"))], "Corp"),
            (
                vec![(unit, text("IT")), (organization.clone(), text("Corp"))],
                "IT (Corp)",
            ),
            (
                vec![(common.clone(), text("Corp")), (organization, text("Corp"))],
                "Corp",
            ),
            (vec![(common, wide)], "Ĉorp"),
        ] {
            assert_eq!(named(&pairs), shown);
        }
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn bytes_behind_a_certificate_make_it_none() {
        let (params, key) = authority("leaf");
        let mut bytes = params.self_signed(&key).unwrap().der().to_vec();
        assert!(is_certificate(&bytes));
        bytes.push(0);
        assert!(!is_certificate(&bytes));
    }
}
