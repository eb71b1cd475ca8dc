#![allow(dead_code)] // each test uses its part
//! Two small layers that keep every law, and mutants of them with one fault each.

mod gate;
mod over;
mod records;

pub(crate) use gate::Gate;
use over::{JOINT, Over};
pub(crate) use records::{Record, Records};
use wirestack_laws::Subject;
use wirestack_layer::{LayerExt, Pipe, Queue};

/// The fault of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    None,
    // faults of records
    LosesPartialLength,
    FillsWhatIsFree,
    ErrorOvertakes,
    CutLooksFinished,
    ForgetsTheReason,
    AbortLooksFinished,
    AbortOvertakes,
    PostponesItsDeadline,
    WritesOnEveryCall,
    ClaimsToHaveRun,
    LingersAtItsDeadline,
    WritesAfterItsEnd,
    KeepsItsInputs,
    KeepsItsApplication,
    OverfillsTheWire,
    OverfillsTheApplication,
    Hoards,
    AsksForNothing,
    AsksForTheLengthOnly,
    BelievesLengths,
    PanicsOnJunk,
    HangsAtTheEnd,
    WritesInVain,
    GoesDeaf,
    OverlooksTheGreeting,
    OverlooksTheClock,
    NamesNoDeadline,
    ReadsJunkForEver,
    IgnoresThatItsApplicationGivesUp,
    HoldsBackUntilItFits,
    HoardsBeforeItIsOpen,
    WaitsForADeafApplication,
    WritesInParts,
    NeverFlushed,
    NeverSaysThatItIsOpen,
    SaysAtOnceThatItIsOpen,
    SaysOpenWhileItOpens,
    SaysOpeningForEver,
    BlamesItself,
    HidesItsPlace,
    // faults of gates
    ClosesAgain,
    AltersBytes,
    HidesBytes,
    KeepsItsDeadline,
    ParksForEver,
    // faults of nesting
    GreetsOtherwise,
    ForgetsThePlace,
    ForgetsTheEnd,
    HidesTheLower,
}

pub(crate) fn records(bug: Bug) -> Subject<Queue<Record>> {
    let side = move || Records::new(bug);
    let sample = |size| Record(wirestack_laws::pattern(size));
    Subject::messages(format!("records ({bug:?})"), side, side, sample)
        .same_bytes()
        .marks_end()
        .unit(8)
        .memory(4 << 20)
}

pub(crate) fn gate(bug: Bug) -> Subject<Pipe> {
    let (client, server) = (move || Gate::client(bug), move || Gate::server(bug));
    Subject::tunnel(format!("gate ({bug:?})"), client, server)
        .deciding(|layer| {
            layer
                .part_mut()
                .is_some_and(|gate: &mut Gate| gate.decide(true))
        })
        .same_bytes()
        .unit(64)
        .memory(1024)
}

pub(crate) fn nested(bug: Bug) -> Subject<Queue<Record>> {
    unpromised(bug).same_bytes()
}

/// The same subject, without a promise about the bytes on the wire.
pub(crate) fn unpromised(bug: Bug) -> Subject<Queue<Record>> {
    let client = move || Over::new(Gate::client(Bug::None), bug);
    let server = move || Over::new(Gate::server(Bug::None), bug);
    let sample = |size| Record(wirestack_laws::pattern(size));
    Subject::messages(
        format!("records over a gate ({bug:?})"),
        client,
        server,
        sample,
    )
    .deciding(|layer| {
        layer
            .part_mut()
            .is_some_and(|gate: &mut Gate| gate.decide(true))
    })
    .marks_end()
    .unit(JOINT + 64)
    .memory(4 << 20)
    .samples(60)
}
