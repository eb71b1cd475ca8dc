//! One run of a script, in an engine of its own.

mod host;
#[cfg(test)]
mod tests;

use crate::error::PacError;
use crate::limits::PacLimits;
use crate::question::Question;
use host::Host;
use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::{Context, Ctx, Function, Runtime, Type, Value};
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;
use wirestack_layer::Instant;

/// The facts that a run has from outside.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// The time in milliseconds since 1970.
    pub(crate) unix_ms: f64,
    /// The addresses of this machine.
    pub(crate) addresses: Vec<IpAddr>,
    /// The names that have been looked up.
    pub(crate) names: HashMap<String, Vec<IpAddr>>,
    pub(crate) clock: fn() -> Instant,
}

/// The outcome of a run.
pub(crate) struct Run {
    pub(crate) result: Result<Answer, PacError>,
    /// The messages of `alert`.
    pub(crate) alerts: Vec<String>,
}

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The text that the function returned.
    Text(String),
    /// A name that has to be looked up first.
    Name(String),
}

/// Runs the script and calls its function.
pub(crate) fn run(script: &str, question: &Question, world: &World, limits: &PacLimits) -> Run {
    let host = Rc::new(Host::new(world.clone(), *limits));
    let memory = limits.memory.max(LEAST_MEMORY);
    let memory = memory.saturating_add(script.len().saturating_mul(10));
    let result = evaluate(script, question, &host, memory);
    // A script may catch what is thrown when a name is not known, so the name itself counts.
    let result = match host.unknown_name() {
        Some(name) => Ok(Answer::Name(name)),
        None if host.is_late() => Err(PacError::Time(limits.time)),
        None => result.map(Answer::Text),
    };
    let alerts = host.take_alerts();
    Run { result, alerts }
}

fn evaluate(
    script: &str,
    question: &Question,
    host: &Rc<Host>,
    memory: usize,
) -> Result<String, PacError> {
    let no_memory = |_| PacError::Memory(memory);
    let runtime = Runtime::new().map_err(no_memory)?;
    runtime.set_memory_limit(memory);
    runtime.set_max_stack_size(STACK);
    let watched = host.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || watched.check_time())));
    let context = Context::custom::<Intrinsics>(&runtime).map_err(no_memory)?;
    context.with(|ctx| {
        let result = call(&ctx, script, question, host, memory);
        host.free_reserve();
        result
    })
}

fn call(
    ctx: &Ctx<'_>,
    script: &str,
    question: &Question,
    host: &Rc<Host>,
    memory: usize,
) -> Result<String, PacError> {
    let tell = host.install(ctx).map_err(|_| PacError::Memory(memory))?;
    let caught = |error| caught(ctx, &tell, error, memory);
    let mut options = EvalOptions::default();
    (options.strict, options.filename) = (false, Some(FILE.to_owned()));
    let _: Value<'_> = ctx.eval_with_options(script, options).map_err(&caught)?;
    let function: Value<'_> = ctx.eval(FUNCTION).map_err(&caught)?;
    let Some(function) = function.as_function() else {
        return Err(PacError::NoFunction);
    };
    let args = (question.url.as_str(), question.host.as_str());
    let value: Value<'_> = function.call(args).map_err(&caught)?;
    let Some(text) = value.as_string() else {
        return Err(PacError::NoText(name_of(value.type_of())));
    };
    let text = text.to_string().map_err(&caught)?;
    if text.len() > host.limits().result {
        return Err(PacError::LongResult(host.limits().result));
    }
    Ok(text)
}

/// Reads the exception of the engine.
fn caught<'js>(
    ctx: &Ctx<'js>,
    tell: &Function<'js>,
    error: rquickjs::Error,
    memory: usize,
) -> PacError {
    if !matches!(error, rquickjs::Error::Exception) {
        return PacError::Threw(error.to_string());
    }
    let thrown = ctx.catch();
    if matches!(thrown.type_of(), Type::Null | Type::Uninitialized) {
        // The engine throws null if it has no memory for an exception.
        return PacError::Threw("null, or there was no memory for another one".to_owned());
    }
    let told: Result<String, _> = tell.call((thrown,));
    let Ok(told) = told else {
        let _ = ctx.catch();
        return PacError::Threw("one that tells nothing".to_owned());
    };
    let mut parts = told.split('\0');
    let (name, message, stack) = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(message), Some(stack)) => (name, message, stack),
        (text, _, _) => return PacError::Threw(text.unwrap_or_default().to_owned()),
    };
    if name == "InternalError" && message == "out of memory" {
        return PacError::Memory(memory);
    }
    let name = if name.is_empty() { "an object" } else { name };
    let line = match line_of(stack) {
        Some(line) => format!(" in line {line}"),
        None => String::new(),
    };
    match message {
        "" => PacError::Threw(format!("{name}{line}")),
        message => PacError::Threw(format!("{name}{line}: {message}")),
    }
}

/// Returns the first line of the script that a stack names.
fn line_of(stack: &str) -> Option<&str> {
    let (_, rest) = stack.split_once(&format!("{FILE}:"))?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    Some(&rest[..end]).filter(|line| !line.is_empty())
}

fn name_of(kind: Type) -> &'static str {
    match kind {
        Type::Undefined => "nothing",
        Type::Null => "null",
        Type::Bool => "a boolean",
        Type::Int | Type::Float => "a number",
        Type::Array => "an array",
        Type::Promise => "a promise",
        Type::Function | Type::Constructor => "a function",
        _ => "an object",
    }
}

/// The parts of the language beside its core.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::Promise, // without it, an async function leaks in the engine
);

/// The name of the script in the texts of the engine.
const FILE: &str = "proxy.pac";

/// The function to call. The one with `Ex` is for scripts that know IPv6, and goes first if it is
/// there.
const FUNCTION: &str = "typeof FindProxyForURLEx === 'function' ? FindProxyForURLEx : \
                        typeof FindProxyForURL === 'function' ? FindProxyForURL : undefined";

/// The memory that the engine needs before a script begins.
const LEAST_MEMORY: usize = 512 * 1024;

/// The stack of the engine in bytes: a thread of the standard library has 2 MiB.
const STACK: usize = 256 * 1024;
