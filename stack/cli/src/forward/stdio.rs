//! Standard input and output, carried to one target.

use crate::carrier::Carrier;
use crate::exit::{Exit, Failure};
use std::io::ErrorKind;
use tokio::io::{AsyncWriteExt, copy, split, stdin, stdout};
use wirestack::dial::{Endpoint, Target};

/// Carries until the target has ended, and everything that it sent is written.
pub(super) async fn run(target: &str, carrier: &Carrier) -> Result<Exit, Failure> {
    let wrong = |error| Failure::usage(format!("-W {target}: {error}"));
    let parsed: Target = format!("tcp://{target}").parse().map_err(wrong)?;
    let endpoint: &Endpoint = parsed.endpoint();
    let (mut from, mut to) = split(carrier.open(endpoint).await?);
    let sending = async move {
        // The end of the input is the end of this direction only.
        let _ = copy(&mut stdin(), &mut to).await;
        let _ = to.shutdown().await;
        std::future::pending::<()>().await;
    };
    let receiving = async {
        let mut out = stdout();
        let copied = copy(&mut from, &mut out).await;
        let flushed = out.flush().await;
        copied.map(|_| ()).and(flushed)
    };
    tokio::select! {
        () = sending => {}
        received = receiving => match received {
            // The reader of the output has gone away: a socket that is read does not fail so.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(error) => {
                let text = format!("the connection was lost: {error}");
                return Err(Failure::new(Exit::Broken, text));
            }
            Ok(()) => {}
        },
        _ = tokio::signal::ctrl_c() => return Err(Failure::new(Exit::Interrupted, "")),
    }
    Ok(Exit::Done)
}
