//! The members of locks that this session made, and those that nobody knows of: their making or deletion was not answered.
//!
//! Such a member would stand in the way of all for as long as the session lives. It is deleted as soon as servers answer. By
//! its name it is one of ours; which one is not known, so none is deleted while another is being made under that name.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::super::error::from_cluster;
use super::{Inner, RETRY};
use crate::error::Result;
use crate::metadata::{Expect, Op};

/// What is known of the members that this process made.
#[derive(Default)]
pub(super) struct Members {
    /// The paths of those that are there, with their sessions.
    known: BTreeMap<String, Option<i64>>,
    /// How many are being made, by their paths up to the number.
    joining: BTreeMap<String, usize>,
}

/// A member that is being made, until this is dropped.
pub(super) struct Joining<'a> {
    inner: &'a Inner,
    prefix: &'a str,
    session: Option<i64>,
}

impl<'a> Joining<'a> {
    /// One whose path begins so, in the session that its name tells.
    pub(super) fn begin(inner: &'a Inner, prefix: &'a str, session: Option<i64>) -> Self {
        *inner.members().joining.entry(prefix.to_owned()).or_default() += 1;
        Self { inner, prefix, session }
    }

    /// It is there.
    pub(super) fn made(self, place: &str) {
        let mut members = self.inner.members();
        // Those of sessions before are gone.
        members.known.retain(|_, session| *session == self.session);
        members.known.insert(place.to_owned(), self.session);
    }
}

impl Drop for Joining<'_> {
    fn drop(&mut self) {
        let mut members = self.inner.members();
        if let Some(count) = members.joining.get_mut(self.prefix) {
            *count -= 1;
            if *count == 0 {
                members.joining.remove(self.prefix);
            }
        }
    }
}

/// The path of a member up to its number.
fn prefix_of(place: &str) -> String {
    place.rsplit_once('_').map_or_else(|| place.to_owned(), |(prefix, _)| format!("{prefix}_"))
}

/// Deletes, as soon as servers answer, the members whose paths begin so and that nobody knows. What is left then goes with
/// the session.
pub(super) fn sweep_later(inner: &Arc<Inner>, prefix: &str, session: Option<i64>) {
    let (weak, seams, prefix) = (Arc::downgrade(inner), inner.seams.clone(), prefix.to_owned());
    inner.seams.tasks.spawn(Box::pin(async move {
        while let Some(inner) = weak.upgrade().filter(|inner| inner.zookeeper.session_id() == session) {
            match inner.sweep(&prefix).await {
                Ok(true) => return,
                Err(error) if !error.is_retryable() => return,
                Ok(false) | Err(_) => {}
            }
            drop(inner);
            seams.clock.sleep(RETRY).await;
        }
    }));
}

impl Inner {
    /// Deletes the members whose paths begin so and that nobody knows. Answers whether none is left: none can be told from
    /// one that is just being made.
    pub(super) async fn sweep(&self, prefix: &str) -> Result<bool> {
        let (queue, name) = prefix.rsplit_once('/').unwrap_or_default();
        let found = self.queue(queue).await?.unwrap_or_default();
        let mut unknown: Vec<String> = found
            .iter()
            .filter(|found| found.starts_with(name))
            .map(|name| format!("{queue}/{name}"))
            .collect();
        {
            // Looked at behind the answer: who begins to join from now on is not in it.
            let members = self.members();
            if members.joining.contains_key(prefix) {
                return Ok(false);
            }
            unknown.retain(|place| !members.known.contains_key(place));
        }
        for place in unknown {
            self.zookeeper.delete(&place).await.map_err(from_cluster)?;
        }
        Ok(true)
    }

    /// Takes a member back, now or as soon as servers answer.
    pub(super) async fn leave(self: &Arc<Self>, place: &str, session: i64) {
        let left = self.zookeeper.delete(place).await;
        self.members().known.remove(place);
        if left.is_err() {
            sweep_later(self, &prefix_of(place), Some(session));
        }
    }

    /// Forgets those that a commit deleted; none is kept by who let it go, whatever came of that.
    pub(super) fn forget(self: &Arc<Self>, ops: &[Op], places: &[String], committed: bool) {
        let alone = ops.len() == 1;
        for (op, place) in ops.iter().zip(places) {
            if !matches!(op, Op::Delete { expect: Expect::Version(_), .. }) || !(committed || alone) {
                continue;
            }
            let known = self.members().known.remove(place);
            if let Some(session) = known.filter(|_| !committed) {
                sweep_later(self, &prefix_of(place), session);
            }
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Each change of it is one call.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
