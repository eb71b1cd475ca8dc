//! Conversations that bytes describe, for fuzzers.
//!
//! A fuzzer changes bytes until new code runs. Here they are a [`Script`]: it says what both
//! applications and the link do, one step after another. After every call the same laws are checked
//! as by [`check`](crate::check).
//!
//! * [`conversation`]: a client and a server, with a link that bends the bytes between them. It
//!   gets deep into a protocol, because most bytes are right.
//! * [`Stranger`]: one peer alone, which hears nothing but bytes of the script. It finds what no
//!   right peer would send.
//! * [`seeds`]: scripts to start from.
//!
//! A layer that has a [`Subject`] has a fuzz target in one line:
//!
//! ```
//! use wirestack_laws::{Subject, fuzz};
//! use wirestack_layer::Tunnel;
//!
//! fn target(data: &[u8]) {
//!     let greeting = || {
//!         Tunnel::new("greeting", async |wire| {
//!             wire.write("hi\n").await;
//!             wire.read_line(100, "the greeting").await?;
//!             Ok(())
//!         })
//!     };
//!     fuzz::run(&Subject::tunnel("greeting", greeting, greeting), data);
//! }
//!
//! target(b"any bytes at all");
//! ```

mod conversation;
mod script;
mod seeds;
mod stranger;

use crate::subject::Subject;
use crate::traffic::Traffic;
pub use conversation::conversation;
pub use script::Script;
pub use seeds::seeds;
pub use stranger::Stranger;

/// Runs a [`conversation`] or a [`Stranger`], as the first byte says.
///
/// ```
/// use wirestack_laws::{Subject, fuzz};
/// use wirestack_layer::Tunnel;
///
/// let client = || Tunnel::new("hello", async |wire| {
///     wire.write("HELLO\n").await;
///     Ok(())
/// });
/// let server = || Tunnel::new("hello", async |wire| {
///     wire.read_line(100, "the greeting").await.map(drop)
/// });
/// let subject = Subject::tunnel("hello", client, server);
/// fuzz::run(&subject, &[0, 2, 0, 7]); // a conversation
/// fuzz::run(&subject, &[1, 0, 1, 9, 0, 7, b'H', b'I', b'\n']); // a stranger, who says "HI"
/// ```
///
/// # Panics
///
/// If a law is broken.
pub fn run<F: Traffic>(subject: &Subject<F>, data: &[u8]) {
    let mut script = Script::new(data);
    if script.flag() {
        Stranger::new(&mut script).speak(subject, script.rest());
    } else {
        conversation(subject, &mut script);
    }
}
