//! A writer learns that its peer takes no more: resets, Close frames and ends of sessions, in every
//! form and half of a connection.

mod close_timeouts;
mod closes;
mod resets;
mod tls;

use crate::support::TIMEOUT;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::timeout;
use wirestack::{Connection, Engine, Identity};

fn plain(io: TcpStream) -> Connection<Identity> {
    Connection::from_transport(io, Engine::new(Identity)).unwrap()
}

/// Repeats `act` until it fails. Returns the error.
async fn until_it_fails<E>(mut act: impl AsyncFnMut() -> Result<(), E>) -> E {
    let failing = async {
        loop {
            if let Err(error) = act().await {
                return error;
            }
            yield_now().await;
        }
    };
    timeout(TIMEOUT, failing).await.expect("it fails")
}
