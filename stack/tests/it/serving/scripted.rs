//! A listener that fails as the system does.

use super::{client, echoing, talk};
use smol::Async;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use wirestack::runtime::{
    AsyncListener, AsyncTimer, BoxFuture, Listener, Runtime, Smol, Transport,
};
use wirestack::websocket::CloseCode;
use wirestack::{Instant, serve};

/// The result of one call of `accept`: an error, or what the system says.
#[derive(Debug)]
enum Step {
    Fails(io::Error),
    Accepts,
}

/// Smol, with listeners that follow a script.
#[derive(Debug)]
struct Troubled(Mutex<VecDeque<Step>>);

impl Runtime for Troubled {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Smol.new_timer(at)
    }

    fn spawn(&self, task: BoxFuture<()>) {
        Smol.spawn(task);
    }

    fn connect_tcp(&self, to: SocketAddr) -> BoxFuture<io::Result<Box<dyn Transport>>> {
        Smol.connect_tcp(to)
    }

    fn wrap_listener(&self, io: std::net::TcpListener) -> io::Result<Box<dyn AsyncListener>> {
        Ok(Box::new(Scripted {
            listener: Async::new(io)?,
            script: std::mem::take(&mut self.0.lock().unwrap()),
        }))
    }
}

#[derive(Debug)]
struct Scripted {
    listener: Async<std::net::TcpListener>,
    script: VecDeque<Step>,
}

impl AsyncListener for Scripted {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(Box<dyn Transport>, SocketAddr)>> {
        if let Some(Step::Fails(_)) = self.script.front()
            && let Some(Step::Fails(error)) = self.script.pop_front()
        {
            return Poll::Ready(Err(error));
        }
        let accepted = AsyncListener::poll_accept(&mut self.listener, cx);
        if accepted.is_ready() {
            self.script.pop_front();
        }
        accepted
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.get_ref().local_addr()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn pitfall_60_errors_that_pass_end_no_server_and_a_dead_listener_does() {
    let fails = |code| Step::Fails(io::Error::from_raw_os_error(code));
    // ECONNABORTED, EPROTO, EINTR, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENETDOWN, EPERM
    let passing = || [103, 71, 4, 24, 23, 105, 12, 100, 1].map(fails);
    let mut script = VecDeque::from(passing());
    for _ in 0..3 {
        script.push_back(Step::Accepts);
        script.extend(passing());
    }
    script.push_back(fails(9)); // EBADF
    let runtime = Arc::new(Troubled(Mutex::new(script)));
    let listener = Listener::bind_on(runtime, (Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let reported = Arc::new(Mutex::new(0));
    let count = reported.clone();
    let server = serve(listener, echoing());
    let server = server.on_accept_error(move |_| *count.lock().unwrap() += 1);
    smol::block_on(async {
        let serving = smol::spawn(server.into_future());
        for _ in 0..3 {
            let mut socket = client(&url).http1_only().await.unwrap();
            talk(&mut socket, "hello").await;
            socket.close(CloseCode::NORMAL, "").await.unwrap();
        }
        let dead = serving.await.unwrap_err();
        assert_eq!(dead.raw_os_error(), Some(9));
    });
    assert_eq!(*reported.lock().unwrap(), 4 * 9 + 1);
}
