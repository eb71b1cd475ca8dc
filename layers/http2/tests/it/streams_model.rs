//! The flow of many streams beside a plain list of them: any calls in any order.

use crate::kit::tunnel;
use std::collections::{HashSet, VecDeque};
use wirestack_http2::{Http2Error, StreamId, Streams};
use wirestack_layer::{End, Error, Flow, Stop};

/// A stream as its writer and its reader know it.
struct Model {
    id: StreamId,
    unread: Vec<u8>,
    /// `Some(true)` for an abort.
    end: Option<bool>,
    is_stopped: bool,
}

#[derive(Default)]
struct World {
    streams: Streams,
    models: Vec<Model>,
    heads: VecDeque<StreamId>,
    /// The streams that the reader is to look at, and the writer.
    news: [VecDeque<StreamId>; 2],
    written: u8,
    is_stopped: bool,
    /// Something has concerned every stream at once.
    is_shuffled: bool,
}

fn error() -> Error {
    Error::local("app", Http2Error::Closed)
}

fn note(news: &mut VecDeque<StreamId>, id: StreamId) {
    if !news.contains(&id) {
        news.push_back(id);
    }
}

impl World {
    /// Makes one call. Returns its name, and `true` if something has changed that a neighbour can see.
    fn call(&mut self, random: &mut impl FnMut(usize) -> usize) -> (&'static str, bool) {
        let kind = random(12);
        let is_over = self.is_stopped || self.streams.is_closed();
        if kind == 0 && is_over {
            assert!(self.streams.open(tunnel()).is_err());
            return ("open, too late", false);
        }
        if self.models.is_empty() && is_over {
            return ("nothing", false);
        }
        if self.models.is_empty() || kind == 0 {
            let id = self.streams.open(tunnel()).unwrap();
            self.heads.push_back(id);
            self.models.push(Model {
                id,
                unread: Vec::new(),
                end: None,
                is_stopped: false,
            });
            return ("open", true);
        }
        let at = random(self.models.len());
        let model = &mut self.models[at];
        let id = model.id;
        let Self { streams, news, .. } = self;
        let may_write = model.end.is_none() && !model.is_stopped;
        match kind {
            1..=3 if may_write => {
                let n = random(9);
                let bytes: Vec<u8> = (0..n).map(|n| self.written.wrapping_add(n as u8)).collect();
                self.written = self.written.wrapping_add(n as u8);
                streams.write(id).unwrap().write(&bytes);
                model.unread.extend(&bytes);
                if n > 0 {
                    note(&mut news[0], id);
                }
                ("write", n > 0)
            }
            4 if may_write => {
                let aborts = random(2) == 0;
                let mut pipe = streams.write(id).unwrap();
                if aborts {
                    pipe.abort(error());
                } else {
                    pipe.finish();
                }
                model.end = Some(aborts);
                note(&mut news[0], id);
                ("end", true)
            }
            5 | 6 if !model.unread.is_empty() => {
                let n = 1 + random(model.unread.len());
                let taken = streams.read(id).unwrap().take(n);
                assert_eq!(taken, model.unread[..n]);
                model.unread.drain(..n);
                note(&mut news[1], id);
                ("read", true)
            }
            7 => {
                let mut pipe = streams.read(id).unwrap();
                let before = pipe.required();
                pipe.require(random(50));
                let is_new = pipe.required() != before;
                drop(pipe);
                if is_new {
                    note(&mut news[1], id);
                }
                ("require", is_new)
            }
            8 if random(3) == 0 => {
                streams.forget(id);
                self.heads.retain(|head| *head != id);
                self.models.remove(at);
                note(&mut news[1], id);
                ("forget", true)
            }
            9 if random(3) == 0 => {
                let is_new = model.end != Some(true);
                streams.reset(id, error());
                if is_new {
                    model.unread.clear();
                    model.end = Some(true);
                    note(&mut news[0], id);
                }
                ("reset", is_new)
            }
            10 => {
                let head = streams.arrived().map(|(id, _)| id);
                assert_eq!(head, self.heads.pop_front());
                ("arrived", head.is_some())
            }
            11 => {
                let side = random(2);
                let seen = match side {
                    0 => streams.readable(),
                    _ => streams.writable(),
                };
                let at = match seen {
                    // What concerns every stream comes in no certain order.
                    Some(seen) if self.is_shuffled => {
                        news[side].iter().position(|id| *id == seen).unwrap()
                    }
                    _ => 0,
                };
                assert_eq!(seen, news[side].remove(at));
                ("news", false)
            }
            _ => ("nothing", false),
        }
    }

