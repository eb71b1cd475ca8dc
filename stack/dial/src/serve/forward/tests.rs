use super::*;

fn head(method: &str, uri: &str, fields: &[(&str, &str)]) -> request::Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn rfc9110_7_6_1_fields_of_one_connection_are_not_forwarded() {
    let mut head = head(
        "POST",
        "http://a.test/",
        &[
            ("connection", "close, X-One"),
            ("connection", "x-two"),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("transfer-encoding", "chunked"),
            ("proxy-authorization", "Basic eDp5"),
        ],
    );
    forward_request(&mut head).unwrap();
    assert_eq!(names(&head.headers), ["host", "via", "x-three"]);

    let response = http::Response::builder()
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("proxy-authenticate", "Basic realm=x")
        .header("content-length", "3")
        .header("server", "s");
    let mut head = response.body(()).unwrap().into_parts().0;
    head.version = Version::HTTP_10;
    forward_response(&Method::GET, &mut head).unwrap();
    assert_eq!(names(&head.headers), ["server", "via"]);
    assert_eq!(head.headers["via"], "1.0 wirestack");
}

#[test]
fn rfc9113_8_2_3_the_crumbs_of_a_cookie_are_one_field_for_the_server() {
    let crumbs = [("cookie", "a=1"), ("x", "y"), ("cookie", "b=2; c=3")];
    let mut head = head("GET", "http://a.test/", &crumbs);
    head.version = Version::HTTP_2;
    forward_request(&mut head).unwrap();
    let cookies: Vec<_> = head.headers.get_all(COOKIE).iter().collect();
    assert_eq!(cookies, ["a=1; b=2; c=3"]);
    assert!(cookies[0].is_sensitive());
    assert_eq!(head.headers[VIA], "2 wirestack");
    assert_eq!(head.version, Version::HTTP_11);
}

#[test]
fn rfc9112_3_2_2_the_host_is_that_of_the_target_whatever_the_field_says() {
    for (uri, host, port, field) in [
        ("http://a.test", "a.test", 80, "a.test"),
        ("http://a.test:8080/x", "a.test", 8080, "a.test:8080"),
        ("http://[::1]:81/", "::1", 81, "[::1]:81"),
    ] {
        let mut head = head("GET", uri, &[("host", "inside.test")]);
        let server = forward_request(&mut head).unwrap();
        assert_eq!((server.host.as_str(), server.port), (host, port), "{uri}");
        assert_eq!(head.headers[HOST], field, "{uri}");
    }
}

#[test]
fn requests_that_two_servers_could_read_in_two_ways_are_refused() {
    for (method, uri, fields, wanted) in [
        ("GET", "/", &[][..], ForwardError::NotAbsolute),
        ("GET", "a.test:80", &[], ForwardError::NotAbsolute),
        ("GET", "https://a.test/", &[], ForwardError::Scheme),
        ("GET", "ftp://a.test/", &[], ForwardError::Scheme),
        ("GET", "http://u:p@a.test/", &[], ForwardError::Target),
        ("GET", "http://a.test:0/", &[], ForwardError::Target),
        (
            "GET",
            "http://a.test/",
            &[("host", "a.test"), ("host", "b.test")],
            ForwardError::Host,
        ),
        (
            "GET",
            "http://a.test/",
            &[("host", "a.test, b.test")],
            ForwardError::Host,
        ),
        (
            "GET",
            "http://a.test/",
            &[("host", "http://a.test/")],
            ForwardError::Host,
        ),
        (
            "POST",
            "http://a.test/",
            &[("transfer-encoding", "gzip, chunked")],
            ForwardError::TransferCoding,
        ),
        (
            "POST",
            "http://a.test/",
            &[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "identity"),
            ],
            ForwardError::TransferCoding,
        ),
        ("TRACE", "http://a.test/", &[], ForwardError::Trace),
        (
            "OPTIONS",
            "http://a.test/",
            &[("max-forwards", "0")],
            ForwardError::LastHop,
        ),
    ] {
        let mut head = head(method, uri, fields);
        assert_eq!(forward_request(&mut head), Err(wanted), "{method} {uri}");
    }
    let mut head = head("OPTIONS", "http://a.test/", &[("max-forwards", "3")]);
    forward_request(&mut head).unwrap();
    assert_eq!(head.headers[MAX_FORWARDS], "2");
}

#[test]
fn the_length_of_a_response_without_content_stays() {
    for (method, status, stays) in [
        (Method::HEAD, 200, true),
        (Method::GET, 304, true),
        (Method::GET, 200, false),
    ] {
        let response = http::Response::builder()
            .status(status)
            .header("content-length", "9");
        let mut head = response.body(()).unwrap().into_parts().0;
        forward_response(&method, &mut head).unwrap();
        assert_eq!(head.headers.contains_key(CONTENT_LENGTH), stays, "{method}");
    }
}

#[test]
fn a_response_that_is_not_forwarded_is_no_fault_of_its_request() {
    for status in [101, 407] {
        let response = http::Response::builder().status(status);
        let mut head = response.body(()).unwrap().into_parts().0;
        let error = forward_response(&Method::GET, &mut head).unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
    }
    let response = http::Response::builder().header("transfer-encoding", "gzip, chunked");
    let mut head = response.body(()).unwrap().into_parts().0;
    let error = forward_response(&Method::GET, &mut head).unwrap_err();
    assert_eq!(error, ForwardError::ResponseCoding);
    assert_eq!(error.status(), StatusCode::BAD_GATEWAY);
}

#[test]
fn a_target_without_a_path_or_with_an_empty_port_is_forwarded() {
    for (uri, path, field) in [
        ("http://a.test?x=1", "/?x=1", "a.test"),
        ("http://a.test", "/", "a.test"),
        ("http://a.test:/x", "/x", "a.test"),
        ("http://[::1]:/", "/", "[::1]"),
    ] {
        let mut head = head("GET", uri, &[]);
        let server = forward_request(&mut head).unwrap_or_else(|error| panic!("{uri}: {error}"));
        assert_eq!(server.port, 80, "{uri}");
        assert_eq!(head.uri, path, "{uri}");
        assert_eq!(head.headers[HOST], field, "{uri}");
    }
}

#[test]
fn a_field_that_connection_names_beside_an_odd_byte_is_not_forwarded() {
    let mut head = head("GET", "http://a.test/", &[("x-hop", "1"), ("x-stays", "2")]);
    let named = HeaderValue::from_bytes(b"\xff, X-Hop ,,\xe4x").unwrap();
    head.headers.insert(CONNECTION, named);
    forward_request(&mut head).unwrap();
    assert_eq!(names(&head.headers), ["host", "via", "x-stays"]);
}

#[test]
fn only_options_may_ask_for_a_whole_server() {
    for (method, is_forwarded) in [("OPTIONS", true), ("GET", false)] {
        let mut head = head(method, "http://a.test/", &[]);
        let mut parts = head.uri.into_parts();
        parts.path_and_query = Some(uri::PathAndQuery::from_static("*"));
        head.uri = Uri::from_parts(parts).unwrap();
        let forwarded = forward_request(&mut head);
        assert_eq!(forwarded.is_ok(), is_forwarded, "{method}");
        assert!(!is_forwarded || head.uri == "*", "{method}: {}", head.uri);
    }
}
