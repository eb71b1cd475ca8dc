//! The addresses of key distribution centres (KDCs).

/// The addresses of KDCs, as URLs.
#[derive(Clone, Default)]
pub(crate) struct Kdcs {
    /// Those of the user's realm.
    pub(crate) home: Vec<String>,
    /// Those of named realms.
    pub(crate) of_realms: Vec<(String, String)>,
}

impl Kdcs {
    /// Returns the addresses of the KDCs of a realm: those that are known, or else the realm as the
    /// name of a host. A domain of Active Directory has the addresses of its controllers. The
    /// first of them that `answered` goes before the others.
    pub(crate) fn of(&self, realm: &str, is_home: bool, answered: &[String]) -> Vec<String> {
        let mut urls = if is_home {
            self.home.clone()
        } else {
            Vec::new()
        };
        let of_realm = self.of_realms.iter();
        let of_realm = of_realm.filter(|(name, _)| name.eq_ignore_ascii_case(realm));
        urls.extend(of_realm.map(|(_, url)| url.clone()));
        let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-".contains(&b);
        if urls.is_empty() && realm.bytes().all(is_host) {
            urls.push(format!("tcp://{}:88", realm.to_ascii_lowercase()));
        }
        let mut answered = answered.iter();
        if let Some(at) = answered.find_map(|first| urls.iter().position(|url| url == first)) {
            urls[..=at].rotate_right(1);
        }
        urls
    }
}

/// Completes the address of a KDC: with its scheme, and with the port of Kerberos (RFC 4120 §7.2.1).
pub(crate) fn kdc_url(kdc: &str) -> String {
    if kdc.contains("://") && !kdc.starts_with("tcp://") {
        return kdc.to_owned();
    }
    let authority = kdc.strip_prefix("tcp://").unwrap_or(kdc);
    // `krb5.conf` has `tcp/host`, and `udp/host` too; each KDC speaks both.
    let authority = authority
        .split_once('/')
        .map_or(authority, |(_, host)| host);
    let behind_brackets = authority.rsplit(']').next().unwrap_or_default();
    let is_bare_ipv6 = !authority.starts_with('[') && authority.matches(':').count() > 1;
    if is_bare_ipv6 {
        format!("tcp://[{authority}]:88")
    } else if behind_brackets.contains(':') {
        format!("tcp://{authority}")
    } else {
        format!("tcp://{authority}:88")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kdc_that_answered_last_for_a_realm_goes_before_its_others() {
        let texts = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>();
        let kdcs = Kdcs {
            home: texts(&["a", "b", "c"]),
            of_realms: vec![("OTHER".into(), "x".into()), ("other".into(), "y".into())],
        };
        assert_eq!(kdcs.of("HOME", true, &[]), ["a", "b", "c"]);
        // A realm that was referred to answered last.
        let answered = texts(&["y", "b", "a"]);
        assert_eq!(kdcs.of("HOME", true, &answered), ["b", "a", "c"]);
        assert_eq!(kdcs.of("Other", false, &answered), ["y", "x"]);
        assert_eq!(
            kdcs.of("third.test", false, &answered),
            ["tcp://third.test:88"]
        );
    }

    #[test]
    fn the_address_of_a_kdc_is_completed() {
        for (kdc, url) in [
            ("kdc.corp.test", "tcp://kdc.corp.test:88"),
            ("kdc.corp.test:750", "tcp://kdc.corp.test:750"),
            ("tcp://kdc.corp.test", "tcp://kdc.corp.test:88"),
            ("tcp://kdc.corp.test:88", "tcp://kdc.corp.test:88"),
            ("tcp/kdc.corp.test", "tcp://kdc.corp.test:88"),
            ("192.0.2.1", "tcp://192.0.2.1:88"),
            ("2001:db8::1", "tcp://[2001:db8::1]:88"),
            ("[2001:db8::1]", "tcp://[2001:db8::1]:88"),
            ("[2001:db8::1]:750", "tcp://[2001:db8::1]:750"),
            (
                "https://kdc.corp.test/KdcProxy",
                "https://kdc.corp.test/KdcProxy",
            ),
        ] {
            assert_eq!(kdc_url(kdc), url, "{kdc}");
        }
    }
}
