//! The trait, its flows and its errors.

mod clock;
mod error;
mod escaped;
mod flows;
mod parts;
mod pipe;
mod pipe_counts;
mod pipe_memory;
mod pipe_model;
mod queue;
mod stop;
mod tunnel;
mod wire;
