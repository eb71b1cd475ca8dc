//! The JSON object of `probe --json`.

use super::opened::Opened;
use crate::exit::Exit;
use crate::output::safe_text;
use serde_json::{Map, Value, json};
use std::time::Duration;
use wirestack::dial::{DialError, Outcome, Target, Trace};

/// Returns the object. Its fields are those of the manual, and none is ever taken away.
pub(crate) fn report(target: &Target, result: &Result<Opened, DialError>) -> Value {
    let trace = match result {
        Ok(opened) => &opened.trace,
        Err(error) => error.trace(),
    };
    let mut report = json!({
        "target": target.to_string(),
        "open": result.is_ok(),
        "duration_ms": trace.spans().iter().map(|span| ms(span.end)).fold(0.0, f64::max),
        "spans": spans(trace),
    });
    match result {
        Ok(opened) => {
            report["exit"] = json!(Exit::Done.code());
            report["peer"] = json!(opened.peer.map(|peer| peer.to_string()));
            report["layers"] = layers(opened);
            report["certificates"] = certificates(opened);
            if let Some(response) = &opened.response {
                let mut headers = Map::new();
                for (name, value) in response.headers() {
                    headers.insert(name.to_string(), json!(safe_text(value.as_bytes())));
                }
                report["websocket"] = json!({
                    "status": response.status().as_u16(),
                    "subprotocol": opened.subprotocol,
                    "headers": headers,
                });
            }
        }
        Err(error) => {
            let exit = Exit::of(error.reason());
            report["exit"] = json!(exit.code());
            report["error"] = json!({ "kind": exit.name(), "text": error.to_string() });
        }
    }
    report
}

fn spans(trace: &Trace) -> Value {
    let spans = trace.spans();
    let spans = spans.iter().map(|span| {
        let outcome = match span.outcome {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::GivenUp => "given-up",
            _ => "note",
        };
        json!({
            "what": span.what,
            "part": span.part,
            "facts": span.facts,
            "start_ms": ms(span.start),
            "end_ms": ms(span.end),
            "outcome": outcome,
        })
    });
    Value::Array(spans.collect())
}

fn layers(opened: &Opened) -> Value {
    let layers = opened.layers.iter();
    Value::Array(
        layers
            .map(|(name, facts)| json!({ "name": name, "facts": facts }))
            .collect(),
    )
}

fn certificates(opened: &Opened) -> Value {
    let mut all = Vec::new();
    for (part, chain) in &opened.certificates {
        for certificate in chain {
            all.push(json!({
                "part": part,
                "subject": certificate.subject,
                "issuer": certificate.issuer,
                "names": certificate.names,
                "not_before": certificate.not_before,
                "not_after": certificate.not_after,
                "days_left": certificate.days_left,
            }));
        }
    }
    Value::Array(all)
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e5).round() / 1e2
}
