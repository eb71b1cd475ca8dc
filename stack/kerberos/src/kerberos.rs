//! The settings of a login by Kerberos.

use crate::kdcs::{Kdcs, kdc_url};
use crate::memory::Memory;
use kerbcore::config::Krb5Config;
use std::fmt;
use wirestack_dial::auth::Credentials;

/// The settings of a login to proxies by Kerberos, and what its dialings share.
///
/// [`scheme`](Self::scheme) makes the scheme for a [`Hop`](wirestack_dial::Hop). All dialings of
/// its clones share one ticket of the realm, so only the first one asks for it.
///
/// ```
/// use wirestack_dial::Hop;
/// use wirestack_kerberos::Kerberos;
///
/// let kerberos = Kerberos::new()
///     .credentials("me@CORP.EXAMPLE", "secret")
///     .kdc("kdc.corp.example");
/// let hop: Hop = "http://proxy.corp.example:3128".parse()?;
/// let hop = hop.scheme(kerberos.scheme());
/// # drop(hop);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone, Default)]
pub struct Kerberos {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) realm: Option<String>,
    pub(crate) default_realm: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) kdcs: Kdcs,
    pub(crate) memory: Memory,
}

impl Kerberos {
    /// Creates settings that take user, password and realm from the hop, and find the KDC by the
    /// name of the realm.
    ///
    /// A hop with a password sends it at once, as Basic, unless it is
    /// [`on_challenge`](wirestack_dial::Hop::on_challenge).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user and the password, in UTF-8, instead of those of the hop.
    ///
    /// The user may be written as `user@REALM`, `REALM\user` or `user`. A realm in the name is taken
    /// in upper case. They go to the KDC alone, and never to the proxy; the password itself goes
    /// nowhere.
    #[must_use]
    pub fn credentials(mut self, user: impl Into<Vec<u8>>, password: impl Into<Vec<u8>>) -> Self {
        self.credentials = Some(Credentials::new(user, password));
        self
    }

    /// Sets the realm, as it is: most are in upper case. It wins over one in the user's name.
    ///
    /// A user with another domain behind the `@` is then an alias that the realm knows, such as the
    /// address of mail in Active Directory.
    ///
    /// ```
    /// use wirestack_kerberos::Kerberos;
    ///
    /// let kerberos = Kerberos::new()
    ///     .credentials("ada", "secret")
    ///     .realm("CORP.TEST")
    ///     .kdc("kdc.corp.test")
    ///     .kdc_of("OTHER.TEST", "kdc.other.test:88") // that of a trusted realm
    ///     .service("HTTP");
    /// drop(kerberos.scheme());
    /// ```
    #[must_use]
    pub fn realm(mut self, realm: impl Into<String>) -> Self {
        self.realm = Some(realm.into());
        self
    }

    /// Adds a key distribution centre (KDC) of the user's realm: `kdc.corp.example`,
    /// `kdc.corp.example:88` or `tcp://kdc.corp.example:88`. The next one is asked if one does not
    /// answer.
    ///
    /// Without one, the name of the realm is the name of the host: a domain of Active Directory has
    /// the addresses of its controllers. SRV records are not asked for.
    ///
    /// A URL of another scheme needs a
    /// [`Step::Fetch`](wirestack_dial::Step::Fetch) that can reach it.
    #[must_use]
    pub fn kdc(mut self, kdc: &str) -> Self {
        self.kdcs.home.push(kdc_url(kdc));
        self
    }

    /// Adds a KDC of another realm, to which the user's realm may refer.
    ///
    /// ```
    /// use wirestack_kerberos::Kerberos;
    ///
    /// // The proxy is of another realm than the user.
    /// let kerberos = Kerberos::new()
    ///     .credentials("me@SALES.CORP.EXAMPLE", "secret")
    ///     .kdc("kdc.sales.corp.example")
    ///     .kdc_of("CORP.EXAMPLE", "kdc.corp.example:88");
    /// drop(kerberos);
    /// ```
    #[must_use]
    pub fn kdc_of(mut self, realm: impl Into<String>, kdc: &str) -> Self {
        self.kdcs.of_realms.push((realm.into(), kdc_url(kdc)));
        self
    }

