//! The clients of HTTP CONNECT over HTTP/1.1.

use super::{Ends, Proxy, REALM};
use crate::log::Record;
use http::{HeaderMap, Response};
use std::time::Duration;
use wirestack::dial::Endpoint;
use wirestack::http1::connect::Server;
use wirestack::{BoxTunnel, Connection, relay_with_timeout};
use zeroize::Zeroizing;

impl Proxy {
    /// Serves a client of HTTP/1.1.
    pub(super) async fn serve_http1(&self, client: Connection<BoxTunnel>, ends: Ends) {
        let mut record = Record::new(ends.peer, "http1");
        let mut client = client.push_layer(Server::new().with_waiting_clients());
        client.set_open_timeout(self.handshake);
        let endpoint = loop {
            let asked = client.wait_for(|engine| {
                let request = engine.part::<Server>()?.request()?;
                let host = request.host.clone();
                let port = request.port;
                Some((Endpoint { host, port }, request.basic()))
            });
            let (endpoint, login) = match asked.await {
                Ok(asked) => asked,
                Err(error) => {
                    let _ = client.finish(GOODBYE).await; // the client has to read the refusal
                    return self.log.ended(&record, &Err(error.to_string()));
                }
            };
            record.target = Some(endpoint.to_string());
            let Some(users) = &self.users else {
                break endpoint;
            };
            if let Some((user, password)) = login {
                record.user = Some(user.clone());
                let password = Zeroizing::new(password.into_bytes());
                if users.verify_later(user, password).await {
                    break endpoint;
                }
            }
            if let Some(server) = client.part_mut::<Server>() {
                server.challenge(REALM);
            }
        };
        client.set_open_timeout(Duration::MAX); // what follows has times of its own
        let ended = match self.carrier.open(&endpoint).await {
            Ok(target) => {
                if let Some(server) = client.part_mut::<Server>() {
                    server.accept(HeaderMap::new());
                }
                let relayed = relay_with_timeout(client, target, self.idle).await;
                relayed
                    .map(|it| (it.sent, it.received))
                    .map_err(|error| error.to_string())
            }
            Err(error) => {
                if let Some(server) = client.part_mut::<Server>() {
                    // The reason is for the log: it tells of this machine.
                    let mut response = Response::new(format!("{}\n", error.status()).into());
                    *response.status_mut() = error.status();
                    server.reject(response);
                }
                let _ = client.finish(GOODBYE).await;
                Err(error.to_string())
            }
        };
        self.log.ended(&record, &ended);
    }
}

const GOODBYE: Duration = Duration::from_secs(5);
