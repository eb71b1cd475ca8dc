//! The settings of GNOME.

use super::{check, to};
use wirestack_dial::RouteError;
use wirestack_dial::system::{SystemRoutes, SystemSettings};

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
