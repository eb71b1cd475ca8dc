//! Reading and writing: splits, the bytes behind a handshake, and the bytes that it waits for.

use super::{Side, client, server};
use wirestack_layer::{Blame, Layer, Parsed, Pipe, Progress, ReadError, Tunnel};

#[test]
fn bytes_behind_the_handshake_are_the_tunnels_wherever_it_is_split() {
    let all = b"++hello";
    for at in 0..=all.len() {
        let mut side = Side::new(client());
        side.from_app.write(b"early");
        side.receive(&all[..at]);
        side.receive(&all[at..]);
        assert_eq!(side.delivered(), "hello", "at {at}");
        assert_eq!(side.sent(), "sesame\nearly", "at {at}");
        assert!(side.layer.is_open() && side.layer.is_transparent());
        assert_eq!(side.layer.progress(), Progress::Open);
    }
    let mut side = Side::new(server());
    for byte in b"sesame\nhello" {
        side.receive([*byte]);
    }
    assert_eq!(side.sent(), "++");
    assert_eq!(side.delivered(), "hello");
    assert_eq!(side.layer.status().facts.to_string(), "6 bytes");
}

#[test]
fn a_line_ends_with_lf_or_cr_lf_and_has_a_cap() {
    for (line, length) in [
        (&b"\n"[..], 0),
        (b"0123456789\n", 10),
        (b"012345678\r\n", 9),
        (b"0123456789\r\n", 10),
        (b"\r\r\n", 1),
    ] {
        for at in 0..=line.len() {
            let mut side = Side::new(server());
            side.receive(&line[..at]);
            side.receive(&line[at..]);
            assert_eq!(
                side.layer.status().facts.to_string(),
                format!("{length} bytes"),
                "at {at}"
            );
        }
    }
    for line in [
        &b"0123456789X"[..],
        b"0123456789X\n",
        b"0123456789X\r\n",
        b"0123456789\rX",
        b"0123456789\r\r\n",
        &[b'x'; 100],
    ] {
        let mut side = Side::new(server());
        side.receive(line);
        let error = side.error().unwrap();
        let (awaited, most) = ("the password", 10);
        let cause = ReadError::LineTooLong { awaited, most };
        assert_eq!(error.cause(), Some(&cause));
        assert_eq!(error.blame(), Blame::Peer);
        let text = "password[0]: the password has more than 10 bytes without a line end";
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_line_without_a_cap_is_read() {
    for most in [usize::MAX, usize::MAX - 1] {
        let mut side = Side::new(Tunnel::new("line", async move |wire| {
            let line = wire.read_line(most, "a line").await?;
            wire.learn(format!("{} bytes", line.len()));
            Ok(())
        }));
        side.receive("abc");
        side.receive("def\n");
        assert_eq!(side.layer.status().facts.to_string(), "6 bytes");
    }
}

#[test]
fn a_handshake_names_what_it_waits_for_and_requires_it() {
    let mut side = Side::new(client());
    assert_eq!(side.layer.progress(), Progress::Opening("the first call"));
    side.to_wire.set_limit(0);
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("the first call"));
    side.to_wire.set_limit(10);
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("the answer"));
    assert_eq!(side.from_wire.required(), 2);
    side.receive("+");
    assert_eq!(side.from_wire.wanted(), 1);

    // The pipe may change between two calls, as it does when a layer below leaves the path.
    side.from_wire = Pipe::with_limit(1);
    side.from_wire.write(b"+");
    side.process();
    assert_eq!(side.from_wire.required(), 2);
    side.receive("+");
    assert!(side.layer.is_open());
    assert_eq!(side.from_wire.required(), 0);
}

#[test]
fn nothing_is_written_or_read_without_room() {
    let mut side = Side::new(server());
    side.to_wire.set_limit(1);
    side.to_wire.write(b"full");
    side.receive("sesame\n");
    assert_eq!(side.from_wire.len(), 7);
    assert_eq!(side.sent(), "full");
    side.process();
    assert_eq!(side.layer.progress(), Progress::Opening("room to write"));
    assert_eq!(side.sent(), "+");
    side.process();
    assert_eq!(side.sent(), "+");
    assert!(side.layer.is_open());
}

#[test]
fn a_parser_that_asks_for_what_it_has_is_given_more() {
    let layer = Tunnel::new("lazy", async |wire| {
        let all = wire.read_with("three bytes", |unread| {
            Ok::<_, &str>(match unread.len() {
                3 => Parsed::Complete(3, unread.to_vec()),
                _ => Parsed::Partial(0),
            })
        });
        assert_eq!(all.await?, b"abc");
        Ok(())
    });
    let mut side = Side::new(layer);
    for (byte, required) in [(b'a', 2), (b'b', 3), (b'c', 0)] {
        side.receive([byte]);
        assert_eq!(side.from_wire.required(), required);
    }
    assert!(side.layer.is_open());
}
