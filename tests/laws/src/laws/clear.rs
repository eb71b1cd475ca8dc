//! Clear: a transparent layer stays so. Bypassed or not, it is indistinguishable.

use crate::compare::Comparison;
use crate::conversation::Talk;
use crate::law::Law;
use crate::subject::Subject;
use crate::traffic::Traffic;
use crate::world::{Cutting, Setting, World};

/// Checks [`Law::Clear`]: every conversation with the layer taken out of the path as soon as it is
/// transparent, on either side and on both.
///
/// # Panics
///
/// If the law is broken.
pub fn clear<F: Traffic>(subject: &Subject<F>) {
    let items = subject.items();
    for talk in Talk::ALL {
        let mut comparison = Comparison::new(Law::Clear);
        for limit in &subject.limits {
            for cutting in [Cutting::Whole, Cutting::Chunks(50)] {
                for (client, server) in [(false, false), (true, false), (false, true), (true, true)]
                {
                    let setting = Setting::cut(*limit, cutting);
                    let what = format!("{talk}; bypassed: {client} {server}");
                    let mut world = World::new(subject, setting, what);
                    (world.client.bypass, world.server.bypass) = (client, server);
                    talk.hold(&mut world, &items);
                    comparison.add(&world);
                }
            }
        }
    }
}
