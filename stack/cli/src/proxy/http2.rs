//! The clients of CONNECT over HTTP/2.

use super::{Ends, Proxy, REALM};
use crate::log::Record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{Response, StatusCode};
use wirestack::dial::Endpoint;
use wirestack::http2::{self, RequestKind};
use wirestack::{
    BoxTunnel, Connection, Engine, Error, Http2, Identity, Incoming, relay_with_timeout,
};
use zeroize::Zeroizing;

impl Proxy {
    /// Serves a client of HTTP/2: many tunnels over one connection.
    pub(super) async fn serve_http2(
        &self,
        client: Connection<BoxTunnel>,
        ends: Ends,
    ) -> Result<(), Error> {
        let config = http2::Http2Config::server();
        let http2 = Http2::new(client.push_layer(http2::Connection::server(config)));
        http2.spawn();
        let mut requests = tokio::task::JoinSet::new();
        while let Some(incoming) = http2.accept().await {
            let (incoming, proxy) = (incoming?, self.clone());
            requests.spawn(async move { proxy.serve_request(incoming, ends).await });
            while requests.try_join_next().is_some() {}
        }
        while requests.join_next().await.is_some() {}
        Ok(())
    }

    async fn serve_request(&self, incoming: Incoming, ends: Ends) {
        let mut record = Record::new(ends.peer, "http2");
        let RequestKind::Tunnel(authority) = incoming.request_kind() else {
            incoming.respond(response(StatusCode::METHOD_NOT_ALLOWED));
            return self.log.ended(&record, &Err("no CONNECT".to_owned()));
        };
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let endpoint = Endpoint {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or_default(),
        };
        record.target = Some(endpoint.to_string());
        if let Some(users) = &self.users {
            let login = incoming.request().headers().get(PROXY_AUTHORIZATION);
            let is_right = match login.and_then(basic) {
                None => false,
                Some((user, password)) => {
                    record.user = Some(user.clone());
                    users.verify_later(user, password).await
                }
            };
            if !is_right {
                let mut refusal = response(StatusCode::PROXY_AUTHENTICATION_REQUIRED);
                let challenge = format!("Basic realm=\"{REALM}\", charset=\"UTF-8\"");
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    refusal.headers_mut().insert(PROXY_AUTHENTICATE, value);
                }
                incoming.respond(refusal);
                return self
                    .log
                    .ended(&record, &Err("the login was refused".to_owned()));
            }
        }
        let opened = tokio::select! {
            opened = self.carrier.open(&endpoint) => opened,
            () = incoming.closed() => return self.log.ended(&record, &Err("the client has left".to_owned())),
        };
        let ended = match opened {
            Err(error) => {
                incoming.respond(response(error.status()));
                Err(error.to_string())
            }
            Ok(target) => match incoming.accept(HeaderMap::new()) {
                None => Err("no CONNECT".to_owned()),
                Some(stream) => match Connection::from_transport(stream, Engine::new(Identity)) {
                    Err(error) => Err(error.to_string()),
                    Ok(client) => {
                        let relayed = relay_with_timeout(client, target, self.idle).await;
                        relayed
                            .map(|it| (it.sent, it.received))
                            .map_err(|error| error.to_string())
                    }
                },
            },
        };
        self.log.ended(&record, &ended);
    }
}

fn response(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(format!("{status}\n")));
    *response.status_mut() = status;
    response
}

/// Reads Basic credentials (RFC 7617 §2).
pub(crate) fn basic(value: &HeaderValue) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = Zeroizing::new(STANDARD.decode(token.trim()).ok()?);
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let user = String::from_utf8(pair[..colon].to_vec()).ok()?;
    Some((user, Zeroizing::new(pair[colon + 1..].to_vec())))
}
