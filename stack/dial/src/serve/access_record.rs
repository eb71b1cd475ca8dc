//! One line of the log of a proxy.

use super::sniff::ProxyProtocol;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use wirestack_layer::Escaped;

/// One request of a client of a proxy, at its end: for a log. It has no secrets: no password, and
/// of a URL the host and the port alone.
///
/// It displays as one line of `name=value`. Texts of the client are escaped.
///
/// ```
/// use wirestack_dial::serve::{AccessRecord, ProxyProtocol};
///
/// let mut record = AccessRecord::new(Some("192.0.2.1:4711".parse()?));
/// record.protocol = Some(ProxyProtocol::Socks5);
/// record.user = Some("ada\n".to_owned());
/// record.method = "CONNECT".to_owned();
/// record.target = Some("example.org:443".to_owned());
/// (record.sent, record.received) = (120, 4096);
/// record.elapsed = std::time::Duration::from_millis(1500);
/// assert_eq!(
///     record.to_string(),
///     r#"client=192.0.2.1:4711 user="ada\n" protocol=SOCKS5 method=CONNECT target=example.org:443 sent=120 received=4096 seconds=1.500 outcome=ok"#
/// );
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AccessRecord {
    /// The address of the client; `None` behind a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The user who has logged in, or who has tried to.
    pub user: Option<String>,
    /// The protocol of the client; `None` if it has not sent enough to tell.
    pub protocol: Option<ProxyProtocol>,
    /// The method of HTTP or the command of SOCKS; empty if no request has arrived.
    pub method: String,
    /// The host and the port of the target.
    pub target: Option<String>,
    /// The status of the answer, over HTTP.
    pub status: Option<u16>,
    /// The bytes from the client to the target, without heads of HTTP.
    pub sent: u64,
    /// The bytes from the target to the client, without heads of HTTP.
    pub received: u64,
    /// The time from the request to the end.
    pub elapsed: Duration,
    /// The error that ended it, or the reason of the refusal; `None` after a clean end.
    pub error: Option<String>,
}

impl AccessRecord {
    /// Creates the record of a client that has sent nothing yet.
    pub fn new(peer: Option<SocketAddr>) -> Self {
        Self {
            peer,
            user: None,
            protocol: None,
            method: String::new(),
            target: None,
            status: None,
            sent: 0,
            received: 0,
            elapsed: Duration::ZERO,
            error: None,
        }
    }
}

impl fmt::Display for AccessRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.peer {
            Some(peer) => write!(f, "client={peer}")?,
            None => f.write_str("client=unix")?,
        }
        if let Some(user) = &self.user {
            write!(f, " user=\"{}\"", Quoted(user))?;
        }
        if let Some(protocol) = self.protocol {
            write!(f, " protocol={protocol}")?;
        }
        if !self.method.is_empty() {
            write!(f, " method={}", Quoted(&self.method))?;
        }
        if let Some(target) = &self.target {
            write!(f, " target={}", Quoted(target))?;
        }
        if let Some(status) = self.status {
            write!(f, " status={status}")?;
        }
        let (sent, received, seconds) = (self.sent, self.received, self.elapsed.as_secs_f64());
        write!(f, " sent={sent} received={received} seconds={seconds:.3}")?;
        match &self.error {
            None => f.write_str(" outcome=ok"),
            Some(error) => write!(f, " outcome=\"{}\"", Quoted(error)),
        }
    }
}

/// Shows a text without control characters and without the quotation mark that ends it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::new(self.0.replace('"', "'"))
            .at_most(LONGEST_TEXT)
            .fmt(f)
    }
}

/// The number of characters of each text that a line shows.
const LONGEST_TEXT: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_line_has_512_characters() {
        let shown = |n: usize| Quoted(&"a".repeat(n)).to_string();
        assert_eq!(shown(512), "a".repeat(512));
        let cut = shown(513);
        assert!(cut.starts_with(&"a".repeat(512)) && !cut.contains(&"a".repeat(513)));
    }
}
