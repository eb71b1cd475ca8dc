//! The trait, its flows and its errors.

mod clock;
mod error;
mod escaped;
mod parts;
mod pipe;
mod stop;
mod tunnel;
mod wire;
