//! How a connection to a target is opened: by a way, in a WebSocket, or from this machine.

use crate::exit::{Exit, Failure};
use crate::tunnel_end::NearEnd;
use crate::way::PreparedWay;
use crate::wire;
use futures_util::StreamExt;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use wirestack::dial::{DialError, Endpoint, Reason, Timeouts};
use wirestack::runtime::{AddressStream, Resolve};
use wirestack::socks::{AddressError, SocksError};
use wirestack::{
    AccessPolicy, ByteStream, ConnectStream, Connection, Connector, DialContext, Error,
    ForwardProxy, Layer, OpeningTimedOut, Pipe, ProxyTimeouts, socks,
};

/// A way to open connections. A clone shares its settings.
#[derive(Clone)]
pub(crate) struct Carrier {
    kind: Kind,
    policy: Option<AccessPolicy>,
}

#[derive(Clone)]
enum Kind {
    /// By the way of the user, or that of the environment.
    Way(Box<PreparedWay>),
    /// In a WebSocket of its own, whose server connects.
    Tunnel(Box<NearEnd>),
    /// From this machine, in this time.
    Direct(Timeouts),
}

/// The reason that a connection was not opened.
#[derive(Debug)]
pub(crate) enum NotOpened {
    /// The policy does not permit the target.
    NotAllowed,
    /// The settings of the way are wrong.
    Settings(Failure),
    /// The way did not open.
    Dial(DialError),
    /// The far end of the tunnel refused, or the tunnel broke.
    Tunnel(Error),
}

impl Carrier {
    /// Goes by a way, to every target.
    pub(crate) fn way(way: PreparedWay) -> Self {
        Self {
            kind: Kind::Way(Box::new(way)),
            policy: None,
        }
    }

    /// Goes in tunnels, whose far end connects.
    pub(crate) fn tunnel(near: NearEnd) -> Self {
        Self {
            kind: Kind::Tunnel(Box::new(near)),
            policy: None,
        }
    }

    /// Goes from this machine, to what the policy permits.
    pub(crate) fn direct(policy: AccessPolicy, timeouts: Timeouts) -> Self {
        Self {
            kind: Kind::Direct(timeouts),
            policy: Some(policy),
        }
    }

    /// Goes only to what the policy permits. Names that are looked up elsewhere are asked about as
    /// names.
    pub(crate) fn with_policy(self, policy: AccessPolicy) -> Self {
        Self {
            policy: Some(policy),
            ..self
        }
    }

    /// Returns the policy, if connections are opened from this machine.
    pub(crate) fn direct_policy(&self) -> Option<&AccessPolicy> {
        match self.kind {
            Kind::Direct(_) => self.policy.as_ref(),
            _ => None,
        }
    }

    /// Returns the near end of tunnels, if connections go in them.
    pub(crate) fn near_end(&self) -> Option<&NearEnd> {
        match &self.kind {
            Kind::Tunnel(near) => Some(near),
            _ => None,
        }
    }

    /// Returns a proxy that opens its connections so, and cuts those that are idle for so long.
    pub(crate) fn proxy(&self, idle: Duration) -> Result<ForwardProxy, Failure> {
        let mut timeouts = ProxyTimeouts::default();
        timeouts.idle = idle;
        let policy = self.policy.clone();
        let proxy = match &self.kind {
            Kind::Direct(opening) => {
                timeouts.connect = *opening;
                ForwardProxy::new(policy.unwrap_or_else(AccessPolicy::nothing))
            }
            Kind::Way(way) => {
                timeouts.connect = way.timeouts();
                let proxy = ForwardProxy::new(policy.unwrap_or_else(AccessPolicy::everything));
                proxy.upstream(way.apply(Connector::default(), way.context())?)
            }
            Kind::Tunnel(near) => {
                let opening = near.timeouts();
                timeouts.connect = opening;
                timeouts.connect.total = opening.total.saturating_add(FAR_TIMEOUT);
                let proxy = ForwardProxy::new(policy.unwrap_or_else(AccessPolicy::everything));
                let this = self.clone();
                proxy.connect_with(move |target| {
                    let this = this.clone();
                    async move { this.open(&target).await }
                })
            }
        };
        Ok(proxy.timeouts(timeouts))
    }

