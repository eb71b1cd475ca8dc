//! Running a program that writes a short text, with bounds for its time and its text.

use super::local;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use wirestack_layer::{Error, Escaped};
use zeroize::Zeroizing;

/// The text that a program has written, or the reason that it is not to be had.
pub(super) enum Output {
    Text(Zeroizing<String>),
    /// There is no such program, or it failed and said this.
    None(String),
}

/// Runs a program, and returns its text. It is killed if it takes too long or writes too much.
///
/// # Errors
///
/// It did not end in time, wrote too much, or could not be run although it is there.
pub(super) fn run(program: &'static str, arguments: &[&str]) -> Result<Output, Error> {
    run_within(program, arguments, PROGRAM_TIMEOUT)
}

fn run_within(program: &'static str, arguments: &[&str], time: Duration) -> Result<Output, Error> {
    let child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match child {
        Ok(child) => Killed(child),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Output::None(format!("there is no program {program}")));
        }
        Err(error) => return Err(local(Failed::NotRun { program, error })),
    };
    let (out, err) = (child.0.stdout.take(), child.0.stderr.take());
    // The program may be silent for ever: another thread waits for its text.
    let due = Instant::now() + time;
    let (send, receive) = mpsc::channel();
    let kept = send.clone();
    let reader = thread::Builder::new().name("wirestack".to_owned());
    let reading = reader.spawn(move || {
        // Both at once: a program that waits for room in one of them ends the other one never.
        let texts = thread::scope(|scope| {
            let complaint = scope.spawn(|| read(err));
            let text = read(out)?;
            let complaint = complaint.join().map_err(|_| io::Error::other("a panic"))?;
            Ok((text, complaint?))
        });
        let _ = send.send(texts);
    });
    reading.map_err(|error| local(Failed::NotRun { program, error }))?;
    let (text, complaint) = match receive.recv_timeout(time) {
        Ok(Ok(texts)) => texts,
        Ok(Err(error)) => return Err(local(Failed::NotRun { program, error })),
        Err(_) => return Err(local(Failed::Late { program, time })),
    };
    if text.len() as u64 > MAX_OUTPUT {
        return Err(local(Failed::TooLong { program }));
    }
    // Its text has ended, so it ends soon. The standard library cannot wait for that with a limit.
    let status = loop {
        match child.0.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < due => {
                let _ = receive.recv_timeout(Duration::from_millis(1));
            }
            Ok(None) => return Err(local(Failed::Late { program, time })),
            Err(error) => return Err(local(Failed::NotRun { program, error })),
        }
    };
    drop(kept); // until here, nothing is received
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint);
        let complaint = Escaped::excerpt(complaint.trim());
        return Ok(Output::None(format!("{program} failed: {complaint}")));
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    Ok(Output::Text(Zeroizing::new(text)))
}

/// Reads to the end, or until it is too long.
fn read(from: Option<impl Read>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::new());
    if let Some(from) = from {
        from.take(MAX_OUTPUT + 1).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// A program that is killed when it is no longer waited for.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait(); // else it stays in the table of processes
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("the program {program} cannot be run: {error}")]
    NotRun {
        program: &'static str,
        error: io::Error,
    },
    #[error("the program {program} did not end within {} ms", time.as_millis())]
    Late {
        program: &'static str,
        time: Duration,
    },
    #[error("the program {program} wrote more than 256 KiB")]
    TooLong { program: &'static str },
}

/// The time that a program has.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(5);

/// The number of bytes that a program may write.
const MAX_OUTPUT: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, milliseconds: u64) -> String {
        let time = Duration::from_millis(milliseconds);
        match run_within("sh", &["-c", script], time) {
            Ok(Output::Text(text)) => text.to_string(),
            Ok(Output::None(why)) => why,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_program_has_bounds_for_its_time_and_its_text() {
        let long = 20_000;
        assert_eq!(shell("printf hello", long), "hello");
        assert_eq!(
            shell("echo 'no such schema' >&2; exit 1", long),
            "sh failed: no such schema"
        );
        assert_eq!(
            shell("head -c 200000 /dev/zero >&2; printf hello", long),
            "hello"
        );
        assert_eq!(
            shell("exec sleep 1000", 50),
            "route: the program sh did not end within 50 ms"
        );
        assert_eq!(
            shell("exec >&- 2>&-; exec sleep 1000", 50),
            "route: the program sh did not end within 50 ms"
        );
        assert_eq!(
            shell("exec yes", long),
            "route: the program sh wrote more than 256 KiB"
        );
        let none = run("wirestack-no-such-program", &[]);
        assert!(matches!(none, Ok(Output::None(why)) if why.contains("there is no program")));
    }
}
