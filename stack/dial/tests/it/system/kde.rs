//! The settings of KDE.

use super::check;
use std::ffi::OsString;
use wirestack_dial::system::{SystemRoutes, SystemSettings};

/// The file that the settings of Plasma 5.27 write.
pub(crate) const KDE: &str = "[$Version]
update_info=kioslave.upd:kde2.2/r1

[Proxy Settings]
NoProxyFor=intern.test,.dot.test,10.0.0.0/8,<local>,only.test:8443
Proxy Config Script=
ProxyType=1
ReversedException=false
ftpProxy=
httpProxy=http://web.corp 3128
httpsProxy=http://secure.corp:3129
socksProxy=

[Other]
ProxyType=0
";

fn kde(files: &[&str]) -> SystemSettings {
    SystemSettings::kde(files, |_| None).unwrap()
}

#[test]
fn the_settings_of_kde_name_the_proxy() {
    let secure = "http://secure.corp:3129";
    check(
        &kde(&[KDE]),
        &[
            ("http://example.org", "http://web.corp:3128"),
            ("https://example.org", secure),
            ("wss://example.org", secure),
            ("wss://intern.test", "direct"),
            ("wss://chat.intern.test", "direct"),
            ("wss://badintern.test", secure),
            ("wss://a.dot.test", "direct"),
            ("wss://printer", "direct"),
            ("wss://10.1.2.3", "direct"),
            ("wss://only.test:8443", "direct"),
            ("wss://only.test", secure),
        ],
    );
    let of = |from: &str, to: &str| kde(&[&KDE.replace(from, to)]);
    let row =
        |settings: &SystemSettings, wanted: &str| check(settings, &[("wss://example.org", wanted)]);
    row(&of("ProxyType=1", "ProxyType=0"), "direct");
    row(&of("ProxyType=1", "ProxyType=3"), "detect");
    row(&of("ProxyType=1\n", ""), "direct");
    row(
        &of("socksProxy=", "socksProxy=socks://gate.corp 1080"),
        "socks5h://gate.corp:1080",
    );
    row(
        &of("socksProxy=", "socksProxy=http://gate.corp 1080"),
        "socks5h://gate.corp:1080",
    );
    row(
        &of("socksProxy=", "socksProxy=socks4://gate.corp 1080"),
        "socks4a://gate.corp:1080",
    );
    let script = of("ProxyType=1", "ProxyType=2");
    row(&script, "detect");
    let script = KDE.replace("ProxyType=1", "ProxyType=2");
    let named = |to: &str| {
        kde(&[&script.replace("Proxy Config Script=", &format!("Proxy Config Script={to}"))])
    };
    row(
        &named("http://wpad.corp/proxy.pac"),
        "pac http://wpad.corp/proxy.pac",
    );
    row(
        &named("/etc/corp/proxy.pac"),
        "pac file:///etc/corp/proxy.pac",
    );
    row(&kde(&[]), "direct");
    let reversed = of("ReversedException=false", "ReversedException=true");
    check(
        &reversed,
        &[
            ("wss://example.org", "direct"),
            ("wss://chat.intern.test", secure),
            ("wss://localhost", secure),
        ],
    );
}

#[test]
fn the_file_of_a_user_counts_before_that_of_the_system_unless_it_is_locked() {
    let system = "[Proxy Settings]\nProxyType=1\nhttpsProxy=http://system.corp 1\n";
    let user = "[Proxy Settings]\nhttpsProxy=http://user.corp 2\n";
    let row = |files: &[&str], wanted: &str| check(&kde(files), &[("wss://example.org", wanted)]);
    row(&[system, user], "http://user.corp:2");
    row(
        &[&system.replace("httpsProxy", "httpsProxy[$i]"), user],
        "http://system.corp:1",
    );
    row(
        &[&system.replace("Settings]", "Settings][$i]"), user],
        "http://system.corp:1",
    );
}

#[test]
fn kde_may_name_variables_of_the_environment() {
    let file = "[Proxy Settings]
ProxyType=4
NoProxyFor=NO_PROXY,no_proxy
httpProxy=HTTP_PROXY,http_proxy
httpsProxy=MY_PROXY
socksProxy=SOCKS_PROXY
";
    let variables = |name: &str| match name {
        "http_proxy" => Some(OsString::from("web.corp:3128")),
        "MY_PROXY" => Some(OsString::from("http://me:hunter2@secure.corp:3129")),
        "SOCKS_PROXY" => Some(OsString::from("gate.corp:1080")),
        "no_proxy" => Some(OsString::from("intern.test")),
        _ => None,
    };
    let settings = SystemSettings::kde(&[file], variables).unwrap();
    for (url, wanted) in [
        ("http://example.org", "http://web.corp:3128"),
        ("wss://example.org", "http://secure.corp:3129"),
        ("tcp://example.org:22", "socks5h://gate.corp:1080"),
        ("wss://intern.test", "direct"),
    ] {
        let target = url.parse().unwrap();
        let SystemRoutes::Routes(routes) = settings.routes(&target).unwrap() else {
            panic!("no routes");
        };
        let hops = routes.to(&target).unwrap();
        let seen = hops[0]
            .first()
            .map_or("direct".to_owned(), ToString::to_string);
        assert_eq!(seen, wanted, "{url}");
    }
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_value_of_kde_that_needs_a_shell_is_an_error() {
    let file = KDE.replace("httpsProxy=", "httpsProxy[$e]=$(evil)");
    let error = SystemSettings::kde(&[&file], |_| None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the setting httpsProxy of KDE ($(evil)http:) cannot be used: a shell would have to expand it, wanted a plain value"
    );
    let error = SystemSettings::kde(&[&KDE.replace("ProxyType=1", "ProxyType=7")], |_| None);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the setting ProxyType of KDE (7) cannot be used: 0 to 4 is wanted"
    );
}
