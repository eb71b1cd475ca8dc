//! The proxy that the environment names, as curl reads it.

use wirestack_dial::{Environment, Target};

/// A case in which curl was watched, with its answer.
struct Case {
    name: &'static str,
    /// The variables of the environment; `A` and `B` stand for a host and a port.
    variables: &'static [(&'static str, &'static str)],
    /// A URL with `ws` where curl had `http`, and with `wss` where it had `https`.
    target: &'static str,
    /// The proxy that curl asked: `A`, `B`, `direct` for none, or `error` where it refused.
    proxy: &'static str,
}

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "http_proxy lower", variables: &[("http_proxy", "http://A")], target: "ws://a.test/", proxy: "A" },
    Case { name: "HTTP_PROXY upper only", variables: &[("HTTP_PROXY", "http://A")], target: "ws://a.test/", proxy: "direct" },
    Case { name: "HTTP_PROXY + REQUEST_METHOD", variables: &[("HTTP_PROXY", "http://A"), ("REQUEST_METHOD", "GET")], target: "ws://a.test/", proxy: "direct" },
    Case { name: "http_proxy + REQUEST_METHOD", variables: &[("http_proxy", "http://A"), ("REQUEST_METHOD", "GET")], target: "ws://a.test/", proxy: "A" },
    Case { name: "https_proxy + REQUEST_METHOD", variables: &[("https_proxy", "http://A"), ("REQUEST_METHOD", "GET")], target: "wss://a.test/", proxy: "A" },
    Case { name: "https_proxy=A HTTPS_PROXY=B", variables: &[("https_proxy", "http://A"), ("HTTPS_PROXY", "http://B")], target: "wss://a.test/", proxy: "A" },
    Case { name: "ALL_PROXY", variables: &[("ALL_PROXY", "http://A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "https_proxy=\"\" ALL_PROXY", variables: &[("https_proxy", ""), ("ALL_PROXY", "http://A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "HTTPS_PROXY=\"\" https_proxy=A", variables: &[("HTTPS_PROXY", ""), ("https_proxy", "http://A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "https_proxy no scheme", variables: &[("https_proxy", "A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "https_proxy user:p%40s@", variables: &[("https_proxy", "http://us%20er:p%40s@A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "NO_PROXY=a.test sub.a.test", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "a.test")], target: "wss://sub.a.test/", proxy: "direct" },
    Case { name: "NO_PROXY=.a.test a.test", variables: &[("https_proxy", "http://A"), ("NO_PROXY", ".a.test")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "NO_PROXY=*.a.test sub", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "*.a.test")], target: "wss://sub.a.test/", proxy: "A" },
    Case { name: "NO_PROXY space sep", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "b.test a.test")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "NO_PROXY=*", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "*")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "NO_PROXY=x,*", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "x,*")], target: "wss://a.test/", proxy: "A" },
    Case { name: "NO_PROXY=127.0.0.0/8", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "127.0.0.0/8")], target: "wss://127.0.0.2:9699/", proxy: "direct" },
    Case { name: "NO_PROXY=127.0.0. prefix", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "127.0.0.")], target: "wss://127.0.0.2:9699/", proxy: "A" },
    Case { name: "NO_PROXY=a.test:8443", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "a.test:8443")], target: "wss://a.test:8443/", proxy: "A" },
    Case { name: "NO_PROXY=::1", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "::1")], target: "wss://[::1]:9699/", proxy: "direct" },
    Case { name: "NO_PROXY=[::1]", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "[::1]")], target: "wss://[::1]:9699/", proxy: "A" },
    Case { name: "NO_PROXY=::/8", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "::/8")], target: "wss://[::1]:9699/", proxy: "direct" }, // networks of IPv6 count
    Case { name: "NO_PROXY=a.test. (dot)", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "a.test.")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "host a.test. (dot)", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "a.test")], target: "wss://a.test./", proxy: "direct" },
    Case { name: "NO_PROXY=A.TEST case", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "A.TEST")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "no_proxy=a NO_PROXY=b", variables: &[("https_proxy", "http://A"), ("no_proxy", "a.test"), ("NO_PROXY", "b.test")], target: "wss://a.test/", proxy: "direct" },
    Case { name: "localhost implicit", variables: &[("https_proxy", "http://A")], target: "wss://127.0.0.1:9699/", proxy: "A" },
    Case { name: "NO_PROXY=localhost 127.0.0.1", variables: &[("https_proxy", "http://A"), ("NO_PROXY", "localhost")], target: "wss://127.0.0.1:9699/", proxy: "A" },
    Case { name: "bogus scheme ftp://", variables: &[("https_proxy", "ftp://A")], target: "wss://a.test/", proxy: "error" }, // curl fails as well
    Case { name: "socks5h://", variables: &[("https_proxy", "socks5h://u:p@A")], target: "wss://a.test/", proxy: "A" },
    Case { name: "ws:// http+https_proxy", variables: &[("http_proxy", "http://A"), ("https_proxy", "http://A"), ("ALL_PROXY", "http://A")], target: "ws://a.test/", proxy: "A" }, // curl does not know these schemes
    Case { name: "wss:// http+https_proxy", variables: &[("http_proxy", "http://A"), ("https_proxy", "http://A"), ("ALL_PROXY", "http://A")], target: "wss://a.test/", proxy: "A" }, // curl does not know these schemes
];

