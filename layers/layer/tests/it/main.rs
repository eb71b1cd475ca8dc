//! The trait, its flows and its errors.

mod clock;
mod error;
mod escaped;
mod flows;
mod parts;
mod pipe;
mod pipe_model;
mod stop;
mod tunnel;
mod wire;
