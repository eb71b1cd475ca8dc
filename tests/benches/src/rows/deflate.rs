//! Compression (RFC 7692): 16 KiB of text there and back, with context takeover.

use crate::contestant::{Conn, Kind};
use crate::contestants::{Messages, YawcConn};
use crate::echo::Echoer;
use crate::loopback::{Job, connected, runtime};
use crate::payload::records;
use crate::row::Row;
use tokio::net::TcpStream;
use wirestack::websocket::{Accept, Client, ClientRequest, Deflate, Server, WebSocketConfig};
use wirestack::{BoxSocket, Connection, Engine, Nest, Seed};

/// Returns the rows.
pub(crate) fn rows() -> Vec<Row> {
    let row = |level: u8| {
        let name = format!("echo of {} KiB of text, level {level}", SIZE / 1024);
        Row::new("deflate", name)
            .case("wirestack", Kind::Ours, move |n| {
                runtime().block_on(async {
                    let [client, server] = wirestack(connected().await, level).await;
                    exchange(client, server, n).await;
                });
            })
            .case("yawc", Kind::Peer, move |n| {
                runtime().block_on(async {
                    let [client, server] = connected().await;
                    let client = yawc(client, yawc::Role::Client, level);
                    exchange(client, yawc(server, yawc::Role::Server, level), n).await;
                });
            })
            .case("sockudo-ws", Kind::Peer, move |n| {
                runtime().block_on(async {
                    let [client, server] = connected().await;
                    let settings = sockudo_ws::DeflateConfig {
                        compression_level: level.into(),
                        ..Default::default()
                    };
                    let client = sockudo_ws::CompressedWebSocketStream::client(
                        client,
                        Default::default(),
                        settings.clone(),
                    );
                    let server = sockudo_ws::CompressedWebSocketStream::server(
                        server,
                        Default::default(),
                        settings,
                    );
                    exchange(Messages(client), Messages(server), n).await;
                });
            })
    };
    [1, 6].map(row).into()
}

/// Echoes so many messages, all of them different, so that the window of the compression helps only
/// as it does for real ones.
async fn exchange(mut client: impl Conn, server: impl Conn, messages: usize) {
    let text = records(SIZE * DIFFERENT);
    let server = tokio::spawn(Echoer.run(server));
    for nth in 0..messages {
        let start = nth % DIFFERENT * SIZE;
        client.send(text.slice(start..start + SIZE)).await;
        assert_eq!(client.receive().await, SIZE);
    }
    drop(client);
    server.await.expect("a server that ended well");
}

async fn wirestack(ends: [TcpStream; 2], level: u8) -> [impl Conn; 2] {
    let config = WebSocketConfig::default().deflate(Deflate::default().level(level));
    let [opened, accepted] = ends;
    let request = ClientRequest::new("ws://localhost/").expect("a request");
    let client = Client::new(request, config.clone(), Seed::new([7; 32])).expect("a client");
    let mut client =
        Connection::from_transport(opened, Engine::new(client.boxed())).expect("tokio");
    let server = Engine::new(Server::new(config).boxed());
    let mut server = Connection::from_transport(accepted, server).expect("tokio");
    let accepting = async {
        let asked = |engine: &mut Engine<BoxSocket>| {
            let server = engine.part_mut::<Server>()?;
            server.request()?;
            Some(server.accept(Accept::new()))
        };
        let accepted = server.wait_for(asked).await;
        accepted.expect("a request").expect("accepted");
        server.open().await.expect("open");
    };
    let (opened, ()) = tokio::join!(client.open(), accepting);
    opened.expect("open");
    assert!(client.compression().is_some(), "compression is agreed");
    [Messages(client), Messages(server)]
}

fn yawc(io: TcpStream, role: yawc::Role, level: u8) -> impl Conn {
    let options =
        yawc::Options::default().with_compression_level(yawc::CompressionLevel::new(level.into()));
    let agreed = Some("permessage-deflate");
    let opened = yawc::WebSocket::from_stream_with_extensions(io, role, agreed, options);
    YawcConn(opened.expect("valid options"))
}

/// The size of a message, in bytes.
const SIZE: usize = 16 * 1024;

/// The number of different messages.
const DIFFERENT: usize = 256;
