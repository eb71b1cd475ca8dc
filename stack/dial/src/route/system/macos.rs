//! The settings of macOS: the dictionary that `SCDynamicStoreCopyProxies` returns.

use super::bypass::Bypass;
use super::kind::Kind;
use super::manual::{Manual, Setting};

/// The values of the dictionary of macOS that name proxies. Those that are not switched on
/// (`HTTPEnable` and so on) are left out.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MacosValues {
    /// `HTTPProxy` and `HTTPPort`.
    pub http: Option<(String, u16)>,
    /// `HTTPSProxy` and `HTTPSPort`.
    pub https: Option<(String, u16)>,
    /// `SOCKSProxy` and `SOCKSPort`.
    pub socks: Option<(String, u16)>,
    /// `ExceptionsList`: `*.local`, `169.254/16`.
    pub exceptions: Vec<String>,
    /// `ExcludeSimpleHostnames`: names without a dot need no proxy.
    pub exclude_simple_hostnames: bool,
    /// `ProxyAutoConfigURLString`: the proxy auto-config file, which counts before the proxies.
    pub auto_config_url: Option<String>,
    /// `ProxyAutoDiscoveryEnable`: the network names the file.
    pub auto_discovery: bool,
}

pub(super) fn read(values: &MacosValues) -> Kind {
    if let Some(url) = values.auto_config_url.as_deref().map(str::trim)
        && !url.is_empty()
    {
        return Kind::Pac(url.to_owned());
    }
    if values.auto_discovery {
        return Kind::AutoDetect;
    }
    let proxy = |key: &'static str, scheme: &str, place: &Option<(String, u16)>| {
        let (host, port) = place.as_ref()?;
        let system = "macOS";
        Setting { system, key }.proxy(scheme, host, Some(*port))
    };
    let exceptions = values.exceptions.iter().map(String::as_str);
    Kind::Manual(Box::new(Manual {
        http: proxy("HTTPProxy", "http", &values.http),
        https: proxy("HTTPSProxy", "http", &values.https),
        socks: proxy("SOCKSProxy", "socks5h", &values.socks),
        http_is_for_all: false,
        bypass: Bypass::macos(exceptions, values.exclude_simple_hostnames),
    }))
}
