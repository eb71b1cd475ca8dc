//! The proxies of the system, for all builders.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use super::spec::RouteChoice;
use crate::driver::system::SystemProxy;
use wirestack_websocket::Payload;

macro_rules! by_the_system {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Connects through the proxy of the environment, or else through the one that the
            /// settings of the system name, or else directly: see [`SystemProxy`]. It replaces
            /// hops that were given before.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// let chat = connect("wss://example.org/chat").system_proxy();
            /// assert!(chat.plan().is_ok()); // the settings are read while dialing
            /// ```
            pub fn system_proxy(mut self) -> Self {
                self.spec.route = RouteChoice::Routes(SystemProxy::new().into());
                self
            }
        }
    };
}
by_the_system!(Connect, F);
by_the_system!(ConnectStream);
by_the_system!(ConnectHttp2);
by_the_system!(Connector);
