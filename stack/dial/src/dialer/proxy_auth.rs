//! Where the authenticators of a way's hops meet the layers that wait for them.

use crate::auth::{Action, Authenticator, Input};
use crate::dialer::step::{BlockingTask, CredentialsRequest, Step};
use crate::plan::path::Route;
use crate::report::id::QuestionId;
use http::HeaderValue;
use wirestack_http::{Awaiting, ProxyClient};
use wirestack_http1::connect;
use wirestack_http2 as http2;
use wirestack_layer::{Layer, LayerExt};
use wirestack_nest::Engine;

/// The authenticators of the hops of one way.
#[derive(Default)]
pub(crate) struct Desks(Vec<Desk>);

struct Desk {
    hop: usize,
    name: String,
    /// On its way to a worker it is not here.
    authenticator: Option<Box<dyn Authenticator>>,
    /// What is to be sent first on the next connection.
    next: Option<Option<HeaderValue>>,
    question: Option<QuestionId>,
    lent: Option<QuestionId>,
    /// What an answer from outside led to.
    ready: Option<Action>,
    /// How many requests were answered with a challenge.
    challenges: usize,
}

/// What came of asking an authenticator.
pub(crate) enum Outcome {
    /// No layer waits, or the one that does waits for an answer from outside.
    Nothing,
    /// A layer was told something: the stack may go on.
    Told,
    /// Somebody outside has to be asked.
    Ask(Step),
    /// It gave up.
    GaveUp(String),
    /// A new connection is wanted.
    Reconnect,
}

impl Desks {
    pub(crate) fn new(route: &Route, mut seed: impl FnMut() -> wirestack_layer::Seed) -> Self {
        let hops = route.hops.iter().zip(&route.asked).enumerate();
        let desks = hops.map(|(hop, (at, next))| Desk {
            hop,
            name: at.to_string(),
            authenticator: Some(at.log_in(next, seed())),
            next: None,
            question: None,
            lent: None,
            ready: None,
            challenges: 0,
        });
        Self(desks.collect())
    }

    /// Whether somebody outside is being asked.
    pub(crate) fn is_asking(&self) -> bool {
        self.0.iter().any(|desk| desk.question.is_some())
    }

    /// Forgets questions whose connection is gone. An answer that still comes is not heard.
    pub(crate) fn disconnect(&mut self) {
        for desk in &mut self.0 {
            (desk.question, desk.ready) = (None, None);
        }
    }

    /// Lets the authenticator answer for the layer that waits, if one does.
    pub(crate) fn serve<L: Layer + 'static>(
        &mut self,
        route: &Route,
        place: usize,
        engine: &mut Engine<L>,
        limit: usize,
        id: impl FnOnce() -> QuestionId,
    ) -> Outcome {
        let Some(desk) = route.hop(place).and_then(|hop| self.0.get_mut(hop)) else {
            return Outcome::Nothing;
        };
        if desk.question.is_some() {
            return Outcome::Nothing;
        }
        let Some(client) = waiting_client(engine, route.last_layer(desk.hop)) else {
            return Outcome::Nothing;
        };
        if let Some(action) = desk.ready.take() {
            return desk.carry_out(action, client, id);
        }
        let Some(authenticator) = &mut desk.authenticator else {
            return Outcome::GaveUp("its authenticator never came back".into());
        };
        let action = match client.awaiting() {
            Some(Awaiting::Request) => match desk.next.take() {
                Some(value) => Action::Send(value),
                None => authenticator.step(Input::Start),
            },
            Some(Awaiting::Challenge { refusal, reusable }) => {
                desk.challenges += 1;
                if desk.challenges > limit {
                    Action::GiveUp(format!("it asked {} times", desk.challenges))
                } else {
                    authenticator.step(Input::Challenged {
                        challenges: &refusal.proxy_challenges(),
                        stays: *reusable,
                    })
                }
            }
            Some(Awaiting::Response(response)) => {
                authenticator.step(Input::Accepted(response.headers()))
            }
            _ => return Outcome::Nothing,
        };
        desk.carry_out(action, client, id)
    }

    /// Passes an answer from outside on; what comes of it is told the layer when it is
    /// [served](Self::serve) again.
    pub(crate) fn answer(&mut self, question: QuestionId, input: Input<'_>) {
        let mut asking = self.0.iter_mut();
        if let Some(desk) = asking.find(|desk| desk.question == Some(question)) {
            desk.question = None;
            if let Some(authenticator) = &mut desk.authenticator {
                desk.ready = Some(authenticator.step(input));
            }
        }
    }

    /// Takes an authenticator back that was lent to a worker.
    pub(crate) fn take_back(&mut self, job: BlockingTask) {
        let mut lent = self.0.iter_mut();
        if let Some(desk) = lent.find(|desk| desk.lent == Some(job.question)) {
            desk.authenticator = Some(job.authenticator);
            desk.lent = None;
            self.answer(job.question, Input::Ran);
        }
    }
}

impl Desk {
    fn carry_out(
        &mut self,
        action: Action,
        client: &mut dyn ProxyClient,
        id: impl FnOnce() -> QuestionId,
    ) -> Outcome {
        match action {
            Action::Send(value) => {
                // Where the connection does not stay, the next one begins with it.
                let is_left = matches!(
                    client.awaiting(),
                    Some(Awaiting::Challenge {
                        reusable: false,
                        ..
                    })
                );
                self.next = is_left.then(|| value.clone());
                client.authorize(value);
                Outcome::Told
            }
            Action::Done => {
                client.authorize(None);
                Outcome::Told
            }
            Action::GiveUp(why) => {
                client.give_up();
                Outcome::GaveUp(why)
            }
            Action::Reconnect => {
                client.give_up();
                Outcome::Reconnect
            }
            Action::Ask {
                scheme,
                realm,
                again,
            } => {
                let question = id();
                self.question = Some(question);
                let hop = self.name.clone();
                let asked = CredentialsRequest {
                    hop,
                    scheme,
                    realm,
                    again,
                };
                Outcome::Ask(Step::Ask { question, asked })
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
                let Some(authenticator) = self.authenticator.take() else {
                    return Outcome::Nothing;
                };
                let question = id();
                (self.question, self.lent) = (Some(question), Some(question));
                Outcome::Ask(Step::SpawnBlocking(BlockingTask {
                    question,
                    authenticator,
                }))
            }
        }
    }
}

/// Returns the layer with this index, if it is the client of a proxy and waits.
fn waiting_client<L: Layer + 'static>(
    engine: &mut Engine<L>,
    index: Option<usize>,
) -> Option<&mut dyn ProxyClient> {
    let index = index?;
    // Reading it alone must not make the stack run again.
    let part = engine.layer().part_at(index)?;
    let http1 = part.downcast_ref::<connect::Client>();
    let http2 = part.downcast_ref::<http2::Client>();
    http1.map_or_else(|| http2?.awaiting(), ProxyClient::awaiting)?;

    let part = engine.layer_mut().part_at_mut(index)?;
    if part.is::<connect::Client>() {
        let client = part.downcast_mut::<connect::Client>()?;
        return Some(client);
    }
    let client = part.downcast_mut::<http2::Client>()?;
    Some(client)
}
