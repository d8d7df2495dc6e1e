//! What a recovery of a ledger would find: which entries it keeps, and who or what is in its way. Nobody is fenced.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::{Copy, judge, request};
use crate::client::cluster::Cluster;
use crate::client::post::Post;
use crate::codec::EntryCodec;
use crate::error::ErrorKind;
use crate::ledger::{PlaceSet, covered};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::protocol::{Request, Response};
use crate::types::{BookieId, EntryId, LedgerId};

/// What a recovery would find now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outlook {
    /// Whether the ledger has an end already: then there is nothing to recover.
    pub closed: bool,
    /// The last entry that is known to be confirmed.
    pub confirmed: Option<EntryId>,
    /// The last entry that a recovery would keep: each up to there is confirmed, or on a bookie that answers.
    pub kept: Option<EntryId>,
    /// The last entry of which any bookie told.
    pub told: Option<EntryId>,
    /// What is in the way.
    pub obstacles: Vec<Obstacle>,
}

/// What is in the way of a recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The entry of which it is not known whether it was acknowledged; `None` if it ends before that, because too few bookies
    /// can be fenced.
    pub entry: Option<EntryId>,
    /// The bookies that would tell, and what each has to say.
    pub bookies: Vec<(BookieId, String)>,
    /// Whether it is enough that they come back.
    pub passes: bool,
}

/// What one bookie knows of a ledger.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    lac: Option<EntryId>,
    last: Option<EntryId>,
}

/// Looks at a ledger through its bookies.
pub(super) struct Look<'a> {
    pub(super) cluster: &'a Arc<Cluster>,
    pub(super) ledger: LedgerId,
    pub(super) metadata: &'a LedgerMetadata,
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
        let answers = ensemble.iter().enumerate().filter(|(_, bookie)| !silent.contains_key(bookie));
        if !covered(self.metadata.quorum, answers.map(|(place, _)| place).collect::<PlaceSet>()) {
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
                    Ok(Copy::Good(_)) => good = true,
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
        let mut post = Post::new(self.cluster.clone());
        for bookie in ensemble {
            post.send(bookie, bookie.clone(), &Request::ReadLac(self.ledger));
        }
        let mut answers = Vec::new();
        while answers.len() < ensemble.len() {
            if let Some((bookie, answer)) = post.next(None).await {
                answers.push((bookie, self.known(answer)));
            }
        }
        answers
    }

    fn known(&self, answer: crate::error::Result<Response>) -> Result<Known, String> {
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
        let mut post = Post::new(self.cluster.clone());
        post.send(bookie, (), &request(self.ledger, entry));
        loop {
            if let Some(((), answer)) = post.next(None).await {
                return judge(&self.codec(), self.ledger, entry, answer)
                    .map_err(|problem| format!("does not answer: {problem}"));
            }
        }
    }

    fn codec(&self) -> EntryCodec {
        EntryCodec::new(self.metadata.digest, &self.metadata.password)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            None => f.write_str("too few of its bookies can be fenced: ")?,
            Some(entry) => write!(f, "whether entry {entry} was acknowledged cannot be known: ")?,
        }
        for (index, (bookie, problem)) in self.bookies.iter().enumerate() {
            write!(f, "{}{bookie} {problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}
