//! A connection and its layers as spans of `tracing`.

use std::cell::Cell;
use tracing::{Span, debug, debug_span, field};
use wirestack_layer::{End, Layer, Progress};

/// A span for the connection, and inside it one for each layer until that layer is over.
///
/// The spans show names, states, facts and reasons, which hold no secrets. They never show the
/// bytes or messages that the connection carries.
#[derive(Default)]
pub(crate) struct Spans {
    connection: Option<Span>,
    layers: Vec<LayerSpan>,
    progress: Option<Progress>,
    /// The layers were dropped: only the connection has a span.
    is_bare: bool,
    has_ended: bool,
}

/// The span of a layer, and the state that it shows.
struct LayerSpan {
    span: Span,
    progress: Progress,
    has_facts: bool,
}

impl Spans {
    /// Closes the spans of the layers, which are dropped.
    pub(crate) fn without_layers(mut self) -> Self {
        self.layers.clear();
        self.is_bare = true;
        self
    }

    /// Records what has changed; `end` is how the application's side ended.
    pub(crate) fn record(&mut self, layer: &(impl Layer + ?Sized), end: Option<&End>) {
        let connection = self
            .connection
            .get_or_insert_with(|| debug_span!("connection", reason = field::Empty));
        if connection.is_disabled() {
            return;
        }
        let progress = Some(layer.progress());
        let ends = end.is_some() && !self.has_ended;
        let is_shown = self.is_bare || layer.depth() == self.layers.len();
        if progress == self.progress && is_shown && !ends {
            return;
        }
        self.progress = progress;
        let (connection, layers, next) = (&*connection, &mut self.layers, Cell::new(0));
        let is_bare = self.is_bare;
        layer.visit(&mut |status| {
            if is_bare {
                return;
            }
            let place = next.replace(next.get() + 1);
            if place == layers.len() {
                let name = status.name;
                let span =
                    debug_span!(parent: connection, "layer", name, place, facts = field::Empty);
                debug!(parent: &span, "{}", status.progress);
                layers.push(LayerSpan {
                    span,
                    progress: status.progress,
                    has_facts: false,
                });
            }
            let Some(shown) = layers.get_mut(place) else {
                return;
            };
            if status.open && !shown.has_facts {
                shown.has_facts = true;
                shown.span.record("facts", &*status.facts.to_string());
            }
            if status.progress != shown.progress {
                shown.progress = status.progress;
                debug!(parent: &shown.span, "{}", status.progress);
            }
            if status.progress == Progress::Over {
                shown.span = Span::none(); // dropping the span closes it
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
