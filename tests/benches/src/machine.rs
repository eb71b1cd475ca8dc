//! The machine and the programs of a measurement, as a line of text.

use std::fs::read_to_string;
use std::process::Command;

/// Returns the conditions: date, processor, kernel, compiler and commit.
pub(crate) fn conditions() -> String {
    [
        output("date", &["-u", "+%Y-%m-%d"]),
        processor(),
        output("uname", &["-sr"]),
        output("rustc", &["--version"]),
        format!(
            "commit {}",
            output("git", &["rev-parse", "--short=10", "HEAD"])
        ),
        load(),
    ]
    .join(", ")
}

/// Returns the versions of the contestants, from the lock file.
pub(crate) fn versions() -> String {
    let lock = include_str!("../Cargo.lock");
    let version = |name: &&str| {
        let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
        Some(format!("{name} {}", package.split_once('"')?.0))
    };
    CONTESTANTS
        .iter()
        .filter_map(version)
        .collect::<Vec<_>>()
        .join(", ")
}

fn processor() -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1));
    let count = text
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    format!("{count} processors {}", name.unwrap_or("of unknown kind"))
}

/// Returns the load of the machine. A busy machine measures worse.
fn load() -> String {
    let text = read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "load {} at the start",
        text.split(' ').next().unwrap_or("unknown")
    )
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    text.ok()
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| format!("{program} unknown"))
}

const CONTESTANTS: [&str; 10] = [
    "tokio",
    "tokio-tungstenite",
    "tokio-websockets",
    "fastwebsockets",
    "yawc",
    "sockudo-ws",
    "h2",
    "tokio-rustls",
    "tokio-socks",
    "hyper-util",
];
