//! Conversations with `socks5-proto`, an independent reading of the same RFCs.

use crate::kit::{self, Side};
use bytes::BytesMut;
use socks5_proto::handshake::{self, Method, password};
use socks5_proto::{Address as Theirs, Command, Reply as TheirReply, Request, Response, UdpHeader};
use std::net::SocketAddr;
use tokio::runtime::Builder;
use wirestack_layer::Flow;
use wirestack_socks::{Address, Client, Host, Reply, Server, SocksError, datagram};

const IPV4: &str = "192.0.2.7";
const IPV6: &str = "2001:db8::7";

/// Addresses of every kind, the shortest and the longest.
fn addresses() -> Vec<Address> {
    let hosts = [IPV4, IPV6, "a", "example.org", &"n".repeat(255)];
    hosts.map(|host| kit::address(host, 4711)).into()
}

fn theirs(ours: &Address) -> Theirs {
    match ours.host() {
        Host::Ip(ip) => Theirs::SocketAddress(SocketAddr::new(*ip, ours.port())),
        Host::Name(name) => Theirs::DomainAddress(name.as_bytes().into(), ours.port()),
    }
}

/// Runs a future that never waits: it reads from memory and writes to memory.
fn run<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Reads one of their messages, which must be all that was sent.
macro_rules! read {
    ($message:path, $sent:expr) => {{
        let sent = $sent;
        let mut rest = &sent[..];
        let message = run($message(&mut rest)).unwrap();
        assert_eq!(rest, b"", "bytes that they do not read");
        message
    }};
}

/// Writes one of their messages.
macro_rules! write {
    ($message:expr) => {{
        let mut written = vec![];
        run($message.write_to(&mut written)).unwrap();
        written
    }};
}

#[test]
fn our_client_talks_to_their_server() {
    for (target, bound) in addresses().iter().zip(addresses().iter().rev()) {
        let mut side = Side::new(Client::new(target.clone()));
        side.process();
        let greeting = read!(handshake::Request::read_from, side.sent());
        assert_eq!(greeting.methods, [Method::NONE]);

        side.receive(&write!(handshake::Response::new(Method::NONE)));
        let request = read!(Request::read_from, side.sent());
        assert!(matches!(request.command, Command::Connect));
        assert_eq!(request.address, theirs(target));

        let response = Response::new(TheirReply::Succeeded, theirs(bound));
        side.receive(&write!(response));
        assert_eq!(side.client().bound(), Some(bound));
    }
}

#[test]
fn our_other_commands_are_read_by_their_server() {
    for target in addresses() {
        let rows = [
            (Client::bind(target.clone()), Command::Bind),
            (Client::associate(target.clone()), Command::Associate),
        ];
        for (client, command) in rows {
            let mut side = Side::new(client);
            side.process();
            side.sent();
            side.receive(&write!(handshake::Response::new(Method::NONE)));
            let request = read!(Request::read_from, side.sent());
            assert_eq!(request.command, command);
            assert_eq!(request.address, theirs(&target));

            let first = Response::new(TheirReply::Succeeded, theirs(&kit::bound()));
            side.receive(&write!(first));
            assert_eq!(side.client().bound(), Some(&kit::bound()));
            assert_eq!(side.layer.is_open(), command == Command::Associate);
            if command == Command::Bind {
                let second = Response::new(TheirReply::Succeeded, theirs(&target));
                side.receive(&write!(second));
                assert_eq!(side.client().peer(), Some(&target));
            }
        }
    }
}

#[test]
fn our_client_with_a_password_talks_to_their_server() {
    for (user, word) in [("u", "p"), (&"u".repeat(255), &"p".repeat(255))] {
        let client = kit::client().with_password(user, word).unwrap();
        let mut side = Side::new(client);
        side.process();
        let greeting = read!(handshake::Request::read_from, side.sent());
        assert_eq!(greeting.methods, [Method::PASSWORD, Method::NONE]);

        side.receive(&write!(handshake::Response::new(Method::PASSWORD)));
        let request = read!(password::Request::read_from, side.sent());
        assert_eq!(request.username, user.as_bytes());
        assert_eq!(request.password, word.as_bytes());

        side.receive(&write!(password::Response::new(true)));
        read!(Request::read_from, side.sent());
    }
}

#[test]
fn our_client_reads_their_refusals() {
    let mut side = Side::new(kit::client());
    side.receive(&write!(handshake::Response::new(Method::UNACCEPTABLE)));
    let cause = side.error().unwrap().cause();
    assert_eq!(cause, Some(&SocksError::MethodsRefused { offered: &[0] }));

    let mut side = Side::new(kit::client_with_password());
    side.receive(&write!(handshake::Response::new(Method::PASSWORD)));
    side.receive(&write!(password::Response::new(false)));
    let cause = side.error().unwrap().cause();
    assert!(matches!(cause, Some(SocksError::PasswordRefused(1..))));

    for code in 1..=8 {
        let mut side = Side::new(kit::client());
        side.receive(&write!(handshake::Response::new(Method::NONE)));
        let reply = TheirReply::try_from(code).unwrap();
        side.receive(&write!(Response::new(reply, Theirs::unspecified())));
        let cause = side.error().unwrap().cause();
        let wanted = |reply: &Reply| *reply == Reply::from(code);
        assert!(matches!(cause, Some(SocksError::Refused { reply, .. }) if wanted(reply)));
    }
}

