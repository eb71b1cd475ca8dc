//! Layers without a fault pass every check.

mod toys;

use toys::{Bug, Gate, gate, nested, records};
use wirestack_laws::{associativity, check};
use wirestack_layer::LayerExt;

#[test]
fn records_keep_every_law() {
    check(&records(Bug::None));
}

#[test]
fn a_gate_keeps_every_law() {
    check(&gate(Bug::None));
}

#[test]
fn a_gate_that_stays_shut_keeps_every_law() {
    check(&gate(Bug::None).refused().deciding(|layer| {
        layer
            .part_mut()
            .is_some_and(|gate: &mut Gate| gate.decide(false))
    }));
}

#[test]
fn records_over_a_gate_keep_every_law() {
    check(&nested(Bug::None));
    associativity(&[nested(Bug::None), nested(Bug::None)]);
}
