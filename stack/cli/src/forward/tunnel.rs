//! The near end of a tunnel in WebSockets.

use crate::connect::header;
use crate::exit::Failure;
use crate::secret;
use crate::way::PreparedWay;
use clap::Args;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;
use wirestack::http1::basic_credentials;
use wirestack::websocket::{Keepalive, WebSocketConfig};
use wirestack::{Connect, DialContext, Pipe};

/// The options of a tunnel.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[command(next_help_heading = "Tunnel")]
pub(crate) struct Tunnel {
    /// Carries each connection in a WebSocket to this server, which is `wirestack serve --tunnel`
    #[arg(long = "tunnel", value_name = "URL")]
    url: Option<String>,
    /// Logs in to the server of the tunnel as this user; its password: --tunnel-password-file, WIRESTACK_PASSWORD, or asked for
    #[arg(long = "tunnel-user", value_name = "USER", requires = "url")]
    user: Option<String>,
    /// Takes the password for --tunnel-user from the first line of this file
    #[arg(long = "tunnel-password-file", value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Adds a field to the request that opens the tunnel
    #[arg(
        short = 'H',
        long = "tunnel-header",
        value_name = "NAME: VALUE",
        requires = "url"
    )]
    header: Vec<String>,
    /// Tunnels over HTTP/1.1 only
    #[arg(long = "tunnel-http1", requires = "url", conflicts_with = "http2")]
    http1: bool,
    /// Tunnels over HTTP/2 only
    #[arg(long = "tunnel-http2", requires = "url")]
    http2: bool,
}

impl Tunnel {
    pub(crate) fn is_named(&self) -> bool {
        self.url.is_some()
    }

    /// Returns the builder of the WebSockets, if there is a tunnel.
    pub(crate) fn connect(&self, way: &PreparedWay) -> Result<Option<Connect<Pipe>>, Failure> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let mut connect = Connect::new(url, DialContext::new())
            .tunnel()
            .subprotocol(PROTOCOL);
        connect = way.apply(connect.config(config()), way.context())?;
        for text in &self.header {
            let (name, value) = header(text)?;
            connect = connect.header(name, value);
        }
        if let Some(user) = &self.user {
            let file = self.password_file.as_deref();
            let password = secret::of_user(user, file, "WIRESTACK_PASSWORD")?;
            let value = basic_credentials(user.as_bytes(), password.as_bytes());
            connect = connect.header(AUTHORIZATION, value.map_err(Failure::usage)?);
        }
        if self.http1 {
            connect = connect.http1_only();
        }
        if self.http2 {
            connect = connect.http2_only();
        }
        // A URL that is wrong is told before anything listens.
        connect
            .clone()
            .plan()
            .map_err(|error| Failure::usage(format!("--tunnel: {error}")))?;
        Ok(Some(connect))
    }
}

/// Returns the settings of the WebSockets: proxies close connections that carry nothing for long.
pub(crate) fn config() -> WebSocketConfig {
    let mut config = WebSocketConfig::default();
    config.keepalive = Some(Keepalive {
        interval: Duration::from_secs(30),
        timeout: Duration::from_secs(30),
    });
    config
}

/// The subprotocol of tunnels: binary messages with the chunks of [`Halves`](crate::halves::Halves),
/// in which SOCKS5 (RFC 1928) asks for the target.
pub(crate) const PROTOCOL: &str = "tunnel.wirestack";
