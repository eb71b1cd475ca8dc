//! Negotiate (RFC 4559) with the ticket of the user who is logged in.
//!
//! * `scheme`: what is sent to the proxy and what is read from it.
//! * `gssapi`: the system's GSSAPI, which has the tickets.

#[cfg(not(unix))]
mod elsewhere;
#[cfg(unix)]
mod gssapi;
mod scheme;

#[cfg(not(unix))]
use elsewhere as gssapi;

use scheme::Negotiate;
use wirestack_dial::auth::{Scheme, SchemeContext};

/// Creates the scheme that sends the user's ticket to one proxy.
pub(crate) fn ticket(context: SchemeContext<'_>) -> Box<dyn Scheme> {
    Box::new(Negotiate::new(context.host, gssapi::begin))
}
