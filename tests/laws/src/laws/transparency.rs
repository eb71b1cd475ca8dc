//! Transparency: a transparent layer stays transparent. Bypassed or not, it is indistinguishable.

use crate::compare::Comparison;
use crate::conversation::Conversation;
use crate::law::Law;
use crate::simulation::{Chunking, Setting, Simulation};
use crate::subject::Subject;
use crate::traffic::Traffic;

/// Checks [`Law::Transparency`]: holds every conversation with the layer taken out of the path as
/// soon as it is transparent, on one side and on both.
///
/// ```
/// use wirestack_laws::{Subject, transparency};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// // Broken by a layer that says `is_transparent()` and still holds bytes.
/// transparency(&Subject::tunnel("hello", client, server).limits(&[100]));
/// ```
///
/// # Panics
///
/// If the law is broken.
pub fn transparency<F: Traffic>(subject: &Subject<F>) {
    let items = subject.items();
    for conversation in Conversation::ALL {
        let mut comparison = Comparison::new(Law::Transparency);
        for limit in &subject.limits {
            for chunking in [Chunking::Whole, Chunking::Chunks(50)] {
                for (client, server) in [(false, false), (true, false), (false, true), (true, true)]
                {
                    let setting = Setting::chunked(*limit, chunking);
                    let what = format!("{conversation}; bypassed: {client} {server}");
                    let mut simulation = Simulation::new(subject, setting, what);
                    (simulation.client.bypass, simulation.server.bypass) = (client, server);
                    conversation.hold(&mut simulation, &items);
                    comparison.add(&simulation);
                }
            }
        }
    }
}
