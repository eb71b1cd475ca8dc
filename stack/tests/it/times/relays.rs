//! Relays and associations end when nothing comes, or when one side takes nothing.

use super::{assert_passed, on, seconds, wire};
use crate::support::{TIMEOUT, listen, pair};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::{Instant, sleep, timeout};
use wirestack::dial::serve::ProxyTimeouts;
use wirestack::{
    AccessPolicy, Connection, Engine, Identity, ProxyError, ProxyServer, RelayIdle, WriteTimedOut,
    associate, relay, relay_with_timeout, serve_proxy, socks,
};

#[tokio::test(start_paused = true)]
async fn a_relay_without_bytes_ends_after_ten_minutes() {
    let ((mut client, a), (b, mut target)) = (wire(), wire());
    let relayed = tokio::spawn(relay(on(a, Identity), on(b, Identity)));
    let start = Instant::now();
    for n in 1..4 {
        sleep(seconds(599)).await; // on the paused clock
        let (from, to) = if n % 2 == 0 {
            (&mut client, &mut target)
        } else {
            (&mut target, &mut client)
        };
        from.write_all(b"x").await.unwrap();
        to.read_exact(&mut [0]).await.unwrap();
    }
    let error = relayed.await.unwrap().unwrap_err();
    assert_passed(start, seconds(3 * 599 + 600));
    let idle = error.cause::<RelayIdle>().expect("the cause");
    assert_eq!(idle.allowed, seconds(600));
    assert_eq!(
        client.read(&mut [0]).await.unwrap(),
        0,
        "both sides are closed"
    );
    assert_eq!(target.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_relay_has_the_same_time_and_it_is_a_setting() {
    let ((mut client, a), (b, _target)) = (wire(), wire());
    let relaying = relay_with_timeout(on(a, Identity), on(b, Identity), seconds(20));
    let relayed = tokio::spawn(relaying);
    client.shutdown().await.unwrap();
    let start = Instant::now();
    let error = relayed.await.unwrap().unwrap_err();
    assert_passed(start, seconds(20));
    assert!(error.cause::<RelayIdle>().is_some(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_relay_ends_when_one_side_never_reads() {
    for is_target in [false, true] {
        let ((client, a), (b, target)) = (wire(), wire());
        let (mut writer, unread) = if is_target {
            (client, target)
        } else {
            (target, client)
        };
        let relayed = tokio::spawn(relay(on(a, Identity), on(b, Identity)));
        let start = Instant::now();
        assert!(writer.write_all(&[7; 1_000_000]).await.is_err());
        let error = relayed.await.unwrap().unwrap_err();
        assert_passed(start, seconds(61));
        assert!(error.cause::<WriteTimedOut>().is_some(), "{error}");
        drop(unread);
    }
}

fn patient(idle: Duration) -> ProxyTimeouts {
    let mut timeouts = ProxyTimeouts::default();
    (timeouts.idle, timeouts.udp_idle) = (idle, idle);
    timeouts
}

/// A client of a proxy with a tunnel to a target that says nothing.
#[tokio::test]
async fn a_tunnel_of_a_proxy_ends_when_nothing_comes() {
    let (listener, target) = listen().await;
    let (near, far) = pair().await;
    let client = Connection::from_transport(far, Engine::new(socks::Server::new())).unwrap();
    let served = tokio::spawn(async move {
        let server = ProxyServer::socks(AccessPolicy::loopback()).with_timeouts(patient(SOON));
        serve_proxy(client, &server, TIMEOUT).await
    });
    let layer = socks::Client::new(target.into());
    let mut tunnel = Connection::from_transport(near, Engine::new(layer)).unwrap();
    tunnel.open().await.unwrap();
    let (_target, _) = listener.accept().await.unwrap();
    let error = timeout(TIMEOUT, served).await.unwrap().unwrap();
    assert!(error.unwrap_err().cause::<RelayIdle>().is_some());
}

#[tokio::test]
async fn an_association_without_datagrams_ends_and_those_of_strangers_do_not_count() {
    let (listener, address) = listen().await;
    let served = tokio::spawn(async move {
        let (io, peer) = listener.accept().await.unwrap();
        let here = io.local_addr().unwrap();
        let layer = socks::Server::new().serving(socks::Command::UdpAssociate);
        let client = Connection::from_transport(io, Engine::new(layer)).unwrap();
        let server = ProxyServer::socks(AccessPolicy::loopback())
            .with_addresses(peer, here)
            .with_timeouts(patient(20 * SOON));
        serve_proxy(client, &server, TIMEOUT).await
    });
    let url = format!("socks5h://{address}");
    let association = associate(url).await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let relay = association.relay();
    let annoying = async {
        loop {
            let _ = stranger.send_to(b"\0\0\0junk", relay).await;
            tokio::task::yield_now().await;
        }
    };
    let error = tokio::select! {
        served = timeout(TIMEOUT, served) => served.unwrap().unwrap().unwrap_err(),
        () = annoying => unreachable!(),
    };
    assert!(error.cause::<RelayIdle>().is_some(), "{error}");
    drop(association);
}

#[tokio::test]
async fn a_bind_whose_peer_does_not_come_is_refused_in_time() {
    let (near, far) = pair().await;
    let addresses = (far.peer_addr().unwrap(), far.local_addr().unwrap());
    let layer = socks::Server::new().serving(socks::Command::Bind);
    let client = Connection::from_transport(far, Engine::new(layer)).unwrap();
    let served = tokio::spawn(async move {
        let mut timeouts = ProxyTimeouts::default();
        timeouts.bind = SOON;
        let server = ProxyServer::socks(AccessPolicy::loopback())
            .with_addresses(addresses.0, addresses.1)
            .with_timeouts(timeouts);
        serve_proxy(client, &server, TIMEOUT).await
    });
    let layer = socks::Client::bind(socks::Address::new("127.0.0.1", 0).unwrap());
    let mut asking = Connection::from_transport(near, Engine::new(layer)).unwrap();
    let refused = timeout(TIMEOUT, asking.open()).await.unwrap();
    assert!(refused.is_err());
    drop(asking);
    let error = timeout(TIMEOUT, served).await.unwrap().unwrap();
    let error = error.unwrap_err();
    assert!(matches!(error.cause(), Some(ProxyError::NoPeer)), "{error}");
}

/// A client that has left while its target is connected to is not waited for.
#[tokio::test]
async fn a_client_that_resets_while_its_target_is_connected_to_ends_the_service() {
    let (target, _full) = full_listener().await;
    let (mut near, far) = pair().await;
    let client = Connection::from_transport(far, Engine::new(socks::Server::new())).unwrap();
    let served = tokio::spawn(async move {
        let server = ProxyServer::socks(AccessPolicy::loopback());
        serve_proxy(client, &server, TIMEOUT).await
    });
    near.write_all(b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01")
        .await
        .unwrap();
    near.write_all(&target.port().to_be_bytes()).await.unwrap();
    near.read_exact(&mut [0; 2]).await.unwrap();
    near.set_zero_linger().unwrap();
    drop(near);
    let error = timeout(TIMEOUT / 4, served).await.unwrap().unwrap();
    let error = error.unwrap_err();
    assert!(error.cause::<std::io::Error>().is_some(), "{error}");
}

/// A listener whose queue is full, so that a connection to it waits, and what fills it.
async fn full_listener() -> (SocketAddr, impl Sized) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut filling = Vec::new();
    loop {
        let mut connecting = Box::pin(TcpStream::connect(address));
        let waiting = timeout(10 * SOON, connecting.as_mut()).await;
        match waiting {
            Ok(connected) => filling.push(connected.unwrap()),
            Err(_) => return (address, (listener, filling, connecting)),
        }
    }
}

const SOON: Duration = Duration::from_millis(50);
