//! One program on every runtime, and the use of more than one runtime together.

mod foreign;
mod lacking;
#[cfg(unix)]
mod options;
mod own;
mod program;

use program::program;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wirestack::runtime::{Listener, Runtime, Tokio, current};
use wirestack::websocket::{Client, WebSocketConfig};
use wirestack::{Connect, DialContext, Engine, Seed, blocking, connect};

#[test]
fn the_program_runs_on_tokio_with_many_threads() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    tokio.block_on(program(On::default()));
}

#[test]
fn the_program_runs_on_tokio_with_one_thread() {
    let tokio = tokio::runtime::Builder::new_current_thread();
    let tokio = { tokio }.enable_all().build().unwrap();
    tokio.block_on(program(On::default()));
}

#[test]
fn the_program_runs_on_smol() {
    smol::block_on(program(On::default()));
}

#[test]
fn the_program_runs_on_threads() {
    blocking::block_on(program(On::default()));
}

#[test]
fn the_program_runs_on_a_runtime_of_ones_own() {
    let own = Arc::new(own::Own::default());
    smol::block_on(program(On(Some(own.clone()))));
    for count in [&own.timers, &own.tasks, &own.sockets] {
        assert!(count.load(Ordering::Relaxed) > 0);
    }
}

#[test]
fn the_program_runs_on_a_named_tokio_while_others_await_it() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let on = On(Some(Arc::new(Tokio::new(tokio.handle().clone()))));
    smol::block_on(program(on.clone()));
    blocking::block_on(program(on));
}

#[test]
fn the_innermost_runtime_is_found() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let name = || format!("{:?}", current().unwrap());
    assert_eq!(name(), "Smol");
    assert_eq!(tokio.block_on(async { name() }), "Tokio");
    assert_eq!(blocking::block_on(async { name() }), "Threads");
    let inside = blocking::block_on(async { tokio.block_on(async { name() }) });
    assert_eq!(inside, "Tokio");
    let inside = tokio.block_on(async {
        let inside = tokio::task::spawn_blocking(move || blocking::block_on(async { name() }));
        inside.await.unwrap()
    });
    assert_eq!(inside, "Threads");
}

/// The runtime of the program: named, or found where it is needed.
#[derive(Clone, Default)]
struct On(Option<Arc<dyn Runtime>>);

impl On {
    fn runtime(&self) -> Arc<dyn Runtime> {
        self.0.clone().unwrap_or_else(|| current().unwrap())
    }

    fn context(&self) -> DialContext {
        let context = DialContext::new();
        match &self.0 {
            Some(runtime) => context.runtime(runtime.clone()),
            None => context,
        }
    }

    fn connect(&self, url: &str) -> Connect {
        connect(url).context(self.context()).direct()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime().spawn(Box::pin(task));
    }

    fn listen(&self) -> (Listener, SocketAddr) {
        let listener = Listener::bind_on(self.runtime(), (Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }
}

fn pair() -> (TcpStream, TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let a = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (a, listener.accept().unwrap().0)
}

fn engine() -> Engine<Client> {
    Engine::new(Client::established(
        WebSocketConfig::default(),
        Seed::new([7; 32]),
    ))
}
