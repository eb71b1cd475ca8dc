//! The messages that are compressed, and the context of each direction.

use super::{Windows, forgets, keeps, pair, settings};
use crate::kit::*;
use std::time::{Duration, Instant};
use wirestack_websocket::{Deflate, Message};

/// The first byte of the frame in which a server sends so many equal bytes.
fn first_byte(deflate: Deflate, len: usize) -> u8 {
    let (_, mut server) = pair(deflate.clone(), deflate);
    server.from_app.push(Message::binary(vec![7; len]));
    server.process();
    server_frames(&server.sent())[0].0
}

#[test]
fn a_message_is_compressed_from_the_threshold_on_if_the_window_is_large_enough() {
    let window = |bits| {
        let (server, client) = (keeps(bits), keeps(15));
        Windows { server, client }.deflate()
    };
    for (bits, len, is_compressed) in [
        (15, 0, false),
        (15, 63, false),
        (15, 64, true),
        (9, 64, true),
        // zlib has no window of 256 bytes, and compression is a choice (RFC 7692 §6).
        (8, 64, false),
        (8, 10_000, false),
    ] {
        let flag = if is_compressed { RSV1 } else { 0 };
        assert_eq!(
            first_byte(window(bits), len),
            FIN | BINARY | flag,
            "{bits}, {len}"
        );
    }
    let mut eager = window(15);
    eager.threshold = 1;
    assert_eq!(first_byte(eager.clone(), 1), FIN | BINARY | RSV1);
    assert_eq!(first_byte(eager, 0), FIN | BINARY);
}

#[test]
fn the_first_part_of_a_message_is_compressed_however_short_it_is() {
    let (client, _) = pair(Deflate::default(), Deflate::default());
    assert!(client.layer.compression().is_some());
    let ours = settings(Deflate::default());
    let (server, _) = super::answer(&super::offered(&ours).unwrap(), ours);
    let mut side = Side::new(server.parts());
    side.from_app.push(wirestack_websocket::Part {
        payload: Message::text("short"),
        last: false,
    });
    side.process();
    assert_eq!(server_frames(&side.sent())[0].0, TEXT | RSV1);
}

#[test]
fn each_direction_has_the_context_that_was_agreed_on_for_it() {
    for (server, client) in [(true, false), (false, true)] {
        let window = |takes_over| if takes_over { keeps(15) } else { forgets(15) };
        let (of_server, of_client) = (window(server), window(client));
        let ours = Windows {
            server: of_server,
            client: of_client,
        }
        .deflate();
        let noise: String = (0..400u32)
            .map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
            .collect();
        let (mut asking, mut answering) = pair(ours.clone(), ours);
        let (mut up_sizes, mut down_sizes) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            asking.from_app.push(Message::text(noise.clone()));
            answering.from_app.push(Message::text(noise.clone()));
            asking.process();
            answering.process();
            let (up, down) = (asking.sent(), answering.sent());
            up_sizes.push(up.len());
            down_sizes.push(down.len());
            answering.receive(&up);
            asking.receive(&down);
            assert_eq!(messages(&mut answering.to_app), [text(&noise)]);
            assert_eq!(messages(&mut asking.to_app), [text(&noise)]);
        }
        let shrinks = |sizes: &[usize]| sizes[1] * 4 < sizes[0];
        assert_eq!((shrinks(&down_sizes), shrinks(&up_sizes)), (server, client));
    }
}

/// A decompressor begins anew behind a final block, and a peer has such a block for two bytes.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures the time")]
fn final_blocks_take_no_more_time_with_a_small_window() {
    let time = |bits| {
        let (server, client) = (keeps(15), keeps(bits));
        let ours = Windows { server, client }.deflate();
        let (_, mut server) = pair(ours.clone(), ours);
        let blocks = [3, 0].repeat(1 << 20);
        let bytes = client_bytes(&[frame(FIN | RSV1 | BINARY, blocks)]);
        let begun = Instant::now();
        server.receive(&bytes);
        assert_eq!(messages(&mut server.to_app), [binary(b"")]);
        begun.elapsed()
    };
    // The fastest of some, as the machine may be busy with something else.
    let fastest = |bits| (0..5).map(|_| time(bits)).min().unwrap();
    let (large, small) = (fastest(15), fastest(9));
    let bound = 3 * large + Duration::from_millis(100);
    assert!(small < bound, "{small:?} with 9 bits, {large:?} with 15");
}
