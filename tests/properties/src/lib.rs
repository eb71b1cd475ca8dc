//! Fuzz targets for all that reads what others wrote: each layer, and each text.
//!
//! A [`Target`] takes any bytes and panics if a property is broken. libFuzzer runs the targets
//! (`tests/fuzz/run`); `tests/properties.rs` runs them with seeds, the committed corpus and random
//! changes of both. The properties:
//!
//! * A layer keeps the laws: [`wirestack_laws::fuzz`].
//! * A text is read without a panic. What was read is written in a form that is read as the same.
//!   What a person sees is short and has no control characters, and no password.

mod layers;
mod logins;
mod scripts;
mod target;
mod texts;

pub use target::{Target, target, targets};
