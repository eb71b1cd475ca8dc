//! Layers with one fault each are caught, under the name of the law that they break.

mod toys;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use toys::{Bug, gate, nested, records};
use wirestack_laws::{Law, check, nesting};

#[test]
fn each_mutant_of_the_records_is_caught() {
    let mutants = [
        (Bug::LosesPartialLength, Law::Split),
        (Bug::FillsWhatIsFree, Law::Split),
        (Bug::ErrorOvertakes, Law::Order),
        (Bug::CutLooksFinished, Law::Order),
        (Bug::ForgetsTheReason, Law::Order),
        (Bug::AbortLooksFinished, Law::Order),
        (Bug::AbortOvertakes, Law::Order),
        (Bug::PostponesItsDeadline, Law::Quiet),
        (Bug::WritesOnEveryCall, Law::Quiet),
        (Bug::LingersAtItsDeadline, Law::Clock),
        (Bug::WritesAfterItsEnd, Law::End),
        (Bug::KeepsItsInputs, Law::End),
        (Bug::KeepsItsApplication, Law::End),
        (Bug::OverfillsTheWire, Law::Room),
        (Bug::OverfillsTheApplication, Law::Room),
        (Bug::Hoards, Law::Room),
        (Bug::AsksForNothing, Law::Need),
        (Bug::AsksForTheLengthOnly, Law::Need),
        (Bug::BelievesLengths, Law::Calm),
        (Bug::PanicsOnJunk, Law::Calm),
        (Bug::HangsAtTheEnd, Law::Calm),
        (Bug::WritesInVain, Law::Stop),
        (Bug::GoesDeaf, Law::Stop),
    ];
    let wrong = mutants.map(|(bug, law)| caught(bug, law, || check(&records(bug))));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_mutant_of_the_gate_is_caught() {
    let mutants = [
        (Bug::ClosesAgain, Law::Clear),
        (Bug::AltersBytes, Law::Clear),
        (Bug::HidesBytes, Law::Clear),
        (Bug::KeepsItsDeadline, Law::Clear),
        (Bug::ParksForEver, Law::Calm),
    ];
    let wrong = mutants.map(|(bug, law)| caught(bug, law, || check(&gate(bug))));
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_mutant_of_nesting_is_caught() {
    let mutants = [Bug::ForgetsThePlace, Bug::ForgetsTheEnd, Bug::HidesTheLower];
    let wrong = mutants.map(|bug| {
        let groups = [nested(Bug::None), nested(bug)];
        caught(bug, Law::Nesting, || nesting(&groups))
    });
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Says what is wrong with how a mutant was caught.
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
