//! The options of TCP connections, on every runtime.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use wirestack::runtime::TcpOptions;
use wirestack::{DialContext, blocking, connect_stream};

#[test]
fn pitfall_76_tcp_options_reach_the_socket_on_every_runtime() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    tokio.block_on(has_its_options());
    ::smol::block_on(has_its_options());
    blocking::block_on(has_its_options());
}

/// Connects from another address of loopback, and looks at the socket.
async fn has_its_options() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("tcp://127.0.0.1:{port}");
    let mut options = TcpOptions::default();
    options.local_address = Some(Ipv4Addr::new(127, 0, 0, 2).into());
    options.keepalive = Some(Duration::from_secs(77));
    options.nodelay = false;
    let stream = connect_stream(&url)
        .direct()
        .tcp_options(options)
        .await
        .unwrap();
    let (_accepted, peer) = listener.accept().unwrap();
    assert_eq!(peer.ip(), IpAddr::from([127, 0, 0, 2]));
    let found = inspect(&stream);
    assert_eq!(found, (true, Duration::from_secs(77), false));

    let context = DialContext::new().tcp_options(TcpOptions::default());
    let stream = connect_stream(&url)
        .direct()
        .context(context)
        .await
        .unwrap();
    assert!(inspect(&stream).2, "small writes leave at once by default");

    // From the other family there is no way, and the error says so.
    options.local_address = Some("::1".parse().unwrap());
    let failed = connect_stream(&url).direct().tcp_options(options).await;
    let error = failed.err().unwrap().to_string();
    assert!(
        error.contains("cannot be reached from the local address ::1"),
        "{error}"
    );
}

/// Returns if the socket is probed, after which time, and if small writes leave at once.
fn inspect(stream: &wirestack::ByteStream) -> (bool, Duration, bool) {
    fn of<S: std::os::fd::AsFd>(socket: &S) -> (bool, Duration, bool) {
        let socket = socket2::SockRef::from(socket);
        let time = socket.tcp_keepalive_time().unwrap_or_default();
        (
            socket.keepalive().unwrap(),
            time,
            socket.tcp_nodelay().unwrap(),
        )
    }
    if let Some(socket) = stream.transport::<tokio::net::TcpStream>() {
        return of(socket);
    }
    if let Some(socket) = stream.transport::<::smol::net::TcpStream>() {
        return of(socket);
    }
    of(stream.transport::<std::net::TcpStream>().unwrap())
}

/// The name of a zone is looked up by the system, whatever resolver there is.
#[cfg(target_os = "linux")]
#[test]
fn pitfall_76_the_zone_of_a_link_local_address_is_looked_up_by_the_system() {
    struct Nobody;

    impl wirestack::runtime::Resolve for Nobody {
        fn resolve(&self, host: String, _: u16) -> wirestack::runtime::AddressStream {
            panic!("asked for {host}");
        }
    }

    let number = std::fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
    let wanted = format!("[fe80::1%{}]:9", number.trim());
    let own = Arc::new(super::own::Own::default());
    let connect = connect_stream("tcp://[fe80::1%25lo]:9").direct();
    let connect = connect.resolver(Nobody).runtime(own);
    // Nobody listens there. The trace has the address that was tried.
    let error = ::smol::block_on(connect.into_future()).err().unwrap();
    let trace = error.trace().to_string();
    assert!(trace.contains(&wanted), "{trace}");
}
