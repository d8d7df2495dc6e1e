//! Whether each bookie of a fragment has what it should have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::{Copy, judge, request};
use crate::client::cluster::Cluster;
use crate::client::post::Post;
use crate::codec::EntryCodec;
use crate::error::Result;
use crate::metadata::LedgerMetadata;
use crate::protocol::Response;
use crate::types::{BookieId, EntryId, LedgerId, Quorum};

/// Entries that are asked for at once: an entry may have a megabyte.
const AT_ONCE: usize = 16;

/// A run of entries that the same bookies have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// Its first entry.
    pub first: EntryId,
    /// Its last entry; `None` if it has none.
    pub last: Option<EntryId>,
    /// The bookies that have it, each in its place.
    pub bookies: Vec<BookieId>,
}

/// What the bookies have of a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copies {
    /// The first thing that is wrong with the copy of a bookie, of each of which something is.
    pub problems: Vec<CopyProblem>,
    /// What is left of the entries that were looked at, ascending.
    pub runs: Vec<EntryRun>,
    /// The bytes of all good copies that were looked at.
    pub bytes: u64,
}

/// A copy that is missing, or cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyProblem {
    /// Whose.
    pub bookie: BookieId,
    /// What is wrong with it.
    pub fault: CopyFault,
}

/// What is wrong with a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CopyFault {
    /// The bookie is gone, and perhaps for good.
    NotRegistered,
    /// It is registered and does not answer.
    Silent(String),
    /// It does not have this entry, which it should have.
    Missing(EntryId),
    /// What it has as this entry is not what was written.
    Damaged(EntryId),
}

/// Entries of which the same is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRun {
    /// The first.
    pub first: EntryId,
    /// The last.
    pub last: EntryId,
    /// What is left of them.
    pub state: EntryState,
}

/// What is left of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryState {
    /// A good copy, at least.
    Whole,
    /// Nothing that is as it was written.
    Lost,
    /// No good copy where bookies answer; others may have one.
    Unknown,
}

impl Fragment {
    /// The fragments of a ledger, whose last entry, as far as it is confirmed, is `last`.
    #[must_use]
    pub fn all(metadata: &LedgerMetadata, last: Option<EntryId>) -> Vec<Self> {
        let starts: Vec<EntryId> = metadata.ensembles().keys().copied().collect();
        let fragment = |(index, (first, bookies)): (usize, (&EntryId, &Vec<BookieId>))| {
            let end = match starts.get(index + 1) {
                Some(next) => next.previous().min(last),
                None => last,
            };
            Self { first: *first, last: end.filter(|end| end >= first), bookies: bookies.clone() }
        };
        metadata.ensembles().iter().enumerate().map(fragment).collect()
    }
}

impl CopyFault {
    /// It in one word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotRegistered => "not-registered",
            Self::Silent(_) => "silent",
            Self::Missing(_) => "missing",
            Self::Damaged(_) => "damaged",
        }
    }

    /// The entry it is about.
    #[must_use]
    pub fn entry(&self) -> Option<EntryId> {
        match self {
            Self::Missing(entry) | Self::Damaged(entry) => Some(*entry),
            Self::NotRegistered | Self::Silent(_) => None,
        }
    }
}

/// Said of the bookie.
impl fmt::Display for CopyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRegistered => f.write_str("is not registered"),
            Self::Silent(message) => write!(f, "does not answer: {message}"),
            Self::Missing(entry) => write!(f, "does not have entry {entry}"),
            Self::Damaged(entry) => write!(f, "has something else as entry {entry}"),
        }
    }
}

/// Looks at the copies of a fragment.
pub(super) async fn look(
    cluster: &Arc<Cluster>,
    ledger: LedgerId,
    metadata: &LedgerMetadata,
    fragment: &Fragment,
    registered: &BTreeSet<BookieId>,
    every_entry: bool,
) -> Copies {
    let unregistered = |bookie| (!registered.contains(bookie)).then_some(CopyFault::NotRegistered);
    let mut look = Look {
        ledger,
        codec: EntryCodec::new(metadata.digest, &metadata.password),
        bookies: &fragment.bookies,
        faults: fragment.bookies.iter().map(unregistered).collect(),
        asked: BTreeMap::new(),
        found: Copies::default(),
    };
    if let Some(last) = fragment.last {
        let post = Post::new(cluster.clone());
        let quorum = metadata.quorum;
        if every_entry {
            let places = |entry| (entry, quorum.write_set(entry).collect());
            look.run(entries(fragment.first, last).map(places), post).await;
        } else {
            look.run(ends(quorum, fragment.first, last).into_iter(), post).await;
        }
    }
    let problems = fragment.bookies.iter().zip(look.faults);
    let problem = |(bookie, fault): (&BookieId, Option<CopyFault>)| {
        fault.map(|fault| CopyProblem { bookie: bookie.clone(), fault })
    };
    Copies { problems: problems.filter_map(problem).collect(), ..look.found }
}

struct Look<'a> {
    ledger: LedgerId,
    codec: EntryCodec,
    bookies: &'a [BookieId],
    /// What is wrong at each place.
    faults: Vec<Option<CopyFault>>,
    asked: BTreeMap<EntryId, Asked>,
    found: Copies,
}

/// An entry that bookies were asked for.
#[derive(Debug, Default)]
struct Asked {
    waiting: usize,
    good: bool,
    /// Whether somebody has not answered.
    silent: bool,
}

