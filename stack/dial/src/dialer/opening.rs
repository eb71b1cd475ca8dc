//! The part of a dialer that opens the layers on a connection.

use super::{Dialer, OpeningAttempt, State};
use crate::auth::{Scheme, SchemeContext};
use crate::dialer::happy_eyeballs::HappyEyeballs;
use crate::dialer::proxy_auth::Outcome;
use crate::dialer::step::{Answer, Step};
use crate::plan::route::text;
use crate::report::event::Event;
use crate::report::id::{AttemptId, Destination, QuestionId};
use crate::report::route_taken::{RouteEnd, RouteTaken};
use http::Response;
use std::mem;
use std::sync::Arc;
use wirestack_layer::{End, Error, Flow, Instant, Layer, Place, Progress, origin};
use wirestack_nest::Engine;

impl<L: Layer + 'static> Dialer<L>
where
    L::In: Default,
    L::Out: Default,
{
    /// Sets the scheme of the user who is logged in, for the hops that have
    /// [`default_credentials`](crate::Hop::default_credentials). `make` is called for each of them.
    ///
    /// ```
    /// use wirestack_dial::auth::{Scheme, SchemeContext};
    /// use wirestack_dial::Dialer;
    /// use wirestack_nest::BoxTunnel;
    ///
    /// /// A driver names the ticket of its user; a program that has named another one keeps that.
    /// fn with_ticket(
    ///     dialer: Dialer<BoxTunnel>,
    ///     ticket: fn(SchemeContext<'_>) -> Box<dyn Scheme>,
    ///     of_program: Option<fn(SchemeContext<'_>) -> Box<dyn Scheme>>,
    /// ) -> Dialer<BoxTunnel> {
    ///     match of_program {
    ///         Some(own) => dialer.with_default_credentials(own).or_default_credentials(ticket),
    ///         None => dialer.or_default_credentials(ticket),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn with_default_credentials(
        mut self,
        make: impl Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync + 'static,
    ) -> Self {
        self.ticket = Some(Arc::new(make));
        self
    }

    /// Sets the scheme as [`with_default_credentials`](Self::with_default_credentials) does, unless
    /// one is set.
    ///
    /// ```
    /// use wirestack_dial::auth::{Scheme, SchemeContext};
    /// use wirestack_dial::Dialer;
    /// use wirestack_nest::BoxTunnel;
    ///
    /// fn driven(
    ///     dialer: Dialer<BoxTunnel>,
    ///     ticket: fn(SchemeContext<'_>) -> Box<dyn Scheme>,
    /// ) -> Dialer<BoxTunnel> {
    ///     dialer.or_default_credentials(ticket) // a program may have set another one
    /// }
    /// ```
    #[must_use]
    pub fn or_default_credentials(
        self,
        make: impl Fn(SchemeContext<'_>) -> Box<dyn Scheme> + Send + Sync + 'static,
    ) -> Self {
        match self.ticket {
            Some(_) => self,
            None => self.with_default_credentials(make),
        }
    }

    /// Notes that the connection of an attempt is open, and returns the stack to drive on it. Returns
    /// `None` if the attempt is no longer wanted.
    pub fn opened(&mut self, attempt: AttemptId, now: Instant) -> Option<Engine<L>> {
        self.open(attempt, now)
    }

    /// Notes that the stream of an attempt is open, with this response, and returns the stack to
    /// drive on it. Returns `None` if the attempt is no longer wanted, or if the response does not
    /// fit the request.
    ///
    /// ```
    /// use wirestack_dial::{AttemptId, BoxSocket, Dialer};
    /// use wirestack_layer::Instant;
    /// use wirestack_nest::Engine;
    ///
    /// /// A shared HTTP/2 connection has opened a stream for an attempt.
    /// fn on_stream(
    ///     dialer: &mut Dialer<BoxSocket>,
    ///     attempt: AttemptId,
    ///     response: http::Response<()>,
    ///     now: Instant,
    /// ) -> Option<Engine<BoxSocket>> {
    ///     dialer.opened_stream(attempt, response, now) // drive it on that stream
    /// }
    /// ```
    pub fn opened_stream(
        &mut self,
        attempt: AttemptId,
        response: Response<()>,
        now: Instant,
    ) -> Option<Engine<L>> {
        let State::Racing(race) = &self.state else {
            return None;
        };
        if let Destination::Stream(share) = race.to_of(attempt)?
            && share.is_origin
        {
            match self.plan.0.build_on(response, &mut self.seeds)? {
                Ok(layer) => self.built = Some(layer),
                Err(error) => {
                    let reason = self.at_layer(error, 0);
                    self.end(reason, now);
                    return None;
                }
            }
        }
        self.open(attempt, now)
    }

    fn open(&mut self, attempt: AttemptId, now: Instant) -> Option<Engine<L>> {
        let State::Racing(race) = &mut self.state else {
            return None;
        };
        let (winner, losers) = race.win(attempt)?;
        let layer = self.built.take()?;
        let race = mem::replace(race, HappyEyeballs::to(Vec::new()));
        let to = winner.to;
        let event = Event::Connected {
            attempt,
            to: to.clone(),
        };
        self.trace.add(now, event);
        for attempt in losers {
            self.trace.add(now, Event::Closed { attempt });
            self.steps.push_back(Step::Close { attempt });
        }
        self.state = State::Opening(OpeningAttempt {
            attempt,
            to,
            race,
            open: 0,
            since: now,
            seen_before: 0,
            seen: 0,
            what: "the first bytes",
        });
        Some(Engine::new(layer))
    }

    /// Takes the answer to a question, and goes on with the connection that waits for it.
    ///
    /// `engine` is the stack of the [attempt](QuestionId::attempt) that the question is of, or
    /// `None` if that is closed.
    ///
    /// ```
    /// use wirestack_dial::{Answer, Credentials, Dialer, QuestionId};
    /// use wirestack_layer::Instant;
    /// use wirestack_nest::{BoxTunnel, Engine};
    ///
    /// /// The user has closed the dialog of `Step::Ask`.
    /// fn typed(
    ///     dialer: &mut Dialer<BoxTunnel>,
    ///     question: QuestionId,
    ///     login: Option<(String, String)>,
    ///     engine: Option<&mut Engine<BoxTunnel>>, // of `question.attempt()`
    ///     now: Instant,
    /// ) {
    ///     let login = login.map(|(user, password)| Credentials::new(user, password));
    ///     dialer.answer(question, Answer::Credentials(login), engine, now);
    /// }
    /// ```
    pub fn answer(
        &mut self,
        question: QuestionId,
        answer: Answer,
        engine: Option<&mut Engine<L>>,
        now: Instant,
    ) {
        self.proxy_auth.answer(question, answer);
        if let State::Opening(opening) = &mut self.state
            && opening.attempt == question.attempt
        {
            opening.since = now;
            self.trace.add(now, Event::Answered);
        }
        if let Some(engine) = engine {
            self.observe(question.attempt, engine, now);
        }
    }

    /// Reads the state of the stack of an attempt. Call it each time that something moved in the
    /// stack.
    ///
    /// ```
    /// use wirestack_dial::{Dialer, Plan, Routes, Step, Timeouts};
    /// use wirestack_layer::{Instant, Seed};
    ///
    /// let now = Instant::ORIGIN;
    /// let plan = Plan::stream(Routes::direct(), "tcp://192.0.2.7:22".parse()?, None, None)?;
    /// let mut dialer = Dialer::new(plan, Timeouts::default(), Seed::new([7; 32]), now);
    /// let Step::Open { attempt, .. } = dialer.step(now) else { panic!("an address is known") };
    /// let mut engine = dialer.opened(attempt, now).expect("it is wanted");
    /// engine.process(now); // it is open at once: there is no layer that has to open
    /// dialer.observe(attempt, &mut engine, now);
    /// assert!(matches!(dialer.step(now), Step::Ready { .. }));
    /// assert_eq!(dialer.route_taken().and_then(|route| route.address()), "192.0.2.7:22".parse().ok());
    /// # Ok::<(), wirestack_dial::RouteError>(())
    /// ```
    pub fn observe(&mut self, attempt: AttemptId, engine: &mut Engine<L>, now: Instant) {
        if !matches!(&self.state, State::Opening(opening) if opening.attempt == attempt) {
            return;
        }
        let mut gave_up = None;
        let mut open = self.note_open_layers(engine, now);
        while gave_up.is_none() {
            match self.authenticate(attempt, open, engine, now) {
                Outcome::Resumed => {}
                Outcome::GaveUp(why) => gave_up = Some(why),
                _ => break,
            }
            engine.process(now);
            open = self.note_open_layers(engine, now);
        }
        if engine.is_open() {
            self.trace.add(now, Event::Ready);
            let before = mem::replace(&mut self.state, State::Ready(attempt));
            if let (State::Opening(opening), Some(route)) = (before, self.routes.front()) {
                let end = match self.plan.0.builder() {
                    Some(builder) => RouteEnd::Target(builder.target.clone()),
                    None => RouteEnd::Named(self.plan.0.target()),
                };
                let hops = route.all_hops().iter();
                let hops = hops.map(|hop| (hop.proxy, hop.endpoint.clone())).collect();
                self.taken = Some(RouteTaken::new(hops, end, opening.to));
            }
            return;
        }
        match engine.to_app().closed() {
            None => {}
            Some(End::Aborted(error)) => {
                let error = error.clone();
                let ended = engine.from_wire().closed().is_some();
                self.layer_failed(error, open, ended, gave_up, now);
            }
            Some(End::Finished) => {
                let layers = engine.describe();
                let name = layers.get(open).map_or(origin::DIALER, |layer| layer.name);
                let error = Error::peer(name, EndedEarly).at(Place::Layer(open));
                self.layer_failed(error, open, true, gave_up, now);
            }
        }
    }

    /// Notes the layers that have opened, and returns the number of open layers.
    fn note_open_layers(&mut self, engine: &mut Engine<L>, now: Instant) -> usize {
        let (mut open, mut first_closed) = (0, None);
        engine.layer().visit(&mut |layer| match first_closed {
            None if layer.open => open += 1,
            None => first_closed = Some(layer.progress),
            Some(_) => {}
        });
        let State::Opening(opening) = &mut self.state else {
            return open;
        };
        let before = opening.open;
        opening.seen = engine.from_wire().total();
        if let Some(Progress::Opening(what) | Progress::Deciding(what)) = first_closed {
            opening.what = what;
        }
        if open > before {
            (opening.open, opening.since) = (open, now);
            opening.seen_before = opening.seen;
            let mut index = 0;
            engine.layer().visit(&mut |layer| {
                if (before..open).contains(&index) {
                    let event = Event::LayerOpen {
                        name: layer.name,
                        part: self.route_part(index),
                        facts: text(format_args!("{}", layer.facts)),
                    };
                    self.trace.add(now, event);
                }
                index += 1;
            });
        }
        open
    }

    /// Lets the authenticator of a hop decide if its layer awaits a decision, and passes the
    /// authenticator's question on to the driver.
    fn authenticate(
        &mut self,
        attempt: AttemptId,
        open: usize,
        engine: &mut Engine<L>,
        now: Instant,
    ) -> Outcome {
        let Some(route) = self.routes.front() else {
            return Outcome::Idle;
        };
        let ids = &mut self.ids;
        let id = || {
            *ids += 1;
            QuestionId { id: *ids, attempt }
        };
        let auth = &mut self.proxy_auth;
        let make = (|| self.seeds.seed(), self.ticket.as_deref());
        match auth.resume(route, open, engine, self.retries, id, make) {
            Outcome::Ask(step) => {
                let what = match &step {
                    Step::Ask { request, .. } => format!("credentials for {}", request.hop),
                    Step::Fetch { .. } => "an exchange with another server".to_owned(),
                    _ => "work that takes time".to_owned(),
                };
                self.trace.add(now, Event::Asking(what));
                self.steps.push_back(step);
                Outcome::Idle
            }
            outcome => outcome,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the peer ended the connection before this layer was open")]
struct EndedEarly;
