//! BIND, UDP ASSOCIATE and SOCKS4.

use crate::support::{TIMEOUT, echo, listen};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use wirestack::socks::{Address, Client, Command, Reply, Server};
use wirestack::{AccessPolicy, Engine, Error, ProxyServer};
use wirestack::{Connection, Relayed, associate, connect, serve_proxy};

type Results = UnboundedReceiver<Result<Relayed, Error>>;

/// Starts a proxy with every command. Returns its address, and a channel with the result of each
/// client.
async fn proxy(policy: AccessPolicy) -> (SocketAddr, Results) {
    let (listener, address) = listen().await;
    let (results, received) = unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (io, peer) = listener.accept().await.unwrap();
            let gate =
                ProxyServer::socks(policy.clone()).with_addresses(peer, io.local_addr().unwrap());
            let server = Server::new().with_socks4(|user| user == b"me");
            let server = server.serving(Command::Bind).serving(Command::UdpAssociate);
            let client = Connection::from_transport(io, Engine::new(server)).unwrap();
            let results = results.clone();
            tokio::spawn(async move { results.send(serve_proxy(client, &gate, TIMEOUT).await) });
        }
    });
    (address, received)
}

/// Sends each datagram back to its sender.
async fn udp_echo(at: &str) -> SocketAddr {
    let io = UdpSocket::bind(at).await.unwrap();
    let address = io.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buf = vec![0; 65_536];
        loop {
            let (n, from) = io.recv_from(&mut buf).await.unwrap();
            io.send_to(&buf[..n], from).await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn datagrams_are_relayed_to_addresses_and_names() {
    let (gate, mut results) = proxy(AccessPolicy::loopback()).await;
    let echo = udp_echo("127.0.0.1:0").await;
    let mut association = associate(format!("socks5h://{gate}")).await.unwrap();
    let named = Address::new("localhost", echo.port()).unwrap();
    let sizes = [0, 1, 1000, 60_000];
    for size in sizes {
        let payload = vec![size as u8; size];
        for to in [&echo.into(), &named] {
            association.send_to(&payload, to).await.unwrap();
            let (answer, from) = association.recv().await.unwrap();
            assert_eq!((answer, from), (payload.clone(), echo.into()));
        }
    }
    association.close().await.unwrap();
    let relayed = results.recv().await.unwrap().unwrap();
    let all = 2 * sizes.iter().sum::<usize>() as u64;
    assert_eq!((relayed.sent, relayed.received), (all, all));
}

#[tokio::test]
async fn datagrams_of_others_and_for_others_are_dropped() {
    let (gate, _results) = proxy(AccessPolicy::loopback()).await;
    let echo = udp_echo("127.0.0.1:0").await;
    let mut association = associate(format!("socks5h://{gate}")).await.unwrap();
    let relay = association.relay();
    // The policy does not allow it, so it is dropped without an error.
    let forbidden = Address::new("192.0.2.1", 9).unwrap();
    association.send_to(b"lost", &forbidden).await.unwrap();
    association.send_to(b"first", &echo.into()).await.unwrap();
    assert_eq!(association.recv().await.unwrap().0, b"first");
    let sender = association.sender();
    let sending = tokio::spawn(async move { sender.send_to(b"from a task", &echo.into()).await });
    assert_eq!(association.recv().await.unwrap().0, b"from a task");
    sending.await.unwrap().unwrap();
    // The proxy knows the port of the client by now, so it drops the datagrams of others.
    let other = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut stolen = bytes::BytesMut::new();
    wirestack::socks::datagram::emit(&echo.into(), b"stolen", &mut stolen);
    other.send_to(&stolen, relay).await.unwrap();
    association.send_to(b"second", &echo.into()).await.unwrap();
    assert_eq!(association.recv().await.unwrap().0, b"second");
}

#[tokio::test]
async fn an_association_ends_with_its_connection() {
    let (listener, gate) = listen().await;
    let serving = async {
        let (io, _) = listener.accept().await.unwrap();
        let server = Server::new().serving(Command::UdpAssociate);
        let mut proxy = Connection::from_transport(io, Engine::new(server)).unwrap();
        proxy
            .wait_for(|engine| engine.part::<Server>()?.request().map(|_| ()))
            .await
            .unwrap();
        let bound = Address::new("0.0.0.0", 9).unwrap();
        proxy.part_mut::<Server>().unwrap().accept(bound);
        proxy.open().await.unwrap();
        proxy.finish(TIMEOUT).await.unwrap();
    };
    let asking = async {
        let mut association = associate(format!("socks5h://{gate}")).await.unwrap();
        // An address of zeros stands for the proxy's own.
        assert_eq!(association.relay(), "127.0.0.1:9".parse().unwrap());
        let over = association.recv().await.unwrap_err();
        assert!(over.to_string().contains("ended the association"), "{over}");
        association.close().await.unwrap();
    };
    tokio::join!(serving, asking);
}

#[tokio::test]
async fn only_a_socks5_proxy_associates() {
    for hop in ["socks4://127.0.0.1:1", "http://127.0.0.1:1"] {
        let refused = associate(hop).await.err().unwrap();
        assert!(refused.to_string().contains("socks5"), "{refused}");
    }
    // A proxy without the command refuses it.
    let (hop, _) = crate::support::proxy(
        ProxyServer::socks(AccessPolicy::loopback()),
        crate::support::socks_server,
    )
    .await;
    let refused = associate(format!("socks5h://me:secret@{hop}"))
        .await
        .err()
        .unwrap();
    assert!(
        refused.to_string().contains("command not supported"),
        "{refused}"
    );
}

/// Asks a proxy to listen. Returns the connection, and the address where the peer may connect.
async fn bind(gate: SocketAddr, client: Client) -> (Connection<Client>, SocketAddr) {
    let io = TcpStream::connect(gate).await.unwrap();
    let mut connection = Connection::from_transport(io, Engine::new(client)).unwrap();
    let bound = connection.wait_for(|engine| engine.part::<Client>()?.bound().cloned());
    let bound = bound.await.unwrap();
    assert_eq!(
        connection.progress().to_string(),
        "opening, waiting for the second reply to BIND"
    );
    (connection, bound.to_string().parse().unwrap())
}

#[tokio::test]
async fn a_bound_connection_arrives_through_the_proxy_in_both_versions() {
    let (gate, mut results) = proxy(AccessPolicy::loopback()).await;
    let expected = || Address::new("127.0.0.1", 0).unwrap();
    let clients = [
        Client::bind(expected()),
        Client::bind(expected()).socks4("me").unwrap(),
    ];
    for client in clients {
        let (mut connection, bound) = bind(gate, client).await;
        let mut caller = TcpStream::connect(bound).await.unwrap();
        caller.write_all(b"hello").await.unwrap();
        connection.open().await.unwrap();
        let peer = connection.part::<Client>().unwrap().peer().cloned();
        assert_eq!(peer, Some(caller.local_addr().unwrap().into()));
        let mut heard = [0; 5];
        connection.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        connection.write_all(b"welcome").await.unwrap();
        connection.shutdown().await.unwrap();
        let mut answer = Vec::new();
        caller.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"welcome");
        drop(caller);
        drop(connection);
        let relayed = results.recv().await.unwrap().unwrap();
        assert_eq!((relayed.sent, relayed.received), (7, 5));
    }
}

#[tokio::test]
async fn only_the_expected_peer_connects_and_a_client_that_leaves_is_noticed() {
    let (gate, mut results) = proxy(AccessPolicy::loopback()).await;
    let expected = Address::new("192.0.2.1", 0).unwrap();
    let (connection, bound) = bind(gate, Client::bind(expected)).await;
    let mut caller = TcpStream::connect(bound).await.unwrap();
    let mut heard = Vec::new();
    let _ = caller.read_to_end(&mut heard).await; // it ends or is reset
    assert_eq!(heard, b"");
    drop(connection);
    let left = results.recv().await.unwrap().unwrap_err();
    assert!(
        left.to_string().starts_with("connection: ") || left.to_string().starts_with("wire: "),
        "{left}"
    );
    assert!(
        TcpStream::connect(bound).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn a_proxy_without_addresses_refuses_bind() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gate = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (io, _) = listener.accept().await.unwrap();
        let server = Server::new().serving(Command::Bind);
        let client = Connection::from_transport(io, Engine::new(server)).unwrap();
        serve_proxy(
            client,
            &ProxyServer::socks(AccessPolicy::loopback()),
            TIMEOUT,
        )
        .await
    });
    let io = TcpStream::connect(gate).await.unwrap();
    let expected = Address::new("0.0.0.0", 0).unwrap();
    let mut client = Connection::from_transport(io, Engine::new(Client::bind(expected))).unwrap();
    let refused = client.open().await.unwrap_err();
    let Some(wirestack::socks::SocksError::Refused { reply, .. }) = refused.cause() else {
        panic!("{refused}");
    };
    assert_eq!(*reply, Reply::CommandNotSupported);
}

