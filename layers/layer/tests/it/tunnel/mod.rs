//! Handshakes as straight-line code: their promises beyond the laws, which `wirestack-laws` checks.

mod decisions;
mod ends;
mod memory;
mod reading;

use wirestack_layer::{End, Error, Flow, Flows, Instant, Layer, Pipe, Tunnel};

/// A layer and its flows.
pub(super) struct Side<L> {
    pub(super) layer: L,
    pub(super) from_wire: Pipe,
    pub(super) to_wire: Pipe,
    pub(super) from_app: Pipe,
    pub(super) to_app: Pipe,
}

impl<L: Layer<In = Pipe, Out = Pipe>> Side<L> {
    pub(super) fn new(layer: L) -> Self {
        let [from_wire, to_wire, from_app, to_app] = <[Pipe; 4]>::default();
        Self {
            layer,
            from_wire,
            to_wire,
            from_app,
            to_app,
        }
    }

    pub(super) fn process(&mut self) {
        let (wire, app) = (&mut self.from_wire, &mut self.from_app);
        let flows = Flows::new(wire, &mut self.to_wire, app, &mut self.to_app);
        self.layer.process(flows, Instant::ORIGIN);
    }

    pub(super) fn receive(&mut self, bytes: impl AsRef<[u8]>) {
        self.from_wire.write(bytes.as_ref());
        self.process();
    }

    pub(super) fn sent(&mut self) -> String {
        taken(&mut self.to_wire)
    }

    pub(super) fn delivered(&mut self) -> String {
        taken(&mut self.to_app)
    }

    /// The error that the application gets.
    pub(super) fn error(&self) -> Option<&Error> {
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

/// A client that asks with a password, and opens if the answer is `++`.
pub(super) fn client() -> Tunnel {
    Tunnel::new("password", async |wire| {
        wire.write("sesame\n").await;
        match wire.read_array("the answer").await? {
            [b'+', b'+'] => Ok(()),
            _ => Err(Error::peer("password", "refused")),
        }
    })
}

/// A server that reads the password, and answers `++`.
pub(super) fn server() -> Tunnel {
    Tunnel::new("password", async |wire| {
        let password = wire.read_line(10, "the password").await?;
        wire.write("+").await;
        wire.write("+").await;
        wire.learn(format!("{} bytes", password.len()));
        Ok(())
    })
}

#[test]
fn a_tunnel_tells_its_name_and_each_of_its_phases() {
    let handshakes = [("+", [true, true, false]), ("-", [false, false, true])];
    for (answer, after) in handshakes {
        let mut side = Side::new(Tunnel::new("demo", async |wire| {
            match wire.read_array("the answer").await? {
                [b'+'] => Ok(()),
                _ => Err(Error::peer("demo", "refused")),
            }
        }));
        let phases = |side: &Side<Tunnel>| {
            let layer = &side.layer;
            [layer.is_open(), layer.is_transparent(), layer.is_over()]
        };
        side.process();
        assert_eq!(side.layer.name(), "demo");
        assert_eq!(phases(&side), [false; 3]);
        side.receive(answer);
        assert_eq!(phases(&side), after, "{answer}");
    }
}