    /// Compares everything that can be seen.
    fn check(&mut self, call: &str) {
        let before = self.streams.revision();
        for model in &self.models {
            let pipe = self.streams.read(model.id).expect(call);
            let unread: Vec<u8> = pipe.chunks().flatten().copied().collect();
            assert_eq!(unread, model.unread, "{call}");
            let end = pipe.closed().map(|end| matches!(end, End::Aborted(_)));
            assert_eq!(end, model.end, "{call}");
            assert_eq!(pipe.stopped().is_some(), model.is_stopped, "{call}");
            drop(pipe);
            assert!(self.streams.write(model.id).is_some(), "{call}");
        }
        let heads = self.heads.len();
        let streams = &self.streams;
        assert_eq!(streams.revision(), before, "{call}: a look changes nothing");
        assert_eq!(streams.len(), self.models.len(), "{call}");
        assert_eq!(streams.room(), 64_usize.saturating_sub(heads) * 256);
        assert_eq!(streams.is_empty(), self.models.is_empty() && heads == 0);
        let is_drained = heads == 0 && self.models.iter().all(|it| it.unread.is_empty());
        assert_eq!(Flow::is_empty(streams), is_drained, "{call}");
    }

    /// Ends or stops the whole flow, or throws away what waits in it. Returns `true` if that is new.
    fn call_whole(&mut self, kind: usize) -> bool {
        self.is_shuffled = true;
        let Self { streams, news, .. } = self;
        match kind {
            0 => {
                streams.abort(error());
                streams.finish(); // a second end is none
                for model in &mut self.models {
                    model.end.get_or_insert(true);
                    note(&mut news[0], model.id);
                }
                true
            }
            1 => {
                streams.finish();
                true
            }
            2 => {
                streams.stop(Stop::from(error()));
                for model in &mut self.models {
                    model.is_stopped = true;
                    note(&mut news[1], model.id);
                }
                !std::mem::replace(&mut self.is_stopped, true)
            }
            _ => {
                let is_new = !Flow::is_empty(streams);
                streams.discard();
                self.heads.clear();
                self.models.iter_mut().for_each(|it| it.unread.clear());
                is_new
            }
        }
    }
}

#[test]
fn any_calls_in_any_order_give_what_a_plain_list_gives() {
    for seed in 0..400_u64 {
        let mut state = seed;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
            (state >> 33) as usize % below
        };
        let mut world = World::default();
        for step in 0..250 {
            let before = world.streams.revision();
            let (call, changes) = if step == 200 {
                ("the whole flow", world.call_whole(seed as usize % 4))
            } else {
                world.call(&mut random)
            };
            let call = format!("seed {seed}, step {step}: {call}");
            assert_eq!(world.streams.revision() > before, changes, "{call}");
            world.check(&call);
        }
        for (side, news) in world.news.iter().enumerate() {
            let seen = std::iter::from_fn(|| match side {
                0 => world.streams.readable(),
                _ => world.streams.writable(),
            });
            let seen: HashSet<_> = seen.collect();
            assert_eq!(seen, news.iter().copied().collect(), "seed {seed}");
        }
    }
}

#[test]
fn a_writer_that_never_asks_for_news_does_not_make_the_list_of_the_forgotten_grow() {
    // 10 streams stay: the list has 2 * 10 + 64 names at most.
    for (forgotten, wanted) in [(84, 84), (85, 0), (86, 1), (169, 84), (170, 0)] {
        let mut streams = Streams::default();
        for _ in 0..10 {
            streams.open(tunnel()).unwrap();
        }
        for _ in 0..forgotten {
            let id = streams.open(tunnel()).unwrap();
            streams.forget(id);
        }
        let seen = std::iter::from_fn(|| streams.writable());
        assert_eq!(seen.count(), wanted, "{forgotten}");
    }
}
