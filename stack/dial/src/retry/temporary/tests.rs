//! Errors that may heal, and errors that a person has to mend.

use super::*;
use crate::report::error::{RouteFailed, Unreached};
use crate::report::id::Destination;
use crate::report::trace::Trace;
use crate::route::redirects::RedirectError;
use http::HeaderMap;
use rustls::CertificateError;
use std::time::Duration;
use wirestack_http::Refusal;
use wirestack_layer::{BoxError, FirstBytes, Instant, origin};
use wirestack_tls::BadCertificate;
use wirestack_websocket::CloseCode;

fn layer(cause: impl Into<BoxError>) -> Reason {
    let error = Error::peer("layer", cause);
    Reason::Layer {
        part: "target".into(),
        error,
    }
}

fn unreached(kinds: &[io::ErrorKind]) -> Reason {
    let tried = kinds.iter().map(|kind| Unreached {
        to: Destination::Unix("/x".into()),
        error: Error::peer(origin::WIRE, io::Error::from(*kind)),
    });
    Reason::Unreached {
        part: "target".into(),
        tried: tried.collect(),
    }
}

fn refused(status: u16) -> Refusal {
    Refusal::new(StatusCode::from_u16(status).unwrap(), HeaderMap::new())
}

fn socks_refused(reply: Reply) -> SocksError {
    let asked = None;
    SocksError::Refused { reply, asked }
}

fn bad_certificate(why: CertificateError) -> TlsError {
    let issuer = None;
    TlsError::Certificate(BadCertificate { why, issuer })
}

fn timed_out(phase: Phase) -> Reason {
    let (after, part, seen) = (Duration::from_secs(1), "target".into(), 0);
    Reason::TimedOut {
        after,
        part,
        phase,
        seen,
    }
}

fn routes(reasons: Vec<Reason>) -> Reason {
    let tried = reasons.into_iter().map(|reason| RouteFailed {
        route: "direct".into(),
        reason,
    });
    Reason::AllRoutesFailed {
        tried: tried.collect(),
    }
}

fn again(cause: impl Into<BoxError>) -> Reason {
    let error = Error::peer("layer", cause);
    let chain = vec![Retry::Layer(error)];
    Reason::TooManyConnections { chain }
}

#[test]
fn pitfall_79_what_a_person_must_mend_is_told_from_what_may_heal() {
    use io::ErrorKind as Io;
    let part = || "target".to_owned();
    let local = || Error::local(origin::ROUTE, "no");
    let dialing = |reason| DialError::new(reason, Trace::new(Instant::ORIGIN));
    let text = wirestack_websocket::Text::default;
    let closed = |code| WebSocketError::Closed {
        code: CloseCode::new(code),
        reason: text(),
    };
    let temporary = [
        Reason::NotResolved {
            part: part(),
            error: Error::peer(origin::RESOLVER, io::Error::other("try again")),
        },
        unreached(&[]),
        unreached(&[Io::ConnectionRefused]),
        unreached(&[Io::NotFound]),
        unreached(&[Io::PermissionDenied, Io::TimedOut]),
        layer(io::Error::from(Io::ConnectionReset)),
        layer("a layer of somebody's own"),
        timed_out(Phase::Resolve),
        timed_out(Phase::Connect),
        timed_out(Phase::Layer("the reply")),
        layer(Http1Error::Truncated {
            awaited: "",
            seen: 0,
        }),
        layer(Http2Error::Reset(http2::Reason::REFUSED_STREAM)),
        layer(Http2Error::GoAway {
            reason: http2::Reason::NO_ERROR,
            debug_data: String::new(),
        }),
        layer(Http2Error::NoSettings(Duration::from_secs(1))),
        layer(Http2Error::Truncated),
        layer(Http2Error::Closed),
        layer(TlsError::Truncated),
        layer(TlsError::CutHandshake("the Hello")),
        layer(TlsError::Alert(AlertDescription::InternalError)),
        layer(SocksError::Truncated {
            awaited: "",
            seen: 0,
        }),
        layer(socks_refused(Reply::GeneralFailure)),
        layer(socks_refused(Reply::HostUnreachable)),
        layer(socks_refused(Reply::Socks4(91))),
        layer(WebSocketError::Cut),
        layer(closed(1012)),
        layer(dialing(timed_out(Phase::Connect))),
        again(Http1Error::Truncated {
            awaited: "",
            seen: 0,
        }),
        routes(vec![Reason::Invalid(local()), timed_out(Phase::Connect)]),
    ];
    for reason in temporary {
        assert!(dialing(reason).is_temporary());
    }
    let expired = bad_certificate(CertificateError::Expired);
    let permanent = [
        Reason::Invalid(local()),
        Reason::NotAuthenticated {
            part: part(),
            error: Error::peer("connect", "407"),
            why: String::new(),
        },
        Reason::Redirect {
            part: part(),
            error: RedirectError::Insecure,
            chain: Vec::new(),
        },
        Reason::Layer {
            part: part(),
            error: Error::local("layer", "a setting"),
        },
        unreached(&[Io::PermissionDenied]),
        unreached(&[Io::Unsupported, Io::InvalidInput]),
        timed_out(Phase::Ask),
        layer(expired),
        layer(bad_certificate(CertificateError::UnknownIssuer)),
        layer(TlsError::Alert(AlertDescription::CertificateRequired)),
        layer(TlsError::Alert(AlertDescription::NoApplicationProtocol)),
        layer(TlsError::Alert(AlertDescription::ProtocolVersion)),
        layer(TlsError::NotTls(
            FirstBytes::read(b"HTTP/1.1 400", true).unwrap(),
        )),
        layer(Http1Error::Malformed("no")),
        layer(Http1Error::HeadTooLarge(1)),
        layer(Http1Error::SwitchedOnConnect),
        layer(Http2Error::NotOffered),
        layer(Http2Error::Reset(http2::Reason::HTTP_1_1_REQUIRED)),
        layer(Http2Error::Protocol("no".into())),
        layer(SocksError::MethodsRefused { offered: &[0] }),
        layer(SocksError::PasswordRefused(1)),
        layer(SocksError::UnknownAddressType(9)),
        layer(socks_refused(Reply::NotAllowed)),
        layer(socks_refused(Reply::CommandNotSupported)),
        layer(socks_refused(Reply::Socks4(93))),
        layer(WebSocketError::BadAccept),
        layer(WebSocketError::UnofferedSubprotocol("x".into())),
        layer(dialing(Reason::Invalid(local()))),
        again(Http2Error::NotOffered),
        Reason::TooManyConnections {
            chain: vec![Retry::Redirect {
                status: 301,
                to: part(),
            }],
        },
        routes(vec![Reason::Invalid(local()), timed_out(Phase::Ask)]),
    ];
    for reason in permanent {
        let error = dialing(reason);
        assert!(!error.is_temporary(), "{error}");
    }
}

#[test]
fn a_status_heals_or_stays() {
    for (status, temporary) in [
        (200, false),
        (301, false),
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (407, false),
        (408, true),
        (421, false),
        (425, true),
        (426, false),
        (429, true),
        (451, false),
        (500, true),
        (501, false),
        (502, true),
        (503, true),
        (504, true),
        (505, false),
        (511, false),
        (522, true),
    ] {
        for reason in [
            layer(Http1Error::Refused(Box::new(refused(status)))),
            layer(Http2Error::Refused(Box::new(refused(status)))),
        ] {
            assert_eq!(reason_is_temporary(&reason), temporary, "{status}");
        }
    }
}
