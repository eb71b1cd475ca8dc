//! The half-close of a TCP connection, in a WebSocket, which has none.

use std::fmt;
use wirestack::{End, Error, Flow, Flows, Instant, Layer, Pipe, Progress};

/// A layer that gives each direction an end of its own: bytes travel in chunks, each behind its length
/// in two bytes, and an empty chunk ends the direction. When both have ended, the layer below ends.
#[derive(Debug, Default)]
pub(crate) struct Halves {
    /// The bytes of the present chunk that have not arrived.
    left: usize,
    sent_end: bool,
    got_end: bool,
    is_over: bool,
}

impl Layer for Halves {
    type In = Pipe;
    type Out = Pipe;

    fn name(&self) -> &'static str {
        NAME
    }

    fn process(&mut self, mut flows: Flows<'_>, _: Instant) {
        if self.is_over {
            return flows.discard();
        }
        flows.propagate_stop();
        flows.from_wire.stop_with(flows.to_app);
        if let Err(error) = self
            .send(&mut flows)
            .and_then(|()| self.receive(&mut flows))
        {
            self.is_over = true;
            return flows.fail(error);
        }
        if self.sent_end && self.got_end {
            flows.to_wire.finish();
            flows.from_wire.discard();
        }
    }

    fn is_open(&self) -> bool {
        true
    }

    fn progress(&self) -> Progress {
        Progress::Open
    }
}

impl Halves {
    fn send(&mut self, flows: &mut Flows<'_>) -> Result<(), Error> {
        while !self.sent_end {
            let room = flows.to_wire.room().saturating_sub(HEADER);
            let length = flows.from_app.len().min(room).min(usize::from(u16::MAX));
            match (u16::try_from(length), flows.from_app.end()) {
                (Ok(length @ 1..), _) => {
                    flows.to_wire.write(&length.to_be_bytes());
                    flows.to_wire.push(flows.from_app.take(length.into()));
                }
                (_, Some(End::Finished)) => {
                    flows.to_wire.write(&[0; HEADER]);
                    self.sent_end = true;
                }
                (_, Some(End::Aborted(error))) => {
                    let error = error.clone();
                    flows.to_wire.abort(error.clone());
                    return Err(error);
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn receive(&mut self, flows: &mut Flows<'_>) -> Result<(), Error> {
        while !self.got_end {
            if self.left == 0 && flows.from_wire.len() >= HEADER {
                let header = flows.from_wire.take(HEADER);
                self.left = usize::from(u16::from_be_bytes([header[0], header[1]]));
                if self.left == 0 {
                    self.got_end = true;
                    flows.to_app.finish();
                }
                continue;
            }
            let length = self
                .left
                .min(flows.from_wire.len())
                .min(flows.to_app.room());
            if length > 0 {
                flows.to_app.push(flows.from_wire.take(length));
                self.left -= length;
                continue;
            }
            if self.left == 0 {
                flows.from_wire.require(HEADER);
            }
            // A flow that is closed has no more bytes than those that it has.
            let is_short = self.left == 0 || flows.from_wire.is_empty();
            match flows.from_wire.closed() {
                Some(End::Aborted(error)) if is_short => return Err(error.clone()),
                Some(End::Finished) if is_short => return Err(Error::peer(NAME, Truncated)),
                _ => return Ok(()),
            }
        }
        Ok(())
    }
}

/// The WebSocket was closed before its bytes had their end.
#[derive(Debug)]
struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other end has closed the tunnel before the end of its bytes")
    }
}

impl std::error::Error for Truncated {}

const NAME: &str = "halves";
const HEADER: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use wirestack::Engine;

    /// Carries at most so many bytes from one to the other.
    fn carry(from: &mut Engine<Halves>, to: &mut Engine<Halves>, most: usize) {
        from.process(Instant::ORIGIN);
        let n = from.to_wire().len().min(most);
        let bytes = from.to_wire().take(n);
        to.from_wire().push(bytes);
        if from.to_wire().end().is_some() {
            to.from_wire().finish();
        }
        to.process(Instant::ORIGIN);
    }

    #[test]
    fn one_direction_ends_and_the_other_goes_on_however_the_bytes_are_cut() {
        for most in [1, 2, 3, 1000, 1 << 20] {
            let (mut near, mut far) = (
                Engine::new(Halves::default()),
                Engine::new(Halves::default()),
            );
            let asked = vec![7; 70_000];
            let (mut seen, mut at) = (0, 0);
            while far.to_app().end().is_none() {
                let n = near.from_app().room().min(asked.len() - at);
                near.from_app().write(&asked[at..at + n]);
                at += n;
                if at == asked.len() {
                    near.from_app().finish();
                }
                carry(&mut near, &mut far, most);
                seen += far.to_app().len();
                far.to_app().discard();
            }
            assert_eq!(seen, asked.len());
            assert!(matches!(far.to_app().end(), Some(End::Finished)));
            assert!(near.to_wire().end().is_none(), "it ended both directions");

            far.from_app().write(b"the answer");
            far.from_app().finish();
            let mut answer = Vec::new();
            while near.to_app().end().is_none() {
                carry(&mut far, &mut near, most);
                answer.extend_from_slice(near.to_app().unread());
                near.to_app().discard();
            }
            assert_eq!(answer, b"the answer");
            assert!(matches!(near.to_wire().end(), Some(End::Finished)));
            assert!(matches!(far.to_wire().end(), Some(End::Finished)));
        }
    }

    #[test]
    fn an_end_in_the_middle_is_an_error_behind_the_bytes_that_came() {
        for cut in [&b""[..], b"\0", b"\0\x05", b"\0\x05hel"] {
            let mut engine = Engine::new(Halves::default());
            engine.from_wire().write(cut);
            engine.from_wire().finish();
            engine.process(Instant::ORIGIN);
            assert_eq!(
                engine.to_app().len(),
                cut.len().saturating_sub(2),
                "{cut:?}"
            );
            engine.to_app().discard();
            let Some(End::Aborted(error)) = engine.to_app().end() else {
                panic!("{cut:?} is no error");
            };
            assert!(
                error.to_string().contains("before the end of its bytes"),
                "{error}"
            );
        }
    }
}