impl Look<'_> {
    /// Looks at entries, each at these places.
    async fn run(
        &mut self,
        entries: impl Iterator<Item = (EntryId, Vec<usize>)>,
        mut post: Post<(EntryId, usize)>,
    ) {
        let mut entries = entries.fuse();
        loop {
            let next = if self.asked.len() < AT_ONCE { entries.next() } else { None };
            if let Some((entry, places)) = next {
                self.ask(entry, &places, &post);
            } else if self.asked.is_empty() {
                return;
            } else if let Some(((entry, place), answer)) = post.next(None).await {
                self.answered(entry, place, answer);
            }
            self.settle();
        }
    }

    fn ask(&mut self, entry: EntryId, places: &[usize], post: &Post<(EntryId, usize)>) {
        let mut asked = Asked::default();
        for place in places {
            // Who did not answer once is not waited for again.
            if matches!(self.faults[*place], Some(CopyFault::NotRegistered | CopyFault::Silent(_))) {
                asked.silent = true;
                continue;
            }
            asked.waiting += 1;
            post.send(&self.bookies[*place], (entry, *place), &request(self.ledger, entry));
        }
        self.asked.insert(entry, asked);
    }

    fn answered(&mut self, entry: EntryId, place: usize, answer: Result<Response>) {
        let Some(asked) = self.asked.get_mut(&entry) else { return };
        asked.waiting -= 1;
        let fault = match judge(&self.codec, self.ledger, entry, answer) {
            Ok(Copy::Good(bytes)) => {
                asked.good = true;
                self.found.bytes += bytes as u64;
                return;
            }
            Ok(Copy::Missing) => CopyFault::Missing(entry),
            Ok(Copy::Damaged) => CopyFault::Damaged(entry),
            Err(problem) => {
                asked.silent = true;
                CopyFault::Silent(problem)
            }
        };
        // Answers may overtake each other; who is silent is so for all that follows.
        let known = self.faults[place].as_ref();
        let is_first = known
            .is_none_or(|known| known.entry().is_some_and(|at| fault.entry().is_none_or(|new| new < at)));
        if is_first {
            self.faults[place] = Some(fault);
        }
    }

    /// Notes what is left of the entries in front, of which everybody has answered.
    fn settle(&mut self) {
        while let Some(first) = self.asked.first_entry().filter(|first| first.get().waiting == 0) {
            let (entry, asked) = first.remove_entry();
            let state = match asked {
                Asked { good: true, .. } => EntryState::Whole,
                Asked { silent: true, .. } => EntryState::Unknown,
                _ => EntryState::Lost,
            };
            match self.found.runs.last_mut() {
                Some(run) if run.state == state && run.last.next() == entry => run.last = entry,
                _ => self.found.runs.push(EntryRun { first: entry, last: entry, state }),
            }
        }
    }
}

/// Entries from the first to the last.
fn entries(first: EntryId, last: EntryId) -> impl Iterator<Item = EntryId> {
    std::iter::successors(Some(first), move |entry| (*entry < last).then(|| entry.next()))
}

/// The first and the last entry of each place, with the places that are to be asked for it.
fn ends(quorum: Quorum, first: EntryId, last: EntryId) -> BTreeMap<EntryId, Vec<usize>> {
    let is_at = |place: usize| move |entry: &EntryId| quorum.write_set(*entry).any(|member| member == place);
    let before = |entry: &EntryId| entry.previous().filter(|before| *before >= first);
    let mut ends: BTreeMap<EntryId, Vec<usize>> = BTreeMap::new();
    for place in 0..quorum.ensemble() {
        let from_start = entries(first, last).find(is_at(place));
        let from_end = std::iter::successors(Some(last), before).find(is_at(place));
        for entry in BTreeSet::from([from_start, from_end]).into_iter().flatten() {
            ends.entry(entry).or_default().push(place);
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::DigestType;

    fn entry(number: i64) -> EntryId {
        EntryId::new(number).unwrap()
    }

    #[test]
    fn fragments_end_where_the_next_begins_or_the_ledger_ends() {
        let bookie = |name: &str| BookieId::new(name).unwrap();
        let quorum = Quorum::new(2, 2, 2).unwrap();
        let (first, second) = (vec![bookie("a"), bookie("b")], vec![bookie("a"), bookie("c")]);
        let mut metadata = LedgerMetadata::new(quorum, DigestType::Crc32c, "".into(), first.clone()).unwrap();
        metadata.set_ensemble(entry(5), second.clone()).unwrap();
        let runs = |last: Option<i64>| -> Vec<_> {
            let found = Fragment::all(&metadata, last.map(entry));
            found.into_iter().map(|each| (each.first.number(), each.last.map(EntryId::number))).collect()
        };
        assert_eq!(runs(Some(9)), [(0, Some(4)), (5, Some(9))]);
        assert_eq!(runs(Some(4)), [(0, Some(4)), (5, None)]);
        assert_eq!(runs(None), [(0, None), (5, None)]);
        assert_eq!(Fragment::all(&metadata, None)[1].bookies, second);
    }

    #[test]
    fn a_bookie_is_asked_for_the_first_and_the_last_of_its_own_entries() {
        let quorum = Quorum::new(3, 2, 2).unwrap();
        let numbers = |first, last| -> Vec<(i64, Vec<usize>)> {
            let found = ends(quorum, entry(first), entry(last));
            found.into_iter().map(|(entry, places)| (entry.number(), places)).collect()
        };
        // Entry 1 is at places 1 and 2, entry 2 at 2 and 0, entry 3 at 0 and 1.
        assert_eq!(numbers(1, 6), [(1, vec![1, 2]), (2, vec![0]), (5, vec![2]), (6, vec![0, 1])]);
        assert_eq!(numbers(1, 1), [(1, vec![1, 2])]);
    }
}
