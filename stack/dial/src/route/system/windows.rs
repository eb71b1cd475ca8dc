//! The settings of Windows: values of
//! `HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings`.

use super::bypass::Bypass;
use super::kind::Kind;
use super::manual::{Manual, Setting};

/// The values of the registry of Windows that name proxies, as they stand there.
///
/// ```
/// use wirestack_dial::system::{SystemSettings, WindowsValues};
///
/// let mut values = WindowsValues::default();
/// values.proxy_enable = 1;
/// values.proxy_server = "http=a.test:80;https=b.test:3128".to_owned();
/// values.proxy_override = "*.intern.test;<local>".to_owned();
/// let settings = SystemSettings::windows(&values);
/// drop(settings);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WindowsValues {
    /// `ProxyEnable`: not 0 if the proxy server counts.
    pub proxy_enable: u32,
    /// `ProxyServer`: `host:port`, or `http=host:port;https=host:port;socks=host:port`.
    pub proxy_server: String,
    /// `ProxyOverride`: `*.intern.test;10.*;<local>`.
    pub proxy_override: String,
    /// `AutoConfigURL`: the proxy auto-config file, which counts before the proxy server.
    pub auto_config_url: String,
}

/// Automatic detection is not looked at: Windows has it on wherever nobody has set anything.
pub(super) fn read(values: &WindowsValues) -> Kind {
    match values.auto_config_url.trim() {
        "" => {}
        url => return Kind::Pac(url.to_owned()),
    }
    if values.proxy_enable == 0 {
        return Kind::Direct;
    }
    let mut manual = Manual {
        bypass: Bypass::windows(&values.proxy_override),
        ..Manual::default()
    };
    for item in values.proxy_server.split([';', ' ', '\t']) {
        let Some((kind, place)) = item.split_once('=') else {
            // One proxy for all.
            let one = SERVER.proxy_text("http", item);
            manual.http = manual.http.or(one.clone());
            manual.https = manual.https.or(one);
            continue;
        };
        match kind.trim().to_ascii_lowercase().as_str() {
            "http" => manual.http = SERVER.proxy_text("http", place),
            "https" => manual.https = SERVER.proxy_text("http", place),
            // "socks" of Windows is SOCKS4.
            "socks" => manual.socks = SERVER.proxy_text("socks4a", place),
            _ => {}
        }
    }
    Kind::Manual(Box::new(manual))
}

const SERVER: Setting = Setting {
    system: "Windows",
    key: "ProxyServer",
};
