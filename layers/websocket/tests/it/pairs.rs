//! A client and a server joined by a wire that cuts and delays bytes, on a fake clock, from seeds.

use crate::kit::*;
use std::time::Duration;
use wirestack_layer::{Flow, Layer, Pipe, Queue};
use wirestack_websocket::{Message, WebSocketConfig};

/// A small generator (xorshift) for seeded tests.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn message(&mut self) -> Message {
        let len = match self.roll(10) {
            0 => 0,
            1 => 125 + self.roll(3),
            2 => 65534 + self.roll(4),
            3 => self.roll(200_000),
            _ => self.roll(300),
        };
        match self.roll(2) {
            0 => Message::binary((0..len).map(|n| n as u8).collect::<Vec<_>>()),
            _ => Message::text("é😀x".chars().cycle().take(len / 2).collect::<String>()),
        }
    }

    fn settings(&mut self) -> WebSocketConfig {
        let mut settings = WebSocketConfig::default();
        settings.largest_frame_sent = [1, 100, 4096, 70_000, usize::MAX][self.roll(5)].max(40);
        settings
    }

    /// Moves some of the waiting bytes, and the end behind the last of them.
    fn carry(&mut self, from: &mut Pipe, to: &mut Pipe) {
        let n = match self.roll(3) {
            0 => self.roll(20),
            _ => self.roll(100_000),
        };
        let n = n.min(from.len()).min(to.room());
        if n > 0 && !to.is_closed() {
            let bytes = from.take(n);
            match self.roll(2) {
                0 => to.push(bytes),
                _ => to.write(&bytes),
            }
        }
        if let Some(end) = from.end() {
            to.close(end.clone());
        }
    }
}

/// A side, the messages that it is to send, and those that it has received.
struct Speaker<L: Layer> {
    side: Side<L>,
    to_say: Vec<Message>,
    said: usize,
    heard: Vec<Message>,
}

impl<L: Layer<In = Queue<Message>, Out = Queue<Message>>> Speaker<L> {
    fn new(side: Side<L>, dice: &mut Dice) -> Self {
        Self {
            side,
            to_say: (0..dice.roll(40)).map(|_| dice.message()).collect(),
            said: 0,
            heard: Vec::new(),
        }
    }

    fn act(&mut self, dice: &mut Dice) {
        while dice.roll(3) > 0 && self.side.from_app.room() > 0 && self.said < self.to_say.len() {
            self.side.from_app.push(self.to_say[self.said].clone());
            self.said += 1;
        }
        self.side.process();
        for _ in 0..dice.roll(4) {
            self.heard.extend(self.side.to_app.pop());
        }
    }
}

#[test]
fn everything_arrives_in_order_and_both_end_cleanly() {
    for seed in 1..=150 {
        let mut dice = Dice::new(seed);
        let (one, two) = (client(dice.settings()), server(dice.settings()));
        let mut a = Speaker::new(one, &mut dice);
        let mut b = Speaker::new(two, &mut dice);
        // The client closes first, and only when both sides have received every message.
        let mut pings = 0;
        let mut pongs = 0;
        for step in 0.. {
            assert!(step < 100_000, "seed {seed}: stuck");
            if dice.roll(20) == 0 && !a.side.from_app.is_closed() {
                pings += usize::from(a.side.layer.ping(step.to_string()).is_ok());
            }
            a.act(&mut dice);
            b.act(&mut dice);
            dice.carry(&mut a.side.to_wire, &mut b.side.from_wire);
            dice.carry(&mut b.side.to_wire, &mut a.side.from_wire);
            pongs += std::iter::from_fn(|| a.side.layer.pong()).count();
            a.side.now += Duration::from_micros(10);
            b.side.now = a.side.now;
            let all = a.said == a.to_say.len() && b.heard.len() == a.said;
            if all && b.said == b.to_say.len() && a.heard.len() == b.said {
                a.side.from_app.finish();
            }
            let ended = a.side.to_app.end().is_some() && b.side.to_app.end().is_some();
            if ended && a.side.to_wire.end().is_some() && b.side.to_wire.end().is_some() {
                break;
            }
        }
        assert!(a.heard == b.to_say && b.heard == a.to_say, "seed {seed}");
        assert_eq!(cause(&a.side.to_app), Some(Ok(())), "seed {seed}");
        assert_eq!(cause(&b.side.to_app), Some(Ok(())), "seed {seed}");
        assert!(pongs <= pings && pongs + 3 >= pings, "{pongs} of {pings}");
    }
}

#[test]
fn junk_and_mutations_never_panic_and_fail_alike_in_every_cut() {
    let good = [
        frame(FIN | TEXT, "κόσμε"),
        frame(TEXT, "a"),
        frame(FIN | PING, "ping"),
        frame(FIN | CONTINUATION, "b"),
        frame(FIN | BINARY, [0; 300]),
        frame(FIN | BINARY, vec![1; 66_000]),
        close_frame(1000, "bye"),
    ];
    let mut settings = WebSocketConfig::default();
    settings.max_frame = 100_000;
    settings.max_message = 100_000;
    let good = [client_bytes(&good), server_bytes(&good)];
    for seed in 1..=1500 {
        let mut dice = Dice::new(seed);
        let as_server = dice.roll(2) == 0;
        let mut bytes = match dice.roll(4) {
            0 => (0..dice.roll(200)).map(|_| dice.roll(256) as u8).collect(),
            _ => good[usize::from(!as_server)].clone(),
        };
        for _ in 0..dice.roll(4) {
            if !bytes.is_empty() {
                let at = dice.roll(bytes.len().min(450));
                match dice.roll(3) {
                    0 => bytes[at] = dice.roll(256) as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, dice.roll(256) as u8),
                }
            }
        }
        let mut run = |whole: bool| {
            if as_server {
                feed(server(settings.clone()), &bytes, whole, &mut dice)
            } else {
                feed(client(settings.clone()), &bytes, whole, &mut dice)
            }
        };
        let (whole, cut) = (run(true), run(false));
        assert!(whole == cut, "seed {seed}: {:?} {:?}", whole.end, cut.end);
    }
}

/// Everything that a side does with some bytes.
#[derive(PartialEq)]
struct Outcome {
    messages: Vec<Message>,
    end: Option<Result<(), String>>,
    sent: Vec<u8>,
}

fn feed<L>(mut side: Side<L>, bytes: &[u8], whole: bool, dice: &mut Dice) -> Outcome
where
    L: Layer<In = Queue<Message>, Out = Queue<Message>>,
{
    let mut rest = bytes;
    while !rest.is_empty() {
        let n = if whole {
            rest.len()
        } else {
            1 + dice.roll(rest.len().min(5000))
        };
        side.receive(&rest[..n]);
        rest = &rest[n..];
        assert!(side.from_wire.required() <= 100_014, "over the limits");
    }
    side.from_wire.finish();
    side.process();
    let messages = messages(&mut side.to_app);
    side.process();
    let end = end(&side.to_app).map(|end| end.map_err(|error| error.to_string()));
    assert!(end.is_some() && side.to_wire.is_closed());
    let sent = side.sent();
    Outcome {
        messages,
        end,
        sent,
    }
}
