//! What a recovery of a ledger would find: which entries it keeps, and who or what is in its way. Nobody is fenced.

use std::collections::BTreeMap;

use dl_bookkeeper::{
    BookieId, Bookies, EntryCodec, EntryId, ErrorKind, LedgerId, LedgerMetadata, LedgerState, Priority,
    Quorum, ReadMode, ReadRequest, Request, Response,
};

/// What a recovery would find now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::cli) struct Outlook {
    /// Whether the ledger has an end already: then there is nothing to recover.
    pub(in crate::cli) closed: bool,
    /// The last entry that is known to be confirmed.
    pub(in crate::cli) confirmed: Option<EntryId>,
    /// The last entry that a recovery would keep: each up to there is confirmed, or on a bookie that answers.
    pub(in crate::cli) kept: Option<EntryId>,
    /// The last entry of which any bookie told.
    pub(in crate::cli) told: Option<EntryId>,
    /// What is in the way.
    pub(in crate::cli) obstacles: Vec<Obstacle>,
}

/// What is in the way of a recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Obstacle {
    /// The entry of which it is not known whether it was acknowledged; `None` if it ends before that, because too few bookies
    /// can be fenced.
    pub(in crate::cli) entry: Option<EntryId>,
    /// The bookies that would tell, and what each has to say.
    pub(in crate::cli) bookies: Vec<(BookieId, String)>,
    /// Whether it is enough that they come back.
    pub(in crate::cli) passes: bool,
}

/// What one bookie knows of a ledger.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    lac: Option<EntryId>,
    last: Option<EntryId>,
}

/// What one bookie says of an entry.
enum Copy {
    Good,
    Missing,
    Damaged,
}

/// Looks at a ledger through its bookies.
pub(super) struct Look<'a> {
    pub(super) ledger: LedgerId,
    pub(super) metadata: &'a LedgerMetadata,
    pub(super) bookies: &'a Bookies,
}

