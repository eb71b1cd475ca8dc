//! Failures of a WebSocket that is open.

use super::*;
use std::time::Duration;
use wirestack_websocket::{Deflate, Keepalive};

fn open(moves: Vec<Move>) -> Vec<Move> {
    let mut all = vec![Move::Accepts("")];
    all.extend(moves);
    all
}

fn chat() -> Dial {
    to("ws://example.org/chat").config(|config| {
        config.max_message = 1000;
        config.max_frame = 1000;
    })
}

#[test]
fn failures_of_an_open_websocket_read_well() {
    let row = |does: &'static str, frame: &[u8], text: &'static str| Failure {
        peer: "a server",
        does,
        dial: chat(),
        moves: open(vec![also(frame)]),
        text,
    };
    check(vec![
        row(
            "uses a reserved bit",
            b"\xc1\x01x",
            "websocket[0]: the peer set the reserved bits 100 of a frame, which no agreed extension uses",
        ),
        row(
            "uses an unknown opcode",
            b"\x83\x00",
            "websocket[0]: the peer sent a frame with the opcode 0x3, wanted 0x0 to 0x2 or 0x8 to 0xa",
        ),
        row(
            "masks a frame",
            b"\x81\x81\0\0\0\0x",
            "websocket[0]: the server sent a masked frame, wanted unmasked ones",
        ),
        row(
            "fragments a ping",
            b"\x09\x00",
            "websocket[0]: the peer sent a fragmented control frame, wanted a whole one",
        ),
        row(
            "sends a long ping",
            b"\x89\x7e\x00\x7e",
            "websocket[0]: the peer sent a control frame of more than 125 bytes, the limit",
        ),
        row(
            "continues nothing",
            b"\x80\x00",
            "websocket[0]: the peer sent a continuation frame, and there is no message to continue",
        ),
        row(
            "begins a message in a message",
            b"\x01\x00\x01\x00",
            "websocket[0]: the peer began a message before the one before it had ended",
        ),
        row(
            "sends a frame that is too long",
            b"\x82\x7e\x10\x00",
            "websocket[0]: the peer sent a frame of 4096 bytes, over the limit of 1000 (`max_frame`)",
        ),
        row(
            "sends a text that is no UTF-8",
            b"\x81\x02\xc3\x28",
            "websocket[0]: the peer sent a text that is not valid UTF-8",
        ),
        row(
            "restarts",
            b"\x88\x1d\x03\xf4nightly restart, be patient",
            "websocket[0]: closed by the peer with code 1012 (the service restarts): \"nightly restart, be patient\"",
        ),
        row(
            "has a fault",
            b"\x88\x02\x03\xf3",
            "websocket[0]: closed by the peer with code 1011 (internal error of the server)",
        ),
        row(
            "closes for a policy",
            b"\x88\x08\x03\xf0\xe2\x80\xaebad",
            "websocket[0]: closed by the peer with code 1008 (policy violation): \"\\u{202e}bad\"",
        ),
        row(
            "closes with a code of its own",
            b"\x88\x09\x0f\xa1kicked!",
            "websocket[0]: closed by the peer with code 4001: \"kicked!\"",
        ),
        row(
            "sends a close of one byte",
            b"\x88\x01\x03",
            "websocket[0]: the peer sent a close frame of 1 byte, wanted none or at least 2",
        ),
        row(
            "sends a code that nobody may send",
            b"\x88\x02\x03\xed",
            "websocket[0]: the peer sent a close frame with the code 1005, which must not be sent",
        ),
    ]);
}

#[test]
fn ends_of_an_open_websocket_read_well() {
    check(vec![
        Failure {
            peer: "a server",
            does: "goes without a word",
            dial: chat(),
            moves: open(vec![Move::Ends]),
            text: "websocket[0]: the connection ended without a close frame: what came before may be incomplete",
        },
        Failure {
            peer: "a server",
            does: "resets",
            dial: chat(),
            moves: open(vec![Move::Resets]),
            text: "wire: Connection reset by peer (os error 104)",
        },
        Failure {
            peer: "a server over TLS",
            does: "goes without a word",
            dial: to("wss://example.org/chat"),
            moves: vec![secures(), Move::Accepts(""), Move::Ends],
            text: "tls[0]: the connection ended without close_notify: what came before may be incomplete",
        },
        Failure {
            peer: "a server",
            does: "answers no ping",
            dial: chat().config(|config| {
                config.keepalive = Some(Keepalive {
                    interval: Duration::from_secs(20),
                    timeout: Duration::from_secs(5),
                });
            }),
            moves: open(vec![]),
            text: "websocket[0]: the peer sent nothing within 5s after a ping: it is gone, or the way to it",
        },
    ]);
}

#[test]
fn parameters_that_were_not_offered_read_well() {
    let switch = |fields: &'static str| vec![Move::AcceptsWith(fields)];
    check(vec![
        Failure {
            peer: "a server",
            does: "chooses a subprotocol that was not offered",
            dial: chat().subprotocol("chat.v2"),
            moves: switch("Sec-WebSocket-Protocol: chat.v1\r\n"),
            text: "target (ws://example.org:80/chat): websocket[0]: the subprotocol \"chat.v1\" was chosen, which was not offered",
        },
        Failure {
            peer: "a server",
            does: "chooses an extension that was not offered",
            dial: chat(),
            moves: switch("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            text: "target (ws://example.org:80/chat): websocket[0]: the extension \"permessage-deflate\" was chosen, which was not offered",
        },
        Failure {
            peer: "a server",
            does: "chooses parameters that were not offered",
            dial: chat().config(|config| config.deflate = Some(Deflate::default())),
            moves: switch("Sec-WebSocket-Extensions: permessage-deflate; x=1\r\n"),
            text: "target (ws://example.org:80/chat): websocket[0]: the extension \"permessage-deflate; x=1\" was chosen, which does not answer the offer",
        },
    ]);
}