    /// Reads the default realm and the KDCs of all realms from the text of a `krb5.conf`, which the
    /// caller has read: `std::fs::read_to_string("/etc/krb5.conf")`.
    ///
    /// KDCs that [`kdc`](Self::kdc) adds come first. A realm is taken in upper case.
    ///
    /// ```
    /// use wirestack_kerberos::Kerberos;
    ///
    /// let text = "[realms]\nCORP.TEST = {\n  kdc = kdc.corp.test\n}\n";
    /// assert!(Kerberos::new().krb5_conf(text).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotKrb5Conf`] if the text is no such file.
    pub fn krb5_conf(mut self, text: &str) -> Result<Self, NotKrb5Conf> {
        let config = Krb5Config::parse(text).map_err(|_| NotKrb5Conf(()))?;
        self.default_realm = config.default_realm;
        for (realm, settings) in config.realms {
            for kdc in settings.kdcs {
                self = self.kdc_of(realm.clone(), &kdc);
            }
        }
        Ok(self)
    }

    /// Sets the name of the proxy as a service, if it is not registered as `HTTP/` and its host:
    /// `HTTP/proxy.corp.example`.
    ///
    /// It is needed where the proxy is named by an address or by an alias. Names are not looked up
    /// for this: an answer of DNS may come from anybody.
    ///
    /// ```
    /// use wirestack_kerberos::Kerberos;
    ///
    /// // The hop names the proxy by its address.
    /// let kerberos = Kerberos::new().service("HTTP/proxy.corp.example");
    /// drop(kerberos);
    /// ```
    #[must_use]
    pub fn service(mut self, service: impl Into<String>) -> Self {
        self.service = Some(service.into());
        self
    }
}

/// Shows no user and no password.
impl fmt::Debug for Kerberos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kerberos")
            .field("realm", &self.realm)
            .field("service", &self.service)
            .field("kdcs", &self.kdcs.home)
            .finish_non_exhaustive()
    }
}

/// The error of a text that is no `krb5.conf`.
///
/// ```
/// use wirestack_kerberos::{Kerberos, NotKrb5Conf};
///
/// /// Reads the file that the machine has.
/// fn settings(file: &str) -> Result<Kerberos, NotKrb5Conf> {
///     Kerberos::new().krb5_conf(file)
/// }
/// assert!(settings("[libdefaults]\n default_realm = CORP.EXAMPLE\n").is_ok());
/// ```
#[derive(thiserror::Error)]
#[error("this is no krb5.conf: it has a line before its first section, or a realm without an end")]
pub struct NotKrb5Conf(());

/// Shows the same as `Display`: it is what `main` prints.
impl fmt::Debug for NotKrb5Conf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_krb5_conf_names_the_default_realm_and_the_kdcs() {
        let text = "[libdefaults]\n default_realm = CORP.TEST # ours\n[realms]\n CORP.TEST = {\n  \
                    kdc = a.corp.test\n  kdc = b.corp.test:750\n }\n OTHER.TEST = {\n  kdc = c\n }\n";
        let kerberos = Kerberos::new().krb5_conf(text).unwrap();
        assert_eq!(kerberos.default_realm.as_deref(), Some("CORP.TEST"));
        let of = |realm| kerberos.kdcs.of(realm, realm == "CORP.TEST", &[]);
        assert_eq!(
            of("CORP.TEST"),
            ["tcp://a.corp.test:88", "tcp://b.corp.test:750"]
        );
        assert_eq!(of("OTHER.TEST"), ["tcp://c:88"]);
        assert_eq!(of("THIRD.TEST"), ["tcp://third.test:88"]);
        assert_eq!(of("THIRD/TEST"), [""; 0]);
        assert!(Kerberos::new().krb5_conf("kdc = x\n").is_err());
        assert!(
            Kerberos::new()
                .krb5_conf("[realms]\n A = {\n kdc = b\n")
                .is_err()
        );
    }

    #[test]
    fn nothing_of_a_user_is_shown() {
        let kerberos = Kerberos::new().credentials("hidden@CORP", "secret");
        let shown = format!("{kerberos:?}");
        assert!(
            !shown.contains("hidden") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
