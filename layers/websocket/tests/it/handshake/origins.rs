//! The origins of web pages that a server permits.

use http::header::{HOST, ORIGIN};
use http::{HeaderValue, Request};
use wirestack_websocket::{InvalidOrigin, Origins};

fn request(host: &str, origins: &[&[u8]]) -> Request<()> {
    let mut request = Request::get("/").header(HOST, host).body(()).unwrap();
    for origin in origins {
        let origin = HeaderValue::from_bytes(origin).unwrap();
        request.headers_mut().append(ORIGIN, origin);
    }
    request
}

#[test]
fn pitfall_59_a_page_of_another_origin_is_refused_unless_it_is_named() {
    for (host, origin, same) in [
        ("example.org", "https://example.org", true),
        ("example.org", "http://example.org", true),
        ("example.org", "https://example.org:443", true),
        ("example.org:443", "https://example.org", true),
        ("example.org:80", "http://example.org", true),
        ("EXAMPLE.org", "HTTPS://example.ORG", true),
        ("example.org:8080", "http://example.org:8080", true),
        ("127.0.0.1:9", "http://127.0.0.1:9", true),
        ("[::1]:9", "http://[0:0:0:0:0:0:0:1]:9", true),
        ("[2001:DB8::1]", "https://[2001:db8::1]", true),
        // Another port, host or scheme.
        ("example.org:80", "https://example.org", false),
        ("example.org:443", "http://example.org", false),
        ("example.org", "https://example.org:8443", false),
        ("example.org:8080", "http://example.org:8081", false),
        ("example.org", "https://www.example.org", false),
        ("www.example.org", "https://example.org", false),
        ("example.org", "https://example.org.evil.example", false),
        ("example.org", "https://evilexample.org", false),
        ("example.org", "https://example.org.", false),
        ("localhost:9", "http://127.0.0.1:9", false),
        ("example.org", "chrome-extension://example.org", false),
        ("example.org", "file://", false),
        // No origin that is one.
        ("example.org", "null", false),
        ("example.org", "", false),
        ("example.org", "example.org", false),
        ("example.org", "//example.org", false),
        ("example.org", "https:example.org", false),
        ("example.org", "https://", false),
        ("example.org", "https://example.org/", false),
        ("example.org", "https://user@example.org", false),
        ("example.org", "https://example.org:", false),
        ("example.org", "https://example.org:0", false),
        ("example.org", "https://example.org:99999", false),
        (
            "example.org",
            "https://example.org https://example.org",
            false,
        ),
        (
            "example.org",
            "https://example.org, https://example.org",
            false,
        ),
        ("[::1]", "https://::1", false),
    ] {
        let request = request(host, &[origin.as_bytes()]);
        assert_eq!(Origins::same().permits(&request), same, "{host} {origin}");
        assert!(Origins::any().permits(&request));
    }
}

#[test]
fn several_origins_and_origins_that_are_no_text_are_refused() {
    let good: &[u8] = b"https://example.org";
    let list = Origins::only("https://example.org").unwrap();
    for origins in [
        &[good, good][..],
        &[good, b"null"],
        &[b"https://example.org\xff"],
    ] {
        let request = request("example.org", origins);
        assert!(!Origins::same().permits(&request), "{origins:?}");
        assert!(!list.permits(&request), "{origins:?}");
        assert!(Origins::any().permits(&request));
    }
}

#[test]
fn a_request_without_an_origin_passes() {
    let request = request("example.org", &[]);
    for origins in [
        Origins::same(),
        Origins::any(),
        Origins::only("https://a.test").unwrap(),
    ] {
        assert!(origins.permits(&request));
    }
}

#[test]
fn a_list_names_schemes_too_and_only_a_list_has_null() {
    let list = Origins::only("https://A.test").unwrap();
    let list = list.and("http://localhost:3000").unwrap();
    let permits = |origins: &Origins, origin: &str| {
        origins.permits(&request("here.test", &[origin.as_bytes()]))
    };
    assert!(permits(&list, "https://a.test") && permits(&list, "https://a.test:443"));
    assert!(permits(&list, "http://localhost:3000"));
    for foreign in [
        "http://a.test",
        "http://localhost",
        "https://here.test",
        "null",
    ] {
        assert!(!permits(&list, foreign), "{foreign}");
    }
    let extension = Origins::same().and("chrome-extension://abc").unwrap();
    assert!(permits(&extension, "chrome-extension://abc"));
    assert!(permits(&extension, "https://here.test"));
    assert!(!permits(&extension, "chrome-extension://abcd"));
    assert!(permits(&Origins::same().and("null").unwrap(), "null"));
    for bad in [
        "",
        "a.test",
        "https://a.test/",
        "https://",
        "*",
        "1a://a.test",
        "a b://a.test",
        "https://*.a.test/x",
    ] {
        let error: InvalidOrigin = Origins::same().and(bad).unwrap_err();
        assert!(error.to_string().contains("https://example.org"), "{bad}");
    }
}

#[test]
fn the_target_of_the_request_goes_before_its_host_field() {
    let ask = |target: &str, origin: &str| {
        let request = Request::get(target).header(HOST, "evil.example");
        let request = request.header(ORIGIN, origin).body(()).unwrap();
        Origins::same().permits(&request)
    };
    assert!(ask("https://example.org/", "https://example.org"));
    assert!(!ask("https://example.org/", "https://evil.example"));
    let mut two = request("example.org", &[b"https://example.org"]);
    let other = HeaderValue::from_static("example.org");
    two.headers_mut().append(HOST, other);
    assert!(!Origins::same().permits(&two), "more than one Host");
}
