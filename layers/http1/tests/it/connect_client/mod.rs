//! The CONNECT client: transcripts, and the pitfalls that are its own.

mod authorization;
mod body;
mod challenge;
mod head;
mod lenient;
mod request;

use crate::kit::{Then, proxy_client, run};

/// The request of [`proxy_client`].
const REQUEST: &str = "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n";

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// A response that opens the tunnel.
struct Opens {
    name: &'static str,
    proxy_sends: &'static str,
    app_reads: &'static str,
}

/// A response that ends the attempt, before the application reads anything.
struct Fails {
    name: &'static str,
    proxy_sends: &'static str,
    /// The text of the error. Behind a refusal stand ` | ` and the excerpt of its body.
    error: &'static str,
}

fn opens(rows: &[Opens]) {
    for row in rows {
        let Opens { name, .. } = row;
        let bytes = row.proxy_sends.as_bytes();
        let seen = run(name, bytes, Then::StaysOpen, proxy_client, |_| {});
        assert_eq!(seen.wire, REQUEST, "{name}");
        assert_eq!((&*seen.app, &*seen.app_end), (row.app_reads, ""), "{name}");
        assert!(seen.open && seen.wire_end.is_empty(), "{name}");
    }
}

fn fails(rows: &[Fails]) {
    for row in rows {
        let Fails { name, .. } = row;
        let bytes = row.proxy_sends.as_bytes();
        let seen = run(name, bytes, Then::StaysOpen, proxy_client, |_| {});
        assert_eq!(seen.wire, REQUEST, "{name}");
        assert_eq!((&*seen.app, &*seen.app_end), ("", row.error), "{name}");
        assert!(!seen.open && !seen.wire_end.is_empty(), "{name}");
    }
}
