//! Changing the ensemble of a ledger that is being written.

use super::{Doing, Writer, WriterOutput};
use crate::cluster::Versioned;
use crate::error::{Error, ErrorKind};
use crate::ledger::plans;
use crate::ledger::quorum::PlaceSet;
use crate::ledger::update::{MetadataAnswer, Step};
use crate::metadata::LedgerState;
use crate::types::BookieId;

impl Writer {
    /// Takes the answer of the metadata store.
    pub fn metadata_answer(&mut self, answer: MetadataAnswer) {
        let (step, call) = self.update.answer(answer, self.now_ms);
        if let Some(call) = call {
            self.outputs.push_back(WriterOutput::Metadata(call));
        }
        match (self.doing, step) {
            (_, Step::Going) | (Doing::Nothing, _) => {}
            (Doing::Change, step) => self.changed(step),
            (Doing::Close, step) => self.closed(step),
        }
    }

    /// Takes news of the metadata that the writer did not ask for: `None` if the ledger was deleted.
    ///
    /// It stops a writer whose bookies have all forgotten that they were fenced.
    pub fn observe(&mut self, found: Option<Versioned>) {
        if self.ended.is_some() || self.doing == Doing::Close {
            return;
        }
        match found {
            None => self.end(gone()),
            Some(found) if found.metadata.state != LedgerState::Open => self.end(super::answers::fenced()),
            // While a change is being made its own answer says what the metadata is.
            Some(found) if self.doing == Doing::Nothing && found.version > self.known.version => {
                self.adopt(found);
                self.acknowledge();
            }
            Some(_) => {}
        }
    }

    /// Replaces failing bookies where there are others, as soon as the last change is done.
    pub(super) fn change(&mut self) {
        if self.doing != Doing::Nothing || self.closing || self.ended.is_some() {
            return;
        }
        let before = self.adds.ensemble();
        let ensemble = self.choose(before.clone());
        if ensemble == before {
            return self.tolerate();
        }
        // Everything acknowledged stays with the old ensemble; all else belongs to the new one.
        match plans::with_ensemble(&self.known.metadata, self.acknowledged, ensemble) {
            Ok(wanted) => {
                self.doing = Doing::Change;
                let call = self.update.start(
                    wanted,
                    self.known.version,
                    self.now_ms,
                    self.options.quorum_timeout_ms,
                );
                self.outputs.push_back(WriterOutput::Metadata(call));
            }
            Err(error) => self.end(error),
        }
    }

    /// A bookie that failed when nothing was on its way is replaced when there is something again.
    pub(super) fn change_before_append(&mut self) {
        if !self.failing.is_empty() && !self.options.delay_ensemble_change && self.adds.is_empty() {
            self.change();
        }
    }

    fn choose(&self, mut ensemble: Vec<BookieId>) -> Vec<BookieId> {
        for place in self.failing.iter() {
            let other = self.placement.replacement(self.quorum, &ensemble, place, self.now_ms);
            if let Some(bookie) = other {
                ensemble[place] = bookie;
            }
        }
        ensemble
    }

    fn changed(&mut self, step: Step) {
        self.doing = Doing::Nothing;
        match step {
            Step::Going => {}
            Step::Gone => self.end(gone()),
            Step::Failed(error) => self.end(error),
            Step::Done(found) | Step::Other(found) => match found.metadata.state {
                LedgerState::Open => self.go_on(found),
                LedgerState::InRecovery | LedgerState::Closed { .. } => self.end(super::answers::fenced()),
            },
        }
    }

    /// A round of changing has ended: every entry on its way gets its chance, also those that were not touched, and what
    /// failed meanwhile is seen to in the next round.
    fn go_on(&mut self, found: Versioned) {
        self.adopt(found);
        if self.closing {
            return self.start_closing();
        }
        self.acknowledge();
        if !self.failing.is_empty() && (!self.options.delay_ensemble_change || self.adds.is_stuck()) {
            self.change();
        }
    }

    /// Works with the ensemble that the metadata names.
    fn adopt(&mut self, found: Versioned) {
        let before = self.adds.ensemble();
        self.known = found;
        let ensemble = self.known.metadata.last_ensemble().1.to_vec();
        let kept = |place: &usize| before.get(*place) == ensemble.get(*place);
        self.failing = self.failing.iter().filter(kept).collect::<PlaceSet>();
        let mut sends = Vec::new();
        self.adds.replace(&ensemble, &mut sends);
        self.send(sends);
    }

    /// There is no other bookie. What has an ack quorum goes on without; the rest is sent again to those there are.
    fn tolerate(&mut self) {
        if self.adds.is_stuck() && self.resend_at_ms.is_none() {
            self.resend_at_ms = Some(self.now_ms.saturating_add(self.options.resend_ms));
        }
    }

    pub(super) fn resend_if_due(&mut self) {
        if self.doing != Doing::Nothing || self.resend_at_ms.is_none_or(|due| self.now_ms < due) {
            return;
        }
        self.resend_at_ms = None;
        self.change();
        if self.doing == Doing::Nothing && self.ended.is_none() {
            self.resend_at_ms = None;
            let mut sends = Vec::new();
            self.adds.resend(&mut sends);
            self.send(sends);
        }
    }

    pub(super) fn fail_if_overdue(&mut self) {
        let overdue = |since: u64| self.now_ms.saturating_sub(since) >= self.options.quorum_timeout_ms;
        if self.adds.oldest().is_some_and(|add| overdue(add.since_ms)) {
            let failing: Vec<String> = self
                .failing
                .iter()
                .filter_map(|place| self.adds.bookie(place))
                .map(ToString::to_string)
                .collect();
            let mut message = format!(
                "too few bookies of the ledger take entries, and there are no others to take their places ({}); bring \
                 them back or start more, and go on in a new ledger",
                failing.join(", ")
            );
            if let Some(failure) = &self.failure {
                message.push_str("; the last one said: ");
                message.push_str(failure.message());
            }
            let error = Error::new(ErrorKind::NotEnoughBookies, message);
            let error = match self.failure.take() {
                Some(failure) => error.caused_by(failure),
                None => error,
            };
            self.end(error);
        }
    }
}

fn gone() -> Error {
    Error::new(ErrorKind::NoSuchLedger, "the ledger was deleted while it was being written")
}
