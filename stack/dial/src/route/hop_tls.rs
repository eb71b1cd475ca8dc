//! The TLS to a proxy.

use crate::route::hop::Hop;
use std::path::PathBuf;
use std::sync::Arc;
use wirestack_tls::Certificates;
use wirestack_tls::rustls::ClientConfig;

/// TLS to the proxy. It is for hops over TLS (`https://`, `h2://`, `socks5+tls://`), and changes
/// nothing for others.
impl Hop {
    /// Sets whole TLS settings for this hop, instead of those of the plan. They leave no place for
    /// [`ca_file`](Self::ca_file) and its relatives: both is an error.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack_dial::Hop;
    /// use wirestack_tls::rustls::ClientConfig;
    ///
    /// /// A proxy for which a program has settings of rustls.
    /// fn proxy(config: Arc<ClientConfig>) -> Result<Hop, wirestack_dial::RouteError> {
    ///     let hop: Hop = "https://proxy.test:8443".parse()?;
    ///     Ok(hop.tls(config))
    /// }
    /// ```
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Trusts the authorities in this file for this hop, beside those of the system and of the
    /// plan: many certificates as PEM, or one as DER. See [`Certificates::ca_file`].
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "https://proxy.corp:3129".parse()?;
    /// let hop = hop.ca_file("/etc/corp/ca.pem").client_certificate("me.pem", "me.key");
    /// # drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificates = self.certificates.ca_file(path);
        self
    }

    /// Shows the certificate in the first file to this proxy, if it asks for one. The second file
    /// has its private key. See [`Certificates::client_certificate`].
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "https://proxy.test:8443".parse()?;
    /// let hop = hop.ca_file("company.pem").client_certificate("client.pem", "client.key");
    /// assert!(hop.wants_tls());
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn client_certificate(
        mut self,
        chain: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Self {
        self.certificates = self.certificates.client_certificate(chain, key);
        self
    }

    /// Asks the proxy for this name by TLS (SNI, RFC 6066 §3) and wants it in its certificate,
    /// instead of the host. It may be an address.
    ///
    /// ```
    /// use wirestack_dial::Hop;
    ///
    /// let hop: Hop = "https://192.0.2.7:3129".parse()?;
    /// let hop = hop.server_name("proxy.corp");
    /// # drop(hop);
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Adds certificates for this hop: authorities to trust, and a certificate of the client, as
    /// files or in memory.
    #[must_use]
    pub fn certificates(mut self, certificates: &Certificates) -> Self {
        self.certificates = self.certificates.and(certificates);
        self
    }
}
