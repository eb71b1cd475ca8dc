//! Which proxies does a proxy auto-config file name for a URL, and do they work?
//!
//!     pac URL PAC_URL
//!
//! `URL` is a target: wss://, ws://, https://, http://, tls:// or tcp://. `PAC_URL` is the file:
//! http://, https://, file:// or data:. It connects, and shows each step with its time.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program, not a layer

use wirestack::connect_stream;
use wirestack_examples::AnyError;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, pac] = arguments.as_slice() else {
        return Err("usage: pac URL PAC_URL".into());
    };
    let trace = if url.starts_with("ws") {
        let connect = wirestack::connect(url).pac(pac.as_str());
        connect.traced().await.map(|(_, trace)| trace)
    } else {
        let connect = connect_stream(url).pac(pac.as_str());
        connect.traced().await.map(|(_, trace)| trace)
    };
    match trace {
        Ok(trace) => {
            print!("{}", trace.waterfall());
            Ok(())
        }
        Err(error) => {
            print!("{}", error.trace().waterfall());
            Err(error.into())
        }
    }
}
