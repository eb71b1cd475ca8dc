//! Which proxy the environment names: the cases in which curl was watched, with its answers.

use wirestack::dial::{Environment, Target};

type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

/// A case, its variables, the target (where curl had `http` it is `ws`, where it had `https` it is
/// `wss`), and the proxy: A or B stand for themselves, with a port.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("http_proxy lower", &[("http_proxy", "http://A")], "ws://a.test/", "A"),
    ("HTTP_PROXY upper only", &[("HTTP_PROXY", "http://A")], "ws://a.test/", "direct"),
    ("HTTP_PROXY + REQUEST_METHOD", &[("HTTP_PROXY", "http://A"), ("REQUEST_METHOD", "GET")], "ws://a.test/", "direct"),
    ("http_proxy + REQUEST_METHOD", &[("http_proxy", "http://A"), ("REQUEST_METHOD", "GET")], "ws://a.test/", "A"),
    ("https_proxy + REQUEST_METHOD", &[("https_proxy", "http://A"), ("REQUEST_METHOD", "GET")], "wss://a.test/", "A"),
    ("https_proxy=A HTTPS_PROXY=B", &[("https_proxy", "http://A"), ("HTTPS_PROXY", "http://B")], "wss://a.test/", "A"),
    ("ALL_PROXY", &[("ALL_PROXY", "http://A")], "wss://a.test/", "A"),
    ("https_proxy=\"\" ALL_PROXY", &[("https_proxy", ""), ("ALL_PROXY", "http://A")], "wss://a.test/", "A"),
    ("HTTPS_PROXY=\"\" https_proxy=A", &[("HTTPS_PROXY", ""), ("https_proxy", "http://A")], "wss://a.test/", "A"),
    ("https_proxy no scheme", &[("https_proxy", "A")], "wss://a.test/", "A"),
    ("https_proxy user:p%40s@", &[("https_proxy", "http://us%20er:p%40s@A")], "wss://a.test/", "A"),
    ("NO_PROXY=a.test sub.a.test", &[("https_proxy", "http://A"), ("NO_PROXY", "a.test")], "wss://sub.a.test/", "direct"),
    ("NO_PROXY=.a.test a.test", &[("https_proxy", "http://A"), ("NO_PROXY", ".a.test")], "wss://a.test/", "direct"),
    ("NO_PROXY=*.a.test sub", &[("https_proxy", "http://A"), ("NO_PROXY", "*.a.test")], "wss://sub.a.test/", "A"),
    ("NO_PROXY space sep", &[("https_proxy", "http://A"), ("NO_PROXY", "b.test a.test")], "wss://a.test/", "direct"),
    ("NO_PROXY=*", &[("https_proxy", "http://A"), ("NO_PROXY", "*")], "wss://a.test/", "direct"),
    ("NO_PROXY=x,*", &[("https_proxy", "http://A"), ("NO_PROXY", "x,*")], "wss://a.test/", "A"),
    ("NO_PROXY=127.0.0.0/8", &[("https_proxy", "http://A"), ("NO_PROXY", "127.0.0.0/8")], "wss://127.0.0.2:9699/", "direct"),
    ("NO_PROXY=127.0.0. prefix", &[("https_proxy", "http://A"), ("NO_PROXY", "127.0.0.")], "wss://127.0.0.2:9699/", "A"),
    ("NO_PROXY=a.test:8443", &[("https_proxy", "http://A"), ("NO_PROXY", "a.test:8443")], "wss://a.test:8443/", "A"),
    ("NO_PROXY=::1", &[("https_proxy", "http://A"), ("NO_PROXY", "::1")], "wss://[::1]:9699/", "direct"),
    ("NO_PROXY=[::1]", &[("https_proxy", "http://A"), ("NO_PROXY", "[::1]")], "wss://[::1]:9699/", "A"),
    ("NO_PROXY=::/8", &[("https_proxy", "http://A"), ("NO_PROXY", "::/8")], "wss://[::1]:9699/", "direct"), // networks of IPv6 count
    ("NO_PROXY=a.test. (dot)", &[("https_proxy", "http://A"), ("NO_PROXY", "a.test.")], "wss://a.test/", "direct"),
    ("host a.test. (dot)", &[("https_proxy", "http://A"), ("NO_PROXY", "a.test")], "wss://a.test./", "direct"),
    ("NO_PROXY=A.TEST case", &[("https_proxy", "http://A"), ("NO_PROXY", "A.TEST")], "wss://a.test/", "direct"),
    ("no_proxy=a NO_PROXY=b", &[("https_proxy", "http://A"), ("no_proxy", "a.test"), ("NO_PROXY", "b.test")], "wss://a.test/", "direct"),
    ("localhost implicit", &[("https_proxy", "http://A")], "wss://127.0.0.1:9699/", "A"),
    ("NO_PROXY=localhost 127.0.0.1", &[("https_proxy", "http://A"), ("NO_PROXY", "localhost")], "wss://127.0.0.1:9699/", "A"),
    ("bogus scheme ftp://", &[("https_proxy", "ftp://A")], "wss://a.test/", "error"), // curl fails as well
    ("socks5h://", &[("https_proxy", "socks5h://u:p@A")], "wss://a.test/", "A"),
    ("ws:// http+https_proxy", &[("http_proxy", "http://A"), ("https_proxy", "http://A"), ("ALL_PROXY", "http://A")], "ws://a.test/", "A"), // curl does not know these schemes
    ("wss:// http+https_proxy", &[("http_proxy", "http://A"), ("https_proxy", "http://A"), ("ALL_PROXY", "http://A")], "wss://a.test/", "A"), // curl does not know these schemes
];

#[test]
fn curls_cases_are_read_as_curl_reads_them() {
    assert_eq!(CASES.len(), 33);
    for (case, variables, target, wanted) in CASES {
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
        let environment = Environment::new(variables.iter().map(|(n, v)| (*n, place(v))));
        let target: Target = target.parse().unwrap();
        let seen = match environment.proxy_for(&target) {
            Err(_) => "error",
            Ok(None) => "direct",
            Ok(Some(hop)) if hop.to_string().ends_with("//a.proxy.test:1001") => "A",
            Ok(Some(hop)) if hop.to_string().ends_with("//b.proxy.test:1002") => "B",
            Ok(Some(_)) => "elsewhere",
        };
        assert_eq!(seen, *wanted, "{case}");
    }
}

#[test]
fn streams_go_by_all_proxy_alone() {
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
    for (network, host, exempt) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/0", "192.0.2.1", true),
        ("0.0.0.0/0", "[::1]", false),
        ("10.0.0.0/33", "10.0.0.0", false),
        ("10.0.0.0/x", "10.0.0.0", false),
        ("2001:db8::/32", "[2001:db8:1::1]", true),
        ("2001:db8::/32", "[2001:db9::1]", false),
        ("2001:db8::/129", "[2001:db8::]", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "10.0.0.2", false),
        ("10.test", "10.0.0.1", false),
        (".", "a.test", false),
        ("test", "a.test", true),
        ("est", "a.test", false),
    ] {
        let environment = Environment::new([("all_proxy", "a.test:1"), ("no_proxy", network)]);
        let target = format!("ws://{host}").parse().unwrap();
        let proxy = environment.proxy_for(&target).unwrap();
        assert_eq!(proxy.is_none(), exempt, "{network} {host}");
    }
    let debug = format!(
        "{:?}",
        Environment::new([("all_proxy", "http://u:secret@a")])
    );
    assert!(!debug.contains("secret"), "{debug}");
}
