//! `--all-routes`: which way each source would choose for a target, and why.

use super::finding::{Finding, FindingRuntime};
use crate::builder::Builder;
use crate::exit::{Exit, Failure};
use crate::output::{Output, Paint, json_text};
use crate::way::PreparedWay;
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wirestack::dial::{Environment, Event, Target, Timeouts};
use wirestack::{Connect, ConnectStream, DialContext, Escaped};

/// The route that one source gives, and its reason.
struct Found {
    source: String,
    route: String,
    why: String,
}

/// Prints the ways.
pub(crate) async fn run(
    url: &str,
    target: &Target,
    prepared: &PreparedWay,
    as_json: bool,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut all = vec![by_environment(target)];
    let system = |builder: Both| Ok(builder.system_proxy());
    all.push(found(url, target, prepared, "system", system).await?);
    if let Some(pac) = &prepared.way().pac {
        // The place of the file is in the reason, without a login that it may have.
        all.push(found(url, target, prepared, "pac", |builder| builder.pac(pac)).await?);
    }
    if as_json {
        let all = all
            .iter()
            .map(|found| json!({ "source": found.source, "route": found.route, "why": found.why }));
        let all: Vec<_> = all.collect();
        output.line(&json_text(
            &json!({ "target": target.to_string(), "routes": all }),
        ));
        return Ok(Exit::Done);
    }
    for found in &all {
        let source = output.painted(Paint::Bold, &found.source);
        output.line(&format!("{source}: {}", found.route));
        output.line(&format!("    {}", found.why));
    }
    let taken =
        "without an option, the environment decides; --system-proxy, --pac and --via replace it";
    output.line(&output.painted(Paint::Dim, taken));
    Ok(Exit::Done)
}

fn by_environment(target: &Target) -> Found {
    let environment = Environment::of_this_process();
    let (route, why) = match environment.proxy_for(target) {
        Ok(Some(hop)) => (
            hop.to_string(),
            format!("{} names it", variable_for(target)),
        ),
        Ok(None) if environment.decides_about(target) => {
            ("direct".to_owned(), "no_proxy covers the host".to_owned())
        }
        Ok(None) => {
            let why = "no variable names a proxy for this kind of target".to_owned();
            ("direct".to_owned(), why)
        }
        Err(error) => ("none".to_owned(), error.to_string()),
    };
    Found {
        source: "environment".to_owned(),
        route,
        why,
    }
}

/// Returns the name of the variable that names the proxy: the first that does it alone.
fn variable_for(target: &Target) -> &'static str {
    let alone = |name: &&&str| {
        let value = std::env::var_os(**name).unwrap_or_default();
        let environment = Environment::new([(**name, value)]);
        matches!(environment.proxy_for(target), Ok(Some(_)))
    };
    Environment::VARIABLES
        .iter()
        .find(alone)
        .unwrap_or(&"a variable")
}

/// Lets a source find the routes, and goes by none of them.
async fn found(
    url: &str,
    target: &Target,
    prepared: &PreparedWay,
    source: &str,
    choose: impl FnOnce(Both) -> Result<Both, Failure>,
) -> Result<Found, Failure> {
    let (seen, finding) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(Finding::default()),
    );
    let (events, noted) = (seen.clone(), finding.clone());
    let runtime = wirestack::runtime::current().map_err(Failure::other)?;
    let runtime = FindingRuntime::new(runtime, finding.clone());
    let context = DialContext::new()
        .resolver(runtime.clone())
        .runtime(Arc::new(runtime))
        .on_event(move |_, event| {
            noted.note(event);
            if let Ok(mut events) = events.lock() {
                events.push(event.clone());
            }
        });
    // A file is got by the same authorities and in the same time as by the way itself.
    let mut builder = Both::new(url, target).context(context);
    builder = builder.timeouts(prepared.timeouts());
    for file in &prepared.way().cacert {
        builder = builder.ca_file(file);
    }
    let dialing = choose(builder)?.dial();
    let error = tokio::select! {
        biased;
        () = finding.over() => None,
        error = dialing => error,
    };
    let mut found = Found {
        source: source.to_owned(),
        route: error.unwrap_or_else(|| "none".to_owned()),
        why: "it said nothing".to_owned(),
    };
    let events = seen.lock().map(|events| events.clone());
    let events = events.unwrap_or_default();
    let (mut sources, mut notes) = (Vec::new(), Vec::new());
    for event in &events {
        match event {
            Event::FindingRoutes(source) => sources.push(source.clone()),
            // A script chooses its words.
            Event::RoutesNote(note) => notes.push(Escaped::new(note).to_string()),
            Event::FoundRoutes(routes) => found.route.clone_from(routes),
            Event::RoutesNotFound(why) => found.route = format!("none: {why}"),
            Event::Route(route) => found.route.clone_from(route),
            _ => {}
        }
    }
    sources.extend(notes);
    if !sources.is_empty() {
        found.why = sources.join(", then ");
    }
    Ok(found)
}

/// A builder for whichever target it is.
enum Both {
    Socket(Box<Connect>),
    Stream(Box<ConnectStream>),
}

impl Both {
    fn new(url: &str, target: &Target) -> Self {
        let context = DialContext::new();
        if target.must_be_websocket().is_ok() {
            Self::Socket(Box::new(Connect::new(url, context)))
        } else {
            Self::Stream(Box::new(ConnectStream::new(url, context)))
        }
    }

    fn context(self, context: DialContext) -> Self {
        match self {
            Self::Socket(it) => Self::Socket(Box::new(it.context(context))),
            Self::Stream(it) => Self::Stream(Box::new(it.context(context))),
        }
    }

    fn timeouts(self, timeouts: Timeouts) -> Self {
        match self {
            Self::Socket(it) => Self::Socket(Box::new(it.timeouts(timeouts))),
            Self::Stream(it) => Self::Stream(Box::new(it.timeouts(timeouts))),
        }
    }

    fn ca_file(self, path: &Path) -> Self {
        match self {
            Self::Socket(it) => Self::Socket(Box::new(it.ca_file(path))),
            Self::Stream(it) => Self::Stream(Box::new(it.ca_file(path))),
        }
    }

    fn system_proxy(self) -> Self {
        match self {
            Self::Socket(it) => Self::Socket(Box::new(it.system_proxy())),
            Self::Stream(it) => Self::Stream(Box::new(it.system_proxy())),
        }
    }

    fn pac(self, url: &str) -> Result<Self, Failure> {
        Ok(match self {
            Self::Socket(it) => Self::Socket(Box::new(Builder::pac(*it, url)?)),
            Self::Stream(it) => Self::Stream(Box::new(Builder::pac(*it, url)?)),
        })
    }

    async fn dial(self) -> Option<String> {
        match self {
            Self::Socket(it) => it.traced().await.err().map(|error| error.to_string()),
            Self::Stream(it) => it.traced().await.err().map(|error| error.to_string()),
        }
    }
}
