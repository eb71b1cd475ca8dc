//! A proxy for SOCKS and HTTP at one port.

mod forwarding;
mod over_http2;
mod refusals;
mod times;
mod ways;

use crate::support::{TIMEOUT, TLS, listen, proxy, socks_server};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wirestack::auth::Credentials;
use wirestack::dial::DialError;
use wirestack::runtime::Listener;
use wirestack::{
    AccessPolicy, AccessRecord, ByteStream, ForwardProxy, ProxyProtocol, ProxyServer, UserList,
    connect_stream, socks,
};

/// A proxy that runs, and the records of its log.
struct Running {
    address: SocketAddr,
    records: UnboundedReceiver<AccessRecord>,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Running {
    fn new(proxy: ForwardProxy) -> Self {
        let (log, records) = unbounded_channel();
        let listener = Listener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let proxy = proxy.access_log(move |record| drop(log.send(record.clone())));
        let server = proxy
            .serve(listener)
            .shutdown_timeout(TIMEOUT)
            .graceful_shutdown(async move { drop(stopped.await) });
        let ended = tokio::spawn(async move { server.await });
        Self {
            address,
            records,
            stop,
            ended,
        }
    }

    async fn record(&mut self) -> AccessRecord {
        let record = timeout(TIMEOUT, self.records.recv()).await;
        record.expect("an entry in time").expect("an entry")
    }

    /// Connects to a target through the proxy.
    async fn through(&self, scheme: &str, target: &str) -> Result<ByteStream, DialError> {
        let port = self.address.port();
        let proxy = match scheme.rsplit_once('@') {
            Some((scheme, login)) => format!("{scheme}://{login}@localhost:{port}"),
            None => format!("{scheme}://localhost:{port}"),
        };
        let stream = connect_stream(format!("tcp://{target}"));
        stream.via(proxy).tls(TLS.client.clone()).await
    }
}

/// A server that sends back what it gets, until the client ends.
async fn echo() -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        loop {
            let (mut io, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut from, mut to) = io.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                let _ = to.shutdown().await;
            });
        }
    });
    address
}

async fn echoes(mut stream: ByteStream) {
    stream.write_all(b"hello").await.unwrap();
    stream.flush().await.unwrap();
    let mut bytes = [0; 5];
    stream.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"hello");
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut bytes).await.unwrap(), 0);
}

fn users() -> UserList {
    UserList::new().user("ada", "secret").user("bob", "hidden")
}

#[tokio::test]
async fn the_first_byte_of_a_client_tells_its_protocol() {
    let target = echo().await.to_string();
    let plain = Running::new(ForwardProxy::new(AccessPolicy::loopback()));
    let proxy = ForwardProxy::new(AccessPolicy::loopback()).tls(TLS.server.clone());
    let mut both = [plain, Running::new(proxy)];
    for (of, scheme, protocol) in [
        (0, "socks4a", ProxyProtocol::Socks4),
        (0, "socks5h", ProxyProtocol::Socks5),
        (0, "http", ProxyProtocol::Http1),
        (0, "h2c", ProxyProtocol::Http2),
        (1, "https", ProxyProtocol::Http1),
        (1, "h2", ProxyProtocol::Http2),
        (1, "socks5h+tls", ProxyProtocol::Socks5),
    ] {
        let running: &mut Running = &mut both[of];
        let stream = running.through(scheme, &target).await;
        echoes(stream.unwrap_or_else(|error| panic!("{scheme}: {error}"))).await;
        let record = running.record().await;
        assert_eq!(record.protocol, Some(protocol), "{scheme}");
        assert_eq!(record.target.as_deref(), Some(&*target), "{scheme}");
        assert_eq!((record.method.as_str(), &record.error), ("CONNECT", &None));
        assert_eq!((record.sent, record.received), (5, 5), "{scheme}");
        assert_eq!(record.user, None);
        assert!(record.peer.is_some());
    }
}

#[tokio::test]
async fn only_users_are_served_and_no_record_has_a_password() {
    let target = echo().await.to_string();
    let list = ForwardProxy::new(AccessPolicy::loopback()).users(users());
    let function =
        ForwardProxy::new(AccessPolicy::loopback()).authenticate(|login: Credentials| {
            async move {
                tokio::task::yield_now().await; // as a question to a database
                users().contains(&login.user, &login.password)
            }
        });
    for proxy in [list, function] {
        let mut running = Running::new(proxy);
        for scheme in ["http", "h2c", "socks5h"] {
            for (login, is_right) in [
                ("ada:secret", true),
                ("bob:hidden", true),
                ("ada:hidden", false),
                ("eve:secret", false),
            ] {
                let stream = running.through(&format!("{scheme}@{login}"), &target).await;
                assert_eq!(stream.is_ok(), is_right, "{scheme} {login}: {stream:?}");
                drop(stream);
                let record = running.record().await;
                let shown = format!("{record} {record:?}");
                assert_eq!(record.user.as_deref(), login.split(':').next(), "{shown}");
                let is_served = record.target.is_some() && record.status != Some(407);
                assert_eq!(is_served, is_right, "{shown}");
                assert!(
                    !shown.contains("secret") && !shown.contains("hidden"),
                    "{shown}"
                );
            }
            let refused = running.through(scheme, &target).await;
            assert!(refused.is_err(), "{scheme} without a login");
            let record = running.record().await;
            assert!(record.error.is_some(), "{record}");
        }
        let refused = running.through("socks4a", &target).await;
        assert!(refused.is_err(), "SOCKS4 has no passwords");
    }
}

