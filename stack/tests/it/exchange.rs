//! Messages of an authenticator to another server, without a callback: over TCP, as Kerberos has
//! them.

use bytes::Bytes;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::io::{DuplexStream, duplex};
use wirestack::auth::{Action, Authenticator, Awaiting, Input};
use wirestack::dial::Hop;
use wirestack::runtime::{
    AddressStream, AsyncTimer, BoxFuture, Resolve, Runtime, TokioTransport, Transport, current,
};
use wirestack::{DialContext, Instant, connect_stream};

/// Runs a program on every runtime that there is.
macro_rules! everywhere {
    ($program:expr) => {
        let tokio = tokio::runtime::Runtime::new().unwrap();
        tokio.block_on($program);
        #[cfg(feature = "smol")]
        smol::block_on($program);
        #[cfg(feature = "blocking")]
        wirestack::blocking::block_on($program);
    };
}

#[test]
fn a_message_and_its_reply_have_their_lengths_before_them_on_every_runtime() {
    everywhere!(async {
        let url = serve(|mut peer| {
            let mut message = [0; 11];
            peer.read_exact(&mut message).unwrap();
            assert_eq!(message, *b"\0\0\0\x07ticket?");
            for piece in [&b"\0\0"[..], b"\0\x04ye", b"s!", b"behind it"] {
                peer.write_all(piece).unwrap();
            }
        });
        assert_eq!(exchanged(&url).await, "a reply: yes!");
    });
}

#[test]
fn a_large_reply_is_read_and_a_larger_one_is_not_waited_for() {
    everywhere!(async {
        for (length, wanted) in [
            (1024 * 1024, "a reply of 1048576 bytes"),
            (
                1024 * 1024 + 1,
                "its reply claims 1048577 bytes, and 1048576 are the most: is this a Kerberos \
                 server?",
            ),
            (
                u32::MAX,
                "its reply claims 4294967295 bytes, and 1048576 are the most: is this a Kerberos \
                 server?",
            ),
        ] {
            let url = serve(move |mut peer| {
                peer.read_exact(&mut [0; 11]).unwrap();
                let _ = peer.write_all(&length.to_be_bytes());
                let _ = peer.write_all(&vec![b'x'; 1024 * 1024]); // it may be refused before
            });
            assert_eq!(exchanged(&url).await, wanted);
        }
    });
}

#[test]
fn a_server_that_ends_too_early_is_told_from_one_that_is_not_there() {
    everywhere!(async {
        let early =
            "it closed the connection after 2 bytes, in the middle of its reply or before it";
        let url = serve(|mut peer| {
            peer.read_exact(&mut [0; 11]).unwrap();
            peer.write_all(b"\0\0\0\x04ye").unwrap();
            peer.shutdown(Shutdown::Write).unwrap();
        });
        assert_eq!(exchanged(&url).await, early);
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = closed.local_addr().unwrap();
        drop(closed);
        let text = exchanged(&format!("tcp://{address}")).await;
        assert!(text.starts_with("not reached: "), "{text}");
        let empty = serve(|peer| drop(peer.shutdown(Shutdown::Both)));
        let text = exchanged(&empty).await;
        let broken = text.starts_with("the connection broke: ");
        assert!(
            broken || text.starts_with("it closed the connection after 0"),
            "{text}"
        );
    });
}

#[test]
fn other_urls_are_left_to_a_callback() {
    everywhere!(async {
        for url in [
            "https://kdc.test/KdcProxy",
            "tcp://kdc.test",
            "kdc.test:88",
            "tcp://u:p@a:1",
        ] {
            let text = exchanged(url).await;
            let wanted = format!(
                "\"{url}\" is not fetched here, tcp://host:port is: set `DialContext::exchange` for \
                 others"
            );
            assert_eq!(text, wanted);
        }
    });
}

/// The resolver of the context looks the name up, and a server behind its second address answers.
#[test]
fn the_name_is_looked_up_and_each_address_is_tried() {
    everywhere!(async {
        let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut names = Names(vec![closed.local_addr().unwrap()]);
        drop(closed);
        let url = serve(|mut peer| {
            peer.read_exact(&mut [0; 11]).unwrap();
            peer.write_all(b"\0\0\0\0").unwrap();
        });
        names
            .0
            .push(url.strip_prefix("tcp://").unwrap().parse().unwrap());
        let context = DialContext::new().resolver(names);
        assert_eq!(
            exchanged_by(context, "tcp://kdc.test:88").await,
            "a reply: "
        );
        let context = DialContext::new().resolver(Names(Vec::new()));
        let text = exchanged_by(context, "tcp://kdc.test:88").await;
        assert_eq!(text, "its name has no address");
    });
}

