//! The duties of a peer that have a time, and what follows when they are missed.

use super::Connection;
use crate::error::Http2Error;
use crate::session::Session;
use crate::streams::Streams;
use crate::times::{Overdue, Seen};
use h2::Reason;
use wirestack_layer::{Flows, Instant};

impl Connection {
    /// Moves everything that can move, and ends what takes too long.
    pub(super) fn keep_times(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) {
        if self.times.must_look_at_streams(now) {
            let waiting = self.streams.values_mut();
            let waiting = waiting.filter_map(|stream| stream.wait().map(|_| stream.id()));
            self.changed.extend(waiting);
        }
        self.settle(p, now);
        if let Session::Over = self.session {
            return;
        }
        let seen = Seen {
            opened: self.opened,
            is_busy: self.streams() > 0 || self.io.pipes().blocked,
            finishing: self.finishing,
            heading: self.scanner.heading(),
        };
        match self.times.look(&seen, now) {
            None => {}
            Some(Overdue::Settings(time)) => {
                self.fail_with(p, Reason::SETTINGS_TIMEOUT, Http2Error::NoSettings(time));
            }
            Some(Overdue::Head(time)) => {
                self.fail_with(p, Reason::ENHANCE_YOUR_CALM, Http2Error::HeadTimedOut(time));
            }
            Some(Overdue::Idle) => {
                self.finishing = true;
                self.session.go_away();
                self.must_poll = true;
                self.settle(p, now);
            }
        }
    }
}