#[tokio::test]
async fn a_login_that_is_checked_for_too_long_is_refused() {
    let proxy = ForwardProxy::new(AccessPolicy::loopback())
        .authenticate(|_| std::future::pending())
        .handshake_timeout(Duration::from_millis(50));
    let mut running = Running::new(proxy);
    for scheme in ["http@a:b", "h2c@a:b", "socks5h@a:b"] {
        assert!(running.through(scheme, "127.0.0.1:9").await.is_err());
        let record = running.record().await;
        assert!(
            record.target.is_none() && record.error.is_some(),
            "{record}"
        );
    }
}

#[tokio::test]
async fn the_policy_is_asked_before_and_after_the_look_up() {
    let target = echo().await;
    let port = target.port();
    let policy = || AccessPolicy::public().ports([port]);
    let named = policy().trust_host("localhost", port..=port);
    let denied = AccessPolicy::loopback().deny_host("localhost", ..);
    for (policy, host, is_permitted) in [
        (policy(), "127.0.0.1", false),
        (policy(), "localhost", false), // its name passes, its address does not
        (policy(), "2130706433", false),
        (policy(), "0x7f.1", false),
        (policy(), "loc%61lhost", false), // which a URL would read as another name
        (named.clone(), "localhost", true),
        (named, "127.0.0.1", false),
        (denied.clone(), "localhost", false),
        (denied, "127.0.0.1", true),
    ] {
        let mut running = Running::new(ForwardProxy::new(policy));
        let mut io = TcpStream::connect(running.address).await.unwrap();
        let mut request = vec![5, 1, 0, 5, 1, 0, 3, u8::try_from(host.len()).unwrap()];
        request.extend(host.as_bytes());
        request.extend(port.to_be_bytes());
        io.write_all(&request).await.unwrap();
        let mut reply = [0; 4];
        io.read_exact(&mut reply).await.unwrap();
        assert_eq!(reply[3] == 0, is_permitted, "SOCKS5 {host}: {reply:?}");
        drop(io);
        running.record().await;

        for (request, wanted) in [
            (
                format!("CONNECT {host}:{port} HTTP/1.1\r\n\r\n"),
                "HTTP/1.1 200",
            ),
            (
                format!("GET http://{host}:{port}/ HTTP/1.0\r\n\r\n"),
                "HTTP/1.1 502",
            ),
        ] {
            let mut io = TcpStream::connect(running.address).await.unwrap();
            io.write_all(request.as_bytes()).await.unwrap();
            let mut head = [0; 12];
            io.read_exact(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head).into_owned();
            if is_permitted {
                // The server echoes, which is no response of HTTP: 502.
                assert_eq!(head.replace("/1.0", "/1.1"), wanted, "{request}");
            } else {
                let is_refused = ["403", "400", "502"]
                    .iter()
                    .any(|code| head.ends_with(code));
                assert!(is_refused, "{request}: {head}");
            }
            drop(io);
            let record = running.record().await;
            let is_policy = record
                .error
                .as_ref()
                .is_some_and(|error| error.contains("does not permit"));
            if is_permitted || !host.contains('%') {
                assert_eq!(is_policy, !is_permitted, "{request}: {record}");
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_goes_through_the_hops_that_it_has() {
    let target = echo().await.to_string();
    let (gate, mut served) =
        proxy(ProxyServer::socks(AccessPolicy::loopback()), socks_server).await;
    let inner = Running::new(ForwardProxy::new(AccessPolicy::loopback()).users(users()));
    let outer = ForwardProxy::new(AccessPolicy::loopback())
        .via(format!("socks5h://me:secret@{gate}").as_str())
        .via(format!("http://ada:secret@{}", inner.address).as_str());
    let mut outer = Running::new(outer);
    let mut inner = inner;
    for scheme in ["http", "h2c", "socks5h"] {
        echoes(outer.through(scheme, &target).await.unwrap()).await;
        let record = inner.record().await;
        assert_eq!(record.user.as_deref(), Some("ada"), "{scheme}: {record}");
        served.recv().await.unwrap().unwrap();
        assert_eq!(outer.record().await.error, None);
    }
    // What the next proxy refuses is a refusal here, and the log says why.
    let wrong = ForwardProxy::new(AccessPolicy::loopback())
        .via(format!("http://ada:wrong@{}", inner.address).as_str());
    let mut wrong = Running::new(wrong);
    let error = wrong.through("http", &target).await.unwrap_err();
    assert!(error.to_string().contains("502"), "{error}");
    let record = wrong.record().await;
    let why = record.error.unwrap();
    assert!(why.contains("407") && !why.contains("wrong@"), "{why}");
}

#[tokio::test]
async fn datagrams_are_relayed_if_the_command_is_served() {
    let peer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let to = socks::Address::from(peer.local_addr().unwrap());
    let proxy = ForwardProxy::new(AccessPolicy::loopback()).users(users());
    let mut off = Running::new(proxy.clone());
    let hop = |running: &Running| format!("socks5h://ada:secret@{}", running.address);
    assert!(wirestack::associate(hop(&off).as_str()).await.is_err());
    assert!(off.record().await.error.is_some());

    let mut on = Running::new(proxy.serving(socks::Command::UdpAssociate));
    let mut datagrams = wirestack::associate(hop(&on).as_str()).await.unwrap();
    let sent = datagrams.send_to(b"ask", &to);
    sent.await.unwrap();
    let mut bytes = [0; 10];
    let (n, from) = peer.recv_from(&mut bytes).await.unwrap();
    assert_eq!(&bytes[..n], b"ask");
    peer.send_to(b"answer", from).await.unwrap();
    let (payload, _) = datagrams.recv().await.unwrap();
    assert_eq!(&payload[..], b"answer");
    drop(datagrams);
    let record = on.record().await;
    assert_eq!(record.method, "UDP", "{record}");
    assert!(record.sent >= 3 && record.received >= 6, "{record}");
}
