//! Stacks that are written as text, for all builders.

use super::builders::{Connect, ConnectHttp2, ConnectStream, Connector};
use super::spec::{RouteChoice, Spec};
use wirestack_dial::{HttpVersions, StackSpec};
use wirestack_layer::{Error, origin};
use wirestack_websocket::Payload;

macro_rules! stacked {
    ($builder:ident $(, $form:ident)?) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Asks the target for this name by TLS (SNI, RFC 6066 §3) and wants it in the
            /// certificate, instead of the host of the URL.
            ///
            /// ```
            /// use wirestack::connect;
            ///
            /// // A tunnel of SSH ends at this port: the certificate is that of example.org.
            /// let chat = connect("wss://127.0.0.1:8443/chat").server_name("example.org");
            /// assert!(chat.plan().is_ok());
            /// ```
            pub fn server_name(mut self, name: impl Into<String>) -> Self {
                self.spec.server_name = Some(name.into());
                self
            }
        }
    };
}
stacked!(Connect, F);
stacked!(ConnectStream);
stacked!(ConnectHttp2);
stacked!(Connector);

impl<F: Payload> Connect<F> {
    /// Takes the hops, the certificates, the server name and the settings of the WebSocket from a
    /// stack that is written as text. Hops that were given before are replaced; so is the version
    /// of HTTP, if the stack names one.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack::connect;
    /// use wirestack::dial::StackSpec;
    ///
    /// let spec: StackSpec = "socks5(gate:1080) | tls | websocket(example.org/chat)".parse()?;
    /// let url = spec.target_url().ok_or("the stack names no host")?;
    /// let socket = connect(&url).stack(&spec).await?;
    /// # drop(socket);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stack(mut self, stack: &StackSpec) -> Self {
        self.spec.stack(stack);
        for name in stack.subprotocols() {
            self = self.subprotocol(name);
        }
        for (name, value) in stack.headers() {
            self = self.header(name.clone(), value.clone());
        }
        match stack.http_versions() {
            HttpVersions::Http1 => self.http1_only(),
            HttpVersions::Http2 => self.http2_only(),
            _ => self,
        }
    }
}

macro_rules! streams {
    ($builder:ident) => {
        impl $builder {
            /// Takes the hops, the certificates and the server name from a stack that is written as
            /// text. Hops that were given before are replaced. See [`Connect::stack`].
            ///
            /// ```
            /// use wirestack::connect_stream;
            /// use wirestack::dial::StackSpec;
            ///
            /// // As a line of a configuration has it.
            /// let route: StackSpec = "socks5(gate.test:1080) | connect(proxy.test:3128)".parse()?;
            /// assert!(connect_stream("tcp://example.org:22").stack(&route).plan().is_ok());
            /// # Ok::<(), wirestack::dial::SpecError>(())
            /// ```
            pub fn stack(mut self, stack: &StackSpec) -> Self {
                self.spec.stack(stack);
                self
            }
        }
    };
}
streams!(ConnectStream);
streams!(ConnectHttp2);
streams!(Connector);

impl Spec {
    fn stack(&mut self, stack: &StackSpec) {
        let hops = stack.hops();
        self.route = RouteChoice::Hops(hops.map_err(|error| Error::local(origin::ROUTE, error)));
        self.certificates = self.certificates.clone().and(&stack.certificates());
        if let Some(name) = stack.server_name() {
            self.server_name = Some(name.to_owned());
        }
    }
}
