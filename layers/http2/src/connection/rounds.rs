//! One round of a connection: what moves, in order, and when another round follows.

use super::Connection;
use crate::error::{Http2Error, peer};
use crate::first_bytes;
use crate::frames::HEADER;
use crate::keepalive::Pinger;
use crate::session::Polled;
use crate::streams::Streams;
use h2::Reason;
use std::mem;
use std::task::Context;
use wirestack_layer::{Flow, Flows, Instant};

impl Connection {
    /// Moves everything that can move.
    pub(super) fn settle(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) {
        let mut is_first = true;
        loop {
            if let Err(cause) = self.first_bytes.check(p.from_wire) {
                return self.fail(p, peer(cause));
            }
            self.must_poll |= self.exchange(p, now);
            let goes_on = mem::take(&mut is_first) || self.must_go_on();
            if !goes_on || !self.round(p, now) {
                return;
            }
        }
    }

    /// Moves everything that can move, once. Returns `false` if the connection is over.
    fn round(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        self.take_heads(p);
        self.process_streams(p, now);
        if p.from_app.is_closed() && self.waiting.requests.is_empty() && !self.finishing {
            self.finishing = self.session.finish();
            self.must_poll |= self.finishing;
        }
        self.open_streams(p, now);
        if !self.lingering.is_empty() {
            let late = self.lingering.late(&mut self.streams, p.from_app, now);
            self.changed.extend(late);
        }
        self.must_poll |= self.is_full && p.to_app.room() > 0;
        self.must_poll |= self.woken.take_connection();
        if mem::take(&mut self.must_poll) {
            if !self.poll(p, now) {
                return false;
            }
            if self.has_news() {
                self.process_streams(p, now); // what has come goes on at once
            }
        }
        if let Some(pinger) = &mut self.pinger
            && pinger.process(now, &mut Context::from_waker(self.woken.waker()))
        {
            let cause = Http2Error::NoPong(pinger.timeout());
            self.fail_with(p, Reason::NO_ERROR, cause);
            return false;
        }
        true
    }

    /// Sends the requests that wait, as far as the server allows them.
    fn open_streams(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) {
        if self.waiting.requests.is_empty() && !self.waiting.is_starved() {
            return;
        }
        if self.opened {
            let cx = &mut Context::from_waker(self.woken.waker());
            let waiting = &mut self.waiting.requests;
            let asked = self.session.open_streams(waiting, p, &self.woken, cx);
            self.add(asked);
        }
        let starves = self.opened && self.session.allows_no_streams();
        let patience = self.config.opening;
        self.must_poll |= self.waiting.starve(starves, patience, p, now);
    }

    /// Lets h2 do what it can. Returns `false` if the connection is over.
    fn poll(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        self.turn += 1;
        let cx = &mut Context::from_waker(self.woken.waker());
        let mut arrived = Vec::new();
        let polled = self.session.poll(p.to_app, &mut arrived, &self.woken, cx);
        for stream in &arrived {
            // So that a server learns of the end of a stream before it has answered.
            p.from_app.add(stream.id());
        }
        self.add(arrived);
        self.is_full = p.to_app.room() == 0;
        // It explains more than what h2 says of such a frame, and h2 may say it later. Before the
        // preface is right, it is no frame.
        if self.session.is_open()
            && let Some(bytes) = self.scanner.not_settings()
        {
            self.fail(p, peer(first_bytes::not_settings(&bytes)));
            return false;
        }
        match polled {
            Polled::Idle => {}
            Polled::Moved => self.must_poll = true,
            Polled::Over(error) => {
                self.end(p, error, now);
                return false;
            }
        }
        if !self.opened && self.has_settings() {
            (self.opened, self.must_poll) = (true, true);
            p.to_app.set_credit_step(self.credit_step);
            let pings = self.config.keepalive.zip(self.session.ping_pong());
            self.pinger = pings.map(|(config, ping)| Pinger::new(config, ping, now));
        }
        true
    }

    /// Moves bytes between the wire and h2. Returns `true` if h2 can go on because of that.
    fn exchange(&mut self, p: &mut Flows<'_, Streams, Streams>, now: Instant) -> bool {
        let pipes = &mut *self.io.pipes();
        pipes.lent.release();
        if let Some(memory) = pipes.incoming.take_back() {
            p.from_wire.lend(memory); // h2 has read what was in it
        }
        if !pipes.outgoing.is_empty() {
            pipes.send(p.to_wire);
        }
        let mut goes_on = pipes.blocked && pipes.outgoing.room() > 0;
        if p.from_wire.is_empty() && !p.from_wire.is_closed() {
            return goes_on;
        }
        if let Some(pinger) = &mut self.pinger
            && !p.from_wire.is_empty()
        {
            pinger.heard(now);
        }
        // h2 has to read the piece before, as the next one may have a fault.
        if pipes.incoming.is_empty() && (self.first_bytes.is_done() || p.from_wire.is_empty()) {
            let before = pipes.incoming.revision();
            let mut len = p.from_wire.len().min(pipes.incoming.room());
            if let Some(whole) = self.scanner.first_header()
                && len < whole
                && !p.from_wire.is_closed()
            {
                len = len.min(whole - HEADER);
                if len < p.from_wire.len() {
                    p.from_wire.require(whole);
                }
            }
            pipes.header_first = self.scanner.begins_large(p.from_wire.first());
            let n = self.scanner.next(len, p.from_wire.chunks());
            p.from_wire.transfer_lent(&mut pipes.incoming, n);
            goes_on |= pipes.incoming.revision() != before;
        }
        goes_on
    }

    /// Returns `true` if another round would move something.
    fn must_go_on(&self) -> bool {
        self.must_poll || self.has_news() || !self.woken.is_empty()
    }

    /// Returns `true` if h2 or the layer itself has something for a stream.
    fn has_news(&self) -> bool {
        let resets = !self.resetting.is_empty() && !self.io.pipes().blocked;
        resets || !self.changed.is_empty() || self.woken.has_streams()
    }
}
