//! Delivery: over a link without faults, everything that is sent arrives. Without it no law can be
//! checked.

use crate::compare::comes_through;
use crate::conversation::Conversation;
use crate::simulation::{Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Holds every conversation once, over a link without faults.
///
/// ```
/// use wirestack_laws::{Subject, delivery};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Quick: run it first while a layer is written.
/// delivery(&Subject::tunnel("hello", client, server));
/// ```
///
/// # Panics
///
/// If something does not arrive, or if a law is broken that can be seen in one call.
pub fn delivery<F: Traffic>(subject: &Subject<F>) {
    for conversation in Conversation::ALL {
        let mut simulation = Simulation::new(
            subject,
            Setting::whole(subject.largest_limit()),
            conversation,
        );
        conversation.hold(&mut simulation, &subject.items());
        if let Some((who, seen)) = comes_through(&simulation) {
            let (subject, what) = (&simulation.context.subject, &simulation.context.what);
            let hint = match conversation {
                // The first words come in one piece with the last message of the handshake.
                Conversation::Greeting => {
                    "\n  hint: does the handshake leave the bytes behind it in from_wire?"
                }
                _ => "",
            };
            panic!(
                "{subject} does not deliver, so no law can be checked\n  by: the {who}\n  seen: {seen}\n  when: {what}\n  then: {}\n        {}{hint}",
                simulation.client.state(),
                simulation.server.state(),
            );
        }
    }
}
