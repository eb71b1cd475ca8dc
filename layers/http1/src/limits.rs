use std::time::Duration;

/// The cost of a handshake: the bytes that it may hold, and the time that it waits for the body of
/// a refusal.
///
/// ```
/// let limits = wirestack_http1::Limits::default().head(8 * 1024);
/// assert_eq!(limits.head, 8 * 1024);
/// ```
///
/// ```
/// use std::time::Duration;
/// use wirestack_http1::Limits;
///
/// let limits = Limits::default()
///     .head(16 * 1024)
///     .headers(50)
///     .excerpt(512) // of the body of a refusal, for the error
///     .body(64 * 1024) // that is read to keep the connection for the next request
///     .grace(Duration::from_secs(1))
///     .challenges(5);
/// assert_eq!((limits.head, limits.challenges), (16 * 1024, 5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The bytes of a head, with its start line and its empty line. A client counts the interim
    /// responses before it too. 16 KiB.
    pub head: usize,
    /// The number of header fields in a head. 100.
    pub headers: usize,
    /// The bytes of a refusal's body that are kept. 2 KiB.
    pub excerpt: usize,
    /// The bytes of a refusal's body that are read, with its framing. 64 KiB.
    pub body: usize,
    /// The time that a refusal waits for its body before it is reported without. 2 seconds.
    pub grace: Duration,
    /// The number of challenges of a server on one connection, if its clients are [known to
    /// wait](crate::connect::Server::with_waiting_clients). The last one closes it. 4.
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

impl Limits {
    /// Sets the bytes of a head, with its start line and its empty line.
    #[must_use]
    pub fn head(mut self, head: usize) -> Self {
        self.head = head;
        self
    }

    /// Sets the number of header fields in a head.
    #[must_use]
    pub fn headers(mut self, headers: usize) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the bytes of a refusal's body that are kept.
    #[must_use]
    pub fn excerpt(mut self, excerpt: usize) -> Self {
        self.excerpt = excerpt;
        self
    }

    /// Sets the bytes of a refusal's body that are read, with its framing.
    #[must_use]
    pub fn body(mut self, body: usize) -> Self {
        self.body = body;
        self
    }

    /// Sets the time that a refusal waits for its body before it is reported without.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets the number of challenges of a server on one connection, if its clients are [known to
    /// wait](crate::connect::Server::with_waiting_clients).
    #[must_use]
    pub fn challenges(mut self, challenges: usize) -> Self {
        self.challenges = challenges;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_set_and_the_others_stay() {
        let time = Duration::from_secs(5);
        let set = Limits::default().head(1).headers(2).excerpt(3);
        let set = set.body(4).grace(time).challenges(6);
        let seen = (set.head, set.headers, set.excerpt, set.body, set.challenges);
        assert_eq!((seen, set.grace), ((1, 2, 3, 4, 6), time));
    }
}
