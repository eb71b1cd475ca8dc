//! The proxy settings of a desktop or an operating system, without the reading of them.

mod bypass;
mod desktop;
mod gnome;
mod gvariant;
mod kde;
mod kind;
mod macos;
mod manual;
mod windows;

pub use desktop::Desktop;
pub use windows::WindowsValues;

use crate::route::endpoint::RouteError;
use crate::route::routes::Routes;
use crate::route::target::Target;
use kind::Kind;
use std::ffi::OsString;

/// The proxy settings of a desktop or an operating system, as they were read.
///
/// ```
/// use wirestack_dial::system::{SystemRoutes, SystemSettings};
///
/// // The output of `gsettings list-recursively org.gnome.system.proxy`.
/// let settings = SystemSettings::gnome(
///     "org.gnome.system.proxy mode 'manual'\n\
///      org.gnome.system.proxy ignore-hosts ['localhost', '*.intern.test']\n\
///      org.gnome.system.proxy.https host 'proxy.test'\n\
///      org.gnome.system.proxy.https port 3128\n",
/// )?;
/// let SystemRoutes::Routes(routes) = settings.routes(&"wss://example.org".parse()?)? else {
///     panic!("the proxy is named");
/// };
/// assert_eq!(routes.to_string(), "http://proxy.test:3128");
/// let SystemRoutes::Routes(routes) = settings.routes(&"wss://chat.intern.test".parse()?)? else {
///     panic!("the host is excepted");
/// };
/// assert_eq!(routes.to_string(), "direct");
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SystemSettings(Kind);

/// The way to a target that the settings of a system name.
///
/// ```
/// use wirestack_dial::Target;
/// use wirestack_dial::system::{SystemRoutes, SystemSettings};
///
/// /// Says how the system would reach a target.
/// fn shown(settings: &SystemSettings, target: &Target) -> Result<String, wirestack_dial::RouteError> {
///     Ok(match settings.routes(target)? {
///         SystemRoutes::Routes(routes) => routes.to_string(),
///         SystemRoutes::Pac(url) => format!("as {url} says"),
///         _ => "as the network says".to_owned(),
///     })
/// }
/// assert_eq!(shown(&SystemSettings::direct(), &"wss://example.org".parse()?)?, "direct");
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SystemRoutes {
    /// By these routes.
    Routes(Routes),
    /// As the proxy auto-config file at this URL says.
    Pac(String),
    /// As the network says, by WPAD.
    AutoDetect,
}

impl SystemSettings {
    /// Creates settings without a proxy.
    pub fn direct() -> Self {
        Self(Kind::Direct)
    }

    /// Reads the text that `gsettings list-recursively org.gnome.system.proxy` writes: the settings
    /// of GNOME, and of the desktops that are made of its parts.
    ///
    /// # Errors
    ///
    /// [`RouteError::Setting`] if a value is not one of GVariant, or the mode is not known.
    pub fn gnome(text: &str) -> Result<Self, RouteError> {
        gnome::read(text).map(Self)
    }

    /// Reads the contents of files `kioslaverc`, those of the system first, that of the user last.
    /// `variable` returns a variable of the environment, which the settings may name.
    ///
    /// ```
    /// use wirestack_dial::system::{SystemRoutes, SystemSettings};
    ///
    /// let file = "[Proxy Settings]\nProxyType=1\nhttpsProxy=http://proxy.test 3128\n";
    /// let settings = SystemSettings::kde(&[file], |_| None)?; // `std::env::var_os` in a program
    /// let SystemRoutes::Routes(routes) = settings.routes(&"https://example.org".parse()?)? else {
    ///     panic!("the proxy is named");
    /// };
    /// assert_eq!(routes.to_string(), "http://proxy.test:3128");
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RouteError::Setting`] if the type of proxy is not known, or a value would have to be
    /// expanded by a shell.
    pub fn kde(
        files: &[&str],
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, RouteError> {
        kde::read(files, &variable).map(Self)
    }

    /// Takes the values of the registry of Windows.
    ///
    /// ```
    /// use wirestack_dial::system::{SystemRoutes, SystemSettings, WindowsValues};
    ///
    /// let mut values = WindowsValues::default(); // read from the registry
    /// values.auto_config_url = "http://wpad.test/proxy.pac".to_owned();
    /// let routes = SystemSettings::windows(&values).routes(&"wss://example.org".parse()?)?;
    /// assert!(matches!(routes, SystemRoutes::Pac(url) if url == "http://wpad.test/proxy.pac"));
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn windows(values: &WindowsValues) -> Self {
        Self(windows::read(values))
    }

    /// Reads the text that `scutil --proxy` writes on macOS. A proxy that cannot be used is an error
    /// of [`routes`](Self::routes), for those targets that would go by it.
    ///
    /// ```
    /// use wirestack_dial::system::{SystemRoutes, SystemSettings};
    ///
    /// let text = "<dictionary> {\n  HTTPSEnable : 1\n  HTTPSPort : 3128\n  HTTPSProxy : proxy.test\n}\n";
    /// let routes = SystemSettings::macos(text).routes(&"https://example.org".parse()?)?;
    /// let SystemRoutes::Routes(routes) = routes else { panic!("the proxy is named") };
    /// assert_eq!(routes.to_string(), "http://proxy.test:3128");
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn macos(text: &str) -> Self {
        Self(macos::read(text))
    }

    /// Returns the way to a target.
    ///
    /// A target `http` goes by the proxy for HTTP, `https` by the one for HTTPS, and if there is
    /// none, by the one for SOCKS. WebSockets and streams go by the one for SOCKS, else by the one
    /// for HTTPS, else by the one for HTTP, as browsers do (RFC 6455 §4.1). Loopback and link-local
    /// addresses need no proxy, which could not reach them.
    ///
    /// # Errors
    ///
    /// [`RouteError::Setting`] if the setting for this target names no proxy that can be used.
    pub fn routes(&self, target: &Target) -> Result<SystemRoutes, RouteError> {
        Ok(match &self.0 {
            Kind::Direct => SystemRoutes::Routes(Routes::direct()),
            Kind::Manual(manual) => {
                let hop = manual.proxy_for(target)?;
                SystemRoutes::Routes(Routes::hops(hop.into_iter().collect()))
            }
            Kind::Pac(url) => SystemRoutes::Pac(url.clone()),
            Kind::AutoDetect => SystemRoutes::AutoDetect,
            Kind::Environment(environment) => {
                SystemRoutes::Routes(Routes::environment(environment.clone()))
            }
        })
    }
}
