//! More clients than file descriptors.

use super::{client, echoing, talk};
use futures_util::future::join_all;
use std::io::{BufRead, BufReader, Lines};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use wirestack::runtime::{Listener, Runtime, Smol, Threads, Tokio};
use wirestack::websocket::CloseCode;
use wirestack::{blocking, serve};

/// The number of file descriptors of the server.
const DESCRIPTORS: usize = 64;

/// This test program once more, as a server with few file descriptors. It ends with its value.
struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Server {
    fn start(runtime: &str) -> (Self, SocketAddr) {
        let mut child = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\""),
            ])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "serving::flood::the_server_of_the_flood"])
            .args(["--ignored", "--nocapture"])
            .env(RUNTIME, runtime)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, lines };
        let address = server.wait_for("listening on ");
        (server, address.parse().unwrap())
    }

    /// Waits for a line that contains this text, and returns the rest behind it.
    fn wait_for(&mut self, text: &str) -> String {
        for line in &mut self.lines {
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once(text) {
                return rest.to_owned();
            }
        }
        panic!("the server has ended without saying {text:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn pitfall_60_a_server_without_file_descriptors_serves_again_when_it_has_some() {
    for runtime in ["tokio", "smol", "threads"] {
        let (mut server, address) = Server::start(runtime);
        let url = format!("ws://{address}/");
        smol::block_on(async {
            let mut first = Vec::new();
            for _ in 0..10 {
                let mut socket = client(&url).http1_only().await.unwrap();
                talk(&mut socket, "before").await;
                first.push(socket);
            }
            let connect = |_| TcpStream::connect(address).unwrap();
            let flood: Vec<_> = (0..DESCRIPTORS + 30).map(connect).collect();
            server.wait_for("cannot accept: Too many open files");
            for socket in &mut first {
                talk(socket, "in the flood").await;
            }
            drop((flood, first));
            // All come at once again, and each is served, as all of them leave.
            join_all((0..2 * DESCRIPTORS).map(|_| async {
                let mut socket = client(&url).http1_only().await.unwrap();
                talk(&mut socket, "after").await;
                socket.close(CloseCode::NORMAL, "").await.unwrap();
            }))
            .await;
        });
    }
}

#[test]
#[ignore = "the other test starts it, in a process with few file descriptors"]
fn the_server_of_the_flood() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let runtime: Arc<dyn Runtime> = match &*std::env::var(RUNTIME).unwrap() {
        "tokio" => Arc::new(Tokio::new(tokio.handle().clone())),
        "smol" => Arc::new(Smol),
        _ => Arc::new(Threads),
    };
    let listener = Listener::bind_on(runtime, (Ipv4Addr::LOCALHOST, 0)).unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let server = serve(listener, echoing());
    let server = server.on_accept_error(|error| println!("cannot accept: {error}"));
    blocking::block_on(server.into_future()).unwrap();
}

/// The variable with the name of the server's runtime.
const RUNTIME: &str = "WIRESTACK_TEST_RUNTIME";
