//! How far a ledger is confirmed, and who is told: explicit LACs and deferred syncs.

use super::{Writer, WriterOutput, WriterToken};
use crate::error::Result;
use crate::ledger::quorum::{PlaceSet, write_set};
use crate::protocol::{Request, Response};

/// The LAC as it was sent by itself.
#[derive(Debug, Default)]
pub(super) struct Explicit {
    /// What the bookies know already, from an entry or otherwise.
    told: u64,
    /// Since when they have been behind.
    behind_since_ms: Option<u64>,
    /// What is being sent, who has it, and who may still answer.
    sending: u64,
    has: PlaceSet,
    waiting: PlaceSet,
}

impl Explicit {
    /// An entry took the LAC along.
    pub(super) fn carried(&mut self, confirmed: u64) {
        self.told = self.told.max(confirmed);
        self.behind_since_ms = None;
    }

    pub(super) fn due_ms(&self, confirmed: u64, every_ms: u64) -> Option<u64> {
        let behind = every_ms > 0 && confirmed > self.told.max(self.sending);
        self.behind_since_ms.filter(|_| behind).map(|since| since.saturating_add(every_ms))
    }
}

/// A force that is under way.
#[derive(Debug)]
pub(super) struct Force {
    pub(super) number: u64,
    /// The entries that are confirmed when all bookies have answered.
    entries: u64,
    waiting: PlaceSet,
}

impl Writer {
    /// Tells the bookies how far the ledger is confirmed, if they cannot know it from an entry. Readers then see its last
    /// entry without a further one.
    pub fn publish(&mut self) {
        let confirmed = self.confirmed;
        if self.ended.is_some() || confirmed <= self.explicit.told.max(self.explicit.sending) {
            return;
        }
        self.explicit.sending = confirmed;
        self.explicit.has = PlaceSet::default();
        self.explicit.waiting = write_set(self.quorum, confirmed - 1).collect();
        let request = self.access.write_lac(confirmed);
        for place in write_set(self.quorum, confirmed - 1) {
            if let Some((to, _)) = self.adds.holder(place) {
                let token = WriterToken::Lac { confirmed, place };
                self.outputs.push_back(WriterOutput::Send { to, token, request: request.clone() });
            }
        }
    }

    /// Makes what is acknowledged durable on every bookie, and the LAC move up to it. Answers the number under which
    /// [`WriterOutput::Forced`] speaks of it.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn force(&mut self) -> Result<u64> {
        self.open()?;
        let number = self.next_force;
        self.next_force += 1;
        let waiting = PlaceSet::first(self.quorum.ensemble());
        self.forces.push(Force { number, entries: self.acknowledged, waiting });
        for place in waiting.iter() {
            if let Some((to, _)) = self.adds.holder(place) {
                let token = WriterToken::Force { force: number, place };
                self.outputs.push_back(WriterOutput::Send {
                    to,
                    token,
                    request: Request::Force(self.access.id()),
                });
            }
        }
        Ok(number)
    }

    /// Moves the LAC.
    pub(super) fn confirm(&mut self, entries: u64) {
        if entries > self.confirmed {
            self.confirmed = entries;
            self.explicit.behind_since_ms.get_or_insert(self.now_ms);
        }
    }

    pub(super) fn publish_if_due(&mut self) {
        let due = self.explicit.due_ms(self.confirmed, self.options.explicit_lac_ms);
        if due.is_some_and(|due| self.now_ms >= due) {
            self.publish();
        }
    }

    pub(super) fn lac_answered(&mut self, confirmed: u64, place: usize, done: bool) {
        if confirmed != self.explicit.sending || confirmed <= self.explicit.told {
            return;
        }
        self.explicit.waiting.remove(place);
        if done {
            self.explicit.has.add(place);
        }
        if self.explicit.has.count() >= self.quorum.ack() {
            self.explicit.carried(confirmed);
            self.outputs.push_back(WriterOutput::Published { entries: confirmed });
        } else if self.explicit.waiting.is_empty() {
            // Too few have it: the next time that it is due tries again.
            self.explicit.sending = self.explicit.told;
            self.explicit.behind_since_ms = Some(self.now_ms);
        }
    }

    pub(super) fn force_answered(&mut self, number: u64, place: usize, answer: Result<Response>) {
        let Some(at) = self.forces.iter().position(|force| force.number == number) else {
            return;
        };
        let result = match answer {
            Ok(_) => {
                self.forces[at].waiting.remove(place);
                if !self.forces[at].waiting.is_empty() {
                    return;
                }
                self.confirm(self.forces[at].entries);
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.forces.remove(at);
        self.outputs.push_back(WriterOutput::Forced { force: number, result });
    }
}
