//! What the answers of bookies do to a writer.

use super::{Doing, Writer, WriterOutput, WriterToken};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::adds::AddTarget;
use crate::protocol::Response;

impl Writer {
    /// Takes the answer to a request, or what kept it from being answered.
    pub fn answer(&mut self, token: WriterToken, answer: Result<Response>) {
        match token {
            WriterToken::Add(target) => match answer {
                Ok(_) => self.stored(target),
                Err(error) => self.refused(target, error),
            },
            WriterToken::Lac { confirmed, place } => self.lac_answered(confirmed, place, answer.is_ok()),
            WriterToken::Force { force, place } => self.force_answered(force, place, answer),
        }
    }

    fn stored(&mut self, target: AddTarget) {
        if self.ended.is_none() && self.adds.stored(target) {
            self.acknowledge();
        }
    }

    /// Acknowledges what may be, in order. Nothing may while the ensemble is being changed: the entries from the first
    /// that is not acknowledged belong to the new one, which counts only once the metadata names it.
    pub(super) fn acknowledge(&mut self) {
        if self.doing != Doing::Nothing || self.ended.is_some() {
            return;
        }
        let before = self.acknowledged;
        while let Some(add) = self.adds.pop_stored() {
            self.acknowledged += 1;
            self.acknowledged_length = add.length;
        }
        if self.acknowledged > before {
            if !self.options.deferred_sync {
                self.confirm(self.acknowledged);
            }
            self.outputs.push_back(WriterOutput::Acknowledged { entries: self.acknowledged });
        }
    }

    fn refused(&mut self, target: AddTarget, error: Error) {
        if self.ended.is_some() || !self.adds.failed(target) {
            return;
        }
        match error.kind() {
            ErrorKind::LedgerFenced => return self.end(fenced()),
            // No other bookie would take it either.
            ErrorKind::Unauthorized | ErrorKind::TooLarge | ErrorKind::Unsupported => return self.end(error),
            _ => {}
        }
        if let Some(bookie) = self.adds.bookie(target.place) {
            self.placement.failed(bookie, self.now_ms);
        }
        if self.options.deferred_sync {
            let message = "a bookie failed, and a ledger with deferred syncs cannot change its bookies: what it \
                           has may be lost; go on in a new ledger";
            return self.end(Error::new(ErrorKind::Unavailable, message).caused_by(error));
        }
        self.failing.add(target.place);
        let read_only = error.kind() == ErrorKind::ReadOnlyBookie;
        self.failure = Some(error);
        if self.adds.is_stuck() || read_only {
            self.change();
        } else if !self.options.delay_ensemble_change && !self.adds.is_empty() {
            // With nothing on its way the change waits for the next append: there may be none.
            self.change();
        }
    }
}

/// The error of a writer whose ledger another has fenced.
pub(super) fn fenced() -> Error {
    let message = "another client has fenced the ledger to recover it; go on in a new ledger";
    Error::new(ErrorKind::LedgerFenced, message)
}
