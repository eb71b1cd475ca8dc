//! `docs/limits.md` against the code: each setting has a row, and each row has the value of the
//! code.

use std::collections::HashMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wirestack::dial::serve::ProxyTimeouts;
use wirestack::dial::{Backoff, PoolConfig, Timeouts};
use wirestack::http1::Limits;
use wirestack::http2::Http2Config;
use wirestack::websocket::WebSocketConfig;
use wirestack::{Engine, Instant, socks};
use wirestack_pac::PacLimits;

const PAGE: &str = include_str!("../../../docs/limits.md");

/// Fields that bound nothing.
const NO_LIMITS: &[&str] = &["Http2Config::extended_connect"];

#[test]
fn every_setting_has_a_row_with_its_default() {
    let rows = rows();
    let mut in_code: HashMap<String, String> = HashMap::new();
    for (name, shown) in configurations() {
        in_code.extend(fields(name, &shown));
    }
    // A server has a row of its own where it differs from a client.
    let client: HashMap<_, _> = in_code.clone();
    for (name, value) in fields("Http2Config", &debug(&Http2Config::server())) {
        if client[&name] != value {
            in_code.insert(name.replace("::", "::server::"), value);
        }
    }
    in_code.insert("Engine::set_open_timeout".to_owned(), open_timeout());
    let mut faults = Vec::new();
    for row in &rows {
        let value = match &row.constant {
            Some((name, path)) => constant(name, path),
            None => in_code.remove(&row.setting),
        };
        match value {
            None => faults.push(format!("{}: the code has no such limit", row.setting)),
            Some(value) if value != row.default => {
                faults.push(format!(
                    "{}: {} here, {value} in the code",
                    row.setting, row.default
                ));
            }
            Some(_) => {}
        }
    }
    for (name, value) in &in_code {
        if !NO_LIMITS.contains(&name.as_str()) {
            faults.push(format!("{name}: no row, and {value} in the code"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(rows.len() > 100, "{} rows", rows.len());
}

/// A new type of settings is noticed too.
#[test]
fn every_type_of_settings_is_compared() {
    let known: Vec<_> = configurations().iter().map(|(name, _)| *name).collect();
    let mut sources = Vec::new();
    for folder in ["layers", "stack"] {
        rust_files(&root().join(folder), &mut sources);
    }
    let mut found = Vec::new();
    for source in sources {
        for line in fs::read_to_string(source).unwrap().lines() {
            let Some(rest) = line.strip_prefix("pub struct ") else {
                continue;
            };
            let end = rest
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len());
            let name = &rest[..end];
            let ends = ["Config", "Limits", "Timeouts", "Backoff"];
            if ends.iter().any(|end| name.ends_with(end)) {
                found.push(name.to_owned());
            }
        }
    }
    assert!(found.len() >= known.len(), "{found:?}");
    for name in found {
        assert!(known.contains(&name.as_str()), "{name} is not compared");
    }
}

/// A new constant is noticed too.
#[test]
fn every_constant_that_is_a_time_or_a_limit_has_a_row() {
    let rows: Vec<_> = rows().into_iter().filter_map(|row| row.constant).collect();
    let mut sources = Vec::new();
    for folder in ["layers", "stack"] {
        rust_files(&root().join(folder), &mut sources);
    }
    let (mut found, mut faults) = (0, Vec::new());
    for source in sources {
        let path = source.strip_prefix(root()).unwrap();
        let path = path.to_str().unwrap().replace('\\', "/");
        if !path.contains("/src/") || path.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&source).unwrap();
        let code = text.split("mod tests {").next().unwrap();
        for name in code.lines().filter_map(limit) {
            found += 1;
            let is_row = rows.iter().any(|row| row.0 == name && row.1 == path);
            let is_known = |(known, file, _): &(&str, &str, &str)| *known == name && *file == path;
            let is_exempt = NO_LIMITS_EITHER.iter().any(is_known);
            if is_row == is_exempt {
                faults.push(format!("{name} in {path}: one of a row and a reason"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(found > 100, "{found} constants");
}

/// Returns the name of the constant of a line, if it is a time or has the name of a limit.
fn limit(line: &str) -> Option<&str> {
    let (name, value) = line.split_once("const ")?.1.split_once(": ")?;
    let kind = value.split_once(" =")?.0;
    let is_number = ["usize", "u64", "u32", "u16"].contains(&kind);
    let words = ["MAX", "MOST", "LONGEST", "LIMIT", "TIMEOUT", "WAITING"];
    let is_limit = name == "AT_ONCE" || name.split('_').any(|word| words.contains(&word));
    (kind == "Duration" || is_number && is_limit).then_some(name)
}

/// Constants that bound nothing of a peer, or stand in the row of another one, and the reason.
const NO_LIMITS_EITHER: &[(&str, &str, &str)] = &[
    ("LONGEST_IPV4", "layers/socks/src/address.rs", CAPACITY),
    (
        "MOST_OWN_FIELDS",
        "layers/websocket/src/request.rs",
        CAPACITY,
    ),
    ("MAX_GROWTH_FACTOR", "layers/tls/src/session.rs", CAPACITY),
    ("MAX_TURNS", "stack/src/driver/server/udp_relay.rs", TURN),
    ("MAX_STRANGERS", "stack/src/driver/server/proxy.rs", TURN),
    ("MAX_TURNS", "stack/src/driver/io/connection.rs", TURN),
    ("MOST_READS", "stack/src/driver/runtime/turn.rs", TURN),
    (
        "MAX_GONE",
        "stack/src/driver/http2/waiting.rs",
        "names of streams that have gone",
    ),
    (
        "SHORTEST_WAIT",
        "stack/dial/src/serve/accepting.rs",
        "in the row of LONGEST_WAIT",
    ),
    (
        "MAX_QUEUE",
        "stack/src/driver/server/udp_relay.rs",
        "in the row of MAX_BATCH",
    ),
    (
        "MAX_BUFFER",
        "stack/src/forward_proxy/forward.rs",
        "below its table: no test sees it",
    ),
    (
        "MAX_DATAGRAM",
        "stack/src/driver/server/udp_relay.rs",
        DATAGRAM,
    ),
    ("MAX_DATAGRAM", "stack/src/driver/datagrams.rs", DATAGRAM),
    ("MAX_DATAGRAM", "stack/cli/src/serve/datagrams.rs", DATAGRAM),
    ("MAX_DATAGRAM", "stack/cli/src/proxy/datagrams.rs", DATAGRAM),
    ("MAX_DATAGRAM", "stack/cli/src/forward/udp.rs", DATAGRAM),
    (
        "MAX_FORGOTTEN",
        "layers/http2/src/streams.rs",
        "names of streams, four bytes each",
    ),
    (
        "MAX_STREAM",
        "layers/http2/src/connection/ends.rs",
        "RFC 9113 §5.1.1",
    ),
    (
        "MAX_UNIX_PATH",
        "layers/proxy-header/src/header.rs",
        "the field of the header",
    ),
    ("MAX_HEADER", "layers/socks/src/datagram.rs", "RFC 1928 §7"),
    (
        "MAX_REASON",
        "layers/websocket/src/close.rs",
        "RFC 6455 §5.5",
    ),
    (
        "MAX_CONTROL",
        "layers/websocket/src/lib.rs",
        "RFC 6455 §5.5",
    ),
    ("LONGEST", "layers/websocket/src/frame.rs", "RFC 6455 §5.2"),
    (
        "LONGEST_NAME",
        "stack/pac/src/script/host.rs",
        "RFC 1035 §2.3.4",
    ),
    (
        "MAX_SKEW",
        "stack/kerberos/src/scheme.rs",
        "chooses the words of an error",
    ),
    (
        "A_WHILE",
        "layers/layer/src/with_std.rs",
        "far times of the clock",
    ),
    (
        "FAR_AWAY",
        "layers/layer/src/with_std.rs",
        "far times of the clock",
    ),
    (
        "MAX_SLICES",
        "stack/src/driver/runtime/transport.rs",
        "slices of one write",
    ),
    ("MAX_ROUNDS", "stack/src/driver/io/carry.rs", TURN),
    ("MAX_ROUNDS", "stack/src/driver/io/splice.rs", TURN),
    (
        "MAX_STACK_FDS",
        "stack/src/driver/runtime/threads/sleeper.rs",
        "more of them are on the heap",
    ),
    (
        "MAX_SLEEP_UNNOTIFIED",
        "stack/src/driver/runtime/threads/sleeper.rs",
        "a wait that is repeated",
    ),
    (
        "MAX_SLEEP",
        "stack/src/driver/runtime/threads/sleeper.rs",
        "a wait that is repeated",
    ),
    (
        "SHORTEST_INTERVAL",
        "layers/http2/src/keepalive.rs",
        "keeps an answer from asking for the next one at once",
    ),
    (
        "MOST_OF_HYPER",
        "stack/src/forward_proxy/http1.rs",
        "136 years, which the clock can hold",
    ),
    (
        "ERROR_PAUSE",
        "stack/cli/src/forward/udp.rs",
        "a pause behind an error",
    ),
];

const DATAGRAM: &str = "no datagram of UDP is longer";
const CAPACITY: &str = "memory that is reserved for what is known";
const TURN: &str = "the length of a turn of a task";

/// Returns the time that a new engine gives its layers to open.
fn open_timeout() -> String {
    let target = socks::Address::new("192.0.2.1", 7).unwrap();
    let mut engine = Engine::new(socks::Client::new(target));
    engine.process(Instant::ORIGIN);
    let asked = engine.to_wire().len();
    engine.transmit(|to_wire| to_wire.consume(asked)); // a write has a time of its own
    engine.process(Instant::ORIGIN);
    assert!(!engine.is_open());
    match engine.deadline() {
        None => "none".to_owned(),
        Some(at) => debug(&(at - Instant::ORIGIN)),
    }
}

fn configurations() -> Vec<(&'static str, String)> {
    vec![
        ("Http2Config", debug(&Http2Config::default())),
        ("WebSocketConfig", debug(&WebSocketConfig::default())),
        ("Limits", debug(&Limits::default())),
        ("Timeouts", debug(&Timeouts::default())),
        ("ProxyTimeouts", debug(&ProxyTimeouts::default())),
        ("PoolConfig", debug(&PoolConfig::default())),
        ("PacLimits", debug(&PacLimits::default())),
        ("Backoff", debug(&Backoff::default())),
    ]
}

/// The derived text names every field. A pattern could not: these types are `non_exhaustive`.
fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

struct Row {
    setting: String,
    /// The name of a constant, and the file that has it.
    constant: Option<(String, String)>,
    default: String,
}

fn rows() -> Vec<Row> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows = lines.map(|line| {
        let cells: Vec<_> = line.split(" | ").map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{line}");
        let test = cells[4].trim_end_matches('|').trim();
        assert!(
            test.starts_with('`'),
            "{} has no test at its edge",
            cells[0]
        );
        let codes: Vec<_> = cells[0].split('`').skip(1).step_by(2).collect();
        let is_constant = |code: &str| code.chars().all(|c| c.is_uppercase() || c == '_');
        let constant = codes.iter().position(|code| is_constant(code));
        Row {
            setting: codes[0].to_owned(),
            constant: constant.map(|n| (codes[n].to_owned(), codes[n + 1].to_owned())),
            default: value_of(cells[2]),
        }
    });
    let rows: Vec<_> = rows.collect();
    for (n, row) in rows.iter().enumerate() {
        let is_same =
            |other: &Row| (&other.setting, &other.constant) == (&row.setting, &row.constant);
        assert!(
            !rows[..n].iter().any(is_same),
            "{} has two rows",
            row.setting
        );
    }
    rows
}

/// Reads a value as a person writes it.
fn value_of(text: &str) -> String {
    let text = text.trim_matches('`');
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let Ok(number) = number.replace(',', "").parse::<u64>() else {
        return text.to_owned();
    };
    match unit {
        "" => number.to_string(),
        "KiB" => (number << 10).to_string(),
        "MiB" => (number << 20).to_string(),
        "ms" => format!("{:?}", Duration::from_millis(number)),
        "s" => format!("{:?}", Duration::from_secs(number)),
        "min" => format!("{:?}", Duration::from_secs(60 * number)),
        _ => panic!("the unit of {text}"),
    }
}

/// Reads the fields of a struct out of its derived text.
fn fields(name: &str, text: &str) -> Vec<(String, String)> {
    let inner = text.split_once(" { ").expect("a struct").1;
    let inner = inner.strip_suffix(" }").expect("a whole struct");
    let (mut found, mut depth, mut begin) = (Vec::new(), 0, 0);
    for (n, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                let (field, value) = inner[begin..n].trim().split_once(": ").expect("a field");
                let value = match value.split_once(" {") {
                    Some((nested, _)) => nested,
                    None => value.trim_start_matches("Some(").trim_end_matches(')'),
                };
                let is_none = value == "None" || value == usize::MAX.to_string();
                let value = if is_none { "none" } else { value };
                found.push((format!("{name}::{field}"), value.to_owned()));
                begin = n + 1;
            }
            _ => {}
        }
    }
    found
}

/// Reads a constant out of its file.
fn constant(name: &str, path: &str) -> Option<String> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    let line = text
        .lines()
        .find(|line| line.contains(&format!("const {name}: ")))?;
    let value = line
        .split_once(" = ")?
        .1
        .strip_suffix(';')?
        .replace('_', "");
    for (begin, unit) in [("Duration::fromsecs(", 1000), ("Duration::frommillis(", 1)] {
        if let Some(number) = value.strip_prefix(begin) {
            let number = product(number.strip_suffix(')')?)?;
            return Some(format!("{:?}", Duration::from_millis(unit * number)));
        }
    }
    if let Some((one, shift)) = value.split_once(" << ") {
        let shifted = one.parse::<u64>().ok()? << shift.parse::<u32>().ok()?;
        return Some(shifted.to_string());
    }
    product(&value).map(|it| it.to_string())
}

fn product(text: &str) -> Option<u64> {
    text.split(" * ").map(|it| it.parse::<u64>().ok()).product()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}
