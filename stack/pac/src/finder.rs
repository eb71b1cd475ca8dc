//! The finding of the routes to one target by a script.

use crate::cache::Cache;
use crate::error::PacError;
use crate::limits::PacLimits;
use crate::question::Question;
use crate::script::{self, Answer, Run, World};
use http::StatusCode;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wirestack_dial::Routes;
use wirestack_dial::find::{Fetch, Fetched, FindAction, FindInput, FindRoutes};
use wirestack_layer::{Error, Instant, decode_text};

/// The place of a script.
#[derive(Clone)]
pub(crate) enum Place {
    Url(String),
    Text(Arc<str>),
}

/// The state that all dialings share.
pub(crate) struct Shared {
    pub(crate) place: Place,
    pub(crate) limits: PacLimits,
    pub(crate) direct_if_broken: bool,
    pub(crate) asks_for_local: bool,
    pub(crate) cache: Mutex<Cache>,
}

impl Shared {
    pub(crate) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A finder for one dialing.
pub(crate) struct Finder {
    shared: Arc<Shared>,
    question: Question,
    script: Option<Arc<str>>,
    /// The script whose server is asked if it has changed.
    asked: Option<Arc<str>>,
    world: Option<World>,
    run: Option<Run>,
    /// The time when the present run began.
    began: Option<Instant>,
    notes: Vec<String>,
}

impl Finder {
    pub(crate) fn new(shared: Arc<Shared>, question: Question) -> Self {
        Self {
            shared,
            question,
            script: None,
            asked: None,
            world: None,
            run: None,
            began: None,
            notes: Vec::new(),
        }
    }

    fn start(&mut self, now: Instant) -> FindAction {
        if self.question.is_local() && !self.shared.asks_for_local {
            let note = "the script is not asked about this machine";
            self.notes.push(note.to_owned());
            return FindAction::Found(Routes::direct());
        }
        let url = match &self.shared.place {
            Place::Text(text) => {
                self.script = Some(text.clone());
                return FindAction::AskMachine;
            }
            Place::Url(url) => url,
        };
        let cache = self.shared.cache();
        if let Some(script) = cache.fresh(now) {
            self.script = Some(script);
            return FindAction::AskMachine;
        }
        let mut fetch = Fetch::new(url.clone(), self.shared.limits.file);
        fetch.headers = cache.conditions();
        self.asked = cache.script().filter(|_| !fetch.headers.is_empty());
        FindAction::Fetch(fetch)
    }

    fn fetched(&mut self, fetched: Result<Fetched, Error>, now: Instant) -> FindAction {
        let limits = self.shared.limits;
        let found = match fetched {
            Ok(file) if file.status == StatusCode::OK => self.store(&file, now),
            Ok(file) if file.status == StatusCode::NOT_MODIFIED => {
                let known = self.shared.cache().not_changed(&file.headers, &limits, now);
                // Another dialing may have forgotten the script, or got a newer one, meanwhile.
                let known = known.or_else(|| self.asked.take());
                known.ok_or_else(|| peer(PacError::Status(file.status)))
            }
            Ok(file) if file.status.is_server_error() => {
                self.keep(peer(PacError::Status(file.status)), now)
            }
            Ok(file) => Err(local(PacError::Status(file.status))),
            Err(error) => self.keep(error, now),
        };
        match found {
            Ok(script) => {
                self.script = Some(script);
                FindAction::AskMachine
            }
            Err(error) => self.fail(error),
        }
    }

    fn store(&mut self, file: &Fetched, now: Instant) -> Result<Arc<str>, Error> {
        let limits = &self.shared.limits;
        if file.content.len() > limits.file {
            return Err(local(PacError::Long(limits.file)));
        }
        let text = decode_text(&file.content);
        let text = text.trim_start_matches('\u{feff}');
        if text.trim_start().starts_with('<') {
            return Err(peer(PacError::Html));
        }
        let script: Arc<str> = text.into();
        let is_local = matches!(&self.shared.place, Place::Url(url) if url.starts_with("file:"));
        // A file of this machine is read each time.
        if !is_local {
            let mut cache = self.shared.cache();
            cache.store(script.clone(), &file.headers, limits, now);
        }
        Ok(script)
    }