#[test]
fn curls_cases_are_read_as_curl_reads_them() {
    assert_eq!(CASES.len(), 33);
    for case in CASES {
        let place = |value: &str| match value {
            "A" => "a.proxy.test:1001".to_owned(),
            value if value.ends_with("/A") || value.ends_with("@A") => {
                format!("{}a.proxy.test:1001", &value[..value.len() - 1])
            }
            value if value.ends_with("//B") => {
                format!("{}b.proxy.test:1002", &value[..value.len() - 1])
            }
            value => value.to_owned(),
        };
        let environment = Environment::new(case.variables.iter().map(|(n, v)| (*n, place(v))));
        let target: Target = case.target.parse().unwrap();
        let seen = match environment.proxy_for(&target) {
            Err(_) => "error",
            Ok(None) => "direct",
            Ok(Some(hop)) if hop.to_string().ends_with("//a.proxy.test:1001") => "A",
            Ok(Some(hop)) if hop.to_string().ends_with("//b.proxy.test:1002") => "B",
            Ok(Some(_)) => "elsewhere",
        };
        assert_eq!(seen, case.proxy, "{}", case.name);
    }
}

#[test]
fn streams_use_all_proxy_alone() {
    let environment = Environment::new([
        ("https_proxy", "http://a.test:1"),
        ("all_proxy", "socks5h://b.test:2"),
    ]);
    let proxy = |url: &str| {
        environment
            .proxy_for(&url.parse().unwrap())
            .unwrap()
            .unwrap()
    };
    assert_eq!(proxy("tcp://c.test:22").to_string(), "socks5h://b.test:2");
    assert_eq!(proxy("tls://c.test:22").to_string(), "socks5h://b.test:2");
    assert_eq!(proxy("https://c.test").to_string(), "http://a.test:1");
}

#[test]
fn networks_are_matched_by_their_bits() {
    let exempts = |network, host| {
        let environment = Environment::new([("all_proxy", "a.test:1"), ("no_proxy", network)]);
        let target = format!("ws://{host}").parse().unwrap();
        environment.proxy_for(&target).unwrap().is_none()
    };
    assert!(exempts("10.0.0.0/8", "10.255.0.1"));
    assert!(!exempts("10.0.0.0/8", "11.0.0.1"));
    assert!(exempts("10.0.0.0/0", "192.0.2.1"));
    assert!(!exempts("0.0.0.0/0", "[::1]"));
    assert!(!exempts("10.0.0.0/33", "10.0.0.0"));
    assert!(!exempts("10.0.0.0/x", "10.0.0.0"));
    assert!(exempts("2001:db8::/32", "[2001:db8:1::1]"));
    assert!(!exempts("2001:db8::/32", "[2001:db9::1]"));
    assert!(!exempts("2001:db8::/129", "[2001:db8::]"));
    assert!(exempts("10.0.0.1", "10.0.0.1"));
    assert!(!exempts("10.0.0.1", "10.0.0.2"));
    assert!(!exempts("10.test", "10.0.0.1"));
    assert!(!exempts(".", "a.test"));
    assert!(exempts("test", "a.test"));
    assert!(!exempts("est", "a.test"));
}

#[test]
fn no_password_shows_in_debug() {
    let environment = Environment::new([("all_proxy", "http://u:secret@a")]);
    let debug = format!("{environment:?}");
    assert!(!debug.contains("secret"), "{debug}");
}
