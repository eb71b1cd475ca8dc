//! One thing that is forwarded: where it comes from, and where it goes.

use crate::exit::Failure;
use crate::listen::ListenAt;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use wirestack::dial::{Endpoint, Target};

/// `LISTEN=TARGET`.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) listen: ListenAt,
    /// The address of UDP to listen at, instead.
    pub(super) udp: Option<String>,
    pub(super) to: ForwardTo,
}

/// The target of a rule.
#[derive(Clone, Debug)]
pub(super) enum ForwardTo {
    /// A stream of bytes, with or without TLS.
    Stream { url: String, endpoint: Endpoint },
    /// A Unix socket of this machine.
    Unix(PathBuf),
    /// The bytes of binary messages.
    WebSocket(String),
    /// Datagrams.
    Udp(Endpoint),
}

impl FromStr for Rule {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || {
            Failure::usage(format!(
                "{text:?} is written LISTEN=TARGET, such as 8080=tcp://host:22, or PORT:HOST:PORT"
            ))
        };
        let (listen, target) = match text.split_once('=') {
            Some((listen, target)) => (listen.to_owned(), target.to_owned()),
            None => as_ssh(text).ok_or_else(wrong)?,
        };
        let to: ForwardTo = target.parse()?;
        if let Some(at) = listen.strip_prefix("udp:") {
            let ForwardTo::Udp(_) = to else {
                return Err(Failure::usage(format!(
                    "{text:?}: udp: goes to udp://host:port only"
                )));
            };
            let ListenAt::Tcp(at) = at.parse()? else {
                return Err(wrong());
            };
            return Ok(Self {
                listen: ListenAt::Systemd,
                udp: Some(at),
                to,
            });
        }
        if let ForwardTo::Udp(_) = to {
            return Err(Failure::usage(format!(
                "{text:?}: udp:// wants udp: before the port"
            )));
        }
        Ok(Self {
            listen: listen.parse()?,
            udp: None,
            to,
        })
    }
}

impl ForwardTo {
    /// Returns `true` if TLS is spoken with the target.
    pub(super) fn wants_tls(&self) -> bool {
        match self {
            Self::Stream { url, .. } | Self::WebSocket(url) => {
                url.parse().is_ok_and(|target: Target| target.is_secure())
            }
            Self::Unix(_) | Self::Udp(_) => false,
        }
    }
}

/// Reads `[BIND:]PORT:HOST:PORT`, as ssh writes it.
fn as_ssh(text: &str) -> Option<(String, String)> {
    let (rest, port) = text.rsplit_once(':')?;
    let (listen, host) = if rest.ends_with(']') {
        let at = rest.rfind('[')?;
        (rest[..at].strip_suffix(':')?, &rest[at..])
    } else {
        rest.rsplit_once(':')?
    };
    Some((listen.to_owned(), format!("tcp://{host}:{port}")))
}

impl FromStr for ForwardTo {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let wrong = |error| Failure::usage(format!("the target {text:?}: {error}"));
        if let Some(rest) = text.strip_prefix("udp://") {
            let target: Target = format!("tcp://{rest}").parse().map_err(wrong)?;
            return Ok(Self::Udp(target.endpoint().clone()));
        }
        let url = if text.contains("://") {
            text.to_owned()
        } else {
            format!("tcp://{text}")
        };
        let target: Target = url.parse().map_err(wrong)?;
        if target.must_be_websocket().is_ok() {
            return Ok(Self::WebSocket(url));
        }
        let endpoint = target.endpoint().clone();
        Ok(Self::Stream { url, endpoint })
    }
}

impl fmt::Display for ForwardTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream { url, .. } => f.write_str(url),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            // Without the user and the query, which may be secrets.
            Self::WebSocket(url) => match url.parse::<Target>() {
                Ok(target) => target.fmt(f),
                Err(_) => f.write_str("a WebSocket"),
            },
            Self::Udp(endpoint) => write!(f, "udp://{endpoint}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_here_or_as_ssh_writes_it() {
        for (text, listen, to) in [
            ("8080=tcp://h:22", "127.0.0.1:8080", "tcp://h:22"),
            (":8080=h:22", "[::]:8080", "tcp://h:22"),
            ("8080:h:22", "127.0.0.1:8080", "tcp://h:22"),
            ("[::1]:8080:[::2]:22", "[::1]:8080", "tcp://[::2]:22"),
            ("unix:/a=unix:/b", "unix:/a", "unix:/b"),
            ("1=wss://u:p@h/x?token=y", "127.0.0.1:1", "wss://h:443/x"),
            ("1=tls://h:443", "127.0.0.1:1", "tls://h:443"),
        ] {
            let rule: Rule = text
                .parse()
                .unwrap_or_else(|error: Failure| panic!("{text}: {error}"));
            assert_eq!(
                (
                    rule.listen.to_string().as_str(),
                    rule.to.to_string().as_str()
                ),
                (listen, to),
                "{text}"
            );
        }
        let rule: Rule = "udp:53=udp://h:53".parse().unwrap();
        assert_eq!(rule.udp.as_deref(), Some("127.0.0.1:53"));
        for text in [
            "8080",
            "8080=",
            "x=tcp://h:1",
            "1=tcp://h",
            "1=udp://h:1",
            "udp:1=tcp://h:1",
            "h:22",
        ] {
            assert!(text.parse::<Rule>().is_err(), "{text}");
        }
    }
}
