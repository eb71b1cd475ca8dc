//! Both ends of a connection over loopback, on one thread: what is measured is the CPU time of
//! both together, with nothing gained from a second core.

use crate::contestant::{Conn, Peer};
use crate::net::Net;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// The work of one end with its connection.
pub(crate) trait Job: Send + 'static {
    /// Its result.
    type Out: Send + 'static;
    /// Does it.
    fn run(self, conn: impl Conn) -> impl Future<Output = Self::Out> + Send;
}

/// Runs a client and a server against each other, and returns what came of the client.
pub(crate) fn both_ends<P: Peer, C: Job, S: Job>(net: Net, size: usize, c: C, s: S) -> C::Out {
    runtime().block_on(async {
        let [opened, accepted] = connected().await;
        let server = tokio::spawn(server::<P, S>(net, accepted, size, s));
        let out = client::<P, C>(net, opened, size, c).await;
        server.await.expect("a server that ended well");
        out
    })
}

/// Opens a TCP connection: the client's end and the server's.
pub(crate) async fn connected() -> [TcpStream; 2] {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let (opened, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    [opened.expect("connected"), accepted.expect("accepted").0]
}

/// Runs the client's end.
pub(crate) async fn client<P: Peer, J: Job>(
    net: Net,
    io: TcpStream,
    size: usize,
    job: J,
) -> J::Out {
    io.set_nodelay(true).expect("no delay");
    match net {
        Net::Tcp => job.run(P::client(io, size)).await,
        Net::Tls => job.run(P::tls_client(io, size).await).await,
    }
}

/// Runs the server's end.
pub(crate) async fn server<P: Peer, J: Job>(
    net: Net,
    io: TcpStream,
    size: usize,
    job: J,
) -> J::Out {
    io.set_nodelay(true).expect("no delay");
    match net {
        Net::Tcp => job.run(P::server(io, size)).await,
        Net::Tls => job.run(P::tls_server(io, size).await).await,
    }
}

/// Makes a runtime on this thread alone.
pub(crate) fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}
