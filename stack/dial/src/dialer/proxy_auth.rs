//! Gives each proxy's [`Authenticator`] to the HTTP layer that awaits its decision.

use crate::auth::{Action, Authenticator, Input};
use crate::dialer::step::{Answer, BlockingTask, CredentialsRequest, Step};
use crate::plan::route::Route;
use crate::report::id::QuestionId;
use crate::route::hop::Hop;
use crate::route::login::MakeScheme;
use crate::route::scheme::Speaks;
use http::HeaderValue;
use std::any::Any;
use std::mem;
use wirestack_http::{Awaiting, ProxyClient};
use wirestack_http1::connect;
use wirestack_http2 as http2;
use wirestack_layer::{Layer, Seed};
use wirestack_nest::Engine;

/// The authentication to the proxies of one route, over all connections that are made for it. Those
/// to the last proxies are lacking, until there is something to decide.
#[derive(Default)]
pub(crate) struct ProxyAuth(Vec<HopAuth>);

/// The authentication to one proxy.
#[derive(Default)]
struct HopAuth {
    authenticator: Held,
    /// The question that the authenticator waits for.
    question: Option<QuestionId>,
    /// `true` if the question is for the user.
    asks_user: bool,
    /// The action that the last answer led to.
    ready: Option<Action>,
    /// The authorization of the first request of the next connection, if it is decided already.
    first: Option<Option<HeaderValue>>,
    challenges: usize,
    /// `true` if the authenticator saw its last challenge while the connection was reusable.
    shown_reusable: bool,
}

/// The authenticator of a proxy.
#[derive(Default)]
enum Held {
    /// It is made when there is something to decide: most proxies ask for nothing.
    #[default]
    NotMade,
    Here(Box<dyn Authenticator>),
    /// The blocking task of this question has it.
    Lent(QuestionId),
}

/// The result of asking an authenticator.
pub(crate) enum Outcome {
    /// No layer awaits a decision, or its authenticator waits for an answer.
    Idle,
    /// A layer has its decision, so the stack has to be processed.
    Resumed,
    /// The authenticator needs an answer from outside.
    Ask(Step),
    /// The authenticator does not go on with this connection. The layer knows, so the stack has to
    /// be processed.
    GaveUp(GaveUp),
}

/// The reason why an authenticator does not go on with a connection.
pub(crate) enum GaveUp {
    /// The proxy will not let it in, for this reason.
    Because(String),
    /// It wants a new connection.
    ToReconnect,
}

impl ProxyAuth {
    /// Returns `true` while an authenticator waits for the user.
    pub(crate) fn is_asking(&self) -> bool {
        let mut hops = self.0.iter();
        hops.any(|hop| hop.question.is_some() && hop.asks_user)
    }

    /// Returns `true` while an authenticator waits for another server, or for work that blocks.
    pub(crate) fn is_waiting(&self) -> bool {
        let mut hops = self.0.iter();
        hops.any(|hop| hop.question.is_some() && !hop.asks_user)
    }

    /// Drops the questions of a connection that is gone. Their answers are ignored.
    pub(crate) fn disconnect(&mut self) {
        for hop in &mut self.0 {
            (hop.question, hop.ready) = (None, None);
        }
    }

    /// Lets an authenticator decide for the layer that awaits it, if one does. The layers below the
    /// index `open` are open; a proxy is asked at most `limit` times; a question gets the name
    /// `id`. An authenticator that has to be made gets a seed, and the scheme that `ticket` makes of
    /// the user who is logged in.
    pub(crate) fn resume<L: Layer + 'static>(
        &mut self,
        route: &Route,
        open: usize,
        engine: &mut Engine<L>,
        limit: usize,
        id: impl FnOnce() -> QuestionId,
        (seed, ticket): (impl FnOnce() -> Seed, Option<&MakeScheme>),
    ) -> Outcome {
        let at = route.hop(open);
        let hop = at.and_then(|at| Some((at, route.asked().nth(at)?)));
        let Some((at, (hop, next))) = hop else {
            return Outcome::Idle;
        };
        if hop.proxy.speaks() == Speaks::Socks {
            return Outcome::Idle;
        }
        if self.0.len() <= at {
            self.0.resize_with(at + 1, HopAuth::default);
        }
        let Some(auth) = self.0.get_mut(at).filter(|auth| auth.question.is_none()) else {
            return Outcome::Idle;
        };
        let index = route.last_layer(at);
        let Some(client) = index.and_then(|index| awaiting_client(engine, index)) else {
            return Outcome::Idle;
        };
        let make = || {
            let place = (&*hop.endpoint.host, hop.endpoint.port);
            hop.login.log_in(place, next.to_string(), seed(), ticket)
        };
        let action = auth.ready.take().or_else(|| {
            let awaiting = client.awaiting()?;
            Some(auth.decide(awaiting, limit, hop.login.begins_in_silence(), make))
        });
        match action {
            Some(action) => auth.carry_out(action, hop, client, id),
            None => Outcome::Idle,
        }
    }

    /// Takes an answer. What it leads to is carried out by [`resume`](Self::resume).
    pub(crate) fn answer(&mut self, question: QuestionId, answer: Answer) {
        let input = match answer {
            Answer::Credentials(given) => Input::Credentials(given),
            Answer::Reply(reply) => Input::Reply(reply),
            Answer::Ran(task) => {
                let is_its = |hop: &&mut HopAuth| matches!(&hop.authenticator, Held::Lent(to) if *to == question);
                if let Some(hop) = self.0.iter_mut().find(is_its) {
                    hop.authenticator = Held::Here(task.authenticator);
                }
                Input::Ran
            }
        };
        let mut hops = self.0.iter_mut();
        if let Some(hop) = hops.find(|hop| hop.question == Some(question)) {
            hop.question = None;
            if let Held::Here(authenticator) = &mut hop.authenticator {
                hop.ready = Some(authenticator.step(input));
            }
        }
    }
}

