use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::any::Any;
use std::fmt;
use wirestack_layer::{Error, Place, Seed};

/// The source of the seeds for the layers of a plan.
///
/// ```
/// use wirestack_dial::{Plan, Routes};
/// use wirestack_websocket::{Client, ClientRequest, WebSocketConfig};
///
/// // A layer that needs random numbers takes a seed for each connection.
/// let plan = Plan::stream(Routes::direct(), "tls://example.org:443".parse()?, None, None)?;
/// let plan = plan.then(|seeds| {
///     let request = ClientRequest::new("wss://example.org/chat")?;
///     Client::new(request, WebSocketConfig::default(), seeds.seed())
/// });
/// drop(plan);
/// # Ok::<(), wirestack_dial::RouteError>(())
/// ```
pub struct SeedStream(ChaCha12Rng);

impl SeedStream {
    pub(crate) fn new(seed: Seed) -> Self {
        Self(ChaCha12Rng::from_seed(seed.into_bytes()))
    }

    /// Returns a new seed.
    pub fn seed(&mut self) -> Seed {
        let mut bytes = [0; 32];
        self.0.fill_bytes(&mut bytes);
        Seed::new(bytes)
    }
}

impl fmt::Debug for SeedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedStream").finish_non_exhaustive()
    }
}

/// The hints that layers of earlier connections gave for this one: see [`Error::retry_hint`].
///
/// ```
/// use wirestack_dial::{Endpoint, Plan};
/// use wirestack_layer::{Error, Tunnel};
///
/// /// The hint of a server that wants another version of the greeting.
/// struct UseVersion(u8);
///
/// let endpoint = Endpoint { host: "example.org".to_owned(), port: 7000 };
/// let plan = Plan::new(endpoint, vec!["target".to_owned()], |_seeds, hints| {
///     let version = hints.at::<UseVersion>(0).map_or(2, |hint| hint.0); // of the lowest layer
///     Ok(Tunnel::new("greeting", async move |wire| {
///         wire.write(format!("HELLO {version}\n")).await;
///         match wire.read_array("the answer").await? {
///             [b'+'] => Ok(()),
///             _ => Err(Error::peer("greeting", "another version is wanted")
///                 .retry_on_new_connection(UseVersion(1))),
///         }
///     }))
/// });
/// drop(plan);
/// ```
#[derive(Default, Debug)]
pub struct RetryHints(Vec<Error>);

impl RetryHints {
    /// Returns the latest hint of the layer with this index, counted from the wire up, if it is a
    /// `T`.
    pub fn at<T: Any>(&self, index: usize) -> Option<&T> {
        let mut errors = self.0.iter().rev();
        let error = errors.find(|error| error.place() == Place::Layer(index))?;
        error.retry_hint()
    }

    /// Returns `true` if an earlier error is such a one.
    pub(crate) fn any(&self, is_such: fn(&Error) -> bool) -> bool {
        self.0.iter().any(is_such)
    }

    pub(crate) fn add(&mut self, error: Error) {
        self.0.push(error);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_chain(self) -> Vec<Error> {
        self.0
    }
}
