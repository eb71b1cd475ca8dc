use super::*;
use http::HeaderValue;
use http::header::PROXY_AUTHORIZATION;

fn requests() -> ForwardedRequests {
    let mut fields = HeaderMap::new();
    fields.insert(PROXY_AUTHORIZATION, HeaderValue::from_static("Basic x"));
    ForwardedRequests::new(fields)
}

#[test]
fn each_request_gets_the_fields_however_it_is_cut() {
    const OWN: &str = "Proxy-Authorization: Basic x\r\n";
    for (name, pieces) in [
        (
            "no content",
            &["GET http://h/ HTTP/1.1\r\n", "Host: h\r\n\r\n"][..],
        ),
        (
            "a length",
            &[
                "POST http://h/ HTTP/1.1\r\n",
                "Content-Length: 20\r\n\r\nGET / HTTP/1.1\r\n\r\nxx",
            ],
        ),
        (
            "chunks",
            &[
                "PUT http://h/ HTTP/1.1\r\n",
                "Transfer-Encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\nA: b\r\n\r\n",
            ],
        ),
        (
            "a length of 0",
            &["PUT http://h/ HTTP/1.1\r\n", "Content-Length: 0\r\n\r\n"],
        ),
    ] {
        let bytes = pieces.concat().repeat(2);
        let wanted = pieces.join(OWN).repeat(2);
        for cut in 0..bytes.len() {
            let (mut requests, mut out) = (requests(), BytesMut::new());
            requests.push(&bytes.as_bytes()[..cut], &mut out).unwrap();
            requests.push(&bytes.as_bytes()[cut..], &mut out).unwrap();
            assert_eq!(out, wanted, "{name}, cut {cut}");
        }
    }
}

#[test]
fn content_with_other_codings_below_its_chunks_is_passed_on() {
    let head = "POST http://h/ HTTP/1.1\r\n";
    for codings in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: gzip\r\nTransfer-Encoding: CHUNKED",
        "Transfer-Encoding: gzip , , chunked,",
    ] {
        let rest = format!("{codings}\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n");
        let (mut requests, mut out) = (requests(), BytesMut::new());
        let bytes = format!("{head}{rest}").repeat(2);
        requests.push(bytes.as_bytes(), &mut out).unwrap();
        let wanted = format!("{head}Proxy-Authorization: Basic x\r\n{rest}").repeat(2);
        assert_eq!(out, wanted, "{codings}");
    }
}

#[test]
fn a_request_with_content_may_ask_for_an_upgrade_too() {
    let head = b"POST http://h/ HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\n";
    let next = b"GET http://h/ HTTP/1.1\r\n\r\n";
    for (answer, is_refused) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 407 Who\r\n\r\n", true),
        ("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", false),
        ("HTTP/1.1 ", false), // not known yet
    ] {
        // The answer may come before the content has gone.
        for before in 0..=4 {
            let (mut requests, mut out) = (requests(), BytesMut::new());
            requests.push(head, &mut out).unwrap();
            requests.push(&b"GET "[..before], &mut out).unwrap();
            requests.answered(answer.as_bytes());
            requests.push(&b"GET "[before..], &mut out).unwrap();
            requests.push(next, &mut out).unwrap();
            let found = out.windows(5).filter(|five| five == b"Proxy").count();
            assert_eq!(
                found,
                1 + usize::from(is_refused),
                "{answer:?} after {before}"
            );
        }
    }
}

#[test]
fn a_field_of_the_request_stays_and_a_tunnel_is_left_alone() {
    let (mut requests, mut out) = (requests(), BytesMut::new());
    let own = b"GET http://h/ HTTP/1.1\r\nproxy-authorization: Basic y\r\n\r\n";
    requests.push(own, &mut out).unwrap();
    assert_eq!(out, own[..]);
    out.clear();
    let upgrade = "GET http://h/ HTTP/1.1\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    requests.push(upgrade.as_bytes(), &mut out).unwrap();
    assert_eq!(out.windows(5).filter(|five| five == b"Proxy").count(), 1);
}

#[test]
fn requests_behind_an_upgrade_get_the_fields_only_if_it_is_refused() {
    let upgrade = b"GET http://h/ HTTP/1.1\r\nUpgrade: x\r\n\r\n";
    let next = b"GET http://h/ HTTP/1.1\r\n\r\n";
    for (answer, is_refused) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", true),
        ("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 407 Who\r\n\r\n", true),
        ("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", false),
        (
            "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 101 Go\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            false,
        ),
        ("HTTP/1.1 ", false), // not known yet
        ("odd\r\n\r\n", false),
    ] {
        for cut in 0..answer.len() {
            let (mut requests, mut out) = (requests(), BytesMut::new());
            requests.push(upgrade, &mut out).unwrap();
            requests.answered(&answer.as_bytes()[..cut]);
            requests.answered(&answer.as_bytes()[cut..]);
            requests.push(next, &mut out).unwrap();
            let found = out.windows(5).filter(|five| five == b"Proxy").count();
            assert_eq!(found, 1 + usize::from(is_refused), "{answer:?} cut {cut}");
        }
    }
}

#[test]
fn what_is_no_request_is_an_error() {
    for bytes in [
        &b"\x16\x03\x01\r\n\r\n"[..],
        b"GET http://h/ HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET http://h/ HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
        b"PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        b"PUT http://h/ HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
        b"PUT http://h/ HTTP/1.1\r\nUpgrade: x\r\nContent-Length: 1, 2\r\n\r\n",
        b"PUT http://h/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    ] {
        let pushed = requests().push(bytes, &mut BytesMut::new());
        assert!(pushed.is_err(), "{}", String::from_utf8_lossy(bytes));
    }
    let start = "GET http://h/ HTTP/1.1\r\nA: ";
    let long = format!("{start}{}", "b".repeat((256 << 10) - start.len()));
    let mut requests = requests();
    assert!(requests.push(long.as_bytes(), &mut BytesMut::new()).is_ok());
    let pushed = requests.push(b"b", &mut BytesMut::new());
    let error = pushed.unwrap_err();
    assert!(
        matches!(error.cause(), Some(Http1Error::HeadTooLarge(_))),
        "{error}"
    );
}
