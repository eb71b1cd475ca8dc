//! The part of a dialer that decides after a failure.

use super::{Dialer, OpeningAttempt, State};
use crate::dialer::happy_eyeballs::HappyEyeballs;
use crate::dialer::proxy_auth::GaveUp;
use crate::dialer::step::Step;
use crate::plan::fallback::{NoHttp2, asks_for_http1, is_signal, is_unprocessed};
use crate::pool::SharedConnection;
use crate::report::advice::refused_with;
use crate::report::error::{DialError, Phase, Reason, Retry, RouteFailed};
use crate::report::event::Event;
use crate::report::id::{AttemptId, Destination};
use crate::report::route_part::RoutePart;
use crate::route::hop::Hop;
use crate::route::http_versions::HttpVersions;
use crate::route::redirects::RedirectError;
use http::{HeaderMap, StatusCode, header};
use std::mem;
use std::sync::Arc;
use wirestack_http::shown_url;
use wirestack_layer::{Error, Instant, Layer, Place, decode_text};

impl<L: Layer> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Decides what follows if a stream on a shared connection could not be opened.
    pub(crate) fn stream_failed(
        &mut self,
        attempt: AttemptId,
        share: Arc<SharedConnection>,
        error: Error,
        now: Instant,
    ) {
        let event = Event::Refused {
            attempt,
            to: Destination::Stream(share.clone()),
            why: error.to_string(),
        };
        self.trace.add(now, event);
        // What a proxy below the shared connection says is not the word of the target.
        let hop = self.covered_part(&error);
        let of_target = share.is_origin && hop.is_none();
        if of_target && self.plan.0.leave_http2(&error) {
            self.trace.add(now, Event::Again(error.to_string()));
            self.close(now);
            self.state = State::Start;
        } else if self.may_be_sent_again(&error) {
            // The pool takes another connection for it.
            self.trace.add(now, Event::Again(error.to_string()));
            self.hints.add(error);
            self.close(now);
            self.state = State::Racing(HappyEyeballs::to(vec![Destination::Stream(share)]));
        } else if of_target && (is_signal(&error) || !error.can_retry()) {
            let ended = refused_with(&error).is_none();
            self.layer_failed(error, usize::MAX, ended, None, now);
        } else {
            let part = hop.unwrap_or_else(|| share.to_string());
            self.next_route(Reason::Layer { part, error }, now);
        }
    }

    /// Decides what follows the failure of a layer: a new connection, a redirect, another route, or
    /// the end. `gave_up` is the reason if an authenticator gave up before.
    pub(crate) fn layer_failed(
        &mut self,
        error: Error,
        open: usize,
        ended: bool,
        gave_up: Option<GaveUp>,
        now: Instant,
    ) {
        let index = match error.place() {
            Place::Layer(index) => index,
            _ => open,
        };
        let error = self.name_refused_alpn(index, error);
        self.trace.add(now, Event::Failed(error.to_string()));
        let again = match &gave_up {
            Some(GaveUp::ToReconnect) => true,
            Some(GaveUp::Because(_)) => false,
            None if self.leave_http2(index, &error) => true,
            None if is_signal(&error) => self.may_be_sent_again(&error),
            None => error.can_retry(),
        };
        if again {
            return self.connect_again(error, now);
        }
        let of_target = self
            .routes
            .front()
            .is_none_or(|route| route.hop(index).is_none());
        let refusal = refused_with(&error).map(|(status, fields)| (status, fields.clone()));
        if let Some((status, fields)) = refusal.as_ref().filter(|_| of_target)
            && self.redirected(*status, fields, now)
        {
            return;
        }
        let reason = match gave_up {
            Some(GaveUp::Because(why)) => {
                let part = self.part(index);
                Reason::NotAuthenticated { part, error, why }
            }
            _ => self.at_layer(error, open),
        };
        // The answer of the target would be the same on every route.
        if of_target && (refusal.is_some() || !ended) {
            self.end(reason, now);
        } else {
            self.next_route(reason, now);
        }
    }

    /// Returns the name of the hop below a shared connection whose layer failed, if one did.
    fn covered_part(&self, error: &Error) -> Option<String> {
        let Place::Layer(index) = error.place() else {
            return None;
        };
        let part = self.routes.front()?.covered_part(index)?;
        Some(part.to_string())
    }

    /// Leaves HTTP/2 at a hop or at the target, if this error of the layer with that index asks for
    /// it and the user allows it. Returns `false` if not.
    fn leave_http2(&mut self, index: usize, error: &Error) -> bool {
        match self.hop_mut(index) {
            Some(hop) => asks_for_http1(error) && hop.leave_http2(),
            None => self.plan.0.leave_http2(error),
        }
    }

    /// Returns `true` if the request that failed was not processed and may be sent again: once on
    /// each route.
    fn may_be_sent_again(&self, error: &Error) -> bool {
        is_unprocessed(error) && !self.hints.any(is_unprocessed)
    }

    /// Returns the error in its own words if a peer was offered HTTP/2 alone and refused that.
    fn name_refused_alpn(&mut self, index: usize, error: Error) -> Error {
        let http2_only = match self.hop_mut(index) {
            Some(hop) => (hop.versions() == HttpVersions::Http2).then_some("proxy"),
            None => self.plan.0.http2_only(),
        };
        let refused = http2_only.and_then(|peer| NoHttp2::of_refused_alpn(peer, &error));
        refused.unwrap_or(error)
    }

    fn hop_mut(&mut self, index: usize) -> Option<&mut Hop> {
        let route = self.routes.front_mut()?;
        let hop = route.hop(index)?;
        route.hop_mut(hop)
    }

    /// Opens a new connection, because a layer asked for one.
    fn connect_again(&mut self, error: Error, now: Instant) {
        self.trace.add(now, Event::Again(error.to_string()));
        self.hints.add(error);
        if self.hints.len() > self.retries {
            let chain = mem::take(&mut self.hints).into_chain();
            let chain = chain.into_iter().map(Retry::Layer).collect();
            return self.next_route(Reason::TooManyConnections { chain }, now);
        }
        self.proxy_auth.disconnect();
        let State::Opening(opening) = mem::replace(&mut self.state, State::Route) else {
            return;
        };
        let attempt = opening.attempt;
        self.steps.push_back(Step::Close { attempt });
        if self.build(now) {
            // The address that answered is tried first.
            let known = opening.race.again(&opening.to);
            self.state = State::Racing(HappyEyeballs::to(known));
        }
    }

    /// Follows a redirect of the target. Returns `true` if its response was one.
    fn redirected(&mut self, status: StatusCode, fields: &HeaderMap, now: Instant) -> bool {
        let follows = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = fields.get(header::LOCATION).filter(|_| follows);
        let Some(location) = location.map(|value| decode_text(value.as_bytes())) else {
            return false;
        };
        let part = self.part(usize::MAX);
        let Some(followed) = self.plan.0.follow(&location) else {
            return false;
        };
        let status = status.as_u16();
        let to = self.plan.0.target();
        let many = self.redirects.len() >= self.retries;
        let error = match followed {
            Ok(()) if many => Some(RedirectError::TooMany),
            Ok(()) => None,
            Err(error) => Some(error),
        };
        let shown = match error {
            None => to.clone(),
            Some(_) => shown_url(&location),
        };
        let retry = Retry::Redirect { status, to: shown };
        self.redirects.push(retry);
        if let Some(error) = error {
            let chain = mem::take(&mut self.redirects);
            self.end(Reason::Redirect { part, error, chain }, now);
            return true;
        }
        self.trace.add(now, Event::Redirected { status, to });
        self.close(now);
        self.failed.clear();
        self.sources = 0;
        self.state = State::Start;
        true
    }

    pub(crate) fn at_layer(&self, error: Error, open: usize) -> Reason {
        let index = match error.place() {
            Place::Layer(index) => index,
            _ => open,
        };
        let part = self.part(index);
        Reason::Layer { part, error }
    }

    pub(crate) fn part(&self, index: usize) -> String {
        self.route_part(index).to_string()
    }

    /// Returns the hop or target of the present route that the layer with this index belongs to.
    pub(crate) fn route_part(&self, index: usize) -> RoutePart {
        match self.routes.front() {
            Some(route) => route.part(index),
            None => RoutePart::named(self.plan.0.target()),
        }
    }

    /// Leaves this route, and takes the next one.
    pub(crate) fn next_route(&mut self, reason: Reason, now: Instant) {
        self.close(now);
        self.built = None;
        if let Some(route) = self.routes.pop_front() {
            let route = route.name();
            if is_unreached(&reason) {
                self.plan.0.route_failed(&route, now);
            }
            self.failed.push(RouteFailed { route, reason });
        }
        self.state = State::Route;
    }

    /// Closes every attempt.
    pub(crate) fn close(&mut self, now: Instant) {
        self.proxy_auth.disconnect();
        match mem::replace(&mut self.state, State::Over) {
            State::Opening(OpeningAttempt { attempt, .. }) => {
                self.steps.push_back(Step::Close { attempt });
            }
            State::Racing(mut race) => {
                for attempt in race.stop() {
                    self.trace.add(now, Event::Closed { attempt });
                    self.steps.push_back(Step::Close { attempt });
                }
            }
            _ => {}
        }
    }

    pub(crate) fn end(&mut self, reason: Reason, now: Instant) {
        self.close(now);
        let reason = match (self.failed.is_empty(), self.routes.pop_front()) {
            (false, Some(route)) => {
                let mut tried = mem::take(&mut self.failed);
                let route = route.name();
                tried.push(RouteFailed { route, reason });
                Reason::AllRoutesFailed { tried }
            }
            _ => reason,
        };
        let error = DialError::new(reason, self.trace.clone());
        self.steps.push_back(Step::Failed(error));
    }
}

/// Returns `true` if nothing answered: a proxy that refuses one target may serve the next one.
fn is_unreached(reason: &Reason) -> bool {
    match reason {
        Reason::NotResolved { .. } | Reason::Unreached { .. } => true,
        Reason::TimedOut { phase, .. } => matches!(phase, Phase::Resolve | Phase::Connect),
        _ => false,
    }
}
