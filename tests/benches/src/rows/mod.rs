//! All rows, by the tables and plots to which they belong.

mod compared;
mod deflate;
mod http2;
mod in_memory;
mod relay;
mod runtimes;
mod setup;
mod streams;
mod tunnels;
mod upgrade;
mod ways;

use crate::row::Row;

/// Returns all rows, in the order of the page.
pub(crate) fn all() -> Vec<Row> {
    [
        compared::rows(),
        http2::rows(),
        deflate::rows(),
        upgrade::rows(),
        setup::rows(),
        relay::rows(),
        ways::rows(),
        runtimes::rows(),
        tunnels::rows(),
        in_memory::rows(),
        compared::idle(),
        vec![http2::idle()],
        compared::growth(),
        http2::growth(),
        tunnels::growth(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
