//! The far end of reverse forwards: it listens, and the near end fetches each connection.

use crate::listen::bind_anywhere;
use crate::log::Record;
use crate::metrics::counted;
use crate::proxy::Proxy;
use crate::wire::{Line, Lines, Token};
use std::collections::HashMap;
use std::future::{IntoFuture, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, WriteHalf, split};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;
use wirestack::runtime::Listener;
use wirestack::{
    Accepted, AccessPolicy, ByteStream, Connection, Engine, Identity, relay_with_timeout, serve,
};

/// All listeners of a server of tunnels.
#[derive(Clone)]
pub(super) struct Listeners(Arc<Shared>);

struct Shared {
    proxy: Proxy,
    policy: AccessPolicy,
    /// The number of connections of each listener at the same time.
    most: usize,
    listening: Arc<Semaphore>,
    waiting: Mutex<HashMap<Token, Waiting>>,
}

/// A connection that waits for its tunnel.
struct Waiting {
    user: Option<String>,
    tunnel: oneshot::Sender<ByteStream>,
}

impl Listeners {
    /// Creates a server that listens where the policy permits it.
    pub(super) fn new(proxy: Proxy, policy: AccessPolicy, most: usize) -> Self {
        Self(Arc::new(Shared {
            proxy,
            policy,
            most,
            listening: Arc::new(Semaphore::new(MAX_LISTENERS)),
            waiting: Mutex::default(),
        }))
    }

    /// Listens as the near end asks, until its tunnel ends.
    pub(super) async fn listen(self, tunnel: ByteStream, peer: SocketAddr, user: Option<String>) {
        let mut record = Record::new(peer, "listen");
        record.user.clone_from(&user);
        let (from, mut to) = split(tunnel);
        let mut lines = Lines::new(from);
        let handshake = self.0.proxy.handshake;
        let said = timeout(handshake, lines.next()).await;
        let Ok(Ok(Some(Line::Listen(asked)))) = said else {
            let why = "the near end named no address to listen at".to_owned();
            return self.0.proxy.log.ended(&record, &Err(why));
        };
        record.target = Some(asked.to_string());
        let (listener, at, _permit) = match self.bind(asked) {
            Ok(bound) => bound,
            Err(why) => {
                let _ = say(&mut to, &Line::Refused(why.clone())).await; // the log has it too
                let _ = to.shutdown().await;
                return self.0.proxy.log.ended(&record, &Err(why));
            }
        };
        let ended = async {
            say(&mut to, &Line::Listening(at)).await?;
            self.accept(listener, at, lines, to, user).await
        };
        let ended = ended.await.map(|()| (0, 0));
        self.0
            .proxy
            .log
            .ended(&record, &ended.map_err(|error| error.to_string()));
    }

    /// Listens, if the policy permits it.
    fn bind(
        &self,
        asked: SocketAddr,
    ) -> Result<(Listener, SocketAddr, OwnedSemaphorePermit), String> {
        let permit = self.0.listening.clone().try_acquire_owned();
        let permit = permit.map_err(|_| {
            format!("{MAX_LISTENERS} addresses are listened at, and no more may be")
        })?;
        let forbidden = |at: SocketAddr| {
            format!("the far end does not let you listen at {at}: its --listen-rule permits that")
        };
        // The system chooses a port instead of 0, which is looked at below.
        if asked.port() != 0 && !self.permits(asked) {
            return Err(forbidden(asked));
        }
        let failed = |error: io::Error| format!("the far end cannot listen at {asked}: {error}");
        let listener =
            bind_anywhere(&asked.to_string(), |at| Listener::bind(at)).map_err(failed)?;
        let at = listener.local_addr().map_err(failed)?;
        if !self.permits(at) {
            return Err(forbidden(at));
        }
        Ok((listener, at, permit))
    }

