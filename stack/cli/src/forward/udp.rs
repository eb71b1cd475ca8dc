//! Datagrams, carried by a SOCKS5 proxy, in a tunnel or from this machine.

use crate::exit::Failure;
use crate::listen::bind_anywhere;
use crate::log::{Log, Record};
use crate::tunnel_end::NearEnd;
use crate::wire::{self, read_datagram, with_length};
use bytes::BytesMut;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncWriteExt, split};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wirestack::associate;
use wirestack::dial::{Endpoint, Hop};
use wirestack::socks::{Address, datagram};

/// The way of datagrams.
#[derive(Clone)]
pub(super) enum UdpWay {
    /// From this machine.
    Direct,
    /// By a SOCKS5 proxy, outside of its connection.
    Proxy(Box<Hop>),
    /// In tunnels, one for each client.
    Tunnel(Box<NearEnd>),
}

impl UdpWay {
    /// Returns the way through these hops, if there is one.
    pub(super) fn through(hops: Vec<Hop>) -> Result<Self, Failure> {
        for (n, hop) in hops.iter().enumerate() {
            let why = if !hop.to_string().starts_with("socks5") {
                "only socks5:// proxies carry UDP"
            } else if n > 0 {
                "datagrams go straight to the first proxy, and not through its connection to this one"
            } else {
                continue;
            };
            let n = n + 1;
            return Err(Failure::usage(format!(
                "hop {n}, {hop}, carries no UDP from here: {why}; use one socks5:// proxy, --tunnel or --direct"
            )));
        }
        let hop = hops.into_iter().next();
        Ok(hop.map_or(Self::Direct, |hop| Self::Proxy(Box::new(hop))))
    }
}

/// Listens at an address, and returns its name and the task that carries datagrams for ever.
pub(super) fn start(
    at: &str,
    target: Endpoint,
    way: UdpWay,
    log: Log,
) -> Result<(String, impl Future<Output = io::Result<()>> + Send + use<>), Failure> {
    let failed = |error: io::Error| Failure::other(format!("cannot listen at udp:{at}: {error}"));
    let socket = bind_anywhere(at, |at| std::net::UdpSocket::bind(at)).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    let socket = UdpSocket::from_std(socket).map_err(failed)?;
    let name = socket.local_addr().map_err(failed)?.to_string();
    Ok((name, carry(Arc::new(socket), target, way, log)))
}

async fn carry(socket: Arc<UdpSocket>, target: Endpoint, way: UdpWay, log: Log) -> io::Result<()> {
    let mut clients: HashMap<SocketAddr, mpsc::Sender<Vec<u8>>> = HashMap::new();
    let mut buf = vec![0; MAX_DATAGRAM];
    loop {
        // An error of one datagram, such as "port unreachable", ends nothing.
        let Ok((n, from)) = socket.recv_from(&mut buf).await else {
            tokio::time::sleep(ERROR_PAUSE).await;
            continue;
        };
        clients.retain(|_, client| !client.is_closed());
        if !clients.contains_key(&from) && clients.len() < MAX_CLIENTS {
            let (sender, datagrams) = mpsc::channel(WAITING);
            clients.insert(from, sender);
            let (socket, target, way, log) =
                (socket.clone(), target.clone(), way.clone(), log.clone());
            tokio::spawn(async move {
                let mut record = Record::new(from, "udp");
                record.target = Some(format!("udp://{target}"));
                let carried = match way {
                    UdpWay::Proxy(hop) => by_proxy(&socket, from, &target, *hop, datagrams).await,
                    UdpWay::Tunnel(near) => {
                        by_tunnel(&socket, from, &target, &near, datagrams).await
                    }
                    UdpWay::Direct => from_here(&socket, from, &target, datagrams).await,
                };
                log.ended(&record, &carried);
            });
        }
        if let Some(client) = clients.get(&from) {
            let _ = client.try_send(buf[..n].to_vec()); // a datagram may be lost
        }
    }
}

/// Carries the datagrams of one client until it is silent. Returns the bytes in both directions.
async fn by_proxy(
    socket: &UdpSocket,
    client: SocketAddr,
    target: &Endpoint,
    hop: Hop,
    mut datagrams: mpsc::Receiver<Vec<u8>>,
) -> Result<(u64, u64), String> {
    let to = Address::new(&target.host, target.port).map_err(|error| error.to_string())?;
    let mut association = associate(hop).await.map_err(|error| error.to_string())?;
    let sender = association.sender();
    let (mut sent, mut received) = (0, 0);
    loop {
        let next = async {
            tokio::select! {
                datagram = datagrams.recv() => Next::ToTarget(datagram),
                answer = association.recv() => Next::ToClient(answer.map(|(payload, _)| payload)),
            }
        };
        match timeout(IDLE, next).await {
            Err(_) | Ok(Next::ToTarget(None)) => return Ok((sent, received)),
            Ok(Next::ToTarget(Some(datagram))) => {
                sent += datagram.len() as u64;
                let _ = sender.send_to(&datagram, &to).await; // a datagram may be lost
            }
            Ok(Next::ToClient(Ok(payload))) => {
                received += payload.len() as u64;
                let _ = socket.send_to(&payload, client).await;
            }
            Ok(Next::ToClient(Err(error))) => return Err(error.to_string()),
        }
    }
}

