//! Stacks by name: a route and a target, written as one line.

mod error;
mod hop;
mod item;
mod scan;
mod target;

pub use error::{SpecError, SpecProblem};
pub use item::SecretSource;

use crate::route::hop::Hop;
use crate::route::http_versions::HttpVersions;
use http::{HeaderName, HeaderValue};
use item::Item;
use std::fmt;
use std::str::FromStr;
use target::TargetPart;
use wirestack_layer::BoxError;
use wirestack_tls::Certificates;
use zeroize::Zeroizing;

/// A route and a target, written as one line: the layers from the nearest proxy to the target, with
/// `|` between them.
///
/// ```
/// use wirestack_dial::StackSpec;
///
/// let spec: StackSpec = "socks5(gate:1080) | connect(proxy:3128, user=me, password-env=PROXY_PASSWORD, ntlm) \
///     | tls(sni=chat.example.org, ca=corp.pem) | websocket(chat.example.org/room, subprotocol=chat)"
///     .parse()?;
/// let spec = spec.with_secrets(|source| Ok(format!("the value of {source}").into_bytes()))?;
/// assert_eq!(spec.hops()?.len(), 2);
/// assert_eq!(spec.target_url().unwrap(), "wss://chat.example.org:443/room");
/// assert!(!spec.to_string().contains("the value")); // it never shows a password
///
/// let wrong = "socks5(gate:1080) | conect(proxy)".parse::<StackSpec>().unwrap_err();
/// assert_eq!(wrong.picture().to_string().lines().nth(1).unwrap().trim(), "^^^^^^");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A program that connects reads the rest from it:
///
/// ```
/// use wirestack_dial::{HttpVersions, StackSpec};
///
/// let spec: StackSpec = "connect(proxy:3128) | tls(sni=example.org) | websocket(/chat, subprotocol=chat)"
///     .parse()?;
/// assert!(spec.is_secure() && spec.path() == Some("/chat"));
/// assert_eq!(spec.server_name(), Some("example.org"));
/// assert_eq!(spec.subprotocols(), ["chat"]);
/// assert!(spec.certificates().is_empty());
/// assert!(spec.headers().is_empty() && spec.http_versions() == HttpVersions::Any);
/// # Ok::<(), wirestack_dial::SpecError>(())
/// ```
///
/// # Layers
///
/// | layer | is | takes |
/// |---|---|---|
/// | `socks5`, `socks4` | a SOCKS proxy | `host:port`, `user=`, `password=`, `tls` |
/// | `connect` (or `http`) | an HTTP proxy that is asked by CONNECT | the same, `http2`, `on-challenge`, `ntlm`, `digest`, `ticket`, `ask`, `header=`, `lenient` |
/// | any scheme of a [`Hop`] | that proxy | the same |
/// | `tls` | TLS to the target | `host:port`, `sni=`, `ca=`, `cert=`, `key=` |
/// | `websocket` | a WebSocket to the target | `host:port/path` or `/path`, `subprotocol=`, `header=`, `http1`, `http2` |
/// | `tcp` | the target, as a stream of bytes | `host:port` |
///
/// A proxy over TLS takes `sni=`, `ca=`, `cert=` and `key=` too, and the nearest one `unix=`, the path
/// of a socket. `ntlm` and `digest` keep the password back until the proxy asks, and never send it by
/// Basic. Instead of `password=`, `password-file=` and `password-env=` name the place of the password,
/// and [`with_secrets`](Self::with_secrets) reads it.
///
/// A value with one of `, ( ) | " = \` or a blank stands in double quotes, in which `\"` and `\\` are
/// `"` and `\`. It shows as it was written, with one blank between parts, and `***` for a password.
#[derive(Clone)]
pub struct StackSpec {
    text: Zeroizing<String>,
    items: Vec<Item>,
    target: Option<TargetPart>,
}

impl StackSpec {
    /// Reads the passwords whose places are named, by this function. They are kept in memory, and
    /// cleared with the value.
    ///
    /// # Errors
    ///
    /// [`SpecProblem::Secret`] with the error of `read`.
    pub fn with_secrets(
        mut self,
        mut read: impl FnMut(SecretSource<'_>) -> Result<Vec<u8>, BoxError>,
    ) -> Result<Self, SpecError> {
        for item in &mut self.items {
            item.read_secret(&mut read)
                .map_err(|fault| fault.in_text(&self.text))?;
        }
        Ok(self)
    }

    /// Returns the hops, the nearest first.
    ///
    /// # Errors
    ///
    /// [`SpecProblem::SecretNotRead`] if the place of a password is named and
    /// [`with_secrets`](Self::with_secrets) was not called.
    pub fn hops(&self) -> Result<Vec<Hop>, SpecError> {
        let hops = self.items.iter().filter(|item| hop::is_hop(item));
        hops.map(|item| hop::read(item, true).map_err(|fault| fault.in_text(&self.text)))
            .collect()
    }

    /// Returns the URL of the target, if a layer names its host: `wss://example.org:443/chat`.
    pub fn target_url(&self) -> Option<String> {
        self.target.as_ref()?.url()
    }

    /// Returns the path of a WebSocket whose host no layer names.
    pub fn path(&self) -> Option<&str> {
        let target = self.target.as_ref()?;
        target.path.as_deref().filter(|_| target.host.is_none())
    }

    /// Returns `true` if the target is reached by TLS.
    pub fn is_secure(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.is_secure)
    }

    /// Returns the name that the TLS of the target asks for, if it is not that of the host.
    pub fn server_name(&self) -> Option<&str> {
        self.target.as_ref()?.server_name.as_deref()
    }

    /// Returns the certificates for the TLS of the target.
    pub fn certificates(&self) -> Certificates {
        let target = self.target.as_ref();
        target.map_or_else(Certificates::new, |target| target.certificates.clone())
    }

    /// Returns the subprotocols of the WebSocket, the preferred one first.
    pub fn subprotocols(&self) -> &[String] {
        self.target
            .as_ref()
            .map_or(&[], |target| &target.subprotocols)
    }

    /// Returns the fields of the request that opens the WebSocket.
    pub fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        self.target.as_ref().map_or(&[], |target| &target.headers)
    }

    /// Returns the versions of HTTP that may carry the WebSocket.
    pub fn http_versions(&self) -> HttpVersions {
        let target = self.target.as_ref();
        target.map_or(HttpVersions::Any, |target| target.versions)
    }
}

impl FromStr for StackSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let read = || {
            let items = scan::items(text)?;
            let mut hops = items.iter().take_while(|item| hop::is_hop(item));
            let first = hops.clone().count();
            hops.try_for_each(|item| hop::read(item, false).map(drop))?;
            hop::only_first_at_unix_socket(&items)?;
            let target = target::read(&items[first..])?;
            Ok((items, target))
        };
        let (items, target) = read().map_err(|fault: error::Fault| fault.in_text(text))?;
        Ok(Self {
            text: Zeroizing::new(text.to_owned()),
            items,
            target,
        })
    }
}

impl PartialEq for StackSpec {
    /// Compares the layers and what they take. Blanks and quotes do not count.
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items
    }
}

impl Eq for StackSpec {}

impl fmt::Display for StackSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, item) in self.items.iter().enumerate() {
            write!(f, "{}{item}", if n == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for StackSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StackSpec({self})")
    }
}

#[cfg(test)]
mod tests;
