//! Hops, read from URLs.

use super::*;

#[test]
fn hops_are_read_from_urls() {
    for (text, shown) in [
        ("socks5://h", "socks5h://h:1080"),
        ("socks5h://h:80", "socks5h://h:80"),
        ("http://proxy", "http://proxy:80"),
        ("https://proxy/", "https://proxy:443"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        ("socks5://[::1]", "socks5h://[::1]:1080"),
        ("socks5h://BÜCHER.test", "socks5h://xn--bcher-kva.test:1080"),
        ("http://u:p@h:1", "http://h:1"),
        ("socks4://me@h", "socks4a://h:1080"),
        ("socks4a://h:1", "socks4a://h:1"),
        ("h2://proxy", "h2://proxy:443"),
        ("h2c://proxy", "h2c://proxy:80"),
        ("socks://h", "socks4a://h:1080"),
        ("socks5+tls://h", "socks5h+tls://h:1080"),
        ("socks5h+tls://me:pw@h:443", "socks5h+tls://h:443"),
        ("socks4+tls://h", "socks4a+tls://h:1080"),
        ("HTTP://h:", "http://h:80"),
        ("http://DOM\\me:pw@h:1", "http://h:1"),
        ("http://me:p@w@h:1", "http://h:1"),
        ("http://me:%E9@h:1", "http://h:1"),
        ("http://[fe80::1%25eth0]:3128", "http://[fe80::1%eth0]:3128"),
        (
            "socks5://[fe80::1%eth0]:1080",
            "socks5h://[fe80::1%eth0]:1080",
        ),
    ] {
        assert_eq!(text.parse::<Hop>().unwrap().to_string(), shown, "{text}");
    }
    for text in [
        "h:1080",
        "ftp://h",
        "http://a`b:1",
        "http://%22h",
        "http://h/path",
        "http://h?q",
        "socks5://",
        "socks5://[fe80::1%]:1080",
        "http://[fe80::1%25a b]:1",
        "http://::1:3128",
        "http://[::1",
        "http://[::1]x:1",
        "http://h:65536",
        "http://h:+1",
        "http://h:0",
        "http://h:1x",
        "http:/h",
        "http://u:p/w@h",
        " http://h",
        "http://h\n",
        "http://u:a%0Ab@h",
        "http://",
        "http://:1",
        "socks4://me:secret@h",
    ] {
        assert!(text.parse::<Hop>().is_err(), "{text}");
    }
}

#[test]
fn credentials_are_decoded_and_stay_unseen() {
    let hop: Hop = "socks5h://us%20er:p%40s@h".parse().unwrap();
    let expected = Credentials::new("us er", "p@s");
    assert_eq!(hop.known_credentials(), Some(&expected));
    assert!(!format!("{hop:?}{hop}").contains("p@s"));
}
