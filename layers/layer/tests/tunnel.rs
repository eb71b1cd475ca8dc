//! What a handshake as straight-line code promises beyond the laws, which `wirestack-laws` checks.

use std::sync::Arc;
use wirestack_layer::Instant;
use wirestack_layer::{
    Blame, End, Error, Flow, Flows, Layer, LayerExt, Parsed, Pipe, Place, Progress, ReadError,
    Tunnel,
};

/// A layer and its flows.
struct Side<L> {
    layer: L,
    from_wire: Pipe,
    to_wire: Pipe,
    from_app: Pipe,
    to_app: Pipe,
}

impl<L: Layer<In = Pipe, Out = Pipe>> Side<L> {
    fn new(layer: L) -> Self {
        let [from_wire, to_wire, from_app, to_app] = <[Pipe; 4]>::default();
        Self {
            layer,
            from_wire,
            to_wire,
            from_app,
            to_app,
        }
    }

    fn process(&mut self) {
        let (wire, app) = (&mut self.from_wire, &mut self.from_app);
        let flows = Flows::new(wire, &mut self.to_wire, app, &mut self.to_app);
        self.layer.process(flows, Instant::ORIGIN);
    }

    fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        self.from_wire.write(bytes.as_ref());
        self.process();
    }

    fn sent(&mut self) -> String {
        taken(&mut self.to_wire)
    }

    fn delivered(&mut self) -> String {
        taken(&mut self.to_app)
    }

    /// The error that the application gets, if that is how it ended.
    fn error(&self) -> Option<&Error> {
        match self.to_app.closed()? {
            End::Aborted(error) => Some(error),
            End::Finished => None,
        }
    }
}

fn taken(pipe: &mut Pipe) -> String {
    let bytes = pipe.take(pipe.len());
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn client() -> Tunnel {
    Tunnel::new("password", async |wire| {
        wire.write("sesame\n").await;
        match wire.read_array("the answer").await? {
            [b'+', b'+'] => Ok(()),
            _ => Err(Error::peer("password", "refused")),
        }
    })
}

fn server() -> Tunnel {
    Tunnel::new("password", async |wire| {
        let password = wire.read_line(10, "the password").await?;
        wire.write("+").await;
        wire.write("+").await;
        wire.learn(format!("{} bytes", password.len()));
        Ok(())
    })
}

// --- splits, and what is behind ---

#[test]
fn bytes_behind_the_handshake_are_the_tunnels_wherever_it_is_split() {
    let all = b"++hello";
    for at in 0..=all.len() {
        let mut side = Side::new(client());
        side.from_app.write(b"early");
        side.receive(&all[..at]);
        side.receive(&all[at..]);
        assert_eq!(side.delivered(), "hello", "at {at}");
        assert_eq!(side.sent(), "sesame\nearly", "at {at}");
        assert!(side.layer.is_open() && side.layer.is_transparent());
        assert_eq!(side.layer.progress(), Progress::Open);
    }
    let mut side = Side::new(server());
    for byte in b"sesame\nhello" {
        side.receive([*byte]);
    }
    assert_eq!(side.sent(), "++");
    assert_eq!(side.delivered(), "hello");
    assert_eq!(side.layer.status().facts.to_string(), "6 bytes");
}

#[test]
fn a_line_ends_with_lf_or_cr_lf_and_has_a_cap() {
    let lines: [(&[u8], usize); 4] = [
        (b"\n", 0),
        (b"0123456789\n", 10),
        (b"012345678\r\n", 9),
        (b"\r\r\n", 1),
    ];
    for (line, length) in lines {
        let mut side = Side::new(server());
        side.receive(line);
        assert_eq!(
            side.layer.status().facts.to_string(),
            format!("{length} bytes")
        );
    }
    for line in [&b"0123456789X"[..], b"0123456789X\n", &[b'x'; 100]] {
        let mut side = Side::new(server());
        side.receive(line);
        let error = side.error().unwrap();
        let (awaited, most) = ("the password", 10);
        let cause = ReadError::LineTooLong { awaited, most };
        assert_eq!(error.cause(), Some(&cause));
        assert_eq!(error.blame(), Blame::Peer);
        let text = "password[0]: the password has more than 10 bytes without a line end";
        assert_eq!(error.to_string(), text);
    }
}

// --- what it waits for ---

#[test]
fn what_it_waits_for_is_known_and_asked_for() {
    let mut side = Side::new(client());
    assert_eq!(side.layer.progress(), Progress::Opening("its turn"));
    side.to_wire.set_limit(0);
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("its turn"));
    side.to_wire.set_limit(10);
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("the answer"));
    assert_eq!(side.from_wire.required(), 2);
    side.receive("+");
    assert_eq!(side.from_wire.wanted(), 1);

    // The pipe may change between two calls, as it does when a layer below leaves the path.
    side.from_wire = Pipe::with_limit(1);
    side.from_wire.write(b"+");
    side.process();
    assert_eq!(side.from_wire.required(), 2);
    side.receive("+");
    assert!(side.layer.is_open());
    assert_eq!(side.from_wire.required(), 0);
}