    /// Opens a connection to a host and a port.
    pub(crate) async fn open(&self, target: &Endpoint) -> Result<ByteStream, NotOpened> {
        self.open_url(&format!("tcp://{target}"), target).await
    }

    /// Opens a connection to a URL, `tcp://` or `tls://`.
    pub(crate) async fn open_url(
        &self,
        url: &str,
        target: &Endpoint,
    ) -> Result<ByteStream, NotOpened> {
        if let Some(policy) = &self.policy {
            let address = target.host.parse::<IpAddr>().ok();
            let address = address.map(|ip| SocketAddr::new(ip, target.port));
            let is_found = address.is_none_or(|it| policy.permits_found(&target.host, it));
            if !policy.permits_host(&target.host, target.port) || !is_found {
                return Err(NotOpened::NotAllowed);
            }
        }
        match &self.kind {
            Kind::Direct(timeouts) => {
                let policy = self.policy.clone().unwrap_or_else(AccessPolicy::nothing);
                let connect = ConnectStream::new(url, DialContext::new()).direct();
                let connect = connect.timeouts(*timeouts);
                Ok(connect.resolver(Permitted(policy)).await?)
            }
            Kind::Way(way) => {
                let connect = ConnectStream::new(url, DialContext::new());
                let connect = way.apply(connect, way.context());
                Ok(connect.map_err(NotOpened::Settings)?.await?)
            }
            Kind::Tunnel(near) => {
                ask_far_end(near.open(wire::CONNECT).await?, target, FAR_TIMEOUT).await
            }
        }
    }
}

/// Asks the far end of a tunnel for a connection, which it has to open in this time.
async fn ask_far_end<L>(
    tunnel: Connection<L>,
    target: &Endpoint,
    time: Duration,
) -> Result<ByteStream, NotOpened>
where
    L: Layer<In = Pipe, Out = Pipe> + Send + 'static,
{
    let local = |error| NotOpened::Tunnel(Error::local("socks", error));
    let address = socks::Address::new(&target.host, target.port).map_err(local)?;
    let mut tunnel = tunnel.push_layer(socks::Client::new(address));
    tunnel.set_open_timeout(time);
    tunnel.open().await.map_err(NotOpened::Tunnel)?;
    Ok(tunnel.boxed())
}

impl NotOpened {
    /// Returns the reply of a SOCKS proxy.
    pub(crate) fn reply(&self) -> socks::Reply {
        match self {
            Self::NotAllowed => socks::Reply::NotAllowed,
            Self::Settings(_) | Self::Tunnel(_) => socks::Reply::GeneralFailure,
            Self::Dial(error) => match error.reason() {
                Reason::NotResolved { error, .. } if is_forbidden(error) => {
                    socks::Reply::NotAllowed
                }
                Reason::NotResolved { .. } => socks::Reply::HostUnreachable,
                Reason::TimedOut { .. } => socks::Reply::TtlExpired,
                Reason::Unreached { tried, .. } => {
                    let refused = |error: &Error| {
                        let kind = error.cause::<io::Error>().map(io::Error::kind);
                        kind == Some(io::ErrorKind::ConnectionRefused)
                    };
                    if tried.iter().any(|one| refused(&one.error)) {
                        socks::Reply::ConnectionRefused
                    } else {
                        socks::Reply::HostUnreachable
                    }
                }
                _ => socks::Reply::GeneralFailure,
            },
        }
    }
}

impl From<DialError> for NotOpened {
    fn from(error: DialError) -> Self {
        Self::Dial(error)
    }
}

impl From<NotOpened> for Failure {
    fn from(error: NotOpened) -> Self {
        match error {
            NotOpened::Settings(failure) => failure,
            NotOpened::Dial(error) => error.into(),
            NotOpened::Tunnel(ref why) => Self::new(exit_of(why), error),
            NotOpened::NotAllowed => Self::other(error),
        }
    }
}