    /// Goes on with the old file, if there is one.
    fn keep(&mut self, error: Error, now: Instant) -> Result<Arc<str>, Error> {
        let kept = self.shared.cache().keep(&self.shared.limits, now);
        let (script, age) = kept.ok_or_else(|| error.clone())?;
        let age = age.as_secs() / 60;
        let note = format!("the file of {age} min ago is used, as there is no newer one: {error}");
        self.notes.push(note);
        Ok(script)
    }

    fn begin_run(&mut self, now: Instant) -> FindAction {
        if !self.shared.cache().begin(&self.shared.limits, now) {
            return self.fail(local(PacError::Stuck));
        }
        self.began = Some(now);
        FindAction::RunBlocking
    }

    fn ran(&mut self, now: Instant) -> FindAction {
        let Some(Run { result, alerts }) = self.run.take() else {
            return self.fail(local(PacError::Stuck));
        };
        let answer = match result {
            Ok(Answer::Name(name)) => return self.look_up(name),
            other => other,
        };
        let says = alerts
            .into_iter()
            .map(|text| format!("the script says: {text}"));
        self.notes.extend(says);
        let routes = answer.and_then(|answer| match answer {
            Answer::Text(text) => self.routes(text, now),
            Answer::Name(_) => Ok(Routes::direct()),
        });
        match routes {
            Ok(routes) => FindAction::Found(routes),
            Err(error) => {
                if let Some(script) = &self.script {
                    self.shared.cache().forget(script);
                }
                self.fail(local(error))
            }
        }
    }

    fn look_up(&mut self, name: String) -> FindAction {
        let most = self.shared.limits.names;
        let known = self.world.as_ref().map_or(0, |world| world.names.len());
        if known >= most {
            return self.fail(local(PacError::Names(most)));
        }
        FindAction::Resolve(vec![name])
    }

    /// Reads the result of the script. Proxies that were not reached go behind the others.
    fn routes(&self, result: String, now: Instant) -> Result<Routes, PacError> {
        let read = |text: &str| Routes::pac(text);
        if let Err(error) = read(&result) {
            return Err(PacError::Result { result, error });
        }
        let mut cache = self.shared.cache();
        let (mut alive, mut dead) = (Vec::new(), Vec::new());
        for item in result.split(';') {
            match read(item) {
                Ok(one) if cache.is_dead(&one.to_string(), now) => dead.push(item),
                _ => alive.push(item),
            }
        }
        alive.extend(dead);
        read(&alive.join(";")).map_err(|error| PacError::Result { result, error })
    }

    /// Ends with an error, or with the direct route if the user wants that.
    fn fail(&mut self, error: Error) -> FindAction {
        if self.shared.direct_if_broken {
            self.notes
                .push(format!("going straight to the target: {error}"));
            return FindAction::Found(Routes::direct());
        }
        FindAction::Fail(error)
    }
}

impl FindRoutes for Finder {
    fn step(&mut self, input: FindInput, now: Instant) -> FindAction {
        match input {
            FindInput::Start => self.start(now),
            FindInput::Fetched(fetched) => self.fetched(fetched, now),
            FindInput::Machine(machine) => {
                self.world = Some(World {
                    unix_ms: machine.unix_time.as_millis() as f64,
                    addresses: machine.addresses,
                    names: HashMap::new(),
                    clock: machine.clock,
                });
                self.begin_run(now)
            }
            FindInput::Resolved(found) => {
                if let Some(world) = &mut self.world {
                    world.names.extend(found);
                }
                self.begin_run(now)
            }
            FindInput::Ran => self.ran(now),
            _ => self.fail(local(PacError::Stuck)),
        }
    }

    fn run_blocking(&mut self) {
        if let (Some(script), Some(world)) = (&self.script, &self.world) {
            let run = script::run(script, &self.question, world, &self.shared.limits);
            self.run = Some(run);
        }
        if let Some(began) = self.began.take() {
            self.shared.cache().ended(began);
        }
    }

    fn take_notes(&mut self) -> Vec<String> {
        mem::take(&mut self.notes)
    }
}

/// Notes the end of a run that never began, or that panicked.
impl Drop for Finder {
    fn drop(&mut self) {
        if let Some(began) = self.began.take() {
            self.shared.cache().ended(began);
        }
    }
}

fn local(error: PacError) -> Error {
    Error::local(ORIGIN, error)
}

fn peer(error: PacError) -> Error {
    Error::peer(ORIGIN, error)
}

/// The origin of the errors.
const ORIGIN: &str = "pac";

#[cfg(test)]
#[path = "finder_tests.rs"]
mod tests;
