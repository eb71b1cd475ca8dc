//! Ends of streams and of connections, between a client and a server of ours.

use crate::kit::{Pair, failure, streams, tunnel, window};
use wirestack_http2::{Client, ConnectRequest, Http2Config, Http2Error, Reason, Server};
use wirestack_layer::{Error, Flow, Flows, Instant, Layer, Pipe};

#[test]
fn both_directions_end_each_for_itself() {
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    pair.client.write(c, b"question");
    pair.client.finish(c);
    pair.settle();
    assert_eq!(pair.server.read(s), b"question");
    assert_eq!(pair.server.end(s).as_deref(), Some(""));
    assert_eq!(pair.client.end(c), None);
    pair.server.write(s, b"answer");
    pair.server.finish(s);
    pair.settle();
    assert_eq!(pair.client.read(c), b"answer");
    assert_eq!(pair.client.end(c).as_deref(), Some(""));
    assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
}

#[test]
fn an_abort_is_a_reset_behind_the_data_before_it_in_both_directions() {
    let cause = || Error::local("app", "had enough");
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    let [d, t] = pair.tunnel();
    pair.client.write(c, &[1; 50_000]);
    pair.client.from_app.write(c).unwrap().abort(cause());
    pair.server.write(t, &[2; 50_000]);
    pair.server.from_app.write(t).unwrap().abort(cause());
    pair.settle();
    assert_eq!(pair.server.read(s).len(), 50_000);
    assert_eq!(pair.client.read(d).len(), 50_000);
    for end in [pair.server.end(s), pair.client.end(d)] {
        let end = end.unwrap();
        assert!(
            end.starts_with("http2[0]: the peer reset the stream with "),
            "{end}"
        );
    }
    let end = pair.server.to_app.read(s).unwrap().end().cloned();
    let Some(wirestack_layer::End::Aborted(error)) = end else {
        panic!("not aborted")
    };
    assert!(matches!(
        error.cause(),
        Some(Http2Error::Reset(Reason::CANCEL))
    ));
    assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
}

/// h2 holds a part of the bytes at a time, and wants the next ones when that has left.
#[test]
fn an_abort_is_behind_all_that_the_window_lets_go_however_little_h2_holds() {
    for buffer in [1, 1000, 30_000, 50_000] {
        let mut pair = Pair::new(
            Http2Config::default().send_buffer(buffer),
            Http2Config::server(),
        );
        let [c, s] = pair.tunnel();
        pair.client.write(c, &[1; 20_000]);
        pair.client.process();
        pair.client.write(c, &[1; 30_000]);
        let error = Error::local("app", "had enough");
        pair.client.from_app.write(c).unwrap().abort(error);
        pair.settle();
        assert_eq!(pair.server.read(s).len(), 50_000, "{buffer}");
        assert!(pair.server.end(s).unwrap().contains("reset"));
        assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
    }
}

#[test]
fn a_closed_window_does_not_hold_an_abort_back() {
    let mut pair = Pair::new(Http2Config::default(), window(1000));
    let [c, s] = pair.tunnel();
    pair.client.write(c, &[1; 50_000]);
    pair.settle(); // the server's application does not read
    let error = Error::local("app", "had enough");
    pair.client.from_app.write(c).unwrap().abort(error);
    pair.settle();
    assert_eq!(pair.server.read(s).len(), 1000);
    assert!(pair.server.end(s).unwrap().contains("reset"));
    assert_eq!(streams(&pair.client) + streams(&pair.server), 0);
}

#[test]
fn a_reset_in_mid_data_harms_no_neighbour() {
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    let [d, t] = pair.tunnel();
    pair.client.write(c, &[1; 60_000]);
    pair.client.write(d, &[2; 60_000]);
    pair.client.process();
    let error = Error::local("app", "had enough");
    pair.server.from_app.write(s).unwrap().abort(error);
    pair.settle();
    pair.client.write(d, &[2; 5_000]);
    pair.client.finish(d);
    pair.settle();
    assert_eq!(pair.server.read(t), [2; 65_000]);
    assert_eq!(pair.server.end(t).as_deref(), Some(""));
    assert!(pair.client.end(c).unwrap().contains("reset"));
    assert!(
        pair.client.from_app.write(c).is_none(),
        "the stream was reset"
    );
}

