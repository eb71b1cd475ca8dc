//! The protocol that a client speaks: by ALPN over TLS, or by its first bytes.

use std::fmt;
use std::sync::Arc;
use wirestack_layer::{Error, Flows, Instant, Layer, Pipe, Progress};
use wirestack_nest::{BoxTunnel, Engine, Nest};
use wirestack_tls as tls;
use wirestack_tls::rustls::ServerConfig;

/// Returns the layer below HTTP of a server: TLS, or a layer that waits for the first bytes. Once
/// it is open, [`speaks_http2`] knows the version.
///
/// ```
/// use wirestack_dial::serve::{below_http, speaks_http2};
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::Engine;
///
/// let mut engine = Engine::new(below_http(None)?); // without TLS the first bytes tell
/// engine.from_wire().write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/// engine.process(Instant::ORIGIN);
/// assert!(engine.is_open() && speaks_http2(&engine));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
///
/// # Errors
///
/// The configuration of TLS is invalid.
pub fn below_http(tls: Option<&Arc<ServerConfig>>) -> Result<BoxTunnel, Error> {
    Ok(match tls {
        Some(config) => tls::Server::new(config.clone())?.boxed(),
        None => Sniffer::default().boxed(),
    })
}

/// Returns the layer below all protocols of a proxy: it waits for the first bytes, inside of TLS if
/// there is TLS. Once it is open, [`proxy_protocol`] knows the protocol.
///
/// ```
/// use wirestack_dial::serve::{ProxyProtocol, below_proxy, proxy_protocol};
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::Engine;
///
/// let mut engine = Engine::new(below_proxy(None)?);
/// engine.from_wire().write(b"CONNECT example.org:443 HTTP/1.1\r\n");
/// engine.process(Instant::ORIGIN);
/// assert_eq!(proxy_protocol(&engine), Some(ProxyProtocol::Http1));
/// assert!(engine.to_app().unread().starts_with(b"CONNECT ")); // nothing was consumed
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
///
/// # Errors
///
/// The configuration of TLS is invalid.
pub fn below_proxy(tls: Option<&Arc<ServerConfig>>) -> Result<BoxTunnel, Error> {
    Ok(match tls {
        Some(config) => Sniffer::default()
            .over(tls::Server::new(config.clone())?)
            .boxed(),
        None => Sniffer::default().boxed(),
    })
}

/// Returns the protocol that the client of a stack over [`below_proxy`] speaks, once it is open.
///
/// ```
/// use wirestack_dial::serve::{below_proxy, proxy_protocol};
/// use wirestack_nest::Engine;
///
/// let engine = Engine::new(below_proxy(None)?);
/// assert_eq!(proxy_protocol(&engine), None); // no byte has arrived
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub fn proxy_protocol<L: Layer + 'static>(engine: &Engine<L>) -> Option<ProxyProtocol> {
    engine.part::<Sniffer>()?.protocol
}

/// A protocol of the clients of a proxy. The first bytes tell it: 4, 5, the preface of HTTP/2, or
/// any others.
///
/// ```
/// use wirestack_dial::serve::{ProxyProtocol, below_proxy, proxy_protocol};
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::Engine;
///
/// let mut engine = Engine::new(below_proxy(None)?);
/// engine.from_wire().write(b"\x05\x01\x00");
/// engine.process(Instant::ORIGIN);
/// assert_eq!(proxy_protocol(&engine), Some(ProxyProtocol::Socks5));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyProtocol {
    /// SOCKS4 or SOCKS4a.
    Socks4,
    /// SOCKS5 (RFC 1928).
    Socks5,
    /// HTTP/1.1 (RFC 9112).
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
}

