//! Handshakes written as straight-line code keep the laws, and those with a fault are caught.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wirestack_laws::{Law, Subject, check};
use wirestack_layer::Instant;
use wirestack_layer::{Error, Flows, Layer, LayerExt, Parsed, Pipe, Progress, Status, Tunnel};

// --- a password: both sides ---

fn client(password: &'static str) -> Tunnel {
    Tunnel::new("password", async move |wire| {
        wire.write("HELLO\n").await;
        wire.write(format!("{password}\n")).await;
        match wire.read_array("the answer").await? {
            [b'+'] => Ok(()),
            [other] => Err(Error::peer(
                "password",
                format!("saw {other:#04x}, wanted +"),
            )),
        }
    })
}

fn server() -> Tunnel {
    Tunnel::new("password", async |wire| {
        let hello = wire.read_line(5, "the greeting").await?;
        let right = wire.read_line(64, "the password").await? == "sesame" && hello == "HELLO";
        wire.write(if right { "+" } else { "-" }).await;
        wire.learn(if right { "by password" } else { "" });
        if right {
            Ok(())
        } else {
            Err(Error::peer("password", "a wrong password"))
        }
    })
}

fn password<C, S>(
    client: impl Fn() -> C + 'static,
    server: impl Fn() -> S + 'static,
) -> Subject<Pipe>
where
    C: Layer<In = Pipe, Out = Pipe> + 'static,
    S: Layer<In = Pipe, Out = Pipe> + 'static,
{
    let subject = Subject::tunnel("password", client, server);
    subject.same_bytes().unit(8).memory(128)
}

#[test]
fn a_password_keeps_every_law() {
    check(&password(|| client("sesame"), server));
}

#[test]
fn a_wrong_password_keeps_every_law() {
    check(&password(|| client("wrong"), server).refused());
}

#[test]
fn a_boxed_password_keeps_every_law() {
    let client = || -> Box<dyn Layer<In = Pipe, Out = Pipe>> { Box::new(client("sesame")) };
    check(&password(client, server).samples(50).largest(100_000));
}

// --- a door that the application opens ---

/// The state that the layer and its application share: the name of the guest, and the decision.
#[derive(Default)]
struct Door {
    guest: Option<Vec<u8>>,
    opens: Option<bool>,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.guest)
    }
}

fn guest(name: &'static str) -> Tunnel {
    Tunnel::new("door", async move |wire| {
        wire.fill(|to| to.extend_from_slice(&[&[name.len() as u8], name.as_bytes()].concat()))
            .await;
        let answer = wire.read(2, "the answer").await?;
        if answer == "ok" {
            Ok(())
        } else {
            Err(Error::peer("door", "turned away"))
        }
    })
}

fn keeper() -> Tunnel<Door> {
    Tunnel::with_state("door", Door::default(), async |wire| {
        let counted = wire.read_with("the guest", |unread| {
            let Some((n, rest)) = unread.split_first() else {
                return Ok(Parsed::Partial(1));
            };
            match rest.get(..(*n).into()) {
                _ if *n == 0 => Err("a guest without a name"),
                Some(name) => Ok(Parsed::Complete(1 + name.len(), name.to_vec())),
                None => Ok(Parsed::Partial(1 + usize::from(*n))),
            }
        });
        let name = counted.await?;
        wire.state(|door| door.guest = Some(name));
        let opens = wire.decide("the guest", |door| door.opens).await;
        wire.write(if opens { "ok" } else { "no" }).await;
        if opens {
            Ok(())
        } else {
            Err(Error::local("door", "the door stays shut"))
        }
    })
}

fn door(opens: bool) -> Subject<Pipe> {
    Subject::tunnel("door", || guest("Alice"), keeper)
        .deciding(move |layer| match layer.part_mut::<Door>() {
            Some(door) if door.guest.is_some() && door.opens.is_none() => {
                door.opens = Some(opens);
                true
            }
            _ => false,
        })
        .same_bytes()
        .memory(256)
}

#[test]
fn a_decision_keeps_every_law() {
    check(&door(true));
}

#[test]
fn a_decision_against_it_keeps_every_law() {
    check(&door(false).refused());
}

// --- mutants ---

#[test]
fn one_byte_too_many_is_caught() {
    let greedy = || {
        Tunnel::new("password", async |wire| {
            wire.write("HELLO\n").await;
            wire.write("sesame\n").await;
            wire.read(2, "the answer and what is not its own").await?;
            Ok(())
        })
    };
    let text = caught(|| check(&password(greedy, server)));
    assert!(text.starts_with("password does not deliver"), "{text}");
}

#[test]
fn one_byte_too_few_is_caught() {
    let hasty = || {
        Tunnel::new("password", async |wire| {
            wire.write("HELLO\nsesame\n").await;
            Ok(())
        })
    };
    let text = caught(|| check(&password(hasty, server).unit(16)));
    assert!(text.starts_with("password does not deliver"), "{text}");
}

#[test]
fn a_write_without_room_is_caught() {
    let text = caught(|| check(&password(|| Pushy::new(client("sesame")), server)));
    assert!(
        text.starts_with(&format!("the law {}", Law::Backpressure)),
        "{text}"
    );
}

/// A tunnel that writes to the wire even if there is no room.
struct Pushy {
    tunnel: Tunnel,
    said: Pipe,
}

impl Pushy {
    fn new(tunnel: Tunnel) -> Self {
        let said = Pipe::new();
        Self { tunnel, said }
    }
}

impl Layer for Pushy {
    type In = Pipe;
    type Out = Pipe;
    fn name(&self) -> &'static str {
        self.tunnel.name()
    }

    fn process(&mut self, p: Flows<'_>, now: Instant) {
        if self.is_open() {
            return self.tunnel.process(p, now);
        }
        let Flows {
            from_wire, to_wire, ..
        } = p;
        let flows = Flows::new(from_wire, &mut self.said, p.from_app, p.to_app);
        self.tunnel.process(flows, now);
        self.said.transfer_all_to(to_wire);
    }

    fn is_open(&self) -> bool {
        self.tunnel.is_open()
    }

    fn progress(&self) -> Progress {
        self.tunnel.progress()
    }

    fn visit<'a>(&'a self, visitor: &mut dyn FnMut(Status<'a>)) {
        self.tunnel.visit(visitor);
    }
}

fn caught(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("a mutant that is caught");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}
