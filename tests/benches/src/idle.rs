//! Memory: what an idle connection costs, as the growth of each process's resident set.
//!
//! Each measurement has two fresh processes, as memory that was used and given back would hide what
//! is used next: a server, which starts its client. The client opens some connections to warm up,
//! then those that count; on each, one message goes there and back.

use crate::contestant::{Conn, Peer};
use crate::echo::Echoer;
use crate::files::allow_many_files;
use crate::loopback::{self, Job, runtime};
use crate::net::Net;
use crate::payload::payload;
use crate::tls;
use rustix::param::page_size;
use std::env::current_exe;
use std::fs::read_to_string;
use std::process::{Command, Stdio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// Returns the bytes that a connection costs the server or the client, whichever is more.
pub(crate) fn run(contestant: &str, net: Net, connections: usize) -> f64 {
    let output = this_program()
        .args([SERVER, contestant, net.name(), &connections.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("a server process");
    assert!(output.status.success(), "a server process that ended well");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace()
        .map(|n| n.parse().expect("a number"))
        .fold(0.0, f64::max)
}

/// The server's and the client's part of a contestant.
pub(crate) type Parts = (fn(Net, usize), fn(Net, usize, u16));

/// Plays the part of the server or the client if the arguments say that this process is one.
pub(crate) fn child(arguments: &[&str], named: impl Fn(&str) -> Option<Parts>) -> Option<()> {
    let [part, name, net, connections, rest @ ..] = arguments else {
        return None;
    };
    let (server, client) = named(name)?;
    let net = Net::named(net)?;
    let connections = connections.parse().ok()?;
    match (*part, rest) {
        (SERVER, []) => server(net, connections),
        (CLIENT, [port, certificate]) => {
            tls::trust(certificate.to_string());
            client(net, connections, port.parse().ok()?);
        }
        _ => return None,
    }
    Some(())
}

/// The server: starts the client, whose first connection is for control, and prints both results.
pub(crate) fn server<P: Peer>(net: Net, connections: usize) {
    allow_many_files();
    runtime().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let mut client = this_program()
            .args([CLIENT, P::NAME, net.name(), &connections.to_string()])
            .args([&port.to_string(), tls::certificate()])
            .spawn()
            .expect("a client process");
        let (mut control, _) = listener.accept().await.expect("control");
        tokio::spawn(async move {
            loop {
                let (io, _) = listener.accept().await.expect("accepted");
                tokio::spawn(loopback::server::<P, _>(net, io, SIZE, Echoer));
            }
        });
        control.read_u8().await.expect("warmed up");
        let before = resident();
        control.write_u8(0).await.expect("go on");
        let clients = control.read_u64().await.expect("the client's growth");
        let servers = resident().saturating_sub(before);
        let each = |growth: u64| growth as f64 / connections as f64;
        println!("{} {}", each(servers), each(clients));
        drop(control);
        client.wait().expect("the client's end");
    });
}

/// The client: opens the connections and stays until the server has measured.
pub(crate) fn client<P: Peer>(net: Net, connections: usize, port: u16) {
    allow_many_files();
    let connect = || async move {
        let io = TcpStream::connect(("127.0.0.1", port)).await;
        io.expect("connected")
    };
    let open = async |connections| {
        for _ in 0..connections {
            let (opened, open) = oneshot::channel();
            tokio::spawn(loopback::client::<P, _>(
                net,
                connect().await,
                SIZE,
                Idler(opened),
            ));
            open.await.expect("open");
        }
    };
    runtime().block_on(async {
        let mut control = connect().await;
        open(WARM_UP).await;
        control.write_u8(0).await.expect("warmed up");
        control.read_u8().await.expect("go on");
        let before = resident();
        open(connections).await;
        let growth = resident().saturating_sub(before);
        control.write_u64(growth).await.expect("reported");
        let _ = control.read_u8().await; // ends when the server has measured
    });
}

/// The end that exchanges one message and says so, then waits for a second one in vain.
struct Idler(oneshot::Sender<()>);

impl Job for Idler {
    type Out = ();
    async fn run(self, mut conn: impl Conn) {
        conn.send(payload(SIZE)).await;
        conn.receive().await;
        self.0.send(()).expect("somebody waits");
        conn.receive().await;
    }
}

fn this_program() -> Command {
    Command::new(current_exe().expect("this program"))
}

/// Returns the resident set of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let statm = read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).and_then(|n| n.parse().ok());
    pages.unwrap_or(0) * page_size() as u64
}

/// The size of the one message, in bytes.
const SIZE: usize = 125;

/// Connections that do not count.
const WARM_UP: usize = 50;

const SERVER: &str = "memory-server";
const CLIENT: &str = "memory-client";