impl fmt::Display for ProxyProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socks4 => "SOCKS4",
            Self::Socks5 => "SOCKS5",
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// Returns `true` if the client of a stack over [`below_http`] speaks HTTP/2: it has agreed on `h2`
/// by ALPN, or its first bytes are the preface of HTTP/2.
///
/// ```
/// use wirestack_dial::serve::{below_http, speaks_http2};
/// use wirestack_layer::{Flow, Instant};
/// use wirestack_nest::Engine;
///
/// let mut engine = Engine::new(below_http(None)?);
/// engine.from_wire().write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/// engine.process(Instant::ORIGIN);
/// assert!(speaks_http2(&engine));
/// # Ok::<(), wirestack_layer::Error>(())
/// ```
pub fn speaks_http2<L: Layer + 'static>(engine: &Engine<L>) -> bool {
    match engine.part::<tls::Server>() {
        Some(tls) => tls.alpn() == Some(b"h2"),
        None => {
            let sniffer = engine.part::<Sniffer>();
            sniffer.is_some_and(|sniffer| sniffer.protocol == Some(ProxyProtocol::Http2))
        }
    }
}

/// A layer that passes all bytes on, and is open once the first ones have shown the protocol.
#[derive(Debug, Default)]
struct Sniffer {
    protocol: Option<ProxyProtocol>,
}

impl Layer for Sniffer {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        "http"
    }

    fn process(&mut self, mut flows: Flows<'_>, _now: Instant) {
        flows.pass_through();
        if self.protocol.is_none() {
            self.protocol = first_bytes(flows.to_app.unread());
        }
    }

    fn is_open(&self) -> bool {
        self.protocol.is_some()
    }

    fn is_transparent(&self) -> bool {
        self.is_open()
    }

    fn progress(&self) -> Progress {
        if self.is_open() {
            Progress::Open
        } else {
            Progress::Opening("the first bytes of HTTP")
        }
    }
}

/// Returns the protocol that begins with these bytes; `None` if they are too few to tell.
fn first_bytes(bytes: &[u8]) -> Option<ProxyProtocol> {
    match bytes.first()? {
        4 => Some(ProxyProtocol::Socks4),
        5 => Some(ProxyProtocol::Socks5),
        _ => Some(if begins_with_preface(bytes)? {
            ProxyProtocol::Http2
        } else {
            ProxyProtocol::Http1
        }),
    }
}

/// Returns `true` if bytes begin with the preface of HTTP/2 (RFC 9113 §3.4); `None` if they are too
/// few to tell.
fn begins_with_preface(bytes: &[u8]) -> Option<bool> {
    let n = bytes.len().min(CLIENT_PREFACE.len());
    let is_equal = bytes[..n] == CLIENT_PREFACE[..n];
    (!is_equal || n == CLIENT_PREFACE.len()).then_some(is_equal)
}

/// The first bytes of a client that speaks HTTP/2. No HTTP/1.1 request begins so.
const CLIENT_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_the_version() {
        for n in 0..=CLIENT_PREFACE.len() + 5 {
            let text = [CLIENT_PREFACE, b"hello"].concat();
            let wanted = (n >= CLIENT_PREFACE.len()).then_some(true);
            assert_eq!(begins_with_preface(&text[..n]), wanted, "{n} bytes");
        }
        for text in [
            &b"G"[..],
            b"GET / HTTP/1.1\r\n",
            b"PRI * HTTP/1.1\r\n",
            b"\x16\x03",
        ] {
            assert_eq!(begins_with_preface(text), Some(false));
        }
    }

    #[test]
    fn the_stack_opens_with_the_first_bytes_and_keeps_them() {
        let mut engine = Engine::new(below_http(None).expect("a layer"));
        engine.from_wire().write(&CLIENT_PREFACE[..10]);
        engine.process(Instant::ORIGIN);
        assert_eq!(
            engine.progress().to_string(),
            "opening, waiting for the first bytes of HTTP"
        );
        engine.from_wire().write(&CLIENT_PREFACE[10..]);
        engine.process(Instant::ORIGIN);
        assert!(engine.is_open() && speaks_http2(&engine));
        assert_eq!(engine.to_app().unread(), CLIENT_PREFACE);

        let mut engine = Engine::new(below_http(None).expect("a layer"));
        engine.from_wire().write(b"GET / HTTP/1.1\r\n");
        engine.process(Instant::ORIGIN);
        assert!(engine.is_open() && !speaks_http2(&engine));
    }
}
