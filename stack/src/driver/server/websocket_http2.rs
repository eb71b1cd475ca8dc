//! Serving WebSockets to one client over HTTP/2 (RFC 8441).

use super::deciding::Deciding;
use super::websocket::{ServerSocket, WebSocketServer};
use super::websocket_serving::close_on;
use crate::driver::http2::{Http2, Incoming};
use crate::driver::io::Connection;
use crate::driver::runtime::Runtime;
use crate::driver::shutdown::Shutdown;
use crate::driver::tasks::Tasks;
use http::Request;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use wirestack_dial::serve::{self, ConnectInfo};
use wirestack_http2::RequestKind;
use wirestack_layer::Error;
use wirestack_nest::Engine;
use wirestack_websocket::Payload;

impl WebSocketServer {
    pub(super) async fn serve_http2<P, F, R>(
        &self,
        http2: Http2,
        info: ConnectInfo,
        each: F,
        shutdown: Option<Shutdown>,
    ) -> Result<(), Error>
    where
        P: Payload,
        F: Fn(ServerSocket<P>, Request<()>) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        let runtime = http2.runtime();
        let (driving, tasks, deciding) = (Tasks::new(), Tasks::new(), Tasks::new());
        let each = |(mut socket, request): Opened<P>| {
            close_on(&mut socket, shutdown.as_ref());
            each(socket, request)
        };
        let mut signal = shutdown.as_ref().map(Shutdown::waiter);
        driving.spawn(&*runtime, http2.driver());
        let most = self.http2.streams.max(1) as usize;
        let ended = loop {
            let mut accepting = pin!(http2.accept());
            let next = poll_fn(|cx| {
                if let Poll::Ready(Some(decided)) = deciding.poll_join(cx) {
                    return Poll::Ready(ServerEvent::Decided(decided));
                }
                while let Poll::Ready(Some(())) = tasks.poll_join(cx) {}
                if let Some(waiter) = &mut signal
                    && waiter.poll_started(cx).is_ready()
                {
                    signal = None;
                    return Poll::Ready(ServerEvent::Shutdown);
                }
                // A client may reset its streams faster than their tasks end.
                if deciding.running() + tasks.running() >= most {
                    return Poll::Pending;
                }
                accepting.as_mut().poll(cx).map(ServerEvent::Incoming)
            });
            match next.await {
                ServerEvent::Decided(Some(opened)) => tasks.spawn(&*runtime, each(opened)),
                ServerEvent::Decided(None) => {}
                ServerEvent::Shutdown => http2.go_away(),
                ServerEvent::Incoming(Some(Ok(mut incoming))) => {
                    incoming.extensions_mut().insert(info.clone());
                    let decision = self.clone().decide_on(runtime.clone(), incoming);
                    deciding.spawn(&*runtime, decision);
                }
                ServerEvent::Incoming(Some(Err(error))) => break Err(error),
                ServerEvent::Incoming(None) => break Ok(()),
            }
        };
        drop(deciding); // the connection is over, and its clients with it
        drop(http2);
        while let Some(()) = tasks.join().await {}
        while let Some(()) = driving.join().await {}
        ended
    }

    /// Answers a request on a stream, and returns the WebSocket if it was accepted. Returns `None`
    /// too as soon as the client has reset the stream.
    async fn decide_on<P: Payload>(
        self,
        runtime: Arc<dyn Runtime>,
        mut incoming: Incoming,
    ) -> Option<Opened<P>> {
        if incoming.is_closed() {
            return None;
        }
        let due = runtime.now().checked_add(self.handshake_timeout);
        if let (Some(fallback), RequestKind::Response) = (&self.fallback, incoming.request_kind()) {
            let deciding = Deciding::on_other(fallback, incoming.request());
            let decided = deciding.decided(&*runtime, due, incoming.closed());
            if let Err(response) = decided.await.ok()? {
                incoming.respond(*response);
            }
            return None;
        }
        let offer = serve::offer_over_http2(incoming.request(), &self.origins);
        let answer = match offer {
            Ok(offer) => {
                let deciding = self.decide.start(&offer, &self.subprotocols);
                let decided = deciding.decided(&*runtime, due, incoming.closed());
                serve::answer_over_http2(&offer, decided.await.ok()?, self.config.clone())
            }
            Err(response) => Err(response),
        };
        match answer {
            Ok((server, fields, extensions)) => {
                incoming.extensions_mut().extend(extensions);
                let (stream, request) = incoming.accept_with_request(fields)?;
                let engine = Engine::new(server.with_payload::<P>()).boxed();
                let mut socket = Connection::new(runtime, Box::new(stream), engine);
                self.limit_writing(&mut socket);
                Some((socket, request))
            }
            Err(response) => {
                incoming.respond(*response);
                None
            }
        }
    }
}

/// A WebSocket that was accepted, and its request.
type Opened<P> = (ServerSocket<P>, Request<()>);

/// The next event on an HTTP/2 connection.
#[allow(
    clippy::large_enum_variant,
    reason = "a value lives for one match, and its size depends on features"
)]
enum ServerEvent<P: Payload> {
    /// A request was decided on. It has a WebSocket if it was accepted.
    Decided(Option<Opened<P>>),
    /// A request arrived, or the connection has ended.
    Incoming(Option<Result<Incoming, Error>>),
    /// The server ends.
    Shutdown,
}