#[test]
fn nothing_is_written_or_read_without_room() {
    let mut side = Side::new(server());
    side.to_wire.set_limit(1);
    side.to_wire.write(b"full");
    side.receive("sesame\n");
    assert_eq!(side.from_wire.len(), 7);
    assert_eq!(side.sent(), "full");
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("room to write"));
    assert_eq!(side.sent(), "+");
    side.process();
    assert_eq!(side.sent(), "+");
    assert!(side.layer.is_open());
}

#[test]
fn a_parser_that_asks_for_what_it_has_is_given_more() {
    let layer = Tunnel::new("lazy", async |wire| {
        let all = wire.read_with("three bytes", |unread| {
            Ok::<_, &str>(match unread.len() {
                3 => Parsed::Complete(3, unread.to_vec()),
                _ => Parsed::Partial(0),
            })
        });
        assert_eq!(all.await?, b"abc");
        Ok(())
    });
    let mut side = Side::new(layer);
    for (byte, required) in [(b'a', 2), (b'b', 3), (b'c', 0)] {
        side.receive([byte]);
        assert_eq!(side.from_wire.required(), required);
    }
    assert!(side.layer.is_open());
}

// --- ends ---

#[test]
fn a_wire_that_ends_in_the_middle_is_an_error_that_names_what_was_awaited() {
    for seen in 0..2 {
        let mut side = Side::new(client());
        side.receive(&b"++"[..seen]);
        side.from_wire.finish();
        side.process();
        let error = side.error().unwrap();
        let awaited = "the answer";
        let cause = ReadError::Truncated { awaited, seen };
        assert_eq!(error.cause(), Some(&cause));
        assert_eq!(error.blame(), Blame::Peer);
        let text = format!("password[0]: the wire ended after {seen} bytes of the answer");
        assert_eq!(error.to_string(), text);
        assert_eq!(side.layer.progress(), Progress::Over);
        assert!(side.to_wire.is_closed() && side.from_wire.is_empty());
    }
    let mut side = Side::new(client());
    side.from_wire.write(b"++bye");
    side.from_wire.finish();
    side.process();
    assert_eq!(side.delivered(), "bye");
    assert!(matches!(side.to_app.end(), Some(End::Finished)));
}

#[test]
fn aborts_are_passed_on() {
    let reset = || Error::peer("socket", "reset").at(Place::Wire);
    for seen in 0..2 {
        let mut side = Side::new(client());
        side.receive(&b"++"[..seen]);
        side.from_wire.abort(reset());
        side.process();
        assert_eq!(side.error().unwrap().to_string(), "socket: reset");
        assert!(matches!(side.to_wire.closed(), Some(End::Finished)));
    }
    let mut side = Side::new(client());
    side.from_app
        .abort(Error::local("app", "enough").at(Place::App));
    side.process();
    assert_eq!(side.error().unwrap().to_string(), "app: enough");
    assert!(matches!(side.to_wire.closed(), Some(End::Aborted(_))));
    side.receive("++discarded");
    assert!(side.from_wire.is_empty());

    // What came before it is read; and it is heeded even where there is no room.
    let mut side = Side::new(client());
    side.from_wire.write(b"++bye");
    side.from_wire.abort(reset());
    side.process();
    assert_eq!(side.delivered(), "bye");
    assert_eq!(side.error().unwrap().to_string(), "socket: reset");
    let mut side = Side::new(client());
    side.to_wire.set_limit(0);
    side.from_wire.abort(reset());
    side.process();
    assert_eq!(side.layer.progress(), Progress::Over);
}

