//! The time-outs of a look-up, of a layer and of the whole dialing.

use super::{Fixture, seconds};
use wirestack_dial::Timeouts;

#[test]
fn a_look_up_times_out() {
    let mut dialing = Fixture::new("name.test");
    let lookup = dialing.lookup();
    assert_eq!(dialing.wait(), seconds(10));
    assert_eq!(
        dialing.failure().to_string(),
        "hop 1: timed out after 10 s while looking up the name"
    );
    let late = Ok(vec!["192.0.2.1:7".parse().unwrap()]);
    dialing.dialer.resolved(lookup, late, dialing.now);
    dialing.is_over();
}

#[test]
fn each_address_has_its_own_time_to_connect() {
    for allowed in [Timeouts::default().connect, seconds(7)] {
        let mut timeouts = Timeouts::default();
        timeouts.connect = allowed;
        timeouts.attempt_delay = seconds(2);
        let mut dialing = Fixture::with("name.test", timeouts);
        dialing.resolve(&["192.0.2.1:7", "192.0.2.2:7"]);
        let (first, _) = dialing.attempt();
        assert_eq!(dialing.wait(), seconds(2));
        let (second, _) = dialing.attempt();
        assert_eq!(dialing.wait(), allowed);
        dialing.closes(first);
        assert_eq!(dialing.wait(), allowed + seconds(2));
        dialing.closes(second);
        let time = allowed.as_secs();
        assert_eq!(
            dialing.failure().to_string(),
            format!(
                "hop 1: could not connect: 192.0.2.1:7: timed out after {time} s; \
                 192.0.2.2:7: timed out after {time} s"
            )
        );
    }
}

#[test]
fn a_layer_times_out_and_the_error_names_its_wait() {
    let mut dialing = Fixture::new("127.0.0.1");
    let attempt = dialing.open(b"...");
    assert_eq!(dialing.wait(), seconds(10));
    dialing.closes(attempt);
    assert_eq!(
        dialing.failure().to_string(),
        "hop 1: timed out after 10 s while waiting for the knock, 3 bytes received"
    );
}

#[test]
fn the_whole_dialing_times_out() {
    let mut timeouts = Timeouts::default();
    timeouts.total = seconds(12);
    let mut dialing = Fixture::with("name.test", timeouts);
    dialing.resolve(&["192.0.2.1:7"]);
    let (first, _) = dialing.attempt();
    dialing.now += seconds(8);
    dialing.opened(first, b"...");
    assert_eq!(dialing.wait(), seconds(12));
    dialing.closes(first);
    assert_eq!(
        dialing.failure().to_string(),
        "hop 1: timed out after 12 s while waiting for the knock, 3 bytes received"
    );
}
