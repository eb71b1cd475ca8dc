//! Idempotence: `process` again with nothing new moves nothing and changes nothing.

use crate::role::Role;
use crate::simulation::{Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Checks [`Law::Idempotence`](crate::Law::Idempotence) with calls that have nothing to do, at the
/// same time and a moment later.
///
/// Every other check makes such calls too.
///
/// # Panics
///
/// If the law is broken.
pub fn idempotence<F: Traffic>(subject: &Subject<F>) {
    for limit in &subject.limits {
        let mut simulation =
            Simulation::new(subject, Setting::whole(*limit), "idle between messages");
        simulation.settle();
        for from in [Role::Client, Role::Server, Role::Client] {
            for item in subject.items().chunks(100) {
                simulation.send(from, item);
                simulation.settle();
                simulation.settle();
            }
        }
        simulation.wind_up();
        simulation.settle();
    }
}
