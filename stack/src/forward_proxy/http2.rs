//! The clients of HTTP/2: tunnels alone.

use super::exchange::Exchange;
use super::{Client, ForwardProxy};
use crate::driver::http2::{Http2, Incoming};
use crate::driver::io::{Connection, relay_counted};
use crate::driver::server::deciding::unless;
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use http::{HeaderMap, StatusCode};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wirestack_dial::serve::{ProxyProtocol, refusal};
use wirestack_http2::{self as http2, RequestKind};
use wirestack_layer::{Error, HostPort};
use wirestack_nest::{BoxTunnel, Engine, Identity};

impl ForwardProxy {
    pub(super) async fn serve_http2(
        &self,
        connection: Connection<BoxTunnel>,
        client: &Client,
    ) -> Result<(), Error> {
        let mut connection = connection.push_layer(http2::Connection::server(self.http2.clone()));
        let engine = connection.engine();
        engine.set_open_timeout(self.handshake_timeout, client.accepted);
        let http2 = Http2::new(connection);
        let (driving, tunnels) = (Tasks::new(), Tasks::new());
        driving.spawn(&*client.runtime, http2.driver());
        let mut signal = client.shutdown.as_ref().map(Shutdown::waiter);
        let most = self.http2.streams.max(1) as usize;
        let ended = loop {
            let mut accepting = pin!(http2.accept());
            let next = poll_fn(|cx| {
                while let Poll::Ready(Some(())) = tunnels.poll_join(cx) {}
                if let Some(waiter) = &mut signal
                    && waiter.poll_started(cx).is_ready()
                {
                    signal = None;
                    return Poll::Ready(None);
                }
                // A client may reset its streams faster than their tasks end.
                if tunnels.running() >= most {
                    return Poll::Pending;
                }
                accepting.as_mut().poll(cx).map(Some)
            });
            match next.await {
                None => http2.go_away(),
                Some(Some(Ok(incoming))) => {
                    let exchange = Exchange::new(self, client, ProxyProtocol::Http2);
                    tunnels.spawn(&*client.runtime, serve_stream(exchange, incoming));
                }
                Some(Some(Err(error))) => break Err(error),
                Some(None) => break Ok(()),
            }
        };
        drop(http2);
        while let Some(()) = tunnels.join().await {}
        while let Some(()) = driving.join().await {}
        ended
    }
}

/// Serves one request of a client.
async fn serve_stream(exchange: Exchange, incoming: Incoming) {
    let left = incoming.closed();
    let mut entry = exchange.entry(incoming.request().method());
    let headers = incoming.request().headers().clone();
    let authority = match incoming.request_kind() {
        RequestKind::Tunnel(authority) => Some(authority.clone()),
        _ => None,
    };
    let opened = async {
        exchange.log_in(&headers, &mut entry).await?;
        let Some(authority) = authority else {
            let text = "over HTTP/2 this proxy opens tunnels alone: use CONNECT";
            entry.record.error = Some(text.to_owned());
            return Err(refusal(StatusCode::NOT_IMPLEMENTED, text));
        };
        let target = HostPort::parse(authority.as_str(), None);
        exchange.connect(target, &mut entry).await
    };
    let Ok(opened) = unless(left, opened).await else {
        return; // the client has reset the stream: the entry says that it was cut
    };
    match opened {
        Ok(target) => {
            entry.record.status = Some(StatusCode::OK.as_u16());
            let Some(stream) = incoming.accept(HeaderMap::new()) else {
                return;
            };
            let engine = Engine::new(Identity);
            let client = Connection::new(exchange.runtime().clone(), Box::new(stream), engine);
            let idle = exchange.idle();
            let result = relay_counted(client, target, idle, &mut entry.relayed).await;
            entry.end(&result);
        }
        Err(response) => {
            entry.record.status = Some(response.status().as_u16());
            entry.end(&Ok(()));
            incoming.respond(*response);
        }
    }
}
