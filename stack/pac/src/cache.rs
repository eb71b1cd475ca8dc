//! The file that all dialings with a [`Pac`](crate::Pac) share, and the proxies that were not reached.

use crate::freshness::fresh_for;
use crate::limits::PacLimits;
use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use wirestack_layer::Instant;

/// The state that dialings share.
#[derive(Default)]
pub(crate) struct Cache {
    file: Option<File>,
    dead: VecDeque<(String, Instant)>,
    /// The times at which runs of the script began that have not ended.
    running: Vec<Instant>,
}

struct File {
    script: Arc<str>,
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
    /// The time when its server sent it, or said that it has not changed.
    since: Instant,
    /// The time when its server is asked again; `None` if that is never.
    stale: Option<Instant>,
}

impl Cache {
    /// Returns the script, if its server need not be asked.
    pub(crate) fn fresh(&self, now: Instant) -> Option<Arc<str>> {
        let file = self.file.as_ref()?;
        let is_fresh = file.stale.is_none_or(|stale| now < stale);
        is_fresh.then(|| file.script.clone())
    }

    /// Returns the script, however old it is.
    pub(crate) fn script(&self) -> Option<Arc<str>> {
        self.file.as_ref().map(|file| file.script.clone())
    }

    /// Returns the fields by which a server tells if its file has changed.
    pub(crate) fn conditions(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(file) = &self.file {
            if let Some(etag) = &file.etag {
                headers.insert(IF_NONE_MATCH, etag.clone());
            }
            if let Some(date) = &file.last_modified {
                headers.insert(IF_MODIFIED_SINCE, date.clone());
            }
        }
        headers
    }

    /// Keeps a file.
    pub(crate) fn store(
        &mut self,
        script: Arc<str>,
        headers: &HeaderMap,
        limits: &PacLimits,
        now: Instant,
    ) {
        self.file = Some(File {
            script,
            etag: headers.get(ETAG).cloned(),
            last_modified: headers.get(LAST_MODIFIED).cloned(),
            since: now,
            stale: now.checked_add(fresh_for(headers, limits)),
        });
    }

    /// Notes that the file has not changed, and returns it.
    pub(crate) fn not_changed(
        &mut self,
        headers: &HeaderMap,
        limits: &PacLimits,
        now: Instant,
    ) -> Option<Arc<str>> {
        let file = self.file.as_mut()?;
        file.since = now;
        file.stale = now.checked_add(fresh_for(headers, limits));
        Some(file.script.clone())
    }

    /// Keeps the old file, because its server was not reached. Returns it with its age.
    pub(crate) fn keep(
        &mut self,
        limits: &PacLimits,
        now: Instant,
    ) -> Option<(Arc<str>, Duration)> {
        let file = self.file.as_mut()?;
        file.stale = now.checked_add(limits.least_age);
        Some((
            file.script.clone(),
            now.saturating_duration_since(file.since),
        ))
    }

    /// Forgets a script that does not work, unless another one has taken its place.
    pub(crate) fn forget(&mut self, script: &Arc<str>) {
        self.file.take_if(|file| Arc::ptr_eq(&file.script, script));
    }

    /// Notes that a proxy was not reached.
    pub(crate) fn bury(&mut self, route: &str, until: Option<Instant>) {
        let Some(until) = until else {
            return;
        };
        self.dead.retain(|(dead, _)| dead != route);
        if self.dead.len() >= MOST_DEAD {
            self.dead.pop_front();
        }
        self.dead.push_back((route.to_owned(), until));
    }

    /// Returns `true` if a proxy was not reached a while ago.
    pub(crate) fn is_dead(&mut self, route: &str, now: Instant) -> bool {
        self.dead.retain(|(_, until)| now < *until);
        self.dead.iter().any(|(dead, _)| dead == route)
    }

    /// Notes that a run begins. Returns `false` if an earlier one does not end.
    pub(crate) fn begin(&mut self, limits: &PacLimits, now: Instant) -> bool {
        let patience = limits.time.saturating_mul(PATIENCE);
        let is_stuck = |began: &Instant| now.saturating_duration_since(*began) > patience;
        if self.running.iter().any(is_stuck) {
            return false;
        }
        self.running.push(now);
        true
    }

    /// Notes that the run which began at that time has ended.
    pub(crate) fn ended(&mut self, began: Instant) {
        if let Some(at) = self.running.iter().position(|other| *other == began) {
            self.running.swap_remove(at);
        }
    }
}

/// The proxies that are remembered as not reached.
const MOST_DEAD: usize = 64;

/// A run is stuck when it has taken this many times its time.
const PATIENCE: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_four_dead_proxies_are_remembered_and_the_oldest_is_forgotten() {
        let mut cache = Cache::default();
        let (now, later) = (Instant::ORIGIN, Instant::ORIGIN + Duration::from_secs(300));
        let route = |number| format!("http://proxy{number}.test:3128");
        for number in 0..65 {
            cache.bury(&route(number), Some(later));
        }
        assert!(!cache.is_dead(&route(0), now));
        for number in 1..65 {
            assert!(cache.is_dead(&route(number), now), "{number}");
        }
        // One that is noted again takes no second place.
        cache.bury(&route(30), Some(later));
        assert!(cache.is_dead(&route(1), now));
        assert!(!cache.is_dead(&route(30), later), "its time is over");
    }
}
