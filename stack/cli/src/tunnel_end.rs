//! The near end of a tunnel in WebSockets.

use crate::exit::Failure;
use crate::files::fields;
use crate::halves::Halves;
use crate::secret;
use crate::way::PreparedWay;
use crate::wire;
use clap::Args;
use http::header::AUTHORIZATION;
use serde::Deserialize;
use std::path::PathBuf;
use wirestack::dial::{BoxSocket, DialError, Timeouts};
use wirestack::http1::basic_credentials;
use wirestack::{Connect, Connection, DialContext, Pipe, Stack};

/// The options of a tunnel.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table, written [forward.tunnel]"
)]
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
    /// Adds a field to the request that opens the tunnel: "Name: value", or @FILE with one on each line
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

    /// Checks what the parser of options checks of them: a file may say anything.
    fn check(&self) -> Result<(), Failure> {
        let for_url = [
            (self.user.is_some(), "user"),
            (!self.header.is_empty(), "header"),
            (self.http1, "http1"),
            (self.http2, "http2"),
        ];
        let lonely = for_url.into_iter().find(|(is_named, _)| *is_named);
        match lonely {
            Some((_, name)) if self.url.is_none() => {
                Err(Failure::usage(format!("{name} of a tunnel wants its url")))
            }
            _ if self.password_file.is_some() && self.user.is_none() => {
                Err(Failure::usage("password-file of a tunnel wants its user"))
            }
            _ if self.http1 && self.http2 => Err(Failure::usage(
                "one of http1 and http2 names the version of a tunnel, and not both",
            )),
            _ => Ok(()),
        }
    }

    /// Reads everything for the near end, if there is a tunnel.
    pub(crate) fn near_end(&self, way: &PreparedWay) -> Result<Option<NearEnd>, Failure> {
        self.check()?;
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let mut connect = Connect::new(url, DialContext::new()).tunnel();
        connect = way.apply(connect.config(wire::config()), way.context())?;
        for text in &self.header {
            for (name, value) in fields(text)? {
                connect = connect.header(name, value);
            }
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
        let timeouts = way.timeouts();
        Ok(Some(NearEnd { connect, timeouts }))
    }
}

/// The near end of tunnels. Each has a WebSocket of its own, opened with these settings.
#[derive(Clone)]
pub(crate) struct NearEnd {
    connect: Connect<Pipe>,
    timeouts: Timeouts,
}

impl NearEnd {
    /// Opens a tunnel in which this subprotocol is spoken.
    pub(crate) async fn open(
        &self,
        subprotocol: &str,
    ) -> Result<Connection<Stack<BoxSocket<Pipe>, Halves>>, DialError> {
        let socket = self.connect.clone().subprotocol(subprotocol).await?;
        Ok(socket.push_layer(Halves::default()))
    }

    /// Returns the time-outs of opening one.
    pub(crate) fn timeouts(&self) -> Timeouts {
        self.timeouts
    }
}
