//! Upgrade, client and server: transcripts and decisions.

mod client;
mod server;

/// The request of [`upgrade_client`](crate::kit::upgrade_client).
const REQUEST: &str =
    "GET /chat HTTP/1.1\r\nHost: example.org\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n";
