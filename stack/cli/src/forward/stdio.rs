//! Standard input and output, carried to one target.

use crate::carrier::Carrier;
use crate::exit::{Exit, Failure};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, split, stdin, stdout};
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
        let (mut out, mut buf) = (stdout(), vec![0; CHUNK]);
        loop {
            let n = from.read(&mut buf).await.map_err(Lost::Connection)?;
            if n == 0 {
                return Ok(());
            }
            let written = out.write_all(&buf[..n]).await;
            written.and(out.flush().await).map_err(Lost::Output)?;
        }
    };
    tokio::select! {
        () = sending => {}
        received = receiving => match received {
            Ok(()) => {}
            // The reader of the output has gone away.
            Err(Lost::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(Lost::Output(error)) => {
                return Err(Failure::other(format!("standard output: {error}")));
            }
            Err(Lost::Connection(error)) => {
                let text = format!("the connection was lost: {error}");
                return Err(Failure::new(Exit::Broken, text));
            }
        },
        _ = tokio::signal::ctrl_c() => return Err(Failure::new(Exit::Interrupted, "")),
    }
    Ok(Exit::Done)
}

/// The side that failed: the two have exit codes of their own.
enum Lost {
    Connection(io::Error),
    Output(io::Error),
}

/// The bytes that are read from the target at once.
const CHUNK: usize = 64 * 1024;
