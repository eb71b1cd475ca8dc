//! Looking names up, and racing their addresses.

use super::{Fixture, millis, seconds};
use std::time::Duration;
use wirestack_dial::{Step, Timeouts};

#[test]
fn an_address_is_not_looked_up() {
    let mut dialing = Fixture::new("127.0.0.1");
    let attempt = dialing.open(b"k");
    dialing.is_ready(attempt);
    let trace = dialing.dialer.trace().to_string();
    for line in [
        "connecting to 127.0.0.1:7",
        "knock      open  hop 1",
        "ready",
    ] {
        assert!(trace.contains(line), "{trace}");
    }
}

#[test]
fn addresses_are_tried_in_order() {
    let mut dialing = Fixture::new("name.test");
    dialing.resolve(&["192.0.2.1:7", "192.0.2.2:7"]);
    let (first, address) = dialing.attempt();
    assert_eq!(address.to_string(), "192.0.2.1:7");
    dialing.refuse(first);
    let second = dialing.open(b"k");
    dialing.is_ready(second);
    let late = dialing.dialer.opened(first, dialing.now);
    assert!(late.is_none(), "too late");
}

#[test]
fn every_address_that_failed_is_in_the_error() {
    let mut dialing = Fixture::new("name.test");
    dialing.resolve(&["192.0.2.1:7", "192.0.2.2:7"]);
    let (first, _) = dialing.attempt();
    assert_eq!(dialing.wait(), millis(250));
    let (second, _) = dialing.attempt();
    dialing.refuse(second);
    assert_eq!(dialing.wait(), seconds(10));
    dialing.closes(first);
    assert_eq!(
        dialing.failure().to_string(),
        "hop 1: could not connect: 192.0.2.2:7: connection refused; \
         192.0.2.1:7: timed out after 10 s"
    );
    dialing.is_over();
}

#[test]
fn rfc8305_kinds_of_addresses_take_turns_each_250_ms() {
    let mut dialing = Fixture::new("name.test");
    dialing.resolve(&[
        "[2001:db8::1]:7",
        "[2001:db8::2]:7",
        "192.0.2.1:7",
        "192.0.2.2:7",
    ]);
    let mut tried = Vec::new();
    for n in 1..=4 {
        let (attempt, to) = dialing.attempt();
        tried.push((attempt, to.to_string()));
        if n < 4 {
            assert_eq!(dialing.wait(), millis(250) * n);
        }
    }
    let order: Vec<_> = tried.iter().map(|(_, to)| &to[..]).collect();
    let wanted = [
        "[2001:db8::1]:7",
        "192.0.2.1:7",
        "[2001:db8::2]:7",
        "192.0.2.2:7",
    ];
    assert_eq!(order, wanted);
    // The third is the first that opens: the others are closed.
    dialing.opened(tried[2].0, b"");
    for lost in [0, 1, 3] {
        dialing.closes(tried[lost].0);
    }
    let late = dialing.dialer.opened(tried[0].0, dialing.now);
    assert!(late.is_none(), "too late");
}

#[test]
fn rfc8305_a_failed_attempt_lets_the_next_one_start_at_once() {
    let mut dialing = Fixture::new("name.test");
    dialing.resolve(&["192.0.2.1:7", "192.0.2.2:7", "[2001:db8::1]:7"]);
    let (first, to) = dialing.attempt();
    let first_choice = "192.0.2.1:7";
    assert_eq!(to.to_string(), first_choice, "the resolver's order is kept");
    dialing.refuse(first);
    let (_, to) = dialing.attempt();
    assert_eq!(to.to_string(), "[2001:db8::1]:7");
    assert_eq!(dialing.wait(), millis(250));
}

#[test]
fn rfc8305_ipv6_addresses_are_waited_for_50_ms() {
    for late in [false, true] {
        let mut dialing = Fixture::new("name.test");
        let lookup = dialing.lookup();
        let v4 = vec!["192.0.2.1:7".parse().unwrap()];
        dialing.dialer.found(lookup, v4, dialing.now);
        if late {
            assert_eq!(dialing.wait(), millis(50));
            assert_eq!(dialing.attempt().1.to_string(), "192.0.2.1:7");
        }
        let v6 = vec!["[2001:db8::1]:7".parse().unwrap()];
        dialing.dialer.resolved(lookup, Ok(v6), dialing.now);
        if late {
            assert_eq!(dialing.wait(), millis(300));
        }
        assert_eq!(dialing.attempt().1.to_string(), "[2001:db8::1]:7");
    }
}

#[test]
fn nothing_starts_beside_what_runs_before_a_delay_without_end() {
    let timeouts = Timeouts::default().attempt_delay(Duration::MAX);
    let timeouts = timeouts.resolution_delay(Duration::MAX);
    let mut dialing = Fixture::with("name.test", timeouts);
    let lookup = dialing.lookup();
    let v4 = vec!["192.0.2.1:7".parse().unwrap()];
    dialing.dialer.found(lookup, v4, dialing.now);
    let step = dialing.step();
    assert!(matches!(step, Step::Wait { .. }), "{step:?}"); // for IPv6
    let v6 = vec!["[2001:db8::1]:7".parse().unwrap()];
    dialing.dialer.resolved(lookup, Ok(v6), dialing.now);
    let (first, to) = dialing.attempt();
    assert_eq!(to.to_string(), "[2001:db8::1]:7");
    let step = dialing.step();
    assert!(matches!(step, Step::Wait { .. }), "{step:?}"); // for this address
    dialing.refuse(first);
    assert_eq!(dialing.attempt().1.to_string(), "192.0.2.1:7");
}
