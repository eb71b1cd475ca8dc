//! The work that a connection does: no more than needed, and never less.

use crate::kit::{DATA, Pair, Side, WINDOW_UPDATE, of_kind, open_client, window};
use bytes::{Bytes, BytesMut};
use wirestack_http2::{Connection, Http2Config, StreamId};
use wirestack_layer::Flow;

/// A side that is processed only when a flow has moved, as an engine does it.
struct Lazy {
    processed: Option<u64>,
}

impl Lazy {
    fn process(&mut self, side: &mut Side<Connection>) {
        if self.processed != Some(side.revision()) {
            side.process();
            self.processed = Some(side.revision());
        }
    }
}

#[test]
fn every_byte_arrives_whatever_the_windows_are() {
    let seed = 0x5eed_u64;
    println!("seed {seed:#x}");
    let mut state = seed;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005) + 1;
        (state >> 33) as usize % below
    };
    for stream_window in [1, 7, 1000, 65_535, 300_000] {
        for connection_window in [65_535, 200_000] {
            for count in [1, 4] {
                let mut settings = window(stream_window);
                settings.connection_window = connection_window;
                let mut pair = Pair::new(settings.clone(), settings);
                let tunnels: Vec<_> = (0..count).map(|_| pair.tunnel()).collect();
                let total = (stream_window as usize * 3).clamp(50, 400_000);
                let name = format!("{stream_window}, {connection_window}, {count}");
                carry(&mut pair, &tunnels, total, &mut random, &name);
            }
        }
    }
}

/// Sends as many bytes on each stream, in pieces and in both directions, with engines that rest.
fn carry(
    pair: &mut Pair,
    tunnels: &[[StreamId; 2]],
    total: usize,
    random: &mut impl FnMut(usize) -> usize,
    name: &str,
) {
    let byte = |n: usize| (n * 31 + (n >> 8)) as u8;
    let bytes: Bytes = (0..total).map(byte).collect();
    let mut ends = [Lazy { processed: None }, Lazy { processed: None }];
    let mut sent = vec![[0; 2]; tunnels.len()];
    let mut read = vec![[0; 2]; tunnels.len()];
    let mut idle = 0;
    while read.iter().flatten().any(|read| *read < total) {
        let before = (sent.clone(), read.clone());
        for (at, ids) in tunnels.iter().enumerate() {
            for side in [0, 1] {
                let it = if side == 0 {
                    &mut pair.client
                } else {
                    &mut pair.server
                };
                let mut pipe = it.from_app.write(ids[side]).expect("an open stream");
                let n = pipe.room().min(total - sent[at][side]);
                let n = n.min(1 + random(12_000));
                let from = sent[at][side];
                pipe.push(bytes.slice(from..from + n));
                sent[at][side] += n;
                drop(pipe);
                let mut pipe = it.to_app.read(ids[side]).expect("an open stream");
                let n = pipe.len().min(1 + random(9000));
                let from = read[at][side];
                assert!(pipe.take(n) == bytes[from..from + n], "{name}");
                read[at][side] += n;
            }
        }
        ends[0].process(&mut pair.client);
        pair.client.to_wire.transfer_to(&mut pair.server.from_wire);
        ends[1].process(&mut pair.server);
        pair.server.to_wire.transfer_to(&mut pair.client.from_wire);
        idle = if before == (sent.clone(), read.clone()) {
            idle + 1
        } else {
            0
        };
        assert!(idle < 10, "{name}: it stands still at {read:?} of {total}");
    }
}

#[test]
fn a_read_runs_the_connection_only_for_a_quarter_of_a_window() {
    let mut pair = Pair::new(Http2Config::default(), window(100_000));
    let [c, s] = pair.tunnel();
    pair.client.write(c, &[1; 40_000]);
    pair.settle();
    let before = pair.server.to_app.revision();
    let mut read = |n| {
        pair.server.to_app.read(s).unwrap().consume(n);
        pair.server.to_app.revision() - before
    };
    assert_eq!(read(24_000), 0);
    assert_eq!(read(999), 0);
    assert_ne!(read(1), 0, "a quarter of 100,000");
}

#[test]
fn the_pieces_of_a_message_leave_in_one_frame() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    let payload: Bytes = (0..10_000_u32).map(|n| n as u8).collect();
    let mut pipe = client.from_app.write(id).unwrap();
    pipe.push(Bytes::from_static(b"head"));
    pipe.push(payload.clone());
    pipe.push(payload.slice(5000..));
    drop(pipe);
    let sent = of_kind(&client.sent(), DATA);
    let [frame] = &sent[..] else {
        panic!("{} frames", sent.len());
    };
    assert!(frame.payload == [&b"head"[..], &payload, &payload[5000..]].concat());
}

#[test]
fn a_large_piece_leaves_without_a_copy() {
    let (mut client, id) = open_client(Http2Config::default(), &[]);
    let payload = Bytes::from(vec![7; 10_000]);
    client.from_app.write(id).unwrap().push(payload.clone());
    client.process();
    let memory = payload.as_ptr_range();
    let shared = |chunk: &&[u8]| memory.contains(&chunk.as_ptr());
    let shared = client.to_wire.chunks().filter(shared);
    let shared: usize = shared.map(<[u8]>::len).sum();
    assert!(shared > 9000, "{shared}");
    drop(client.sent());
    assert!(payload.try_into_mut().is_ok(), "nothing holds it any more");
}

#[test]
fn credit_is_given_once_a_quarter_of_a_window_was_read() {
    let mut pair = Pair::new(Http2Config::default(), window(100_000));
    let [c, s] = pair.tunnel();
    for n in 1..=4 {
        pair.client.write(c, &[1; 20_000]);
        pair.client.process();
        pair.client.to_wire.transfer_to(&mut pair.server.from_wire);
        let updates = of_kind(&pair.server.sent(), WINDOW_UPDATE);
        assert_eq!(pair.server.read(s).len(), 20_000);
        // h2 gives credit once two thirds of the window are left to the peer.
        assert_eq!(!updates.is_empty(), n >= 3, "{n}: {updates:?}");
        if !updates.is_empty() {
            return;
        }
    }
    panic!("no credit");
}

#[test]
fn the_credit_of_many_streams_is_given_together() {
    let mut config = window(80_000);
    config.connection_window = 100_000;
    let mut pair = Pair::new(Http2Config::default(), config);
    let tunnels: Vec<_> = (0..4).map(|_| pair.tunnel()).collect();
    for round in 0..20 {
        for [c, s] in &tunnels {
            pair.client.write(*c, &[1; 10_000]);
            pair.client.process();
            pair.client.to_wire.transfer_to(&mut pair.server.from_wire);
            pair.server.process();
            assert_eq!(pair.server.read(*s).len(), 10_000, "round {round}");
            pair.server.to_wire.transfer_to(&mut pair.client.from_wire);
        }
    }
}

#[test]
fn memory_that_is_lent_for_reading_is_given_back() {
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    for n in [1, 1000, 60_000] {
        pair.client.write(c, &vec![1; n]);
        pair.client.process();
        let sent = pair.client.to_wire.len();
        let sent = pair.client.to_wire.take(sent);
        pair.server.from_wire.lend(BytesMut::with_capacity(1 << 17));
        pair.server.from_wire.write(&sent);
        pair.server.process();
        let memory = pair.server.from_wire.take_back().expect("the memory");
        assert!(memory.capacity() > 100_000, "{n}: {}", memory.capacity());
        assert_eq!(pair.server.read(s).len(), n);
    }
}
