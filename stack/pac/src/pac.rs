//! The handle of a proxy auto-config file.

use crate::cache::Cache;
use crate::error::PacError;
use crate::finder::{Finder, Place, Shared};
use crate::limits::PacLimits;
use crate::question::Question;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wirestack_dial::find::{FindRoutes, RouteSource, file_path, file_url};
use wirestack_dial::{Routes, Target};
use wirestack_http::shown_url;
use wirestack_layer::{Instant, decode_text};

/// A proxy auto-config file: a script that names the proxies for each target.
///
/// Keep it and clone it: all clones share the file, so that one request serves many dialings, and a
/// proxy that was not reached is not tried first again for five minutes.
///
/// ```
/// use wirestack_dial::Routes;
/// use wirestack_pac::Pac;
///
/// let pac = Pac::url("http://wpad.corp.example/proxy.pac")?;
/// let routes: Routes = pac.into();
/// let shown = "by the proxy auto-config http://wpad.corp.example/proxy.pac";
/// assert_eq!(routes.to_string(), shown);
/// # Ok::<(), wirestack_pac::PacError>(())
/// ```
///
/// ```
/// use wirestack_pac::{Pac, PacLimits};
///
/// let pac = Pac::try_from("http://wpad.corp.test/proxy.pac")?
///     .limits(PacLimits::default())
///     .direct_if_broken()
///     .also_for_local();
/// drop(pac);
/// # Ok::<(), wirestack_pac::PacError>(())
/// ```
#[derive(Clone)]
pub struct Pac(Arc<Shared>);

impl Pac {
    /// Uses the file at this URL: `http`, `https`, `file` or `data`.
    ///
    /// # Errors
    ///
    /// [`PacError::Address`] if it is no such URL, [`PacError::Url`] if the host in it is none, for
    /// example, and [`PacError::Data`] if the content of a `data:` URL cannot be decoded.
    pub fn url(url: &str) -> Result<Self, PacError> {
        let url = url.trim();
        let url = url.split('#').next().unwrap_or_default();
        let (scheme, behind) = url.split_once(':').ok_or(PacError::Address)?;
        match &*scheme.to_ascii_lowercase() {
            "http" | "https" => {
                url.parse::<Target>().map_err(PacError::Url)?;
                Ok(Self::at(Place::Url(url.to_owned())))
            }
            "file" => Self::file(file_path(url).ok_or(PacError::Address)?),
            "data" => read_data(behind).map(|text| Self::script(&text)),
            _ => Err(PacError::Address),
        }
    }

    /// Uses the file of this machine at an absolute path.
    ///
    /// ```
    /// assert!(wirestack_pac::Pac::file("/etc/proxy.pac").is_ok()); // read when it is needed
    /// ```
    ///
    /// # Errors
    ///
    /// [`PacError::Address`] if the path is not absolute, or not Unicode.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, PacError> {
        let url = file_url(path.as_ref()).ok_or(PacError::Address)?;
        Ok(Self::at(Place::Url(url)))
    }

    /// Uses this script.
    ///
    /// ```
    /// use wirestack_pac::{Pac, PacLimits};
    ///
    /// let script = "function FindProxyForURL(url, host) { return 'PROXY proxy.test:3128; DIRECT'; }";
    /// let pac = Pac::script(script)
    ///     .direct_if_broken() // if the script fails
    ///     .also_for_local() // for 127.0.0.1 and localhost too
    ///     .limits(PacLimits::default());
    /// drop(pac);
    /// ```
    pub fn script(text: &str) -> Self {
        Self::at(Place::Text(text.into()))
    }

    /// Uses the file that the domain offers by WPAD over DNS: `http://wpad.<domain>/wpad.dat`.
    ///
    /// Only this one address is asked. The domains above it are not, as they belong to others.
    /// The owner of the name `wpad` in that domain sees where this program connects to, so name a
    /// domain of your own network. DHCP is not asked.
    ///
    /// # Errors
    ///
    /// [`PacError::Domain`] if it is no name of a domain.
    pub fn wpad(domain: &str) -> Result<Self, PacError> {
        let domain = domain.trim_matches('.');
        let is_plain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        if domain.is_empty() || !domain.chars().all(is_plain) {
            return Err(PacError::Domain);
        }
        // The reader of URLs refuses a domain that ends with a number, as addresses do.
        Self::url(&format!("http://wpad.{domain}/wpad.dat")).map_err(|_| PacError::Domain)
    }

    fn at(place: Place) -> Self {
        Self(Arc::new(Shared {
            place,
            limits: PacLimits::default(),
            direct_if_broken: false,
            asks_for_local: false,
            cache: Mutex::new(Cache::default()),
        }))
    }

    /// Goes straight to the target if the file cannot be got, or if its script does not work. By
    /// default that is an error, because the author of the file did not say "direct".
    #[must_use]
    pub fn direct_if_broken(self) -> Self {
        self.with(|shared| shared.direct_if_broken = true)
    }

    /// Asks the script about targets on this machine (`localhost`, `127.0.0.0/8`, `::1`) and on its
    /// link (`169.254.0.0/16`, `fe80::/10`), too. By default they are direct, as in browsers: a
    /// script from a network should not bend them to a proxy.
    #[must_use]
    pub fn also_for_local(self) -> Self {
        self.with(|shared| shared.asks_for_local = true)
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: PacLimits) -> Self {
        self.with(|shared| shared.limits = limits)
    }

    /// Returns a handle with other settings, and with nothing in its cache.
    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Shared {
            place: self.0.place.clone(),
            limits: self.0.limits,
            direct_if_broken: self.0.direct_if_broken,
            asks_for_local: self.0.asks_for_local,
            cache: Mutex::new(Cache::default()),
        };
        change(&mut shared);
        Self(Arc::new(shared))
    }
}

impl RouteSource for Pac {
    fn name(&self) -> String {
        match &self.0.place {
            Place::Url(url) => format!("proxy auto-config {}", shown_url(url)),
            Place::Text(_) => "proxy auto-config script".to_owned(),
        }
    }

    fn finder(&self, target: &Target) -> Box<dyn FindRoutes> {
        let question = Question::about(target);
        Box::new(Finder::new(self.0.clone(), question))
    }

    fn route_failed(&self, route: &str, now: Instant) {
        if route != "direct" {
            let until = now.checked_add(self.0.limits.dead);
            self.0.cache().bury(route, until);
        }
    }
}

impl From<Pac> for Routes {
    fn from(pac: Pac) -> Self {
        Self::found_by(Arc::new(pac))
    }
}

impl TryFrom<&str> for Pac {
    type Error = PacError;
    fn try_from(url: &str) -> Result<Self, PacError> {
        Self::url(url)
    }
}

impl TryFrom<String> for Pac {
    type Error = PacError;
    fn try_from(url: String) -> Result<Self, PacError> {
        Self::url(&url)
    }
}

/// Shows no user and no password of a URL, and no script.
impl fmt::Debug for Pac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pac({})", self.name())
    }
}

/// Decodes the content of a `data:` URL (RFC 2397), of which this stands behind the scheme.
fn read_data(text: &str) -> Result<String, PacError> {
    let (head, data) = text.split_once(',').ok_or(PacError::Data)?;
    let data = data.replace(['\t', '\r', '\n'], ""); // a long URL may be wrapped
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&data).collect();
    let bytes = if head.to_ascii_lowercase().ends_with(";base64") {
        let packed: Vec<u8> = bytes
            .into_iter()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        STANDARD.decode(packed).map_err(|_| PacError::Data)?
    } else {
        bytes
    };
    Ok(decode_text(&bytes).into_owned())
}
