//! The logins to proxies that the builders set for all hops of a route.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use wirestack_dial::Hop;
use wirestack_websocket::Payload;

macro_rules! logs_in {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Changes each hop before it is used. It may come from the caller, the environment, a
            /// proxy auto-config file or the system.
            ///
            /// ```no_run
            /// # async fn example() -> Result<(), wirestack::dial::DialError> {
            /// let connect = wirestack::connect("wss://example.org/chat");
            /// let socket = connect.each_hop(|hop| hop.credentials("CORP\\me", "secret")).await?;
            /// # drop(socket);
            /// # Ok(())
            /// # }
            /// ```
            pub fn each_hop(
                mut self,
                change: impl Fn(Hop) -> Hop + Send + Sync + 'static,
            ) -> Self {
                self.spec.hop_changes.add(change);
                self
            }

            /// Logs in to each HTTP proxy as the user who is logged in on this machine, if it offers
            /// Negotiate: see [`Hop::default_credentials`]. The ticket is read with the feature
            /// `negotiate`, on Unix.
            ///
            /// It goes to the proxies that the caller, the environment, a proxy auto-config file or
            /// the system names, and to nobody else. A server never gets it.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// // The ticket of the user who is logged in (feature `negotiate`).
            /// let chat = connect("wss://example.org/").via("http://proxy.test:3128").default_credentials();
            /// drop(chat);
            /// ```
            pub fn default_credentials(self) -> Self {
                self.each_hop(Hop::default_credentials)
            }
        }
    };
}
logs_in!(Connect, F);
logs_in!(ConnectStream);
logs_in!(ConnectHttp2);
logs_in!(Connector);