    /// Returns `true` if all addresses that a listener has there are permitted: `::` listens at those
    /// of IPv4, too.
    fn permits(&self, at: SocketAddr) -> bool {
        let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), at.port());
        let is_any = at.is_ipv6() && at.ip().is_unspecified();
        self.0.policy.permits(at) && (!is_any || self.0.policy.permits(v4))
    }

    async fn accept(
        &self,
        listener: Listener,
        at: SocketAddr,
        mut lines: Lines<impl tokio::io::AsyncRead + Unpin>,
        mut to: WriteHalf<ByteStream>,
        user: Option<String>,
    ) -> io::Result<()> {
        let (announce, mut announced) = mpsc::channel(1);
        let (end, ended) = oneshot::channel::<()>();
        let (this, owner) = (self.clone(), user.clone());
        let log = self.0.proxy.log.clone();
        let serving = serve(listener, move |client: Accepted| {
            let (this, user, announce) = (this.clone(), owner.clone(), announce.clone());
            async move { this.carry(client, at, user, announce).await }
        });
        let serving = serving
            .max_connections(self.0.most)
            .on_accept_error(move |error| log.note(&format!("accepting at {at}: {error}")))
            .graceful_shutdown(async { drop(ended.await) })
            .shutdown_timeout(Duration::MAX); // each connection has a tunnel of its own
        let mut serving = serving.into_future();
        // The near end knows the token before anybody else, and may give the connection up.
        let reading = async {
            while let Some(line) = lines.next().await? {
                if let Line::Close(token) = line {
                    drop(self.take(&token, user.as_deref()));
                }
            }
            Ok(())
        };
        let writing = async {
            while let Some(line) = announced.recv().await {
                say(&mut to, &line).await?;
            }
            Ok(())
        };
        let done = tokio::select! {
            done = reading => done,
            done = writing => done,
            done = &mut serving => return done,
        };
        drop(end);
        // The listener closes at once, and the connections go on.
        let is_over = poll_fn(|cx| Poll::Ready(serving.as_mut().poll(cx).is_ready())).await;
        if !is_over {
            tokio::spawn(serving);
        }
        done
    }

    /// Announces a connection, and carries it once its tunnel has arrived.
    async fn carry(
        &self,
        client: Accepted,
        at: SocketAddr,
        user: Option<String>,
        announce: mpsc::Sender<Line>,
    ) {
        let peer = client.peer_addr();
        let mut record = Record::new(peer, "reverse");
        (record.user, record.target) = (user.clone(), Some(at.to_string()));
        let fetching = Box::pin(async {
            let tunnel = self.fetched(peer, user, announce).await?;
            let client = Connection::from_transport(client, Engine::new(Identity));
            let client = client.map_err(|error| error.to_string())?;
            Ok(relay_with_timeout(client, tunnel, self.0.proxy.idle))
        });
        let ended = match fetching.await {
            Ok(relaying) => counted(relaying.await),
            Err(why) => Err(why),
        };
        self.0.proxy.log.ended(&record, &ended);
    }

    /// Lets the near end fetch a connection, and returns the tunnel for it.
    async fn fetched(
        &self,
        peer: SocketAddr,
        user: Option<String>,
        announce: mpsc::Sender<Line>,
    ) -> Result<ByteStream, String> {
        let token = Token::random().map_err(|error| error.to_string())?;
        let (tunnel, arrives) = oneshot::channel();
        self.waiting().insert(token, Waiting { user, tunnel });
        let _announced = Announced(self, token);
        if announce.send(Line::Connection(token, peer)).await.is_err() {
            return Err("the tunnel of the listener has ended".to_owned());
        }
        drop(announce);
        match timeout(TAKE_TIMEOUT, arrives).await {
            Ok(Ok(tunnel)) => Ok(tunnel),
            Ok(Err(_)) => Err("the near end did not reach the target".to_owned()),
            Err(_) => Err(format!(
                "the near end did not fetch the connection within {TAKE_TIMEOUT:?}"
            )),
        }
    }

    /// Gives a tunnel to the connection whose token comes first in it.
    pub(super) async fn fetch(
        self,
        mut tunnel: ByteStream,
        peer: SocketAddr,
        user: Option<String>,
    ) {
        let mut token = [0; Token::SIZE];
        let read = AsyncReadExt::read_exact(&mut tunnel, &mut token);
        let read = timeout(self.0.proxy.handshake, read).await;
        let waiting = match read {
            Ok(Ok(_)) => self.take(&Token::from(token), user.as_deref()),
            _ => None,
        };
        let Some(waiting) = waiting else {
            let record = Record::new(peer, "reverse");
            let why = "a tunnel came for no connection that waits".to_owned();
            return self.0.proxy.log.ended(&record, &Err(why));
        };
        let _ = waiting.tunnel.send(tunnel); // the connection may have waited for too long
    }

    fn take(&self, token: &Token, user: Option<&str>) -> Option<Waiting> {
        let mut waiting = self.waiting();
        let is_theirs = waiting.get(token)?.user.as_deref() == user;
        if is_theirs {
            waiting.remove(token)
        } else {
            None
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Token, Waiting>> {
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that waits for its tunnel, and no longer than this value lives.
struct Announced<'a>(&'a Listeners, Token);

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.waiting().remove(&self.1);
    }
}

async fn say(to: &mut WriteHalf<ByteStream>, line: &Line) -> io::Result<()> {
    to.write_all(format!("{line}\n").as_bytes()).await?;
    to.flush().await
}

/// The number of addresses that a server listens at for its clients.
const MAX_LISTENERS: usize = 64;

/// The time in which the near end connects to the target and fetches a connection.
const TAKE_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::Carrier;
    use crate::log::{Log, LogForm};
    use wirestack::dial::Timeouts;

    fn listeners() -> Listeners {
        let log = Log::new(LogForm::None, Arc::default());
        let proxy = Proxy::new(
            Carrier::direct(AccessPolicy::nothing(), Timeouts::default()),
            log,
        );
        Listeners::new(proxy, AccessPolicy::loopback(), 10)
    }

    #[tokio::test]
    async fn a_server_listens_at_64_addresses_for_its_clients_and_no_more() {
        let (listeners, at) = (listeners(), "127.0.0.1:0".parse().unwrap());
        let mut all: Vec<_> = (0..64).map(|_| listeners.bind(at).unwrap()).collect();
        let why = listeners.bind(at).err().unwrap();
        assert_eq!(why, "64 addresses are listened at, and no more may be");
        drop(all.pop());
        assert!(
            listeners.bind(at).is_ok(),
            "the place of one that has ended"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_nobody_fetches_is_closed_after_60_seconds() {
        let (listeners, peer) = (listeners(), "192.0.2.7:1".parse().unwrap());
        let (announce, mut announced) = mpsc::channel(1);
        let began = tokio::time::Instant::now();
        let why = listeners.fetched(peer, None, announce).await.err().unwrap();
        assert_eq!(began.elapsed().as_secs(), 60);
        assert_eq!(why, "the near end did not fetch the connection within 60s");
        assert!(matches!(announced.recv().await, Some(Line::Connection(_, at)) if at == peer));
        assert!(listeners.waiting().is_empty(), "it still waits");
    }
}