#[test]
fn their_client_talks_to_our_server() {
    for (target, bound) in addresses().iter().zip(addresses().iter().rev()) {
        let mut side = Side::new(Server::new());
        let methods = vec![Method::GSSAPI, Method::NONE];
        side.receive(&write!(handshake::Request::new(methods)));
        let response = read!(handshake::Response::read_from, side.sent());
        assert_eq!(response.method, Method::NONE);

        side.receive(&write!(Request::new(Command::Connect, theirs(target))));
        assert_eq!(side.server().request().unwrap().target(), target);
        side.server().accept(bound.clone());
        side.process();
        let response = read!(Response::read_from, side.sent());
        assert_eq!(response.reply, TheirReply::Succeeded);
        assert_eq!(response.address, theirs(bound));
    }
}

#[test]
fn their_other_commands_are_read_by_our_server() {
    for target in addresses() {
        for command in [Command::Bind, Command::Associate] {
            let mut side = Side::new(kit::server_of_all());
            side.receive(&write!(handshake::Request::new(vec![Method::NONE])));
            side.sent();
            side.receive(&write!(Request::new(command, theirs(&target))));
            let request = side.server().request().unwrap();
            let bind = request.command() == wirestack_socks::Command::Bind;
            assert_eq!(bind, command == Command::Bind);
            assert_eq!(request.target(), &target);

            side.server().accept(kit::bound());
            side.process();
            let first = read!(Response::read_from, side.sent());
            assert_eq!(first.address, theirs(&kit::bound()));
            if bind {
                side.server().connected(target.clone());
                side.process();
                let second = read!(Response::read_from, side.sent());
                assert_eq!(second.reply, TheirReply::Succeeded);
                assert_eq!(second.address, theirs(&target));
            }
            assert!(side.layer.is_open());
        }
    }
}

#[test]
fn our_datagrams_read_as_theirs() {
    for address in addresses() {
        let mut ours = BytesMut::new();
        datagram::emit(&address, b"", &mut ours);
        let header = read!(UdpHeader::read_from, ours);
        assert_eq!((header.frag, &header.address), (0, &theirs(&address)));

        let mut sent = write!(UdpHeader::new(0, theirs(&address)));
        sent.extend(b"payload");
        let parsed = (address.clone(), &b"payload"[..]);
        assert_eq!(datagram::parse(&sent), Ok(parsed));

        let fragment = write!(UdpHeader::new(1, theirs(&address)));
        let error = datagram::DatagramError::Fragmented(1);
        assert_eq!(datagram::parse(&fragment), Err(error));
    }
}

#[test]
fn their_client_with_a_password_talks_to_our_server() {
    for (word, right) in [("pw", true), ("no", false)] {
        let mut side = Side::new(kit::server_with_password());
        let methods = vec![Method::NONE, Method::PASSWORD];
        side.receive(&write!(handshake::Request::new(methods)));
        let response = read!(handshake::Response::read_from, side.sent());
        assert_eq!(response.method, Method::PASSWORD);

        side.receive(&write!(password::Request::new("me".into(), word.into())));
        let sent = side.sent();
        let status = run(password::Response::read_from(&mut &sent[..]));
        assert_eq!(status.is_ok(), right); // they read a refusal as an error
        assert_eq!(side.to_wire.is_closed(), !right);
    }
}

#[test]
fn their_client_reads_our_refusals() {
    let mut side = Side::new(Server::new());
    side.receive(&write!(handshake::Request::new(vec![Method::PASSWORD])));
    let response = read!(handshake::Response::read_from, side.sent());
    assert_eq!(response.method, Method::UNACCEPTABLE);

    let mut side = Side::new(Server::new());
    side.receive(&write!(handshake::Request::new(vec![Method::NONE])));
    side.sent();
    let request = Request::new(Command::Bind, Theirs::unspecified());
    side.receive(&write!(request));
    let response = read!(Response::read_from, side.sent());
    assert_eq!(response.reply, TheirReply::CommandNotSupported);

    for code in 1..=8 {
        let mut side = Side::new(Server::new());
        side.receive(&write!(handshake::Request::new(vec![Method::NONE])));
        side.sent();
        let request = Request::new(Command::Connect, theirs(&kit::bound()));
        side.receive(&write!(request));
        side.server().reject(Reply::from(code));
        side.process();
        let response = read!(Response::read_from, side.sent());
        assert_eq!(u8::from(response.reply), code);
        assert!(side.to_wire.is_closed());
    }
}
