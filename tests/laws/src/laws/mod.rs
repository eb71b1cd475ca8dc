//! The laws, a file each.

mod calm;
mod clear;
mod clock;
mod end;
mod need;
mod nesting;
mod order;
mod quiet;
mod room;
mod split;
mod stop;
mod works;

use crate::subject::Subject;
use crate::traffic::Traffic;
pub use calm::calm;
pub use clear::clear;
pub use clock::clock;
pub use end::end;
pub use need::need;
pub use nesting::nesting;
pub use order::order;
pub use quiet::quiet;
pub use room::room;
pub use split::split;
pub use stop::stop;
pub use works::works;

/// Checks every law but [`nesting`], which compares subjects.
///
/// # Panics
///
/// If a law is broken; the message names the law, the subject, what was seen, and when.
pub fn check<F: Traffic>(subject: &Subject<F>) {
    let laws: [(&str, Check<F>); 11] = [
        ("works", works),
        ("quiet", quiet),
        ("clock", clock),
        ("split", split),
        ("order", order),
        ("end", end),
        ("room", room),
        ("need", need),
        ("calm", calm),
        ("clear", clear),
        ("stop", stop),
    ];
    for (at, (name, check)) in (1..).zip(laws) {
        // Shown if a law is broken, or with `--nocapture`.
        println!("{}: {name} ({at} of {})", subject.name, laws.len());
        check(subject);
    }
}

type Check<F> = fn(&Subject<F>);
