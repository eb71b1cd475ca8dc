use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::any::Any;
use std::fmt;
use wirestack_layer::{Error, Place, Seed};

/// The source of the seeds for the layers of a plan. It makes all of them from one seed.
///
/// ```
/// use wirestack_dial::SeedStream;
/// use wirestack_layer::Seed;
///
/// let mut seeds = SeedStream::from(Seed::new([7; 32]));
/// let mut same = SeedStream::drawn_by(|| Seed::new([7; 32]));
/// assert_eq!(seeds.seed().into_bytes(), same.seed().into_bytes());
/// ```
pub struct SeedStream(Source);

enum Source {
    /// The seed is drawn when a layer needs one.
    Later(fn() -> Seed),
    Now(Box<ChaCha12Rng>),
}

impl SeedStream {
    /// Creates a source whose one seed is drawn by `draw`, if a layer needs one: many need none.
    pub fn drawn_by(draw: fn() -> Seed) -> Self {
        Self(Source::Later(draw))
    }

    /// Returns a new seed.
    pub fn seed(&mut self) -> Seed {
        if let Source::Later(draw) = self.0 {
            *self = draw().into();
        }
        let mut bytes = [0; 32];
        if let Source::Now(random) = &mut self.0 {
            random.fill_bytes(&mut bytes);
        }
        Seed::new(bytes)
    }
}

impl From<Seed> for SeedStream {
    fn from(seed: Seed) -> Self {
        let random = ChaCha12Rng::from_seed(seed.into_bytes());
        Self(Source::Now(Box::new(random)))
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
