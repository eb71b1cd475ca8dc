//! The layers, each in several cases.

pub(crate) mod connect;
pub(crate) mod http2;
pub(crate) mod nest;
pub(crate) mod proxy_header;
pub(crate) mod socks;
mod streams;
pub(crate) mod tls;
pub(crate) mod upgrade;
pub(crate) mod websocket;

use wirestack_laws::fuzz::{Script, Stranger, conversation, seeds};
use wirestack_laws::{Subject, Traffic};
use wirestack_layer::{Pipe, Queue};
use wirestack_websocket::{Message, Part};

/// A layer in one case: its subject, and the form in which a stranger speaks to it.
pub(crate) struct Case {
    subject: AnySubject,
    speech: fn(&[u8], bool) -> Vec<u8>,
    compared: Compared,
    greeting: usize,
}

/// The sides whose outcomes are compared for other cuts: see [`Stranger::without_comparison`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    Both,
    Server,
    Neither,
}

enum AnySubject {
    Bytes(Subject<Pipe>),
    Messages(Subject<Queue<Message>>),
    Parts(Subject<Queue<Part>>),
}

impl Case {
    /// Makes a case whose stranger sends bytes as they are.
    fn bytes(subject: Subject<Pipe>) -> Self {
        Self {
            subject: AnySubject::Bytes(subject),
            speech: |bytes, _| bytes.to_vec(),
            compared: Compared::Both,
            greeting: 0,
        }
    }

    fn messages(subject: Subject<Queue<Message>>) -> Self {
        Self {
            subject: AnySubject::Messages(subject),
            speech: |bytes, _| bytes.to_vec(),
            compared: Compared::Both,
            greeting: 0,
        }
    }

    fn parts(subject: Subject<Queue<Part>>) -> Self {
        Self {
            subject: AnySubject::Parts(subject),
            speech: |bytes, _| bytes.to_vec(),
            compared: Compared::Both,
            greeting: 0,
        }
    }

    /// Lets this function make the stranger's bytes from those of the script. It gets `true` if the
    /// stranger is a server.
    fn speaking(self, speech: fn(&[u8], bool) -> Vec<u8>) -> Self {
        Self { speech, ..self }
    }

    /// Leaves the comparison of strangers out.
    fn uncompared(self) -> Self {
        Self {
            compared: Compared::Neither,
            ..self
        }
    }

    /// Compares what a server hears of strangers, and not what a client does.
    fn compared_as_server(self) -> Self {
        Self {
            compared: Compared::Server,
            ..self
        }
    }

    /// Lets a stranger who is a server say so many bytes first: see [`Stranger::greeting`].
    fn greeting(self, bytes: usize) -> Self {
        Self {
            greeting: bytes,
            ..self
        }
    }

    /// Runs the script.
    pub(crate) fn run(&self, script: &mut Script<'_>) {
        match &self.subject {
            AnySubject::Bytes(subject) => self.run_on(subject, script),
            AnySubject::Messages(subject) => self.run_on(subject, script),
            AnySubject::Parts(subject) => self.run_on(subject, script),
        }
    }

    fn run_on<F: Traffic>(&self, subject: &Subject<F>, script: &mut Script<'_>) {
        if script.flag() {
            let mut stranger = Stranger::new(script);
            let is_compared = match self.compared {
                Compared::Both => true,
                Compared::Server => !stranger.is_server(),
                Compared::Neither => false,
            };
            if !is_compared {
                stranger = stranger.without_comparison();
            }
            if stranger.is_server() {
                stranger = stranger.greeting(self.greeting);
            }
            let bytes = (self.speech)(script.rest(), stranger.is_server());
            stranger.speak(subject, &bytes);
        } else {
            conversation(subject, script);
        }
    }

    /// Returns scripts to start from.
    pub(crate) fn seeds(&self) -> Vec<Vec<u8>> {
        match &self.subject {
            AnySubject::Bytes(subject) => seeds(subject),
            AnySubject::Messages(subject) => seeds(subject),
            AnySubject::Parts(subject) => seeds(subject),
        }
    }
}
