//! The steps of connecting, printed while they happen.

use crate::output::{Output, Paint};
use wirestack::DialContext;
use wirestack::dial::Event;

/// Prints each step to standard error, with its time.
pub(crate) fn showing(context: DialContext, output: Output) -> DialContext {
    context.on_event(move |at, event| {
        let time = format!("{:>9.1} ms", at.as_secs_f64() * 1e3);
        let paint = match event {
            Event::Refused { .. }
            | Event::NotResolved(_)
            | Event::Failed(_)
            | Event::RoutesNotFound(_) => Paint::Red,
            Event::LayerOpen { .. } | Event::Connected { .. } | Event::Ready => Paint::Green,
            _ => Paint::Dim,
        };
        output.note(&format!(
            "{time}  {}",
            output.noted(paint, &event.to_string())
        ));
    })
}
