//! UDP through a proxy: the builder of an association.

use crate::driver::datagrams::Association;
use crate::driver::dial::{DialContext, no_runtime};
use crate::driver::error::seeds;
use crate::driver::runtime::{BoxFuture, Runtime};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use wirestack_dial::{DialError, Dialer, Hop, Plan, RouteError, Timeouts};
use wirestack_layer::{Error, origin};

/// Asks a `socks5://` proxy to relay datagrams (UDP ASSOCIATE, RFC 1928 §7). The datagrams travel
/// to the proxy by UDP, so no hop can come before it.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use wirestack::socks::Address;
///
/// let mut datagrams = wirestack::associate("socks5h://gate.test").await?;
/// datagrams.send_to(b"query", &Address::new("192.0.2.53", 53)?).await?;
/// let (answer, from) = datagrams.recv().await?;
/// println!("{} bytes from {from}", answer.len());
/// # Ok(())
/// # }
/// ```
pub fn associate<H>(hop: H) -> Associate
where
    H: TryInto<Hop, Error: Into<RouteError>>,
{
    Associate {
        hop: hop.try_into().map_err(Into::into),
        timeouts: Timeouts::default(),
        context: DialContext::new(),
    }
}

/// An association to open: await it.
///
/// ```
/// use std::time::Duration;
/// use wirestack::dial::Timeouts;
/// use wirestack::{DialContext, associate};
///
/// let udp = associate("socks5h://me:secret@gate.test:1080")
///     .timeout(Duration::from_secs(10))
///     .context(DialContext::new());
/// drop(udp.timeouts(Timeouts::default())); // `udp.await` returns an `Association`
/// ```
#[must_use = "it does nothing until it is awaited"]
pub struct Associate {
    hop: Result<Hop, RouteError>,
    timeouts: Timeouts,
    context: DialContext,
}

impl Associate {
    /// Sets the time-out of connecting as a whole. The time-outs of its steps stay.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.total = timeout;
        self
    }

    /// Sets all time-outs of connecting.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Connects with the runtime, resolver and credentials of this context.
    pub fn context(mut self, context: DialContext) -> Self {
        self.context = context;
        self
    }

    /// Runs on this runtime, instead of the one where the builder is awaited.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use wirestack::associate;
    /// use wirestack::runtime::Runtime;
    ///
    /// /// Opens an association on the runtime of a library, which is not the current one.
    /// fn on(runtime: Arc<dyn Runtime>) -> wirestack::Associate {
    ///     associate("socks5h://gate.test:1080").runtime(runtime)
    /// }
    /// ```
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.context = self.context.runtime(runtime);
        self
    }

    async fn make(self) -> Result<Association, DialError> {
        let now = self.context.find_runtime().map_err(no_runtime)?.now();
        let invalid = |error: RouteError| {
            let error = Error::local(origin::ROUTE, error);
            DialError::invalid(error, now)
        };
        let hop = self.hop.map_err(invalid)?;
        let plan = Plan::udp_associate(hop).map_err(invalid)?;
        let dialer = Dialer::new(plan, self.timeouts, seeds(), now);
        let (connection, _) = self.context.dial(dialer).await?;
        Association::open(connection)
            .await
            .map_err(|error| DialError::invalid(error, now))
    }
}

impl IntoFuture for Associate {
    type Output = Result<Association, DialError>;
    type IntoFuture = BoxFuture<Self::Output>;
    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl fmt::Debug for Associate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Associate")
            .field("hop", &self.hop)
            .finish_non_exhaustive()
    }
}