enum Next {
    ToTarget(Option<Vec<u8>>),
    ToClient(Result<Vec<u8>, wirestack::Error>),
}

/// Carries the datagrams of one client in a tunnel until it is silent.
async fn by_tunnel(
    socket: &UdpSocket,
    client: SocketAddr,
    target: &Endpoint,
    near: &NearEnd,
    mut datagrams: mpsc::Receiver<Vec<u8>>,
) -> Result<(u64, u64), String> {
    let to = Address::new(&target.host, target.port).map_err(|error| error.to_string())?;
    let tunnel = near.open(wire::UDP).await;
    let tunnel = tunnel.map_err(|error| error.to_string())?.boxed();
    let (mut from, mut into) = split(tunnel);
    let (sent, received) = (AtomicU64::new(0), AtomicU64::new(0));
    let sending = async {
        let mut seen = 0;
        loop {
            match timeout(IDLE, datagrams.recv()).await {
                Ok(Some(payload)) => {
                    let mut bytes = BytesMut::new();
                    datagram::emit(&to, &payload, &mut bytes);
                    if let Some(bytes) = with_length(&bytes) {
                        into.write_all(&bytes).await?;
                        into.flush().await?;
                        let n = u64::try_from(payload.len()).unwrap_or(u64::MAX);
                        sent.fetch_add(n, Ordering::Relaxed);
                    }
                }
                Err(_) if received.load(Ordering::Relaxed) != seen => {
                    seen = received.load(Ordering::Relaxed);
                }
                Ok(None) | Err(_) => return into.shutdown().await,
            }
        }
    };
    let receiving = async {
        let mut buf = Vec::new();
        while read_datagram(&mut from, &mut buf).await?.is_some() {
            if let Ok((_, payload)) = datagram::parse(&buf) {
                let n = u64::try_from(payload.len()).unwrap_or(u64::MAX);
                received.fetch_add(n, Ordering::Relaxed);
                let _ = socket.send_to(payload, client).await; // a datagram may be lost
            }
        }
        Ok(())
    };
    let ended: io::Result<()> = tokio::select! {
        ended = sending => ended,
        ended = receiving => ended,
    };
    ended.map_err(|error| error.to_string())?;
    Ok((
        sent.load(Ordering::Relaxed),
        received.load(Ordering::Relaxed),
    ))
}

async fn from_here(
    socket: &UdpSocket,
    client: SocketAddr,
    target: &Endpoint,
    mut datagrams: mpsc::Receiver<Vec<u8>>,
) -> Result<(u64, u64), String> {
    let failed = |error: io::Error| error.to_string();
    let found = tokio::net::lookup_host((target.host.as_str(), target.port)).await;
    let to = found
        .map_err(failed)?
        .next()
        .ok_or("the name has no addresses")?;
    let any: SocketAddr = if to.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let outside = UdpSocket::bind(any).await.map_err(failed)?;
    outside.connect(to).await.map_err(failed)?;
    let (mut sent, mut received) = (0, 0);
    let mut buf = vec![0; MAX_DATAGRAM];
    loop {
        let next = async {
            tokio::select! {
                datagram = datagrams.recv() => (datagram, None),
                read = outside.recv(&mut buf) => (Some(Vec::new()), Some(read)),
            }
        };
        match timeout(IDLE, next).await {
            Err(_) | Ok((None, _)) => return Ok((sent, received)),
            Ok((Some(datagram), None)) => {
                sent += datagram.len() as u64;
                let _ = outside.send(&datagram).await; // a datagram may be lost
            }
            Ok((_, Some(Ok(n)))) => {
                received += n as u64;
                let _ = socket.send_to(&buf[..n], client).await;
            }
            // "Connection refused": nobody listens there yet.
            Ok((_, Some(Err(_)))) => tokio::time::sleep(ERROR_PAUSE).await,
        }
    }
}

/// The pause behind an error of a socket. An error that stays, such as a lack of memory, must not take the whole core.
const ERROR_PAUSE: Duration = Duration::from_millis(1);