impl Look<'_> {
    pub(super) async fn outlook(&self) -> Outlook {
        if let LedgerState::Closed { last_entry, .. } = self.metadata.state {
            let (confirmed, kept, told) = (last_entry, last_entry, last_entry);
            return Outlook { closed: true, confirmed, kept, told, obstacles: Vec::new() };
        }
        let (first, ensemble) = self.metadata.last_ensemble();
        // What is in front of the last ensemble was confirmed before that began.
        let mut outlook = Outlook { confirmed: first.previous(), ..Outlook::default() };
        let mut silent = BTreeMap::new();
        for (bookie, answer) in self.ask_all(ensemble).await {
            match answer {
                Ok(known) => {
                    outlook.confirmed = outlook.confirmed.max(known.lac);
                    outlook.told = outlook.told.max(known.last).max(known.lac);
                }
                Err(problem) => drop(silent.insert(bookie, problem)),
            }
        }
        outlook.kept = outlook.confirmed;
        let answers: Vec<bool> = ensemble.iter().map(|bookie| !silent.contains_key(bookie)).collect();
        if !covered(self.metadata.quorum, &answers) {
            let bookies = silent.clone().into_iter().collect();
            outlook.obstacles.push(Obstacle { entry: None, bookies, passes: true });
        }
        self.forward(ensemble, &mut silent, &mut outlook).await;
        outlook.told = outlook.told.max(outlook.kept);
        outlook
    }

    /// Reads on behind what is confirmed, as a recovery does, to the first entry that nobody has or that is in the way.
    async fn forward(
        &self,
        ensemble: &[BookieId],
        silent: &mut BTreeMap<BookieId, String>,
        outlook: &mut Outlook,
    ) {
        let quorum = self.metadata.quorum;
        loop {
            let entry = EntryId::after(outlook.kept);
            let (mut good, mut missing, mut damaged, mut unknown) = (false, 0, Vec::new(), Vec::new());
            for bookie in quorum.write_set(entry).map(|place| &ensemble[place]) {
                if let Some(problem) = silent.get(bookie) {
                    unknown.push((bookie.clone(), problem.clone()));
                    continue;
                }
                match self.copy(bookie, entry).await {
                    Ok(Copy::Good) => good = true,
                    Ok(Copy::Missing) => missing += 1,
                    Ok(Copy::Damaged) => {
                        damaged.push((bookie.clone(), "has something else as this entry".to_owned()));
                    }
                    Err(problem) => {
                        silent.insert(bookie.clone(), problem.clone());
                        unknown.push((bookie.clone(), problem));
                    }
                }
            }
            if good {
                outlook.kept = Some(entry);
                continue;
            }
            // So many never had it that those left are no ack quorum.
            if missing <= quorum.write() - quorum.ack() {
                let passes = !unknown.is_empty();
                let bookies = unknown.into_iter().chain(damaged).collect();
                outlook.obstacles.push(Obstacle { entry: Some(entry), bookies, passes });
            }
            return;
        }
    }

    async fn ask_all(&self, ensemble: &[BookieId]) -> Vec<(BookieId, Result<Known, String>)> {
        let mut asked = tokio::task::JoinSet::new();
        for bookie in ensemble {
            let (client, request) = (self.bookies.bookie(bookie), Request::ReadLac(self.ledger));
            asked.spawn(async move { (client.id().clone(), client.call(&request, None).await) });
        }
        let answers = asked.join_all().await.into_iter();
        answers.map(|(bookie, answer)| (bookie, self.known(answer))).collect()
    }

    fn known(&self, answer: dl_bookkeeper::Result<Response>) -> Result<Known, String> {
        let codec = self.codec();
        match answer {
            Ok(Response::ReadLac(found)) => {
                // What cannot be checked says nothing.
                let explicit =
                    found.explicit_lac.and_then(|record| codec.open_lac(self.ledger, &record).ok());
                let last = found.last_entry.and_then(|body| codec.open(self.ledger, None, &body).ok());
                let lac = explicit.flatten().max(last.as_ref().and_then(|last| last.lac));
                Ok(Known { lac, last: last.map(|last| last.id) })
            }
            Ok(_) => Err("answers something else".to_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => {
                Ok(Known::default())
            }
            Err(error) => Err(format!("does not answer: {}", error.message())),
        }
    }

    async fn copy(&self, bookie: &BookieId, entry: EntryId) -> Result<Copy, String> {
        let (ledger, mode, priority) = (self.ledger, ReadMode::Plain, Priority::Normal);
        let request = Request::Read(ReadRequest { ledger, entry: Some(entry), mode, priority });
        match self.bookies.bookie(bookie).call(&request, None).await {
            Ok(Response::Read(found)) => {
                let opened = self.codec().open(ledger, Some(entry), &found.body.unwrap_or_default());
                Ok(opened.map_or(Copy::Damaged, |_| Copy::Good))
            }
            Ok(_) => Ok(Copy::Damaged),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => {
                Ok(Copy::Missing)
            }
            Err(error) => Err(format!("does not answer: {}", error.message())),
        }
    }

    fn codec(&self) -> EntryCodec {
        EntryCodec::new(self.metadata.digest, &self.metadata.password)
    }
}

/// Whether those that answer are so many that, once they are fenced, the others are no ack quorum of any entry.
fn covered(quorum: Quorum, answers: &[bool]) -> bool {
    (0..quorum.ensemble()).all(|start| {
        let set = (start..start + quorum.write()).map(|place| place % quorum.ensemble());
        set.filter(|place| !answers.get(*place).copied().unwrap_or_default()).count() < quorum.ack()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_may_be_no_ack_quorum() {
        let three = Quorum::new(3, 3, 2).unwrap();
        assert!(covered(three, &[true, true, false]));
        assert!(!covered(three, &[true, false, false]));
        let striped = Quorum::new(4, 2, 2).unwrap();
        assert!(covered(striped, &[true, false, true, false]));
        assert!(!covered(striped, &[true, false, false, true]));
    }
}
