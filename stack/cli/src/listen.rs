//! The addresses to listen at.

use crate::exit::Failure;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;
use wirestack::Serve;
use wirestack::runtime::Listener;

/// An address to listen at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAt {
    /// A host and a port.
    Tcp(String),
    /// The path of a Unix socket.
    Unix(PathBuf),
    /// The sockets that the service manager has opened.
    Systemd,
}

impl FromStr for ListenAt {
    type Err = Failure;

    /// Reads `PORT` (of 127.0.0.1), `:PORT` (of every address), `HOST:PORT`, `unix:PATH` or `systemd`.
    fn from_str(text: &str) -> Result<Self, Failure> {
        if text == "systemd" {
            return Ok(Self::Systemd);
        }
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Self::Unix(path.into()));
        }
        let (host, port) = match text.rsplit_once(':') {
            None => ("127.0.0.1", text),
            Some(("" | "*", port)) => ("[::]", port),
            Some((host, port)) => (host, port),
        };
        let is_bare = host.contains(':') && !host.starts_with('[');
        if port.parse::<u16>().is_err() || is_bare {
            return Err(Failure::usage(format!(
                "{text:?} is no address to listen at: write 1080, :1080, 192.0.2.7:1080, [::1]:1080, unix:PATH or systemd"
            )));
        }
        Ok(Self::Tcp(format!("{host}:{port}")))
    }
}

impl ListenAt {
    /// Listens, and returns each listener with its name.
    pub(crate) fn bind(&self) -> Result<Vec<(String, Listener)>, Failure> {
        let failed = |error: io::Error| Failure::other(format!("cannot listen at {self}: {error}"));
        match self {
            Self::Tcp(address) => {
                let listener = bind_anywhere(address, |at| Listener::bind(at)).map_err(failed)?;
                let at = listener.local_addr().map_err(failed)?;
                Ok(vec![(at.to_string(), listener)])
            }
            Self::Unix(path) => {
                let listener = bind_unix(path).map_err(failed)?;
                Ok(vec![(self.to_string(), listener)])
            }
            Self::Systemd => {
                let mut passed = listenfd::ListenFd::from_env();
                let mut all = Vec::new();
                for n in 0..passed.len() {
                    let listener = passed.take_tcp_listener(n).map_err(failed)?;
                    let Some(listener) = listener else { continue };
                    let listener = Listener::from_std(listener).map_err(failed)?;
                    let at = listener.local_addr().map_err(failed)?;
                    all.push((format!("{at} of systemd"), listener));
                }
                if all.is_empty() {
                    let error = "the service manager has passed none (LISTEN_FDS is not set)";
                    return Err(failed(io::Error::other(error)));
                }
                Ok(all)
            }
        }
    }
}

impl fmt::Display for ListenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

/// Binds an address. Where the system has no IPv6, every address is that of IPv4.
pub(crate) fn bind_anywhere<T>(
    address: &str,
    bind: impl Fn(&str) -> io::Result<T>,
) -> io::Result<T> {
    let bound = bind(address);
    let (Err(error), Some(port)) = (&bound, address.strip_prefix("[::]:")) else {
        return bound;
    };
    match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => bound,
        _ => bind(&format!("0.0.0.0:{port}")).or(bound),
    }
}

#[cfg(unix)]
fn bind_unix(path: &Path) -> io::Result<Listener> {
    let listener = match Listener::bind_unix(path) {
        // The socket of a program that has ended is left behind.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            Listener::bind_unix(path)
        }
        listener => listener,
    }?;
    UNIX_SOCKETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(path.to_owned());
    Ok(listener)
}

#[cfg(not(unix))]
fn bind_unix(_: &Path) -> io::Result<Listener> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket());
    let connected = std::os::unix::net::UnixStream::connect(path);
    is_socket && connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// Removes the Unix sockets that this program has made.
pub(crate) fn remove_unix_sockets() {
    for path in UNIX_SOCKETS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .drain(..)
    {
        let _ = std::fs::remove_file(path); // somebody else may have removed it
    }
}

static UNIX_SOCKETS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// The servers of a program, which end together.
pub(crate) struct Servers {
    running: tokio::task::JoinSet<io::Result<()>>,
    end: watch::Sender<bool>,
}

impl Servers {
    pub(crate) fn new() -> Self {
        Self {
            running: tokio::task::JoinSet::new(),
            end: watch::channel(false).0,
        }
    }

    /// Runs a server.
    pub(crate) fn add(&mut self, serve: Serve) {
        let mut ended = self.end.subscribe();
        let signal = async move {
            let _ = ended.wait_for(|is_over| *is_over).await; // a sender that is gone is an end, too
        };
        let serve = serve.graceful_shutdown(signal);
        self.running.spawn(async move { serve.await });
    }

    /// Runs something else beside the servers.
    pub(crate) fn add_task(&mut self, task: impl Future<Output = io::Result<()>> + Send + 'static) {
        let mut ended = self.end.subscribe();
        self.running.spawn(async move {
            tokio::select! {
                done = task => done,
                _ = ended.wait_for(|is_over| *is_over) => Ok(()),
            }
        });
    }

    /// Waits for a signal of the system, then ends all servers. A second signal ends them at once.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        let failed = tokio::select! {
            () = signal() => None,
            Some(ended) = self.running.join_next() => match ended {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(Failure::other(format!("a server has ended: {error}"))),
                Err(error) => Some(Failure::other(format!("a server has ended: {error}"))),
            },
        };
        self.end.send_replace(true);
        let all = async { while self.running.join_next().await.is_some() {} };
        tokio::select! {
            () = all => {}
            () = signal() => {}
        }
        remove_unix_sockets();
        failed.map_or(Ok(()), Err)
    }
}

/// Waits for Ctrl-C, or for SIGTERM.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for (text, wanted) in [
            ("1080", "127.0.0.1:1080"),
            (":1080", "[::]:1080"),
            ("*:0", "[::]:0"),
            ("192.0.2.7:1080", "192.0.2.7:1080"),
            ("[::1]:1", "[::1]:1"),
            ("unix:/run/x", "unix:/run/x"),
            ("systemd", "systemd"),
        ] {
            assert_eq!(text.parse::<ListenAt>().unwrap().to_string(), wanted);
        }
        for text in ["", "x", "::1:1080", "1:2:3", "host:", "70000", "host:x"] {
            assert!(text.parse::<ListenAt>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_system_without_ipv6_listens_at_all_addresses_of_ipv4() {
        let bind = |refused: &'static str, kind: io::ErrorKind| {
            move |address: &str| {
                if address.starts_with(refused) {
                    return Err(io::Error::new(kind, address.to_owned()));
                }
                Ok(address.to_owned())
            }
        };
        use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied, Unsupported};
        for kind in [AddrNotAvailable, Unsupported] {
            let bound = bind_anywhere("[::]:1080", bind("[", kind)).unwrap();
            assert_eq!(bound, "0.0.0.0:1080");
            let error = bind_anywhere("[::]:1080", bind("", kind)).unwrap_err();
            assert_eq!(error.to_string(), "[::]:1080", "the first error is told");
            assert!(bind_anywhere("[::1]:1080", bind("[", kind)).is_err());
        }
        for kind in [AddrInUse, PermissionDenied] {
            assert!(
                bind_anywhere("[::]:1080", bind("[", kind)).is_err(),
                "{kind}"
            );
        }
    }
}