#[derive(Debug, PartialEq)]
struct Odd(u8);

impl std::fmt::Display for Odd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "saw {}, wanted an even number", self.0)
    }
}

impl std::error::Error for Odd {}

#[test]
fn an_error_of_the_parser_is_the_peers() {
    let layer = Tunnel::new("even", async |wire| {
        let parse = |unread: &[u8]| match unread.first() {
            Some(it) if it % 2 == 1 => Err(Odd(*it)),
            Some(it) => Ok(Parsed::Complete(1, *it)),
            None => Ok(Parsed::Partial(1)),
        };
        wire.read_with("a number", parse).await?;
        wire.write("?").await; // what it says before it fails goes out
        wire.read_with("a number", parse).await.map(|_| ())
    });
    let mut side = Side::new(layer);
    side.receive([2, 3]);
    assert_eq!(side.sent(), "?");
    let error = side.error().unwrap();
    assert_eq!(error.cause(), Some(&Odd(3)));
    assert_eq!(error.to_string(), "even[0]: saw 3, wanted an even number");
}

// --- decisions and state ---

fn asking() -> Tunnel {
    Tunnel::new("door", async |wire| {
        let answer = wire.decide("the guest", |state| state.pop()).await;
        wire.write([answer as u8]).await;
        Ok(())
    })
}

#[test]
fn a_decision_parks_the_layer_and_is_made_in_its_state() {
    let mut side = Side::new(asking());
    side.receive("parked");
    assert_eq!(side.layer.progress(), Progress::Deciding("the guest"));
    assert_eq!(side.from_wire.len(), 6);
    let layer: &mut (dyn Layer<In = Pipe, Out = Pipe> + 'static) = &mut side.layer;
    (*layer).part_mut::<Tunnel>().unwrap().state_mut().push('y');
    assert_eq!((*layer).part_mut::<String>().unwrap(), "y");
    assert!((*layer).nth_part::<String>(1).is_none() && (*layer).part_mut::<u8>().is_none());
    side.process();
    assert_eq!((&*side.sent(), &*side.delivered()), ("y", "parked"));
}

#[test]
fn an_abort_is_heeded_while_the_application_decides() {
    let mut side = Side::new(asking());
    side.process();
    side.from_wire.abort(Error::peer("socket", "reset"));
    side.process();
    assert_eq!(side.layer.progress(), Progress::Over);
}

// --- memory and threads ---

#[test]
fn the_memory_of_the_handshake_is_freed_when_it_is_open_or_over() {
    let secret = Arc::new("sesame");
    for answer in ["++", "--"] {
        let kept = secret.clone();
        let layer = Tunnel::new("password", async move |wire| {
            wire.write(*kept).await;
            match wire.read(2, "the answer").await?.as_ref() {
                b"++" => Ok(()),
                _ => Err(Error::peer("password", "refused")),
            }
        });
        let mut side = Side::new(layer);
        side.process();
        assert_eq!(Arc::strong_count(&secret), 2);
        side.receive(answer);
        assert_eq!(Arc::strong_count(&secret), 1);
    }
}

#[test]
#[allow(clippy::disallowed_methods)] // a thread, in a test
fn a_handshake_goes_on_in_another_thread() {
    let mut side = Side::new(client());
    side.receive("+");
    let there = std::thread::spawn(move || {
        side.receive("+");
        side
    });
    let mut side = there.join().unwrap();
    assert_eq!(side.sent(), "sesame\n");
    assert!(side.layer.is_open());
}

#[test]
fn a_handshake_may_drive_another_one() {
    let outer = Tunnel::new("outer", async |wire| {
        let mut inner = Side::new(client());
        inner.process();
        wire.write(inner.sent()).await;
        let answer = wire.read(2, "the answer").await?;
        inner.receive(answer);
        assert!(inner.layer.is_open());
        wire.learn("both");
        Ok(())
    });
    let mut side = Side::new(outer);
    side.receive("++");
    assert_eq!(
        (&*side.sent(), &*side.layer.status().facts.to_string()),
        ("sesame\n", "both")
    );
}
