use std::time::Duration;

/// What a handshake may cost: how many bytes it may hold, and how long it waits for the body of a
/// refusal.
///
/// ```
/// let mut limits = wirestack_http1::Limits::default();
/// limits.head = 8 * 1024;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The bytes of a head, start line and empty line included; to a client, those of the interim
    /// responses before it count too. 16 KiB.
    pub head: usize,
    /// The number of header fields in a head. 100.
    pub headers: usize,
    /// The bytes of a refusal's body that are kept to be shown. 2 KiB.
    pub excerpt: usize,
    /// The bytes of a refusal's body, with its framing, that are read at most. 64 KiB.
    pub body: usize,
    /// How long a refusal waits for its body before it is reported without. 2 seconds.
    pub grace: Duration,
    /// How often a server challenges a client on one connection; the last challenge closes it. 4.
    pub challenges: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            headers: 100,
            excerpt: 2 * 1024,
            body: 64 * 1024,
            grace: Duration::from_secs(2),
            challenges: 4,
        }
    }
}
