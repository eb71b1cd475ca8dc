//! Where the authenticators of a way's hops meet the layers that wait for them.

use crate::auth::{Action, Authenticator, Challenge, Input};
use crate::dialer::step::{BlockingTask, CredentialsRequest, Step};
use crate::plan::path::Route;
use crate::report::id::QuestionId;
use crate::route::hop::{Proxy, Speaks};
use http::{HeaderMap, HeaderValue};
use std::any::TypeId;
use wirestack_http1::{self as http1, connect};
use wirestack_http2 as http2;
use wirestack_layer::Layer;
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
        let proxy = route.hops[desk.hop].proxy;
        let below = route.hops[..desk.hop].iter();
        let below = below
            .filter(|hop| hop.proxy.speaks() == proxy.speaks())
            .count();
        let Some(mut client) = Client::find(engine, proxy, below) else {
            return Outcome::Nothing;
        };
        let Some(parked) = client.parked() else {
            return Outcome::Nothing;
        };
        if let Some(action) = desk.ready.take() {
            return desk.carry_out(action, &mut client, id);
        }
        let Some(authenticator) = &mut desk.authenticator else {
            return Outcome::GaveUp("its authenticator never came back".into());
        };
        let action = match parked {
            Parked::Request => match desk.next.take() {
                Some(value) => Action::Send(value),
                None => authenticator.step(Input::Start),
            },
            Parked::Challenge { challenges, stays } => {
                desk.challenges += 1;
                match desk.challenges > limit {
                    true => Action::GiveUp(format!("it asked {} times", desk.challenges)),
                    false => authenticator.step(Input::Challenged {
                        challenges: &challenges,
                        stays,
                    }),
                }
            }
            Parked::Response(fields) => authenticator.step(Input::Accepted(&fields)),
        };
        desk.carry_out(action, &mut client, id)
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
        client: &mut Client<'_>,
        id: impl FnOnce() -> QuestionId,
    ) -> Outcome {
        match action {
            Action::Send(value) => {
                // Where the connection does not stay, the next one begins with it.
                self.next = client.is_left().then(|| value.clone());
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

/// The layer that asks a proxy, in either version of HTTP.
enum Client<'a> {
    Http1(&'a mut connect::Client),
    Http2(&'a mut http2::Client),
}

/// What it waits at.
enum Parked {
    Request,
    Challenge {
        challenges: Vec<Challenge>,
        stays: bool,
    },
    Response(HeaderMap),
}

impl<'a> Client<'a> {
    /// Finds the client that has so many of its kind below it, if it waits at something.
    fn find<L: Layer + 'static>(
        engine: &'a mut Engine<L>,
        proxy: Proxy,
        below: usize,
    ) -> Option<Self> {
        match proxy.speaks() {
            Speaks::Http1 => {
                let waits = |client: &connect::Client| client.parked().is_some();
                counted(engine, below, waits).map(Self::Http1)
            }
            Speaks::Http2 => {
                let waits = |client: &http2::Client| client.parked().is_some();
                counted(engine, below, waits).map(Self::Http2)
            }
            Speaks::Socks => None,
        }
    }

    fn parked(&self) -> Option<Parked> {
        Some(match self {
            Self::Http1(client) => match client.parked()? {
                connect::Parked::Request => Parked::Request,
                connect::Parked::Challenge { refusal, stays } => {
                    let challenges = refusal.proxy_challenges();
                    let challenges = challenges.into_iter().map(Challenge::new).collect();
                    Parked::Challenge { challenges, stays }
                }
                connect::Parked::Response(response) => Parked::Response(response.headers().clone()),
                _ => return None,
            },
            Self::Http2(client) => match client.parked()? {
                http2::Parked::Request => Parked::Request,
                http2::Parked::Challenge { refusal, stays } => {
                    let challenges = http1::proxy_challenges(&refusal.headers);
                    let challenges = challenges.into_iter().map(Challenge::new).collect();
                    Parked::Challenge { challenges, stays }
                }
                http2::Parked::Response(response) => Parked::Response(response.headers().clone()),
                _ => return None,
            },
        })
    }

    /// Whether the proxy has left, or is about to.
    fn is_left(&self) -> bool {
        matches!(self.parked(), Some(Parked::Challenge { stays: false, .. }))
    }

    fn authorize(&mut self, value: Option<HeaderValue>) {
        match self {
            Self::Http1(client) => client.authorize(value),
            Self::Http2(client) => client.authorize(value),
        }
    }

    fn give_up(&mut self) {
        match self {
            Self::Http1(client) => client.give_up(),
            Self::Http2(client) => client.give_up(),
        }
    }
}

/// Finds the part that has so many of its type below it, if it waits. Those above may not be there yet.
fn counted<L: Layer + 'static, T: 'static>(
    engine: &mut Engine<L>,
    below: usize,
    waits: impl FnOnce(&T) -> bool,
) -> Option<&mut T> {
    let mut all = 0;
    engine.layer().find_part(&mut |part| {
        all += usize::from(part == TypeId::of::<T>());
        false
    });
    let nth = all.checked_sub(below + 1)?;
    // Looking at it alone must not make the stack run again.
    let is_parked = waits(engine.nth_part(nth)?);
    is_parked.then(|| engine.nth_part_mut(nth))?
}
