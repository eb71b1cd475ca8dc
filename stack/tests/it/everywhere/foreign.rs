//! Sockets and traits of one executor, used on another.

use super::program::serve_websockets;
use super::{On, engine, pair};
use futures_util::StreamExt;
use smol::io::AsyncWriteExt;
use std::net::TcpStream;
use wirestack::websocket::Message;
use wirestack::{Connection, blocking, connect_stream};

#[test]
fn a_socket_of_the_standard_library_works_on_every_runtime() {
    async fn talk() {
        let (a, mut b) = pair();
        let mut client = Connection::from_transport(a, engine()).unwrap();
        std::io::Write::write_all(&mut b, MESSAGE).unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary("x"));
    }
    tokio::runtime::Runtime::new().unwrap().block_on(talk());
    smol::block_on(talk());
    blocking::block_on(talk());
}

#[test]
fn sockets_of_one_executor_work_on_another_while_theirs_lives() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let of_tokio = || {
        let (a, b) = pair();
        a.set_nonblocking(true).unwrap();
        let _entered = tokio.enter();
        (tokio::net::TcpStream::from_std(a).unwrap(), b)
    };
    let of_smol = || {
        let (a, b) = pair();
        (smol::net::TcpStream::try_from(a).unwrap(), b)
    };
    async fn talk(io: impl wirestack::runtime::IntoTransport, mut peer: TcpStream) {
        let mut client = Connection::from_transport(io, engine()).unwrap();
        let pending = futures_util::FutureExt::now_or_never(client.next());
        assert!(pending.is_none());
        std::io::Write::write_all(&mut peer, MESSAGE).unwrap();
        assert_eq!(client.next().await.unwrap().unwrap(), Message::binary("x"));
    }
    let (io, peer) = of_tokio();
    smol::block_on(talk(io, peer));
    let (io, peer) = of_tokio();
    blocking::block_on(talk(io, peer));
    let (io, peer) = of_smol();
    tokio.block_on(talk(io, peer));
    let (io, peer) = of_smol();
    blocking::block_on(talk(io, peer));
}

#[test]
fn connections_have_the_io_traits_of_every_runtime() {
    async fn talk(on: On) {
        let url = serve_websockets(&on);
        let socket = on.connect(&url).await.unwrap();
        let (mut sink, mut stream) = socket.split();
        futures_util::SinkExt::send(&mut sink, Message::text("x"))
            .await
            .unwrap();
        assert_eq!(
            StreamExt::next(&mut stream).await.unwrap().unwrap(),
            Message::text("x")
        );

        let mut stream = connect_stream(url.replace("ws:", "http:"))
            .direct()
            .context(on.context())
            .await
            .unwrap();
        stream.write_all(b"x\r\n\r\n").await.unwrap();
        let mut answer = [0; 9];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut answer)
            .await
            .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 ");
    }
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(talk(On::default()));
    smol::block_on(talk(On::default()));
    blocking::block_on(talk(On::default()));
}

/// An unmasked message of one byte.
const MESSAGE: &[u8] = b"\x82\x01x";
