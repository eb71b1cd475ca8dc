//! The runtime, resolver, pool and callbacks that dialing uses.

use crate::driver::runtime::{
    AddressStream, BoxFuture, NoRuntime, Resolve, Runtime, TcpOptions, Transport, current,
};
use bytes::Bytes;
use http::Response;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::auth::Credentials;
use wirestack_dial::{CredentialsRequest, Event, Plan, SharedConnection, Timeouts};
use wirestack_layer::Error;

/// The runtime, the resolver, the pool and the credential callbacks that dialing uses.
///
/// [`connect`](fn@crate::connect), [`connect_stream`](crate::connect_stream) and
/// [`connect_http2`](crate::connect_http2) have one inside, which their methods set. If you build a
/// [`Dialer`](crate::Dialer) yourself, [`dial`](Self::dial) carries out its steps:
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::dial::{Endpoint, Plan, Timeouts};
/// use wirestack::{DialContext, Dialer, Identity, Instant, Seed};
///
/// let target = Endpoint { host: "example.org".to_owned(), port: 80 };
/// let plan = Plan::new(target, vec!["example.org".to_owned()], |_, _| Ok(Identity));
/// let seed = Seed::new([7; 32]); // from a random number generator
/// let dialer = Dialer::new(plan, Timeouts::default(), seed, Instant::now());
/// let (connection, trace) = DialContext::new().dial(dialer).await?;
/// println!("{}", trace.waterfall());
/// # drop(connection);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DialContext {
    runtime: Option<Arc<dyn Runtime>>,
    pub(super) resolver: Option<Arc<dyn Resolve>>,
    pub(super) tcp_options: TcpOptions,
    pub(super) streams: Option<Arc<OpenStream>>,
    pub(super) ask: Option<Arc<Ask>>,
    pub(super) exchange: Option<Arc<Exchange>>,
    pub(super) on_event: Option<Arc<OnEvent>>,
}

/// A stream of a shared connection, and the response that opened it.
pub(crate) type OpenedStream = Result<(Box<dyn Transport>, Response<()>), Error>;

type OpenStream =
    dyn Fn(Arc<SharedConnection>, Timeouts, DialContext) -> BoxFuture<OpenedStream> + Send + Sync;
type Ask = dyn Fn(CredentialsRequest) -> BoxFuture<Option<Credentials>> + Send + Sync;
type OnEvent = dyn Fn(Duration, &Event) + Send + Sync;
type Exchange = dyn Fn(String, Bytes) -> BoxFuture<Result<Bytes, Error>> + Send + Sync;

impl Default for DialContext {
    fn default() -> Self {
        Self::new()
    }
}

impl DialContext {
    /// Creates a context with the [current](crate::runtime::current) runtime and its resolver,
    /// without a pool and without credentials.
    pub fn new() -> Self {
        Self {
            runtime: None,
            resolver: None,
            tcp_options: TcpOptions::default(),
            streams: None,
            ask: None,
            exchange: None,
            on_event: None,
        }
    }

    /// Uses this runtime instead of the current one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::DialContext;
    /// use wirestack::runtime::{Runtime, TcpOptions};
    ///
    /// /// The settings that all connections of a program share.
    /// fn shared(runtime: Arc<dyn Runtime>) -> DialContext {
    ///     let options = TcpOptions::default().nodelay(true);
    ///     DialContext::new().runtime(runtime).tcp_options(options)
    /// }
    /// ```
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Uses this runtime, unless [`runtime`](Self::runtime) has set one.
    #[cfg(feature = "blocking")]
    pub(crate) fn runtime_or(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime.get_or_insert(runtime);
        self
    }

    /// Looks names up with this resolver instead of that of the runtime.
    ///
    /// ```
    /// use wirestack::DialContext;
    /// use wirestack::runtime::{Resolve, TcpOptions};
    ///
    /// /// Returns the settings that all connections of a program share.
    /// fn shared(resolver: impl Resolve + 'static) -> DialContext {
    ///     DialContext::new().resolver(resolver).tcp_options(TcpOptions::default().nodelay(false))
    /// }
    /// ```
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Opens TCP connections with these options.
    ///
    /// ```
    /// use wirestack::DialContext;
    /// use wirestack::runtime::TcpOptions;
    ///
    /// let context = DialContext::new().tcp_options(TcpOptions::default().nodelay(true));
    /// drop(context);
    /// ```
    #[must_use]
    pub fn tcp_options(mut self, options: TcpOptions) -> Self {
        self.tcp_options = options;
        self
    }

