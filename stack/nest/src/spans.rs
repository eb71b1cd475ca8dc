//! A connection and its layers as spans of `tracing`.

use std::cell::Cell;
use tracing::{Span, debug, debug_span, field};
use wirestack_layer::{End, Layer, Progress};

/// A span for the connection, and in it one for each layer, as long as it is not over.
///
/// Nothing of what is carried is shown: names, states, facts and reasons, which hold no secrets.
#[derive(Default)]
pub(crate) struct Spans {
    connection: Option<Span>,
    layers: Vec<Seen>,
    progress: Option<Progress>,
    has_ended: bool,
}

/// A layer as it was seen last.
struct Seen {
    span: Span,
    progress: Progress,
    has_facts: bool,
}

impl Spans {
    /// Notes what has changed; `end` is how the application's side ended.
    pub(crate) fn note(&mut self, layer: &(impl Layer + ?Sized), end: Option<&End>) {
        let connection = self
            .connection
            .get_or_insert_with(|| debug_span!("connection", reason = field::Empty));
        if connection.is_disabled() {
            return;
        }
        let progress = Some(layer.progress());
        let ends = end.is_some() && !self.has_ended;
        if progress == self.progress && layer.depth() == self.layers.len() && !ends {
            return;
        }
        self.progress = progress;
        let (connection, layers, at) = (&*connection, &mut self.layers, Cell::new(0));
        layer.visit(&mut |status| {
            let place = at.replace(at.get() + 1);
            if place == layers.len() {
                let name = status.name;
                let span =
                    debug_span!(parent: connection, "layer", name, place, facts = field::Empty);
                debug!(parent: &span, "{}", status.progress);
                layers.push(Seen {
                    span,
                    progress: status.progress,
                    has_facts: false,
                });
            }
            let Some(seen) = layers.get_mut(place) else {
                return;
            };
            if status.open && !seen.has_facts {
                seen.has_facts = true;
                seen.span.record("facts", &*status.facts.to_string());
            }
            if status.progress != seen.progress {
                seen.progress = status.progress;
                debug!(parent: &seen.span, "{}", status.progress);
            }
            if status.progress == Progress::Over {
                seen.span = Span::none(); // it closes
            }
        });
        if ends {
            self.has_ended = true;
            let reason = match end {
                Some(End::Aborted(error)) => error.to_string(),
                _ => "finished".to_owned(),
            };
            connection.record("reason", &*reason);
            debug!(parent: connection, "{reason}");
        }
    }
}
