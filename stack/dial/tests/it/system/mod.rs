//! The proxy settings of systems: captured values, and the routes that they name.

mod gnome;
mod kde;

use kde::KDE;
use wirestack_dial::system::{SystemRoutes, SystemSettings, WindowsValues};

/// Returns the routes to a target as a text, or the error.
pub(crate) fn to(settings: &SystemSettings, url: &str) -> String {
    match settings.routes(&url.parse().unwrap()) {
        Ok(SystemRoutes::Routes(routes)) => routes.to_string(),
        Ok(SystemRoutes::Pac(url)) => format!("pac {url}"),
        Ok(SystemRoutes::AutoDetect) => "detect".to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

pub(crate) fn check(settings: &SystemSettings, rows: &[(&str, &str)]) {
    for (url, wanted) in rows {
        assert_eq!(to(settings, url), *wanted, "{url}");
    }
}

fn windows(change: impl FnOnce(&mut WindowsValues)) -> SystemSettings {
    let mut values = WindowsValues::default();
    values.proxy_enable = 1;
    change(&mut values);
    SystemSettings::windows(&values)
}

#[test]
fn the_settings_of_windows_name_the_proxy() {
    let one = windows(|values| {
        values.proxy_server = "proxy.corp:3128".to_owned();
        values.proxy_override =
            "*.intern.test;10.*;HTTPS://secure.test;only.test:8443;<local>".to_owned();
    });
    let proxy = "http://proxy.corp:3128";
    check(
        &one,
        &[
            ("http://example.org", proxy),
            ("wss://example.org", proxy),
            ("tcp://example.org:22", proxy),
            ("wss://chat.intern.test", "direct"),
            ("wss://CHAT.Intern.test", "direct"),
            ("wss://intern.test", proxy),
            ("wss://10.1.2.3", "direct"),
            ("wss://10.example.org", "direct"),
            ("wss://110.1.2.3", proxy),
            ("wss://secure.test", "direct"),
            ("ws://secure.test", proxy),
            ("wss://only.test:8443", "direct"),
            ("wss://only.test", proxy),
            ("wss://printer", "direct"),
            ("wss://[2001:db8::1]", proxy),
            ("ws://127.0.0.1", "direct"),
        ],
    );
    let each = windows(|values| {
        values.proxy_server =
            "http=web.corp:80;https=secure.corp:3129;ftp=f.corp:21;socks=gate.corp:1080".to_owned();
    });
    check(
        &each,
        &[
            ("http://example.org", "http://web.corp:80"),
            ("https://example.org", "http://secure.corp:3129"),
            ("wss://example.org", "socks4a://gate.corp:1080"),
        ],
    );
    let row = |change: &dyn Fn(&mut WindowsValues), wanted: &str| {
        check(
            &windows(|values| change(values)),
            &[("wss://example.org", wanted)],
        );
    };
    row(
        &|values| values.proxy_server = "https=http://secure.corp:3129".to_owned(),
        "http://secure.corp:3129",
    );
    row(
        &|values| (values.proxy_enable, values.proxy_server) = (0, "proxy.corp:1".to_owned()),
        "direct",
    );
    row(
        &|values| values.auto_config_url = "http://wpad.corp/proxy.pac".to_owned(),
        "pac http://wpad.corp/proxy.pac",
    );
    row(
        &|values| values.proxy_server = "proxy.corp:bad".to_owned(),
        "the setting ProxyServer of Windows (proxy.corp:***) cannot be used: the port in the URL is not a number from 1 to 65535",
    );
    let loopback = windows(|values| {
        values.proxy_server = "proxy.corp:3128".to_owned();
        values.proxy_override = "<-loopback>".to_owned();
    });
    check(
        &loopback,
        &[("ws://127.0.0.1", proxy), ("ws://localhost", proxy)],
    );
}

/// The text of `scutil --proxy` on macOS 14.
const MACOS: &str = "<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
    2 : 10/8
    3 : exact.test
  }
  ExcludeSimpleHostnames : 1
  FTPPassive : 1
  HTTPEnable : 1
  HTTPPort : 3128
  HTTPProxy : web.corp
  HTTPSEnable : 1
  HTTPSPort : 3129
  HTTPSProxy : secure.corp
  ProxyAutoConfigEnable : 0
  ProxyAutoConfigURLString : http://wpad.corp/proxy.pac
  ProxyAutoDiscoveryEnable : 0
  SOCKSEnable : 0
  SOCKSPort : 1080
  SOCKSProxy : gate.corp
  __SCOPED__ : <dictionary> {
    en0 : <dictionary> {
      HTTPSEnable : 0
      ExceptionsList : <array> {
        0 : *
      }
    }
  }
}
";

#[test]
fn the_settings_of_macos_name_the_proxy() {
    let secure = "http://secure.corp:3129";
    check(
        &SystemSettings::macos(MACOS),
        &[
            ("http://example.org", "http://web.corp:3128"),
            ("wss://example.org", secure),
            ("wss://printer.local", "direct"),
            ("wss://10.200.1.1", "direct"),
            ("wss://exact.test", "direct"),
            ("wss://sub.exact.test", secure),
            ("wss://printer", "direct"),
        ],
    );
    let row = |from: &str, to: &str, wanted: &str| {
        let settings = SystemSettings::macos(&MACOS.replace(from, to));
        check(&settings, &[("wss://example.org", wanted)]);
    };
    row(
        "SOCKSEnable : 0",
        "SOCKSEnable : 1",
        "socks5h://gate.corp:1080",
    );
    row(
        "ConfigEnable : 0",
        "ConfigEnable : 1",
        "pac http://wpad.corp/proxy.pac",
    );
    row("DiscoveryEnable : 0", "DiscoveryEnable : 1", "detect");
    row("secure.corp", "2001:db8::1", "http://[2001:db8::1]:3129");
    row(
        "HTTPSPort : 3129",
        "HTTPSPort : x",
        "the setting HTTPSPort of macOS (x) cannot be used: the port in the URL is not a number from 1 to 65535",
    );
    row("Enable : 1", "Enable : 0", "direct");
    let none = SystemSettings::macos("<dictionary> {\n  FTPPassive : 1\n}\n");
    check(&none, &[("wss://example.org", "direct")]);
}

/// No text makes a panic, and patterns end soon.
#[test]
fn no_text_of_a_system_makes_a_panic_or_hangs() {
    let star = "*a".repeat(2_000);
    let hard = windows(|values| {
        values.proxy_server = "proxy.corp:1".to_owned();
        values.proxy_override = star.clone();
    });
    let host = format!("{}.test", "a".repeat(60));
    check(&hard, &[(&format!("wss://{host}"), "http://proxy.corp:1")]);
    let mut seed: u64 = 7;
    println!("seed {seed}");
    for _ in 0..20_000 {
        let mut text = KDE.as_bytes().to_vec();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % text.len();
            text[at] = b"[]=$\n' \\:/,;*<>.0aZ\xff"[(seed >> 40) as usize % 20];
        }
        let text = String::from_utf8_lossy(&text);
        if let Ok(settings) = SystemSettings::kde(&[&text], |_| None) {
            let _ = to(&settings, "wss://example.org");
        }
        let _ = SystemSettings::gnome(&text.replace("Proxy", "org.gnome.system.proxy mode"));
        let list = windows(|values| {
            values.proxy_server = text.chars().take(60).collect();
            values.proxy_override = text.to_string();
        });
        let _ = to(&list, "wss://example.org");
        let lines = text.replace('=', " : ").replace('[', "{\n");
        let _ = to(&SystemSettings::macos(&lines), "wss://example.org");
    }
}