    /// Sets the callback that is asked for credentials, when an HTTP proxy wants some and its hop
    /// is [`asking`](crate::dial::Hop::asking). `None` means that there are none.
    ///
    /// ```
    /// use wirestack::DialContext;
    /// use wirestack::auth::Credentials;
    ///
    /// let context = DialContext::new()
    ///     .credentials(|_request| async { Some(Credentials::new("ada", "secret")) });
    /// drop(context);
    /// ```
    #[must_use]
    pub fn credentials<F>(
        mut self,
        ask: impl Fn(CredentialsRequest) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Option<Credentials>> + Send + 'static,
    {
        self.ask = Some(Arc::new(move |request| Box::pin(ask(request))));
        self
    }

    /// Sets the callback that sends a message of an authenticator to another server and returns the
    /// reply. Its arguments are the URL and the message.
    ///
    /// Without it, messages for `tcp://host:port` are sent as Kerberos has them over TCP (RFC 4120
    /// §7.2.2: four octets of length before each message), to a key distribution centre. The name is
    /// looked up with the [`resolver`](Self::resolver). An exchange may take 4 s, and a reply may
    /// have 1 MiB.
    ///
    /// ```
    /// use wirestack::{DialContext, Error};
    ///
    /// // What a scheme of authentication asks another server goes through a function of the program.
    /// let context = DialContext::new().exchange(|server, question| async move {
    ///     eprintln!("{} bytes for {server}", question.len());
    ///     Err(Error::local("demo", "there is no such server"))
    /// });
    /// drop(context);
    /// ```
    #[must_use]
    pub fn exchange<F>(
        mut self,
        exchange: impl Fn(String, Bytes) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Bytes, Error>> + Send + 'static,
    {
        self.exchange = Some(Arc::new(move |url, data| Box::pin(exchange(url, data))));
        self
    }

    /// Calls `on_event` with each event of a dialing as soon as it happens, and with the time since
    /// the start of that dialing. The [`Trace`](crate::dial::Trace) has the same events at the end.
    ///
    /// A shared connection that is opened meanwhile is a dialing of its own, and calls it too.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), wirestack::dial::DialError> {
    /// use wirestack::{DialContext, connect};
    ///
    /// let context = DialContext::new().on_event(|at, event| eprintln!("{at:.1?} {event}"));
    /// let socket = connect("wss://example.org/chat").context(context).await?;
    /// # drop(socket);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn on_event(mut self, on_event: impl Fn(Duration, &Event) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(on_event));
        self
    }

    /// Sets the function that opens streams of shared connections.
    pub(crate) fn streams(
        mut self,
        open: impl Fn(Arc<SharedConnection>, Timeouts, Self) -> BoxFuture<OpenedStream>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.streams = Some(Arc::new(open));
        self
    }

    /// Returns the runtime that was set, or else the current one.
    pub(crate) fn find_runtime(&self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        match &self.runtime {
            Some(runtime) => Ok(runtime.clone()),
            None => current(),
        }
    }

    /// Returns the runtime as [`find_runtime`](Self::find_runtime) does, and sets it for later
    /// calls.
    pub(crate) fn keep_runtime(&mut self) -> Result<Arc<dyn Runtime>, NoRuntime> {
        let runtime = self.find_runtime()?;
        self.runtime.get_or_insert_with(|| runtime.clone());
        Ok(runtime)
    }

    /// Lets a plan use shared connections, if there is a pool.
    pub(crate) fn share<L>(&self, plan: Plan<L>) -> Plan<L> {
        match self.streams {
            Some(_) => plan.sharing(),
            None => plan,
        }
    }

    pub(crate) fn resolve(&self, runtime: &dyn Runtime, host: String, port: u16) -> AddressStream {
        match &self.resolver {
            // The zone of an address (`fe80::1%eth0`) is no name: only the system knows it.
            Some(resolver) if !host.contains('%') => resolver.resolve(host, port),
            _ => runtime.lookup(host, port),
        }
    }
}

impl fmt::Debug for DialContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialContext")
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}
