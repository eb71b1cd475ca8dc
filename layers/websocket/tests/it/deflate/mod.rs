//! permessage-deflate (RFC 7692): its negotiation and its messages.

mod choice;
mod cut;
mod messages;
mod negotiation;

use crate::kit::{ClientSide, ServerSide, Side};
use http::{HeaderValue, Request as HttpRequest, Response};
use wirestack_layer::Seed;
use wirestack_websocket::{
    Accept, Client, ClientRequest, Compression, Deflate, Offer, Origins, Server, WebSocketConfig,
    WebSocketError,
};

/// One direction of compression.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Window {
    no_context_takeover: bool,
    max_bits: u8,
}

/// A direction whose context is kept from message to message.
fn keeps(max_bits: u8) -> Window {
    Window {
        no_context_takeover: false,
        max_bits,
    }
}

/// A direction whose context is forgotten with each message.
fn forgets(max_bits: u8) -> Window {
    Window {
        no_context_takeover: true,
        max_bits,
    }
}

/// Both directions of compression, each named after its sender.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Windows {
    server: Window,
    client: Window,
}

/// The default parameters (RFC 7692 §7.1).
const USUAL: Windows = Windows {
    server: Window {
        no_context_takeover: false,
        max_bits: 15,
    },
    client: Window {
        no_context_takeover: false,
        max_bits: 15,
    },
};

impl Windows {
    fn deflate(self) -> Deflate {
        let mut deflate = Deflate::default();
        deflate.server_no_context_takeover = self.server.no_context_takeover;
        deflate.server_max_window_bits = self.server.max_bits;
        deflate.client_no_context_takeover = self.client.no_context_takeover;
        deflate.client_max_window_bits = self.client.max_bits;
        deflate
    }

    /// The windows that both sides agreed on.
    fn of(agreed: &Compression) -> Self {
        Self {
            server: Window {
                no_context_takeover: agreed.server_no_context_takeover,
                max_bits: agreed.server_max_window_bits,
            },
            client: Window {
                no_context_takeover: agreed.client_no_context_takeover,
                max_bits: agreed.client_max_window_bits,
            },
        }
    }
}

fn settings(deflate: Deflate) -> WebSocketConfig {
    let mut settings = WebSocketConfig::default();
    settings.deflate = Some(deflate);
    settings
}

/// Gives an offer to a server. Returns the server, and the extensions of its answer.
fn answer(offer: &str, settings: WebSocketConfig) -> (Server, Option<String>) {
    let mut request = HttpRequest::new(());
    let fields = [
        ("sec-websocket-version", "13"),
        ("sec-websocket-extensions", offer),
    ];
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    let offer = Offer::of_http2(&request, &Origins::same()).unwrap();
    let (server, response) = Server::from_request(&offer, Accept::new(), settings).unwrap();
    let answer = response.headers().get("sec-websocket-extensions");
    (
        server,
        answer.map(|value| value.to_str().unwrap().to_owned()),
    )
}

/// The extensions that a client offers.
fn offered(settings: &WebSocketConfig) -> Option<String> {
    let request = ClientRequest::new("ws://h/").unwrap().to_http2(settings);
    let offer = request.headers().get("sec-websocket-extensions");
    offer.map(|value| value.to_str().unwrap().to_owned())
}

/// Gives an answer to a client. Returns the client, or the reason why it refuses the answer.
fn answered(answer: Option<&str>, settings: WebSocketConfig) -> Result<Client, WebSocketError> {
    let request = ClientRequest::new("ws://h/").unwrap();
    let mut response = Response::new(());
    if let Some(answer) = answer {
        let value = HeaderValue::from_str(answer).unwrap();
        let headers = response.headers_mut();
        headers.append("sec-websocket-extensions", value);
    }
    let client = Client::from_response(&request, response, settings, Seed::new([7; 32]));
    client.map_err(|error| error.cause::<WebSocketError>().unwrap().clone())
}

/// A client and a server that agreed.
fn pair(client: Deflate, server: Deflate) -> (ClientSide, ServerSide) {
    let client = settings(client);
    let (server, answer) = answer(&offered(&client).unwrap(), settings(server));
    let client = answered(answer.as_deref(), client).unwrap();
    assert_eq!(client.compression(), server.compression());
    (Side::new(client), Side::new(server))
}