#[tokio::test]
async fn a_proxy_that_cannot_open_a_socket_says_so_to_its_client() {
    let elsewhere = "192.0.2.1:1080".parse().unwrap(); // no address of this machine
    let client = "127.0.0.1:4711".parse().unwrap();
    let gate = ProxyServer::socks(AccessPolicy::loopback()).with_addresses(client, elsewhere);
    let layer = || {
        let server = Server::new().serving(Command::Bind);
        wirestack::Nest::boxed(server.serving(Command::UdpAssociate))
    };
    let (gate, mut results) = crate::support::proxy(gate, layer).await;
    let unknown = || Address::new("0.0.0.0", 0).unwrap();
    for asked in [Client::bind(unknown()), Client::associate(unknown())] {
        let io = TcpStream::connect(gate).await.unwrap();
        let mut client = Connection::from_transport(io, Engine::new(asked)).unwrap();
        let refused = client.open().await.unwrap_err();
        let Some(wirestack::socks::SocksError::Refused { reply, .. }) = refused.cause() else {
            panic!("{refused}");
        };
        assert_eq!(*reply, Reply::GeneralFailure);
        let error = results.recv().await.unwrap().unwrap_err();
        assert!(
            matches!(error.cause(), Some(wirestack::ProxyError::NoSocket)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_hop_speaks_socks4_and_sends_names_as_socks4a() {
    let (gate, _results) = proxy(AccessPolicy::loopback()).await;
    let target = echo(false).await;
    for (hop, host) in [
        ("socks4", "127.0.0.1"),
        ("socks4a", "localhost"),
        ("socks4", "localhost"),
    ] {
        let mut socket = connect(format!("ws://{host}:{}/", target.port()))
            .via(format!("{hop}://me@{gate}"))
            .await
            .unwrap();
        socket.send("hello").await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), "hello".into());
    }
    let stranger = connect(format!("ws://{target}/"))
        .via(format!("socks4://you@{gate}"))
        .await;
    let refused = stranger.err().unwrap().to_string();
    assert!(refused.contains("hop 1 (socks4a://"), "{refused}");
    let sixth = connect("ws://[::1]:1/")
        .via(format!("socks4://me@{gate}"))
        .await;
    assert!(sixth.err().unwrap().to_string().contains("IPv6"));
}
