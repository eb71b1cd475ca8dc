//! Layers with one fault each are caught, by the law that they break.

mod toys;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use toys::{Bug, gate, nested, records, unpromised};
use wirestack_laws::{Law, associativity, check};

#[test]
fn each_mutant_of_the_records_is_caught() {
    let mutants = [
        (Bug::LosesPartialLength, Law::Fragmentation),
        (Bug::FillsWhatIsFree, Law::Fragmentation),
        (Bug::ErrorOvertakes, Law::Ordering),
        (Bug::CutLooksFinished, Law::Ordering),
        (Bug::ForgetsTheReason, Law::Ordering),
        (Bug::AbortLooksFinished, Law::Ordering),
        (Bug::AbortOvertakes, Law::Ordering),
        (Bug::PostponesItsDeadline, Law::Idempotence),
        (Bug::WritesOnEveryCall, Law::Idempotence),
        (Bug::ClaimsToHaveRun, Law::Idempotence),
        (Bug::LingersAtItsDeadline, Law::Deadline),
        (Bug::WritesAfterItsEnd, Law::Termination),
        (Bug::KeepsItsInputs, Law::Termination),
        (Bug::KeepsItsApplication, Law::Termination),
        (Bug::OverfillsTheWire, Law::Backpressure),
        (Bug::OverfillsTheApplication, Law::Backpressure),
        (Bug::Hoards, Law::Backpressure),
        (Bug::AsksForNothing, Law::Demand),
        (Bug::AsksForTheLengthOnly, Law::Demand),
        (Bug::BelievesLengths, Law::Robustness),
        (Bug::PanicsOnJunk, Law::Robustness),
        (Bug::HangsAtTheEnd, Law::Robustness),
        (Bug::WritesInVain, Law::Cancellation),
        (Bug::GoesDeaf, Law::Cancellation),
        (Bug::OverlooksTheGreeting, Law::Ordering),
        (Bug::OverlooksTheClock, Law::Deadline),
        (Bug::NamesNoDeadline, Law::Deadline),
        (Bug::ReadsJunkForEver, Law::Robustness),
        (Bug::IgnoresThatItsApplicationGivesUp, Law::Robustness),
        (Bug::HoldsBackUntilItFits, Law::Idempotence),
        (Bug::HoardsBeforeItIsOpen, Law::Backpressure),
        (Bug::WaitsForADeafApplication, Law::Demand),
        (Bug::WritesInParts, Law::Honesty),
        (Bug::NeverFlushed, Law::Honesty),
        (Bug::NeverSaysThatItIsOpen, Law::Honesty),
        (Bug::SaysAtOnceThatItIsOpen, Law::Honesty),
        (Bug::SaysOpenWhileItOpens, Law::Honesty),
        (Bug::SaysOpeningForEver, Law::Honesty),
        (Bug::BlamesItself, Law::Honesty),
        (Bug::HidesItsPlace, Law::Honesty),
    ];
    let wrong = mutants.map(|(bug, law)| caught(bug, law, || check(&records(bug))));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_mutant_of_the_gate_is_caught() {
    let mutants = [
        (Bug::ClosesAgain, Law::Transparency),
        (Bug::AltersBytes, Law::Transparency),
        (Bug::HidesBytes, Law::Transparency),
        (Bug::KeepsItsDeadline, Law::Transparency),
        (Bug::ParksForEver, Law::Robustness),
    ];
    let wrong = mutants.map(|(bug, law)| caught(bug, law, || check(&gate(bug))));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_bytes_of_a_grouping_are_caught_if_repeatable_bytes_are_promised() {
    let pair = [Bug::None, Bug::GreetsOtherwise];
    associativity(&pair.map(unpromised));
    let caught = caught(Bug::GreetsOtherwise, Law::Associativity, || {
        associativity(&pair.map(|bug| unpromised(bug).repeatable()));
    });
    assert_eq!(caught, None);
}

#[test]
fn each_mutant_of_associativity_is_caught() {
    let mutants = [Bug::ForgetsThePlace, Bug::ForgetsTheEnd, Bug::HidesTheLower];
    let wrong = mutants.map(|bug| {
        let groups = [nested(Bug::None), nested(bug)];
        caught(bug, Law::Associativity, || associativity(&groups))
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns an error text if the mutant is not caught by this law.
fn caught(bug: Bug, law: Law, check: impl FnOnce()) -> Option<String> {
    let Err(panic) = catch_unwind(AssertUnwindSafe(check)) else {
        return Some(format!("{bug:?} is not caught"));
    };
    let text = message(&*panic);
    let named = text.starts_with(&format!("the law {law}"));
    (!named).then(|| format!("{bug:?} is not caught by {law:?}: {text}"))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic.downcast_ref::<String>().map_or("", String::as_str)
}