#[test]
fn a_wire_that_breaks_tells_every_stream_its_own_cause_behind_the_data() {
    let mut pair = Pair::usual();
    let tunnels = [pair.tunnel(), pair.tunnel()];
    for [_, s] in tunnels {
        pair.server.write(s, b"so far");
    }
    pair.server.process();
    pair.server.to_wire.transfer_to(&mut pair.client.from_wire);
    let broken = Error::peer("wire", std::io::Error::other("the cable was cut"))
        .at(wirestack_layer::Place::Wire);
    pair.client.from_wire.abort(broken);
    pair.client.process();
    for [c, _] in tunnels {
        assert_eq!(pair.client.read(c), b"so far");
        assert_eq!(pair.client.end(c).unwrap(), "wire: the cable was cut");
    }
    assert_eq!(failure(&pair.client), "wire: the cable was cut");
}

#[test]
fn data_before_the_end_of_the_wire_are_read_whole_however_slowly() {
    let mut pair = Pair::usual();
    let [[c, s], [d, t]] = [pair.tunnel(), pair.tunnel()];
    for n in 0..10 {
        pair.server.write(s, &[n; 60_000]);
        pair.server.write(t, &[n; 60_000]);
        pair.settle();
    }
    pair.server.finish(s);
    pair.settle();
    pair.client.from_wire.finish();
    pair.client.process();
    for (id, end) in [
        (c, ""),
        (d, "http2[0]: the connection ended while streams were open"),
    ] {
        let mut read = 0;
        while pair.client.end(id).is_none() {
            let mut pipe = pair.client.to_app.read(id).unwrap();
            let n = pipe.len().min(1000);
            pipe.consume(n);
            read += n;
            drop(pipe);
            pair.client.process();
        }
        assert_eq!(read, 600_000);
        assert_eq!(pair.client.end(id).unwrap(), end);
    }
}

#[test]
fn a_server_that_goes_away_lets_open_streams_finish_and_takes_no_more() {
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    pair.server.from_app.finish();
    pair.settle();
    let late = pair.client.from_app.open(tunnel()).unwrap();
    pair.settle();
    assert!(
        pair.client
            .end(late)
            .unwrap()
            .contains("sent GOAWAY with NO_ERROR")
    );
    pair.client.write(c, b"still here");
    pair.client.finish(c);
    pair.settle();
    assert_eq!(pair.server.read(s), b"still here");
    assert!(pair.server.to_app.closed().is_none());
    pair.server.finish(s);
    pair.settle();
    assert_eq!(pair.client.end(c).as_deref(), Some(""));
    for side in [&pair.client, &pair.server] {
        assert!(matches!(
            side.to_app.closed(),
            Some(wirestack_layer::End::Finished)
        ));
    }
}

#[test]
fn a_client_that_is_done_lets_open_streams_finish() {
    let mut pair = Pair::usual();
    let [c, s] = pair.tunnel();
    pair.client.from_app.finish();
    pair.settle();
    assert!(pair.client.from_app.open(tunnel()).is_err());
    pair.server.write(s, b"more");
    pair.server.finish(s);
    pair.client.finish(c);
    pair.settle();
    assert_eq!(pair.client.read(c), b"more");
    for side in [&pair.client, &pair.server] {
        assert!(matches!(
            side.to_app.closed(),
            Some(wirestack_layer::End::Finished)
        ));
    }
}

#[test]
fn a_writer_gets_the_cause_that_still_waits_behind_unread_bytes() {
    let request = ConnectRequest::tunnel("example.org", 22).unwrap();
    let mut client = Client::new(request, Http2Config::default());
    let mut server = Server::new(Http2Config::server());
    let [mut up, mut down, mut sent, mut received] = <[Pipe; 4]>::default();
    let [mut answer, mut heard] = <[Pipe; 2]>::default();
    received.set_limit(1000);
    answer.write(&[7; 50_000]);
    while received.is_empty() {
        let flows = Flows::new(&mut down, &mut up, &mut sent, &mut received);
        client.process(flows, Instant::ORIGIN);
        let flows = Flows::new(&mut up, &mut down, &mut answer, &mut heard);
        server.process(flows, Instant::ORIGIN);
        if server.request().is_some() {
            server.accept(Default::default());
        }
    }
    let broken = Error::peer("wire", std::io::Error::other("the cable was cut"));
    down.abort(broken.at(wirestack_layer::Place::Wire));
    sent.write(b"more");
    let flows = Flows::new(&mut down, &mut up, &mut sent, &mut received);
    client.process(flows, Instant::ORIGIN);
    assert_eq!(received.len(), 1000);
    assert!(received.closed().is_none(), "the rest waits for room");
    assert_eq!(
        sent.stopped().unwrap().to_string(),
        "wire: the cable was cut"
    );
}
