//! Builders and servers that wait in the thread that calls them.

use super::{Connection, block_on};
use crate::connect::{Connect, ConnectLayer, ConnectStream};
use crate::driver::runtime::Threads;
use crate::driver::server::Serve;
use std::io;
use wirestack_dial::{BoxSocket, DialError, Trace};
use wirestack_layer::Layer;
use wirestack_nest::{BoxTunnel, Stack};
use wirestack_websocket::Payload;

macro_rules! connects {
    ($builder:ident $(, $form:ident)? => $layer:ty) => {
        impl$(<$form: Payload>)? $builder$(<$form>)? {
            /// Connects, and waits in this thread until the connection is open. It runs on
            /// [`Threads`](crate::runtime::Threads), unless another runtime was named.
            ///
            /// ```no_run
            /// fn main() -> Result<(), Box<dyn std::error::Error>> {
            ///     let socket = wirestack::connect("wss://example.org/chat").blocking()?;
            ///     println!("{:?}", socket.route());
            ///     Ok(())
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and the event that it waited for.
            pub fn blocking(self) -> Result<Connection<$layer>, DialError> {
                Ok(self.blocking_traced()?.0)
            }

            /// Connects as [`blocking`](Self::blocking) does, and returns the connection with the
            /// trace of the steps that opened it.
            ///
            /// ```no_run
            /// fn main() -> Result<(), Box<dyn std::error::Error>> {
            ///     let (_stream, trace) = wirestack::connect_stream("tls://example.org:443").blocking_traced()?;
            ///     print!("{}", trace.waterfall());
            ///     Ok(())
            /// }
            /// ```
            ///
            /// # Errors
            ///
            /// The error names the hop that failed, and the event that it waited for.
            pub fn blocking_traced(self) -> Result<(Connection<$layer>, Trace), DialError> {
                let (connection, trace) = block_on(self.on_threads().traced())?;
                Ok((Connection::new(connection, None), trace))
            }

            fn on_threads(mut self) -> Self {
                self.spec.context = self.spec.context.runtime_or(Threads::shared());
                self
            }
        }
    };
}
connects!(Connect, F => BoxSocket<F>);
connects!(ConnectStream => BoxTunnel);

impl<U> ConnectLayer<U>
where
    U: Layer<In: Default, Out: Default> + Send + 'static,
{
    /// Connects, and waits in this thread until the connection is open. It runs on
    /// [`Threads`](crate::runtime::Threads), unless another runtime was named.
    ///
    /// # Errors
    ///
    /// The error names the hop that failed, and the event that it waited for.
    pub fn blocking(self) -> Result<Connection<Stack<BoxTunnel, U>>, DialError> {
        Ok(self.blocking_traced()?.0)
    }

    /// Connects as [`blocking`](Self::blocking) does, and returns the connection with the trace of
    /// the steps that opened it.
    ///
    /// # Errors
    ///
    /// The error names the hop that failed, and the event that it waited for.
    pub fn blocking_traced(
        mut self,
    ) -> Result<(Connection<Stack<BoxTunnel, U>>, Trace), DialError> {
        self.stream = self.stream.on_threads();
        let (connection, trace) = block_on(self.traced())?;
        Ok((Connection::new(connection, None), trace))
    }
}

impl Serve {
    /// Serves in this thread until the [signal](Serve::graceful_shutdown), or for ever, and each
    /// client in a thread of its own.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use wirestack::runtime::{Listener, Threads};
    /// use wirestack::websocket::Accept;
    /// use wirestack::{Accepted, ServerSocket, WebSocketServer, serve};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// async fn echo(mut socket: ServerSocket, _: http::Request<()>) {
    ///     while let Some(Ok(message)) = socket.next().await {
    ///         let _ = socket.send(message).await;
    ///     }
    /// }
    ///
    /// let server = WebSocketServer::new(|_| Ok(Accept::new()));
    /// let listener = Listener::bind_on(Arc::new(Threads), "127.0.0.1:8080")?;
    /// serve(listener, move |client: Accepted| {
    ///     let server = server.clone();
    ///     async move {
    ///         let _ = server.serve_connection(client, echo).await;
    ///     }
    /// })
    /// .blocking()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of a listener that is dead.
    pub fn blocking(self) -> io::Result<()> {
        block_on(self.into_future())
    }
}
