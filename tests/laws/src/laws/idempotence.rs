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
/// ```
/// use wirestack_laws::{Subject, idempotence};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that does something at each call.
/// idempotence(&Subject::tunnel("hello", client, server).limits(&[100]));
/// ```
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
