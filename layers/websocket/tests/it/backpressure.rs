//! Room: a side sends and reads no more than there is room for.

use crate::kit::*;
use bytes::Bytes;
use wirestack_layer::{Flow, Layer, Queue};
use wirestack_websocket::{Message, Part, Payload, Server, WebSocketConfig};

#[test]
fn pings_cannot_fill_the_memory_of_a_side_whose_pongs_are_not_read() {
    let mut side = server(WebSocketConfig::default());
    side.to_wire.set_limit(100);
    let pings: Vec<Frame> = (0..10_000u32)
        .map(|n| frame(FIN | PING, n.to_be_bytes()))
        .collect();
    side.receive(&client_bytes(&pings));
    assert!(side.from_wire.is_empty(), "pings do not hold up messages");
    assert!(side.to_wire.len() < 110, "{}", side.to_wire.len());
    side.sent();
    side.process();
    let last = 9999u32.to_be_bytes();
    assert_eq!(server_frames(&side.sent()), [frame(FIN | PONG, last)]);
}

#[test]
fn nothing_is_begun_without_room() {
    let mut settings = WebSocketConfig::default();
    settings.largest_frame_sent = 1000;
    let mut side = server(settings);
    side.to_wire.set_limit(1500);
    side.to_app.set_limit(50);
    for _ in 0..3 {
        side.from_app.push(binary(&[0; 2500]));
    }
    side.layer.ping("between fragments").unwrap();
    side.from_wire
        .write(&client_bytes(&vec![frame(FIN | TEXT, "twenty"); 20]));
    let (mut sent, mut heard) = (Vec::new(), 0);
    for _ in 0..30 {
        side.process();
        assert!(side.to_wire.len() <= 1500 + 1000 + 4);
        assert!(side.to_app.len() <= 2);
        sent.extend(side.sent());
        heard += messages(&mut side.to_app).len();
    }
    assert_eq!(heard, 20);
    let firsts: Vec<u8> = server_frames(&sent).iter().map(|frame| frame.0).collect();
    let wanted = [FIN | PING, BINARY, CONTINUATION, FIN | CONTINUATION];
    assert_eq!(firsts[..4], wanted);
    assert_eq!(firsts.len(), 10);
}

#[test]
fn a_large_frame_is_required_as_a_whole() {
    let mut side = server(WebSocketConfig::default());
    let bytes = client_bytes(&[frame(FIN | BINARY, vec![1; 1 << 20])]);
    side.receive(&bytes[..100]);
    assert_eq!(side.from_wire.wanted(), (1 << 20) - 100 + 14);
    assert!(side.from_wire.room() > 1 << 19);
    side.receive(&bytes[100..]);
    assert_eq!(messages(&mut side.to_app), [binary(&vec![1; 1 << 20])]);
    assert_eq!(side.from_wire.capacity(), 0, "an empty pipe holds nothing");
}

#[test]
fn a_large_payload_that_is_shared_takes_the_memory_of_a_piece() {
    let mut side = client(WebSocketConfig::default());
    let payload: Bytes = (0..1 << 20).map(|n| (n * 7 + (n >> 9)) as u8).collect();
    side.from_app.push(Message::Binary(payload.clone()));
    side.from_app.push(text("behind it"));
    side.process();
    side.receive(&server_bytes(&[frame(FIN | PING, "meanwhile")]));
    let (mut sent, mut turns) = (Vec::new(), 0);
    loop {
        assert!(side.to_wire.len() < 66_000, "{}", side.to_wire.len());
        sent.extend(side.sent());
        turns += 1;
        side.process();
        if side.to_wire.is_empty() {
            break;
        }
        assert_eq!(side.layer.is_flushed(), turns >= 15, "{turns}"); // the 16th piece
    }
    let wanted = [
        frame(FIN | BINARY, &payload),
        frame(FIN | PONG, "meanwhile"),
        frame(FIN | TEXT, "behind it"),
    ];
    assert!(client_frames(&sent) == wanted, "one frame after the other");
}

#[test]
fn a_frame_that_was_begun_is_complete_before_the_close_frame_of_a_fault() {
    let mut side = client(WebSocketConfig::default());
    let payload = Bytes::from(vec![7; 1 << 20]);
    side.from_app.push(Message::Binary(payload.clone()));
    side.process();
    assert!(!side.layer.is_flushed());
    side.receive(&client_bytes(&[frame(
        FIN | TEXT,
        "a server must not mask",
    )]));
    let frames = client_frames(&side.sent());
    assert!(frames[0] == frame(FIN | BINARY, &payload));
    assert_eq!((frames.len(), frames[1].0), (2, FIN | CLOSE));
    assert!(side.layer.is_flushed(), "nothing waits behind the end");
}

/// A message is a slice of the memory that it came in, and holds all of it.
#[test]
fn messages_that_wait_do_not_hold_the_memory_of_the_pongs_between_them() {
    fn held<F: Payload>(layer: Server<F>, take: impl Fn(&mut F) -> Option<Message>) -> usize {
        let mut side = Side::new(layer);
        let mut frames = vec![frame(FIN | BINARY, "x")];
        frames.extend(vec![frame(FIN | PONG, [0; 125]); 490]); // as much as one read
        let bytes = client_bytes(&frames);
        for _ in 0..100 {
            side.from_wire.push(Bytes::from(bytes.clone()));
            side.process();
            assert!(side.from_wire.is_empty());
        }
        let waiting: Vec<_> = std::iter::from_fn(|| take(&mut side.to_app)).collect();
        assert_eq!(waiting, vec![binary(b"x"); 100]);
        let memory = waiting.into_iter().map(Message::into_bytes);
        memory
            .map(|bytes| bytes.try_into_mut().unwrap().capacity())
            .sum()
    }
    let layer = || Server::established(WebSocketConfig::default());
    let whole = held(layer(), |queue: &mut Queue<Message>| queue.pop());
    let parts = held(layer().parts(), |queue: &mut Queue<Part>| {
        queue.pop().map(|part| part.payload)
    });
    for held in [whole, parts] {
        assert!(held < 512 * 1024, "{held} bytes for 100 of one byte");
    }
}
