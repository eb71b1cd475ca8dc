//! Ends and errors of the wire, of the application and of the parser.

use super::{Side, client};
use wirestack_layer::{Blame, End, Error, Flow, Layer, Parsed, Place, Progress, ReadError, Tunnel};

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
        let text = match seen {
            0 => "password[0]: the connection ended before the answer".to_owned(),
            _ => format!("password[0]: the connection ended after {seen} bytes of the answer"),
        };
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

    // The bytes before an abort are read, and it passes up even without room to write.
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
fn an_error_of_the_parser_blames_the_peer() {
    let layer = Tunnel::new("even", async |wire| {
        let parse = |unread: &[u8]| match unread.first() {
            Some(byte) if byte % 2 == 1 => Err(Odd(*byte)),
            Some(byte) => Ok(Parsed::Complete(1, *byte)),
            None => Ok(Parsed::Partial(1)),
        };
        wire.read_with("a number", parse).await?;
        wire.write("?").await; // leaves before the error
        wire.read_with("a number", parse).await.map(|_| ())
    });
    let mut side = Side::new(layer);
    side.receive([2, 3]);
    assert_eq!(side.sent(), "?");
    let error = side.error().unwrap();
    assert_eq!(error.cause(), Some(&Odd(3)));
    assert_eq!(error.to_string(), "even[0]: saw 3, wanted an even number");
}
