//! Comparing a directory with what the lives were told.

#![allow(
    clippy::await_holding_lock,
    reason = "the guard is dropped before the await, which the lint does not see"
)]

use super::model::Shared;
use crate::drivers::file::catalog;
use crate::drivers::file::fault_tests::read_all;
use crate::metadata::Outcome;
use crate::store::Stores;

/// What is not as it should be in the directory. Completes what is in progress.
pub(super) async fn audit(stores: &Stores, model: &Shared) -> Vec<String> {
    let ids: Vec<_> = model.lock().unwrap().segments.keys().copied().collect();
    let mut wrong = std::mem::take(&mut model.lock().unwrap().violations);
    for id in ids {
        let known = stores.metadata.get(&catalog::path(id)).await.unwrap().is_some();
        let recovered = if known { Some(stores.segments.recover(id).await) } else { None };
        let mut model = model.lock().unwrap();
        let told = model.segments.get_mut(&id).unwrap();
        let recovered = match recovered {
            // The commit that started or forgot it was not acknowledged, or it was deleted.
            None if told.deleting || (told.acked == 0 && told.completed.is_none()) => {
                model.segments.remove(&id);
                continue;
            }
            None => {
                wrong.push(format!("{id}: gone with {} acknowledged", told.acked));
                continue;
            }
            Some(Err(_)) if told.deleting => {
                model.segments.remove(&id);
                continue;
            }
            Some(Err(error)) => {
                wrong.push(format!("{id}: {error}"));
                continue;
            }
            Some(Ok(closed)) => closed,
        };
        let entries = recovered.last_entry.map_or(0, |last| last as usize + 1);
        let least = told.acked.max(told.read);
        if entries < least || entries > told.issued.len() || told.completed.is_some_and(|n| n != entries) {
            wrong.push(format!(
                "{id}: {entries} entries; {} acknowledged, {} read, {} issued, completed {:?}",
                told.acked,
                told.read,
                told.issued.len(),
                told.completed
            ));
        }
        let issued = told.issued.clone();
        // What it is from now on, for the lives that follow.
        told.issued.truncate(entries);
        (told.acked, told.read) = (entries, entries);
        (told.ended, told.completed) = (Some(entries), Some(entries));
        drop(model);
        if !recovered.complete_ops.is_empty() {
            let outcome = stores.metadata.commit(&recovered.complete_ops).await.unwrap();
            assert!(matches!(outcome, Outcome::Committed(_)), "{outcome:?}");
        }
        match read_all(stores, id).await {
            Ok(read) if issued.get(..entries) == Some(&read[..]) => {}
            Ok(read) => wrong
                .push(format!("{id}: read {} entries that differ from the {entries} written", read.len())),
            Err(error) => wrong.push(format!("{id}: {error}")),
        }
    }
    wrong
}