/// On streams in memory, where a paused clock jumps to the next timer.
#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up_after_four_seconds() {
    let silent = Silent {
        inner: current().unwrap(),
        far: Mutex::default(),
    };
    let context = DialContext::new().runtime(Arc::new(silent));
    let start = tokio::time::Instant::now();
    let text = exchanged_by(context, "tcp://192.0.2.1:88").await;
    assert_eq!(text, "no whole reply within 4 s");
    assert_eq!(start.elapsed().as_secs(), 4);
}

/// On the first of two addresses, no connection opens.
#[tokio::test(start_paused = true)]
async fn an_address_that_does_not_answer_leaves_time_for_the_next_one() {
    let silent = Silent {
        inner: current().unwrap(),
        far: Mutex::default(),
    };
    let names = Names(vec![DEAD, "192.0.2.1:88".parse().unwrap()]);
    let context = DialContext::new().runtime(Arc::new(silent)).resolver(names);
    let start = tokio::time::Instant::now();
    let text = exchanged_by(context, "tcp://kdc.test:88").await;
    assert_eq!(text, "no whole reply within 4 s");
    assert_eq!(start.elapsed().as_secs(), 4);
}

/// A runtime whose connections are streams in memory, at the far end of which nobody is.
#[derive(Debug)]
struct Silent {
    inner: Arc<dyn Runtime>,
    far: Mutex<Vec<DuplexStream>>,
}

/// The address at which no connection opens.
const DEAD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99)), 88);

impl Runtime for Silent {
    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        self.inner.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        self.inner.spawn(task);
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        if to == DEAD {
            return Box::pin(std::future::pending());
        }
        let (near, far) = duplex(1024);
        self.far.lock().unwrap().push(far);
        Box::pin(async move { Ok(Box::new(TokioTransport::new(near)) as _) })
    }

    fn lookup(&self, host: String, port: u16) -> AddressStream {
        let found = format!("{host}:{port}").parse().into_iter().collect();
        Box::pin(futures_util::stream::once(async { Ok(found) }))
    }
}

/// Starts a server for one connection, and returns its URL.
fn serve(talk: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (peer, _) = listener.accept().unwrap();
        talk(peer);
    });
    format!("tcp://{address}")
}

/// Dials through a proxy whose authenticator asks this server, and returns what became of that.
async fn exchanged(url: &str) -> String {
    exchanged_by(DialContext::new(), url).await
}

async fn exchanged_by(context: DialContext, url: &str) -> String {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let hop = format!("http://{}", proxy.local_addr().unwrap());
    let hop: Hop = hop.parse().unwrap();
    let url = url.to_owned();
    let hop = hop.authenticator(move |_| Box::new(Asking { url: url.clone() }));
    let dialing = connect_stream("tcp://192.0.2.1:1").via(hop);
    let failed = dialing.context(context).await.expect_err("it gives up");
    let text = failed.to_string();
    let (_, text) = text.split_once("ended with ").expect(&text);
    text.to_owned()
}

/// Asks a server before its first request, and gives up with the result.
struct Asking {
    url: String,
}

impl Authenticator for Asking {
    fn step(&mut self, input: Input<'_>) -> Action {
        match input {
            Input::Awaiting(Awaiting::Request) => Action::Fetch {
                url: self.url.clone(),
                data: Bytes::from("ticket?"),
            },
            Input::Reply(Ok(reply)) if reply.len() < 100 => {
                let reply = String::from_utf8_lossy(&reply);
                Action::GiveUp(format!("ended with a reply: {reply}"))
            }
            Input::Reply(Ok(reply)) => {
                Action::GiveUp(format!("ended with a reply of {} bytes", reply.len()))
            }
            Input::Reply(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                Action::GiveUp(format!("ended with {}", cause.unwrap_or_default()))
            }
            _ => Action::Authorize(None),
        }
    }
}

/// The addresses of every name.
struct Names(Vec<SocketAddr>);

impl Resolve for Names {
    fn resolve(&self, _: String, _: u16) -> AddressStream {
        let found = self.0.clone();
        Box::pin(futures_util::stream::once(async { Ok(found) }))
    }
}
