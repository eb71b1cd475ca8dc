//! The trace: the facts of layers, and the waterfall.

use super::{Fixture, Knock, SHOWN, millis};
use wirestack_nest::Engine;

#[test]
fn the_facts_of_a_layer_are_written_once_and_only_when_it_is_open() {
    let mut dialing = Fixture::new("127.0.0.1");
    let (attempt, _) = dialing.attempt();
    let before = SHOWN.get();
    dialing.opened(attempt, b"........");
    assert_eq!(SHOWN.get(), before);
    let mut engine = Engine::new(Knock::default());
    engine.from_wire().write(b"k");
    for _ in 0..3 {
        engine.process(dialing.now);
        dialing.dialer.observe(attempt, &mut engine, dialing.now);
    }
    assert_eq!(SHOWN.get(), before + 1);
    assert!(dialing.dialer.trace().to_string().contains("it knocked"));
}

#[test]
fn a_trace_is_a_waterfall() {
    let mut dialing = Fixture::new("name.test");
    dialing.now += millis(100);
    let lookup = dialing.lookup();
    dialing.now += millis(100);
    let found = ["192.0.2.1:7", "192.0.2.2:7"].map(|text| text.parse().unwrap());
    let found = Ok(found.to_vec());
    dialing.dialer.resolved(lookup, found, dialing.now);
    let (first, _) = dialing.attempt();
    dialing.wait();
    let (second, _) = dialing.attempt();
    dialing.now += millis(150);
    dialing.refuse(second);
    dialing.now += millis(100);
    dialing.opened(first, b".");
    let mut engine = Engine::new(Knock::default());
    dialing.now += millis(300);
    engine.from_wire().write(b"k");
    engine.process(dialing.now);
    dialing.dialer.observe(first, &mut engine, dialing.now);
    let shown = dialing.dialer.trace().waterfall().to_string();
    let wanted = "\
look up   [   ====                         ]    100.00 ms name.test
open      [      =================         ]    500.00 ms 192.0.2.1:7
open      [              xxxxxx            ]    150.00 ms 192.0.2.2:7  (wire: connection refused)
knock     [                      ==========]    300.00 ms hop 1  (it knocked)
total                                          1000.00 ms
";
    assert_eq!(shown, wanted);
}
