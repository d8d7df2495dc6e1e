//! How a writer ends: closed, or failed.

use super::{Doing, Writer, WriterOutput};
use crate::cluster::Versioned;
use crate::error::{Error, ErrorKind};
use crate::ledger::plans;
use crate::ledger::update::Step;

impl Writer {
    /// Closes the ledger after its last acknowledged entry. What is not acknowledged yet fails.
    pub fn close(&mut self) {
        if let Some(error) = &self.ended {
            self.outputs.push_back(WriterOutput::Closed(Err(error.clone())));
            return;
        }
        if self.closing {
            return;
        }
        self.closing = true;
        if !self.adds.is_empty() {
            self.fail_pending(&Error::new(ErrorKind::Closed, "the writer of the ledger was closed"));
        }
        // A change of the ensemble that is under way is answered first.
        if self.doing == Doing::Nothing {
            self.start_closing();
        }
    }

    /// Gives up: what is not acknowledged fails, and the ledger is left for a recovery.
    pub fn abandon(&mut self, error: Error) {
        self.end(error);
    }

    /// Whether the writer has ended, well or not.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    pub(super) fn start_closing(&mut self) {
        let wanted = plans::closed(&self.known.metadata, self.acknowledged, self.acknowledged_length);
        self.doing = Doing::Close;
        let call = self.update.start(wanted, self.known.version, self.now_ms, self.options.quorum_timeout_ms);
        self.outputs.push_back(WriterOutput::Metadata(call));
    }

    /// What became of the close.
    pub(super) fn closed(&mut self, step: Step) {
        self.doing = Doing::Nothing;
        match step {
            Step::Going => {}
            Step::Done(found) => self.close_at(found),
            // A recovery under way does not matter: it finds at least what is acknowledged, and adopts this end.
            Step::Other(found) if !found.metadata.is_closed() => {
                self.known = found;
                self.start_closing();
            }
            Step::Other(found)
                if plans::ends_at(&found.metadata, self.acknowledged, self.acknowledged_length) =>
            {
                self.close_at(found);
            }
            Step::Other(_) => self.end(super::answers::fenced()),
            Step::Gone => {
                self.end(Error::new(ErrorKind::NoSuchLedger, "the ledger was deleted before it was closed"));
            }
            Step::Failed(error) => self.end(error),
        }
    }

    fn close_at(&mut self, found: Versioned) {
        self.known = found;
        self.ended = Some(Error::new(ErrorKind::Closed, "the ledger is closed"));
        self.outputs.push_back(WriterOutput::Closed(Ok(self.acknowledged)));
    }

    /// Ends the writer: nothing is acknowledged any more.
    pub(super) fn end(&mut self, error: Error) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(error.clone());
        self.doing = Doing::Nothing;
        self.fail_pending(&error);
        for force in std::mem::take(&mut self.forces) {
            self.outputs.push_back(WriterOutput::Forced { force: force.number, result: Err(error.clone()) });
        }
        if self.closing {
            self.outputs.push_back(WriterOutput::Closed(Err(error)));
        }
    }

    fn fail_pending(&mut self, error: &Error) {
        // Said also when nothing is on its way: whoever waits for room has to know.
        self.outputs.push_back(WriterOutput::Failed { from: self.adds.first(), error: error.clone() });
        self.adds.clear();
        self.length = self.acknowledged_length;
        self.resend_at_ms = None;
    }
}
