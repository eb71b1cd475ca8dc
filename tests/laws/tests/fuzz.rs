//! Scripts of bytes catch layers with one fault each, and let a layer without a fault pass.

mod toys;

use std::panic::{AssertUnwindSafe, catch_unwind};
use toys::{Bug, gate, nested, records};
use wirestack_laws::{Subject, Traffic, fuzz};

#[test]
fn layers_without_a_fault_pass_every_script() {
    for subject in [records(Bug::None), nested(Bug::None)] {
        assert_eq!(scripts().find(|script| fails(&subject, script)), None);
    }
    let gate = gate(Bug::None);
    assert_eq!(scripts().find(|script| fails(&gate, script)), None);
}

/// The other mutants of `mutants.rs` show only where two conversations are compared, or one stands
/// still for long: that is the task of `check`.
#[test]
fn mutants_are_caught_by_some_script() {
    let records = [
        Bug::LosesPartialLength,
        Bug::CutLooksFinished,
        Bug::AbortLooksFinished,
        Bug::PostponesItsDeadline,
        Bug::WritesOnEveryCall,
        Bug::LingersAtItsDeadline,
        Bug::WritesAfterItsEnd,
        Bug::KeepsItsInputs,
        Bug::KeepsItsApplication,
        Bug::OverfillsTheWire,
        Bug::AsksForNothing,
        Bug::AsksForTheLengthOnly,
        Bug::BelievesLengths,
        Bug::PanicsOnJunk,
        Bug::HangsAtTheEnd,
        Bug::WritesInVain,
    ]
    .map(|bug| (bug, toys::records(bug)));
    let survive = records
        .iter()
        .filter(|(_, subject)| !scripts().any(|script| fails(subject, &script)));
    let survive: Vec<String> = survive.map(|(bug, _)| format!("{bug:?}")).collect();
    assert!(survive.is_empty(), "{}", survive.join(", "));
}

fn fails<F: Traffic>(subject: &Subject<F>, script: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| fuzz::run(subject, script))).is_err()
}

/// Returns the seeds of the faultless layer, and changes of them.
fn scripts() -> impl Iterator<Item = Vec<u8>> {
    let seeds = fuzz::seeds(&records(Bug::None));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 8) as usize % n.max(1)
    };
    (0..600).map(move |n| {
        let Some(seed) = seeds.get(n) else {
            let mut script = seeds[below(seeds.len())].clone();
            for _ in 0..1 + below(4) {
                let at = below(script.len());
                script[at] = below(256) as u8;
            }
            return script;
        };
        seed.clone()
    })
}
