use chacha20::ChaCha12Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use std::any::Any;
use wirestack_layer::{Error, NewConnection, Place, Seed};

/// Where the seeds of a plan's layers come from.
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

/// What the layers of earlier connections learnt for this one.
#[derive(Default)]
pub struct RetryHints(Vec<Error>);

impl RetryHints {
    /// Returns the latest that the layer at this place, counted from the wire up, learnt, if it is a
    /// `T`.
    pub fn at<T: Any>(&self, place: usize) -> Option<&T> {
        let error = self.error::<T>(place)?;
        error.new_connection().and_then(NewConnection::learnt)
    }

    /// Returns the error with which it was learnt.
    pub(crate) fn error<T: Any>(&self, place: usize) -> Option<&Error> {
        let mut of_place = self.0.iter().rev();
        let error = of_place.find(|error| error.place() == Place::Layer(place))?;
        error.new_connection()?.learnt::<T>().map(|_| error)
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
