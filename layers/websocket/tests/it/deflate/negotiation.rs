//! The parameters that both sides agree on.

use super::{USUAL, Windows, answer, answered, forgets, keeps, offered, settings};
use http::{HeaderValue, Request as HttpRequest};
use wirestack_websocket::{Deflate, Offer, Origins, WebSocketConfig, WebSocketError};

#[test]
fn a_server_answers_what_it_can_do_of_what_is_offered() {
    let usual = USUAL.deflate();
    let small = Windows {
        server: forgets(10),
        client: forgets(11),
    };
    let small = small.deflate();
    struct Row<'a> {
        offer: &'static str,
        server: &'a Deflate,
        answer: Option<&'static str>,
    }
    for row in [
        Row {
            offer: "permessage-deflate",
            server: &usual,
            answer: Some("permessage-deflate"),
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits",
            server: &usual,
            answer: Some("permessage-deflate"),
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits=\"12\"",
            server: &usual,
            answer: Some("permessage-deflate; client_max_window_bits=12"),
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=15",
            server: &usual,
            answer: Some("permessage-deflate; server_max_window_bits=15"),
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=8; server_no_context_takeover",
            server: &usual,
            answer: Some(
                "permessage-deflate; server_no_context_takeover; server_max_window_bits=8",
            ),
        },
        Row {
            offer: "permessage-deflate",
            server: &small,
            answer: Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10",
            ),
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits=9; server_max_window_bits=12",
            server: &small,
            answer: Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=9",
            ),
        },
        Row {
            offer: "permessage-deflate; client_no_context_takeover; client_max_window_bits",
            server: &small,
            answer: Some(
                "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=11",
            ),
        },
        // The first good offer is accepted.
        Row {
            offer: "x-other, permessage-deflate; x, permessage-deflate; server_max_window_bits=9",
            server: &usual,
            answer: Some("permessage-deflate; server_max_window_bits=9"),
        },
        // Unknown, invalid and repeated parameters are declined.
        Row {
            offer: "permessage-deflate; foo",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=7",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=16",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=09",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_max_window_bits=+9",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits=264",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits=x",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; server_no_context_takeover=1",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; client_max_window_bits; client_max_window_bits=9",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            server: &usual,
            answer: None,
        },
        Row {
            offer: "x-webkit-deflate-frame",
            server: &usual,
            answer: None,
        },
    ] {
        let (server, answer) = answer(row.offer, settings(row.server.clone()));
        assert_eq!(answer.as_deref(), row.answer, "{}", row.offer);
        let agreed = server.compression().is_some();
        assert_eq!(agreed, row.answer.is_some(), "{}", row.offer);
    }
    let (server, none) = answer("permessage-deflate", WebSocketConfig::default());
    assert_eq!((server.compression(), none), (None, None));
}

#[test]
fn a_malformed_list_is_refused_with_400() {
    let mut request = HttpRequest::new(());
    let headers = request.headers_mut();
    headers.append("sec-websocket-version", HeaderValue::from_static("13"));
    let bad = HeaderValue::from_static("permessage-deflate; =");
    headers.append("sec-websocket-extensions", bad);
    let response = Offer::of_http2(&request, &Origins::same()).unwrap_err();
    assert_eq!(response.status(), 400);
}

#[test]
fn a_client_offers_what_it_wants_and_takes_no_other_answer() {
    let offers = |deflate| offered(&settings(deflate)).unwrap();
    let usual = || USUAL.deflate();
    let small = || {
        let windows = Windows {
            server: forgets(10),
            client: keeps(11),
        };
        windows.deflate()
    };
    assert_eq!(offered(&WebSocketConfig::default()), None);
    assert_eq!(
        offers(usual()),
        "permessage-deflate; client_max_window_bits"
    );
    assert_eq!(
        offers(small()),
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
         client_max_window_bits=11"
    );
    let agreed = |answer, deflate| {
        let client = answered(Some(answer), settings(deflate))?;
        Ok::<_, WebSocketError>(Windows::of(client.compression().unwrap()))
    };
    let plain = "permessage-deflate";
    assert_eq!(agreed(plain, usual()), Ok(USUAL));
    assert_eq!(
        agreed(
            "permessage-deflate; client_max_window_bits=9; client_no_context_takeover; \
             server_max_window_bits=12; server_no_context_takeover",
            usual()
        ),
        Ok(Windows {
            server: forgets(12),
            client: forgets(9),
        })
    );
    let least = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10";
    assert_eq!(
        agreed(least, small()),
        Ok(Windows {
            server: forgets(10),
            client: keeps(11),
        })
    );

    struct Row {
        client: Deflate,
        answer: &'static str,
    }
    for Row { client, answer } in [
        // Answers that give less than the client wants.
        Row {
            client: small(),
            answer: plain,
        },
        Row {
            client: small(),
            answer: "permessage-deflate; server_no_context_takeover",
        },
        Row {
            client: small(),
            answer: "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
        },
        Row {
            client: small(),
            answer: "permessage-deflate; server_max_window_bits=10",
        },
        // An answer that takes more than the client offers.
        Row {
            client: small(),
            answer: "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
             client_max_window_bits=12",
        },
        // Answers that no server may give.
        Row {
            client: usual(),
            answer: "permessage-deflate; client_max_window_bits",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate; server_max_window_bits",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate; client_max_window_bits=7",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate; x",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate, permessage-deflate",
        },
        Row {
            client: usual(),
            answer: "permessage-deflate; =",
        },
    ] {
        let refused = agreed(answer, client);
        assert_eq!(
            refused,
            Err(WebSocketError::BadExtension(answer.to_owned()))
        );
    }
    let other = agreed("x-webkit-deflate-frame", usual());
    let cause = WebSocketError::UnofferedExtension("x-webkit-deflate-frame".to_owned());
    assert_eq!(other, Err(cause));
    let none = answered(None, settings(usual())).unwrap();
    assert_eq!(none.compression(), None);
}
