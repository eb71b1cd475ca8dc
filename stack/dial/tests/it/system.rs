//! The proxy settings of systems: captured values, and the routes that they name.

use std::ffi::OsString;
use wirestack_dial::RouteError;
use wirestack_dial::system::{MacosValues, SystemRoutes, SystemSettings, WindowsValues};

/// Returns the routes to a target as a text, or the error.
fn to(settings: &SystemSettings, url: &str) -> String {
    match settings.routes(&url.parse().unwrap()) {
        Ok(SystemRoutes::Routes(routes)) => routes.to_string(),
        Ok(SystemRoutes::Pac(url)) => format!("pac {url}"),
        Ok(SystemRoutes::AutoDetect) => "detect".to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

fn check(settings: &SystemSettings, rows: &[(&str, &str)]) {
    for (url, wanted) in rows {
        assert_eq!(to(settings, url), *wanted, "{url}");
    }
}

/// The settings of a fresh GNOME 43, as `gsettings list-recursively org.gnome.system.proxy` writes
/// them, with changes.
fn gnome(changes: &[(&str, &str)]) -> Result<SystemSettings, RouteError> {
    let mut text = String::new();
    for line in "org.gnome.system.proxy autoconfig-url ''
org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1']
org.gnome.system.proxy mode 'none'
org.gnome.system.proxy use-same-proxy true
org.gnome.system.proxy.ftp host ''
org.gnome.system.proxy.ftp port 0
org.gnome.system.proxy.http authentication-password ''
org.gnome.system.proxy.http authentication-user ''
org.gnome.system.proxy.http enabled false
org.gnome.system.proxy.http host ''
org.gnome.system.proxy.http port 8080
org.gnome.system.proxy.http use-authentication false
org.gnome.system.proxy.https host ''
org.gnome.system.proxy.https port 0
org.gnome.system.proxy.socks host ''
org.gnome.system.proxy.socks port 0"
        .lines()
    {
        let (schema, rest) = line.split_once(' ').unwrap();
        let key = rest.split_once(' ').unwrap().0;
        let key = format!("{schema} {key}");
        let key = key.strip_prefix("org.gnome.system.proxy").unwrap();
        let change = changes.iter().find(|(changed, _)| *changed == key.trim());
        match change {
            Some((_, value)) => text += &format!("org.gnome.system.proxy{key} {value}\n"),
            None => text += &format!("{line}\n"),
        }
    }
    SystemSettings::gnome(&text)
}

#[test]
fn the_settings_of_gnome_name_the_proxy() {
    check(&gnome(&[]).unwrap(), &[("wss://example.org", "direct")]);
    let http_only = gnome(&[("mode", "'manual'"), (".http host", "'proxy.corp'")]).unwrap();
    check(
        &http_only,
        &[
            ("http://example.org", "http://proxy.corp:8080"),
            ("https://example.org", "http://proxy.corp:8080"),
            ("wss://example.org", "http://proxy.corp:8080"),
            ("tcp://example.org:22", "http://proxy.corp:8080"),
            ("wss://localhost", "direct"),
            ("ws://[::1]:8080", "direct"),
        ],
    );
    let all = gnome(&[
        ("mode", "'manual'"),
        ("use-same-proxy", "false"),
        ("ignore-hosts", r#"['intern.test', '.dot.test', '*.star.test', '10.0.0.0/8', 'only.test:8443', "it's", '2001:db8::/32']"#),
        (".http host", "'web.corp'"),
        (".https host", "'secure.corp'"),
        (".https port", "3129"),
        (".socks host", "'gate.corp'"),
        (".socks port", "1080"),
    ])
    .unwrap();
    let socks = "socks5h://gate.corp:1080";
    check(
        &all,
        &[
            ("http://example.org", "http://web.corp:8080"),
            ("https://example.org", "http://secure.corp:3129"),
            ("wss://example.org", socks),
            ("ws://example.org", socks),
            ("tls://example.org:465", socks),
            ("wss://intern.test", "direct"),
            ("wss://chat.intern.test", "direct"),
            ("wss://chat.intern.test.", "direct"),
            ("wss://badintern.test", socks),
            ("wss://dot.test", "direct"),
            ("wss://a.dot.test", "direct"),
            ("wss://a.star.test", "direct"),
            ("wss://10.1.2.3", "direct"),
            ("wss://11.1.2.3", socks),
            ("wss://[2001:db8::5]", "direct"),
            ("wss://only.test:8443", "direct"),
            ("wss://only.test", socks),
            ("wss://127.0.0.1", "direct"),
            ("wss://169.254.3.4", "direct"),
            ("wss://app.localhost", "direct"),
        ],
    );
}

#[test]
fn gnome_may_name_a_file_or_ask_for_detection() {
    let file = [
        ("mode", "'auto'"),
        ("autoconfig-url", "'http://wpad.corp/proxy.pac'"),
    ];
    let row = |settings: &[(&str, &str)], wanted: &str| {
        check(&gnome(settings).unwrap(), &[("wss://example.org", wanted)]);
    };
    row(&file, "pac http://wpad.corp/proxy.pac");
    row(&file[..1], "detect");
    // Values that do not count in this mode may be what they like.
    row(&[("mode", "'none'"), (".http port", "'x'")], "direct");
}

#[test]
fn a_wrong_setting_is_an_error_that_names_it_and_no_way_around_the_proxy() {
    let error = |changes: &[(&str, &str)]| match gnome(changes) {
        Ok(settings) => to(&settings, "wss://example.org"),
        Err(error) => error.to_string(),
    };
    for (changes, wanted) in [
        (
            &[("mode", "'magic'")][..],
            "the setting mode of GNOME (magic) cannot be used: none, manual or auto is wanted",
        ),
        (
            &[("mode", "'manual'"), (".http port", "'hunter2'")],
            "the setting port of GNOME (***) cannot be used: it is no value of this setting",
        ),
        (
            &[("mode", "'manual'"), (".http host", "'a b'")],
            "the setting host of GNOME (a b) cannot be used: the URL has a blank or a control character: take it out, or write it as %20",
        ),
        (
            &[
                ("mode", "'manual'"),
                (".https host", "'p'"),
                (".https port", "99999"),
            ],
            "the setting port of GNOME (99999) cannot be used: the port in the URL is not a number from 1 to 65535",
        ),
    ] {
        assert_eq!(error(changes), wanted);
    }
}

#[test]
fn the_login_of_gnome_goes_to_its_proxy_and_is_not_shown() {
    let settings = gnome(&[
        ("mode", "'manual'"),
        (".http host", "'proxy.corp'"),
        (".http use-authentication", "true"),
        (".http authentication-user", "'me'"),
        (".http authentication-password", "'hunter2'"),
    ])
    .unwrap();
    let shown = format!("{settings:?} {}", to(&settings, "wss://example.org"));
    assert!(!shown.contains("hunter2"), "{shown}");
    let SystemRoutes::Routes(routes) = settings
        .routes(&"wss://example.org".parse().unwrap())
        .unwrap()
    else {
        panic!("a proxy is named");
    };
    let hops = routes.to(&"wss://example.org".parse().unwrap()).unwrap();
    let forwarding = wirestack_dial::Forwarding::of(&hops[0]).unwrap().unwrap();
    // me:hunter2
    assert_eq!(
        forwarding.fields["proxy-authorization"],
        "Basic bWU6aHVudGVyMg=="
    );
}

/// The file that the settings of Plasma 5.27 write.
const KDE: &str = "[$Version]
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
        &named("/home/me/proxy.pac"),
        "pac file:///home/me/proxy.pac",
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
        "the setting httpsProxy of KDE ($(evil)http://secure.corp:3129) cannot be used: a shell would have to expand it, wanted a plain value"
    );
    let error = SystemSettings::kde(&[&KDE.replace("ProxyType=1", "ProxyType=7")], |_| None);
    assert_eq!(
        error.unwrap_err().to_string(),
        "the setting ProxyType of KDE (7) cannot be used: 0 to 4 is wanted"
    );
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

#[test]
fn the_settings_of_macos_name_the_proxy() {
    let macos = |change: &dyn Fn(&mut MacosValues)| {
        let mut values = MacosValues::default();
        change(&mut values);
        SystemSettings::macos(&values)
    };
    let of = |host: &str, port| Some((host.to_owned(), port));
    let all = macos(&|values| {
        values.http = of("web.corp", 3128);
        values.https = of("secure.corp", 3129);
        values.exceptions = ["*.local", "169.254/16", "10/8", "exact.test"]
            .map(str::to_owned)
            .to_vec();
        values.exclude_simple_hostnames = true;
    });
    let secure = "http://secure.corp:3129";
    check(
        &all,
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
    let row =
        |settings: &SystemSettings, wanted: &str| check(settings, &[("wss://example.org", wanted)]);
    row(&macos(&|_| {}), "direct");
    row(
        &macos(&|values| values.socks = of("gate.corp", 1080)),
        "socks5h://gate.corp:1080",
    );
    row(
        &macos(&|values| values.socks = of("2001:db8::1", 1080)),
        "socks5h://[2001:db8::1]:1080",
    );
    row(&macos(&|values| values.auto_discovery = true), "detect");
    row(
        &macos(&|values| {
            values.auto_config_url = Some("http://wpad.corp/proxy.pac".to_owned());
            values.https = of("secure.corp", 3129);
        }),
        "pac http://wpad.corp/proxy.pac",
    );
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
    }
}
