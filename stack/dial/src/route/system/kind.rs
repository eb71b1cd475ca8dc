//! The kinds of settings that all systems have.

use super::manual::Manual;
use crate::route::environment::Environment;

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// No proxy.
    Direct,
    /// Proxies that are named one by one.
    Manual(Box<Manual>),
    /// The URL of a proxy auto-config file.
    Pac(String),
    /// The network names the file.
    AutoDetect,
    /// Variables name the proxies.
    Environment(Environment),
}