/// The size of the largest possible datagram, in bytes.
const MAX_DATAGRAM: usize = 65_536;

/// The number of clients at the same time. The datagrams of others are lost.
const MAX_CLIENTS: usize = 256;

/// The number of datagrams of a client that wait.
const WAITING: usize = 64;

/// The time of silence after which a client is forgotten (RFC 4787 §4.3).
const IDLE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn a_client_is_forgotten_after_300_seconds_of_silence() {
        let (socket, target) = (bound().await, bound().await);
        let (to, client) = (endpoint(&target), socket.local_addr().unwrap());
        let (sender, datagrams) = mpsc::channel(WAITING);
        let began = Instant::now();
        let carried = tokio::spawn(async move { from_here(&socket, client, &to, datagrams).await });
        sleep(Duration::from_secs(299)).await; // the clock of this test is not the machine's
        sender.send(b"x".to_vec()).await.unwrap();
        assert_eq!(carried.await.unwrap(), Ok((1, 0)));
        assert_eq!(began.elapsed().as_secs(), 299 + 300);
    }

    #[tokio::test]
    async fn the_datagrams_of_a_257th_client_are_lost() {
        let target = bound().await;
        let (at, carrying) = start(
            "127.0.0.1:0",
            endpoint(&target),
            UdpWay::Direct,
            Log::default(),
        )
        .unwrap();
        tokio::spawn(carrying);
        tokio::spawn(async move {
            let mut buf = [0; 8];
            while let Ok((n, from)) = target.recv_from(&mut buf).await {
                let _ = target.send_to(&buf[..n], from).await; // the client misses it
            }
        });
        let mut clients = Vec::new();
        for _ in 0..256 {
            let client = client_of(&at).await;
            echoed(&client).await;
            clients.push(client);
        }
        let one_more = client_of(&at).await;
        one_more.send(b"x").await.unwrap();
        for client in &clients {
            echoed(client).await;
        }
        let answer = one_more.try_recv(&mut [0; 8]);
        let lost = answer.map_err(|error| error.kind());
        assert_eq!(lost, Err(io::ErrorKind::WouldBlock));
    }

    #[tokio::test]
    async fn sixty_four_datagrams_wait_for_the_proxy_and_others_are_lost() {
        let (target, relay) = (bound().await, bound().await);
        let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hop = format!("socks5h://{}", proxy.local_addr().unwrap());
        let way = UdpWay::Proxy(Box::new(hop.parse().unwrap()));
        let started = start("127.0.0.1:0", endpoint(&target), way, Log::default());
        let (at, carrying) = started.unwrap();
        tokio::spawn(carrying);
        let client = client_of(&at).await;
        for n in 0..80 {
            client.send(&[n]).await.unwrap();
        }
        // The datagram of another client is read behind them.
        client_of(&at).await.send(b"x").await.unwrap();
        let (mut first, _) = proxy.accept().await.unwrap();
        let _second = proxy.accept().await.unwrap();
        associated(&mut first, relay.local_addr().unwrap()).await;
        for n in 0..64 {
            assert_eq!(relayed(&relay).await, n);
        }
        client.send(&[99]).await.unwrap();
        assert_eq!(relayed(&relay).await, 99);
    }

    async fn bound() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").await.unwrap()
    }

    async fn client_of(at: &str) -> UdpSocket {
        let client = bound().await;
        client.connect(at).await.unwrap();
        client
    }

    fn endpoint(target: &UdpSocket) -> Endpoint {
        let at = target.local_addr().unwrap();
        Endpoint {
            host: at.ip().to_string(),
            port: at.port(),
        }
    }

    async fn echoed(client: &UdpSocket) {
        client.send(b"x").await.unwrap();
        let seen = timeout(Duration::from_secs(30), client.recv(&mut [0; 8])).await;
        assert_eq!(seen.expect("an echo").unwrap(), 1);
    }

    /// Answers a client as a SOCKS5 proxy whose relay is at this address.
    async fn associated(client: &mut TcpStream, relay: SocketAddr) {
        client.read_exact(&mut [0; 3]).await.unwrap();
        client.write_all(&[5, 0]).await.unwrap();
        client.read_exact(&mut [0; 10]).await.unwrap();
        client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1]).await.unwrap();
        client.write_all(&relay.port().to_be_bytes()).await.unwrap();
    }

    /// Returns the one byte of the next datagram, behind its header.
    async fn relayed(relay: &UdpSocket) -> u8 {
        let mut buf = [0; 64];
        let read = timeout(Duration::from_secs(30), relay.recv(&mut buf)).await;
        assert_eq!(read.expect("a datagram").unwrap(), 11);
        buf[10]
    }
}
