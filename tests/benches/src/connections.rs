//! Many connections at once: a message goes there and back on each of them in turn.

use crate::contestant::{Conn, Peer};
use crate::echo::Echoer;
use crate::files::allow_many_files;
use crate::loopback::{Job, runtime};
use crate::payload::payload;
use tokio::net::{TcpListener, TcpStream};

/// Opens so many connections, and echoes so many messages.
pub(crate) fn echo<P: Peer>(connections: usize, messages: usize) {
    allow_many_files();
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let mut clients = Vec::new();
        for _ in 0..connections {
            let (opened, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            let (opened, (accepted, _)) = (opened.expect("connected"), accepted.expect("accepted"));
            for end in [&opened, &accepted] {
                end.set_nodelay(true).expect("no delay");
            }
            // Closed by a reset: no port waits behind.
            accepted.set_zero_linger().expect("no lingering");
            tokio::spawn(Echoer.run(P::server(accepted, SIZE)));
            clients.push(P::client(opened, SIZE));
        }
        take_turns(&mut clients, messages).await;
    });
}

/// Echoes a message on each connection, and then so many messages that count, one after the other.
pub(crate) async fn take_turns(clients: &mut [impl Conn], messages: usize) {
    let message = payload(SIZE);
    let all = clients.len();
    for at in (0..all).chain((0..messages).map(|n| n % all)) {
        clients[at].send(message.clone()).await;
        assert_eq!(clients[at].receive().await, SIZE);
    }
}

/// The size of a message, in bytes.
const SIZE: usize = 125;