impl HopAuth {
    fn decide(
        &mut self,
        awaiting: &Awaiting,
        limit: usize,
        begins_in_silence: bool,
        make: impl FnOnce() -> Box<dyn Authenticator>,
    ) -> Action {
        match awaiting {
            Awaiting::Request => {
                if let Some(value) = self.first.take() {
                    return Action::Authorize(value);
                }
            }
            Awaiting::Challenge { reusable, .. } => {
                self.shown_reusable = *reusable;
                self.challenges += 1;
                if self.challenges > limit {
                    return Action::GiveUp(format!("it asked {} times", self.challenges));
                }
            }
            _ => {}
        }
        if let Held::NotMade = self.authenticator {
            if begins_in_silence && !matches!(awaiting, Awaiting::Challenge { .. }) {
                return Action::Authorize(None);
            }
            self.authenticator = Held::Here(make());
        }
        match &mut self.authenticator {
            Held::Here(authenticator) => authenticator.step(Input::Awaiting(awaiting)),
            _ => Action::GiveUp("its authenticator never came back".to_owned()),
        }
    }

    fn is_connection_bound(&self) -> bool {
        matches!(&self.authenticator, Held::Here(it) if it.is_connection_bound())
    }

    fn carry_out(
        &mut self,
        action: Action,
        hop: &Hop,
        client: &mut dyn ProxyClient,
        id: impl FnOnce() -> QuestionId,
    ) -> Outcome {
        self.asks_user = matches!(action, Action::Ask { .. });
        match action {
            Action::Authorize(value) => {
                if let Some(Awaiting::Challenge {
                    reusable: false, ..
                }) = client.awaiting()
                    && !(self.shown_reusable && self.is_connection_bound())
                {
                    self.first = Some(value.clone());
                }
                client.authorize(value);
                Outcome::Resumed
            }
            Action::GiveUp(why) => {
                client.give_up();
                Outcome::GaveUp(GaveUp::Because(why))
            }
            Action::Reconnect => {
                client.give_up();
                Outcome::GaveUp(GaveUp::ToReconnect)
            }
            Action::Ask {
                scheme,
                realm,
                again,
            } => {
                let question = id();
                self.question = Some(question);
                let request = CredentialsRequest {
                    hop: hop.to_string(),
                    scheme,
                    realm,
                    again,
                };
                Outcome::Ask(Step::Ask { question, request })
            }
            Action::Fetch { url, data } => {
                let question = id();
                self.question = Some(question);
                Outcome::Ask(Step::Fetch {
                    question,
                    url,
                    data,
                })
            }
            Action::RunBlocking => {
                let question = id();
                let lent = mem::replace(&mut self.authenticator, Held::Lent(question));
                let Held::Here(authenticator) = lent else {
                    self.authenticator = lent;
                    return Outcome::Idle;
                };
                self.question = Some(question);
                let task = BlockingTask { authenticator };
                Outcome::Ask(Step::SpawnBlocking { question, task })
            }
        }
    }
}

/// Returns the layer with this index, if it is a proxy's client that awaits a decision.
fn awaiting_client<L: Layer + 'static>(
    engine: &mut Engine<L>,
    index: usize,
) -> Option<&mut dyn ProxyClient> {
    // Reading it alone must not make the stack run again.
    as_client(engine.layer().layer_at(index)?)?.awaiting()?;
    as_client_mut(engine.layer_mut().layer_at_mut(index)?)
}

fn as_client(part: &dyn Any) -> Option<&dyn ProxyClient> {
    if let Some(client) = part.downcast_ref::<connect::Client>() {
        return Some(client);
    }
    let client = part.downcast_ref::<http2::Client>()?;
    Some(client)
}

fn as_client_mut(part: &mut dyn Any) -> Option<&mut dyn ProxyClient> {
    if part.is::<connect::Client>() {
        let client = part.downcast_mut::<connect::Client>()?;
        return Some(client);
    }
    let client = part.downcast_mut::<http2::Client>()?;
    Some(client)
}
