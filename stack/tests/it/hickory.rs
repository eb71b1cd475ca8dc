//! Look-ups by hickory at a name server of this test.

use crate::support::echo;
use std::net::{IpAddr, Ipv4Addr};
use tokio::net::UdpSocket;
use wirestack::connect;
use wirestack::runtime::hickory_resolver::TokioResolver;
use wirestack::runtime::hickory_resolver::config::{NameServerConfig, ResolverConfig};
use wirestack::runtime::hickory_resolver::net::runtime::TokioRuntimeProvider;
use wirestack::websocket::Message;

/// Answers each question for an A record with 127.0.0.1, and each other one with no record. Names
/// that begin with `nowhere` do not exist.
async fn name_server(io: UdpSocket) {
    let mut buf = [0; 512];
    loop {
        let (n, from) = io.recv_from(&mut buf).await.unwrap();
        let question = &buf[12..n];
        let end = question.iter().position(|byte| *byte == 0).unwrap();
        let (name, kind) = (&question[..=end], &question[end + 1..end + 5]);
        let exists = !name.starts_with(b"\x07nowhere");
        let answers = u8::from(kind == [0, 1, 0, 1] && exists);
        let mut answer = buf[..2].to_vec();
        let code = if exists { 0x80 } else { 0x83 };
        answer.extend([0x81, code, 0, 1, 0, answers, 0, 0, 0, 0]);
        answer.extend(name);
        answer.extend(kind);
        if answers == 1 {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
        }
        io.send_to(&answer, from).await.unwrap();
    }
}

#[tokio::test]
async fn existing_names_are_found_and_missing_names_are_errors() {
    let io = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut server = NameServerConfig::udp(IpAddr::V4(Ipv4Addr::LOCALHOST));
    server.connections[0].port = io.local_addr().unwrap().port();
    tokio::spawn(name_server(io));
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let resolver = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let resolver = resolver.build().unwrap();

    let target = echo(false).await;
    let url = |name: &str| format!("ws://{name}.test:{}/", target.port());
    let connect = |name: &str| connect(url(name)).direct().resolver(resolver.clone());
    let (mut socket, trace) = connect("somewhere").traced().await.unwrap();
    assert!(trace.to_string().contains("1 address"), "{trace}");
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::text("hello")
    );
    let error = connect("nowhere").await.map(drop).unwrap_err();
    assert!(error.to_string().contains("nowhere.test"), "{error}");
    assert!(
        error.to_string().contains("could not look up the name: "),
        "{error}"
    );
}
