//! Every target of the fuzzers, with its seeds, its corpus, and random changes of both.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use wirestack_properties::{Target, targets};

/// One test for each target, so that they run at the same time and fail by name.
macro_rules! holds {
    ($($test:ident: $target:literal,)*) => {
        $(#[test]
        fn $test() {
            hold($target);
        })*

        const TESTED: &[&str] = &[$($target),*];
    };
}

holds! {
    socks_keeps_the_laws_with_any_script: "socks",
    connect_keeps_the_laws_with_any_script: "connect",
    upgrade_keeps_the_laws_with_any_script: "upgrade",
    proxy_headers_keep_the_laws_with_any_script: "proxy_header",
    tls_keeps_the_laws_with_any_script: "tls",
    http2_keeps_the_laws_with_any_script: "http2",
    websocket_keeps_the_laws_with_any_script: "websocket",
    the_opening_of_a_websocket_keeps_the_laws_with_any_script: "opening",
    nests_keep_the_laws_with_any_script: "nest",
    any_url_of_a_target_is_read_or_refused: "target_url",
    any_url_of_a_hop_is_read_or_refused: "hop_url",
    any_environment_is_read_or_refused: "environment",
    any_pac_list_is_read_or_refused: "pac",
    any_challenge_is_answered_or_given_up: "challenges",
    no_authorization_without_the_password_gets_in: "authorization",
    any_list_of_extensions_is_read_or_refused: "extensions",
    any_field_is_read_or_refused: "fields",
    any_host_is_read_or_refused: "hosts",
    any_head_is_read_as_it_stands_or_refused: "heads",
    any_script_of_a_pac_file_ends_in_time: "pac_script",
    any_message_of_ntlm_is_answered_or_refused: "ntlm",
    any_message_of_kerberos_is_answered_or_refused: "negotiate",
    any_certificate_is_read_or_refused: "certificates",
}

#[test]
fn every_target_is_tested_and_is_a_target_of_libfuzzer() {
    let tested: BTreeSet<String> = TESTED.iter().map(ToString::to_string).collect();
    let known: BTreeSet<String> = targets().iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(tested, known);
    let files = std::fs::read_dir(fuzz().join("fuzz_targets")).unwrap();
    let files = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
    let files: BTreeSet<String> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(files, known);
}

/// Runs a target with its seeds, its corpus, and random changes of both.
///
/// `PROPERTIES_SEED` repeats a run, and `PROPERTIES_RUNS` makes it longer.
fn hold(name: &str) {
    let target = wirestack_properties::target(name);
    let seed = number("PROPERTIES_SEED").unwrap_or(1);
    let runs = number("PROPERTIES_RUNS").unwrap_or(300);
    println!("{name}: seed {seed}, {runs} runs");
    let mut inputs = target.seeds();
    inputs.extend(corpus(name));
    for input in &inputs {
        run(&target, input);
    }
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..runs {
        let input = random.bent(&inputs);
        run(&target, &input);
    }
}

/// Runs a target, and shows the input that breaks it.
fn run(target: &Target, input: &[u8]) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target.run(input))) {
        println!("{} fails with \"{}\"", target.name, input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Returns the committed corpus of a target.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let Ok(files) = std::fs::read_dir(fuzz().join("corpus").join(name)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// A xorshift generator.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 8) as usize % n.max(1)
    }

    /// Returns one of the inputs with some bytes changed, lost, added, or from another input.
    fn bent(&mut self, inputs: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = match self.below(8) {
            0 => (0..self.below(200))
                .map(|_| self.below(256) as u8)
                .collect(),
            _ => inputs[self.below(inputs.len())].clone(),
        };
        for _ in 0..1 + self.below(6) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(8)).min(bytes.len());
            match self.below(5) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = self.below(256) as u8,
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let other = &inputs[self.below(inputs.len())];
                    let from = self.below(other.len() + 1);
                    bytes.splice(at..at, other[from..].iter().copied().take(40));
                }
                _ => {
                    let added: Vec<u8> = (0..4).map(|_| self.below(256) as u8).collect();
                    bytes.splice(at..at, added);
                }
            }
        }
        bytes
    }
}
