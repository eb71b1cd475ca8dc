//! How are a SOCKS5 proxy, an HTTP proxy and a WebSocket server started? On a free port of
//! 127.0.0.1.
//!
//!     serve socks5    [--auth user:password]
//!     serve connect   [--auth user:password [--digest]] [--tls CHAIN KEY]
//!     serve websocket [--tls CHAIN KEY]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use wirestack::runtime::Listener;
use wirestack_programs::arguments::Arguments;
use wirestack_programs::{AnyError, servers};

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments = Arguments::read(&[("--auth", 1), ("--digest", 0), ("--tls", 2)])?;
    let (login, tls) = (arguments.login()?, arguments.server_tls()?);
    let listener = Listener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    match arguments.plain.first().map(String::as_str) {
        Some("socks5") => servers::socks5(listener, login).await,
        Some("connect") => servers::connect(listener, login, arguments.has("--digest"), tls).await,
        Some("websocket") => servers::echo(listener, tls).await,
        _ => Err("usage: serve socks5|connect|websocket [OPTIONS]".into()),
    }
}
