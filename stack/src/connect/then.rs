//! A stream of bytes with a layer of the caller's own over it.

use super::builders::ConnectStream;
use super::dial;
use crate::driver::dial::Dialed;
use crate::driver::io::Connection;
use crate::driver::runtime::BoxFuture;
use std::fmt;
use wirestack_dial::{DialError, Plan, SeedStream};
use wirestack_layer::{Error, Layer};
use wirestack_nest::{BoxTunnel, Stack};

/// A stream of bytes to open, with a layer of the caller's own over it: await it.
/// [`ConnectStream::then`] returns it.
///
/// ```
/// use wirestack::{Tunnel, connect_stream};
///
/// let stream = connect_stream("tcp://example.org:7000").then(|_seeds| {
///     Ok(Tunnel::new("hello", async |wire| {
///         wire.write("HELLO\n").await;
///         wire.read_line(100, "the greeting").await?;
///         Ok(())
///     }))
/// });
/// assert!(stream.plan().is_ok()); // `stream.await`, or `stream.traced().await`
/// ```
///
/// With the feature `blocking`, threads connect in the same way:
///
/// ```
/// # #[cfg(feature = "blocking")]
/// # fn main() {
/// use wirestack::{Identity, connect_stream};
///
/// let stream = connect_stream("tcp://127.0.0.1:1").direct().then(|_seeds| Ok(Identity));
/// assert!(stream.blocking().is_err()); // nobody listens there; `blocking_traced` has the trace too
/// # }
/// # #[cfg(not(feature = "blocking"))]
/// # fn main() {}
/// ```
#[must_use = "a builder does nothing until it is awaited"]
pub struct ConnectLayer<U> {
    pub(crate) stream: ConnectStream,
    make: Box<MakeLayer<U>>,
}

type MakeLayer<U> = dyn FnMut(&mut SeedStream) -> Result<U, Error> + Send;

impl ConnectStream {
    /// Puts a layer of the caller's own over the stream, behind all proxies and the target's TLS.
    /// It is the last call before the `await`.
    ///
    /// The connection is ready when this layer is open too. Until then it has the time-out of each
    /// layer ([`Timeouts::layer`](crate::dial::Timeouts::layer)), a row in the trace, and its
    /// failures name the target.
    ///
    /// `make` makes the layer for each connection: a new one may be needed after a failure. A layer
    /// that needs random numbers takes a seed.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use wirestack::websocket::{Client, ClientRequest, WebSocketConfig};
    ///
    /// let connection = wirestack::connect_stream("tls://example.org:443")
    ///     .via("socks5h://proxy.test:1080")
    ///     .then(|seeds| {
    ///         let request = ClientRequest::new("wss://example.org/chat")?;
    ///         Client::new(request, WebSocketConfig::default(), seeds.seed())
    ///     })
    ///     .await?;
    /// # drop(connection);
    /// # Ok(())
    /// # }
    /// ```
    pub fn then<U: Layer>(
        self,
        make: impl FnMut(&mut SeedStream) -> Result<U, Error> + Send + 'static,
    ) -> ConnectLayer<U> {
        let make = Box::new(make);
        ConnectLayer { stream: self, make }
    }
}

impl<U> ConnectLayer<U>
where
    U: Layer<In: Default, Out: Default> + Send + 'static,
{
    /// Returns the plan for a [`Dialer`](crate::Dialer) of the caller's own.
    ///
    /// # Errors
    ///
    /// The URL or a hop is not valid.
    pub fn plan(self) -> Result<Plan<Stack<BoxTunnel, U>>, Error> {
        Ok(self.stream.plan()?.then(self.make))
    }

    /// Connects, and returns the connection with the [`Trace`](crate::dial::Trace) of the steps.
    ///
    /// # Errors
    ///
    /// [`DialError`] names the hop that failed, and the event that it waited for.
    pub async fn traced(self) -> Result<Dialed<Stack<BoxTunnel, U>>, DialError> {
        let spec = &self.stream.spec;
        let (timeouts, context) = (spec.timeouts, spec.context.clone());
        dial(self.plan(), timeouts, context).await
    }
}

impl<U> IntoFuture for ConnectLayer<U>
where
    U: Layer<In: Default + Send, Out: Default + Send> + Send + 'static,
{
    type Output = Result<Connection<Stack<BoxTunnel, U>>, DialError>;
    type IntoFuture = BoxFuture<Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.traced().await?.0) })
    }
}

impl<U> fmt::Debug for ConnectLayer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ConnectLayer");
        shown.field("stream", &self.stream).finish_non_exhaustive()
    }
}
