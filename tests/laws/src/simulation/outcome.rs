//! The outcome of a conversation, and how two outcomes differ.

use crate::peer::{Ended, Ends};
use crate::role::Role;
use std::fmt;

/// Everything about a conversation that the applications and the wires can see.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome<T> {
    /// The items that each application received.
    pub(super) got: [Vec<T>; 2],
    pub(super) ends: [Ends; 2],
}

impl<T: Clone + PartialEq + fmt::Debug> Outcome<T> {
    /// Returns the outcome of a conversation in which everything arrives and all ends well.
    pub(crate) fn good(client_sent: &[T], server_sent: &[T]) -> Self {
        let well = Ends {
            app: Ended::Finished,
            wire: Ended::Finished,
        };
        Self {
            got: [server_sent.to_vec(), client_sent.to_vec()],
            ends: [well.clone(), well],
        }
    }

    /// Returns the first difference in words, and the peer that saw it.
    pub(crate) fn differs(&self, wanted: &Self) -> Option<(&'static str, String)> {
        [Role::Client, Role::Server].into_iter().find_map(|role| {
            let i = role as usize;
            let seen = difference(&self.got[i], &wanted.got[i])
                .or_else(|| differ("to_app", &self.ends[i].app, &wanted.ends[i].app))
                .or_else(|| differ("to_wire", &self.ends[i].wire, &wanted.ends[i].wire));
            Some((role.name(), seen?))
        })
    }

    /// Returns the items that one application received, and how its flow ended.
    pub(crate) fn of(&self, role: Role) -> (&[T], &Ended) {
        let i = role as usize;
        (&self.got[i], &self.ends[i].app)
    }
}

fn differ(what: &str, seen: &Ended, wanted: &Ended) -> Option<String> {
    (seen != wanted).then(|| format!("{what} {seen}, where it should say: {wanted}"))
}

/// Returns the first difference of two lists, in words.
pub(crate) fn difference<T: PartialEq + fmt::Debug>(seen: &[T], wanted: &[T]) -> Option<String> {
    let at = seen.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    if at == seen.len() && at == wanted.len() {
        return None;
    }
    Some(format!(
        "{} items arrived and {} should have; item {at} is {}, where it should be {}",
        seen.len(),
        wanted.len(),
        show(seen.get(at)),
        show(wanted.get(at)),
    ))
}

fn show(item: Option<&impl fmt::Debug>) -> String {
    let Some(item) = item else {
        return "nothing more".to_owned();
    };
    let mut text = format!("{item:?}");
    if let Some((cut, _)) = text.char_indices().nth(60) {
        text.truncate(cut);
        text.push('…');
    }
    text
}