/// Returns the exit code for the reason that the far end of a tunnel opened nothing.
fn exit_of(error: &Error) -> Exit {
    match error.cause() {
        Some(
            SocksError::Refused { .. }
            | SocksError::MethodsRefused { .. }
            | SocksError::PasswordRefused(_),
        ) => Exit::ProxyRefused,
        _ if error.cause::<OpeningTimedOut>().is_some() => Exit::TimedOut,
        _ if error.cause::<AddressError>().is_some() => Exit::Usage, // no request can name it
        _ => Exit::Broken,
    }
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowed => f.write_str("the policy does not permit the target"),
            Self::Settings(failure) => failure.fmt(f),
            Self::Dial(error) => error.fmt(f),
            Self::Tunnel(error) => write!(f, "the far end of the tunnel: {error}"),
        }
    }
}

impl std::error::Error for NotOpened {}

/// The look-ups of this machine, without the addresses that a policy forbids.
struct Permitted(AccessPolicy);

impl Resolve for Permitted {
    fn resolve(&self, host: String, port: u16) -> AddressStream {
        let policy = self.0.clone();
        let found = async move {
            let found = tokio::net::lookup_host((host.as_str(), port)).await?;
            let found: Vec<_> = found.collect();
            let permitted = found.iter().copied();
            let permitted: Vec<_> = permitted
                .filter(|it| policy.permits_found(&host, *it))
                .collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, Forbidden));
            }
            Ok(permitted)
        };
        futures_util::stream::once(found).boxed()
    }
}

fn is_forbidden(error: &Error) -> bool {
    let io = error.cause::<io::Error>().and_then(io::Error::get_ref);
    io.is_some_and(|cause| cause.is::<Forbidden>())
}

#[derive(Debug)]
struct Forbidden;

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the policy permits none of the addresses of the target")
    }
}

impl std::error::Error for Forbidden {}

/// The time in which the far end of a tunnel connects.
const FAR_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};
    use wirestack::{Engine, Identity};

    #[tokio::test]
    async fn a_far_end_that_does_not_answer_is_given_up_in_its_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (socket, silent) = tokio::join!(TcpStream::connect(at), listener.accept());
        let socket = Connection::from_transport(socket.unwrap(), Engine::new(Identity));
        let target = Endpoint {
            host: "example.org".to_owned(),
            port: 443,
        };
        let time = Duration::from_millis(50);
        let began = std::time::Instant::now();
        let opened = ask_far_end(socket.unwrap(), &target, time).await;
        assert!(began.elapsed() >= time);
        let Err(error) = opened else {
            panic!("it opened");
        };
        let text = error.to_string();
        assert_eq!(Failure::from(error).exit, Exit::TimedOut);
        let wanted = "the far end of the tunnel: engine: not open after 50ms: opening, waiting for the \
                      choice of a method";
        assert_eq!(text, wanted);
        drop(silent);
    }

    #[tokio::test]
    async fn the_exit_code_tells_a_far_end_that_refuses_from_one_that_breaks() {
        for (answer, exit) in [
            (&b"\x05\0\x05\x02\0\x01\0\0\0\0\0\0"[..], Exit::ProxyRefused),
            (b"\x05\xff", Exit::ProxyRefused),
            (b"\x05\0", Exit::Broken),
            (b"SSH-2.0-x\r\n", Exit::Broken),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let at = listener.local_addr().unwrap();
            let (socket, far) = tokio::join!(TcpStream::connect(at), listener.accept());
            let (mut far, _) = far.unwrap();
            far.write_all(answer).await.unwrap();
            far.shutdown().await.unwrap();
            let socket = Connection::from_transport(socket.unwrap(), Engine::new(Identity));
            let target = Endpoint {
                host: "example.org".to_owned(),
                port: 443,
            };
            let opened = ask_far_end(socket.unwrap(), &target, FAR_TIMEOUT).await;
            let Err(error) = opened else {
                panic!("it opened");
            };
            assert_eq!(Failure::from(error).exit, exit, "{answer:?}");
        }
    }
}
