//! Room: a side sends and reads no more than there is room for.

use crate::kit::*;
use wirestack_layer::Flow;
use wirestack_websocket::WebSocketConfig;

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
