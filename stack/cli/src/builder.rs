//! The builders of connections, of which a way sets the same things.

use crate::exit::Failure;
use std::path::PathBuf;
use std::sync::Arc;
use wirestack::dial::{Hop, StackSpec, Timeouts};
use wirestack::tls::rustls::ClientConfig;
use wirestack::websocket::Payload;
use wirestack::{Connect, ConnectStream, Connector, DialContext};

/// The builders of connections, as far as a way is concerned.
pub(crate) trait Builder: Sized {
    fn context(self, context: DialContext) -> Self;
    fn timeouts(self, timeouts: Timeouts) -> Self;
    fn stack(self, stack: &StackSpec) -> Self;
    fn direct(self) -> Self;
    fn system_proxy(self) -> Self;
    fn pac(self, url: &str) -> Result<Self, Failure>;
    fn tls(self, config: Arc<ClientConfig>) -> Self;
    fn via(self, hop: Hop) -> Self;
    fn ca_file(self, path: PathBuf) -> Self;
    fn client_certificate(self, chain: PathBuf, key: PathBuf) -> Self;
    fn server_name(self, name: &str) -> Self;
    fn unix_socket(self, path: PathBuf) -> Self;
    fn each_hop(self, change: impl Fn(Hop) -> Hop + Send + Sync + 'static) -> Self;
}

macro_rules! builder {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? Builder for $builder$(<$form>)? {
            fn context(self, context: DialContext) -> Self {
                Self::context(self, context)
            }

            fn timeouts(self, timeouts: Timeouts) -> Self {
                Self::timeouts(self, timeouts)
            }

            fn stack(self, stack: &StackSpec) -> Self {
                Self::stack(self, stack)
            }

            fn direct(self) -> Self {
                Self::direct(self)
            }

            fn system_proxy(self) -> Self {
                Self::system_proxy(self)
            }

            #[cfg(feature = "pac")]
            fn pac(self, url: &str) -> Result<Self, Failure> {
                let pac = wirestack::pac::Pac::url(url).map_err(Failure::usage)?;
                Ok(Self::pac(self, pac))
            }

            #[cfg(not(feature = "pac"))]
            fn pac(self, _: &str) -> Result<Self, Failure> {
                Ok(self)
            }

            fn tls(self, config: Arc<ClientConfig>) -> Self {
                Self::tls(self, config)
            }

            fn via(self, hop: Hop) -> Self {
                Self::via(self, hop)
            }

            fn ca_file(self, path: PathBuf) -> Self {
                Self::ca_file(self, path)
            }

            fn client_certificate(self, chain: PathBuf, key: PathBuf) -> Self {
                Self::client_certificate(self, chain, key)
            }

            fn server_name(self, name: &str) -> Self {
                Self::server_name(self, name)
            }

            fn unix_socket(self, path: PathBuf) -> Self {
                Self::unix_socket(self, path)
            }

            fn each_hop(self, change: impl Fn(Hop) -> Hop + Send + Sync + 'static) -> Self {
                Self::each_hop(self, change)
            }
        }
    };
}
builder!(Connect, F);
builder!(ConnectStream);
builder!(Connector);
