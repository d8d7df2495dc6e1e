//! Whether each bookie of a fragment has what it should have.

use std::collections::BTreeSet;

use dl_bookkeeper::{
    BookieId, Bookies, EntryCodec, EntryId, ErrorKind, LedgerId, LedgerMetadata, Priority, Quorum, ReadMode,
    ReadRequest, Request, Response,
};

/// A run of entries that the same bookies have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) first: EntryId,
    /// The last entry; `None` if it has none.
    pub(super) last: Option<EntryId>,
    pub(super) bookies: Vec<BookieId>,
}

/// A copy that is missing, or cannot be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) bookie: BookieId,
    pub(super) what: What,
}

/// What is wrong with a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The bookie is gone, and perhaps for good.
    NotRegistered,
    /// It is registered and does not answer.
    Silent(String),
    /// It does not have this entry, which it should have.
    Missing(EntryId),
    /// What it has as this entry is not what was written.
    Damaged(EntryId),
}

/// The fragments of a ledger, whose last entry, as far as it is confirmed, is `last`.
pub(super) fn fragments(metadata: &LedgerMetadata, last: Option<EntryId>) -> Vec<Fragment> {
    let starts: Vec<EntryId> = metadata.ensembles().keys().copied().collect();
    let fragment = |(index, (first, bookies)): (usize, (&EntryId, &Vec<BookieId>))| {
        let end = match starts.get(index + 1) {
            Some(next) => next.previous().min(last),
            None => last,
        };
        Fragment { first: *first, last: end.filter(|end| end >= first), bookies: bookies.clone() }
    };
    metadata.ensembles().iter().enumerate().map(fragment).collect()
}

/// Looks at copies.
pub(super) struct Check<'a> {
    pub(super) ledger: LedgerId,
    pub(super) metadata: &'a LedgerMetadata,
    pub(super) bookies: &'a Bookies,
    pub(super) registered: &'a BTreeSet<BookieId>,
    /// Whether to read every entry, or the first and the last of each copy.
    pub(super) every_entry: bool,
}

impl Check<'_> {
    /// What is wrong with the copies of a fragment.
    pub(super) async fn problems(&self, fragment: &Fragment) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (place, bookie) in fragment.bookies.iter().enumerate() {
            if let Some(what) = self.problem(fragment, place, bookie).await {
                problems.push(Problem { bookie: bookie.clone(), what });
            }
        }
        problems
    }

    async fn problem(&self, fragment: &Fragment, place: usize, bookie: &BookieId) -> Option<What> {
        if !self.registered.contains(bookie) {
            return Some(What::NotRegistered);
        }
        let last = fragment.last?;
        let quorum = self.metadata.quorum;
        if self.every_entry {
            for entry in entries_of(quorum, place, fragment.first, last) {
                if let Some(what) = self.read(bookie, entry).await {
                    return Some(what);
                }
            }
            return None;
        }
        let first = entries_of(quorum, place, fragment.first, last).next()?;
        if let Some(what) = self.read(bookie, first).await {
            return Some(what);
        }
        let last = last_of(quorum, place, fragment.first, last).filter(|last| *last != first)?;
        self.read(bookie, last).await
    }

    async fn read(&self, bookie: &BookieId, entry: EntryId) -> Option<What> {
        let (ledger, mode, priority) = (self.ledger, ReadMode::Plain, Priority::Normal);
        let request = Request::Read(ReadRequest { ledger, entry: Some(entry), mode, priority });
        match self.bookies.bookie(bookie).call(&request, None).await {
            Ok(Response::Read(found)) => {
                let codec = EntryCodec::new(self.metadata.digest, &self.metadata.password);
                let body = found.body.unwrap_or_default();
                codec.open(ledger, Some(entry), &body).err().map(|_| What::Damaged(entry))
            }
            Ok(_) => Some(What::Silent("it answers something else".to_owned())),
            Err(error) if matches!(error.kind(), ErrorKind::NoSuchEntry | ErrorKind::NoSuchLedger) => {
                Some(What::Missing(entry))
            }
            Err(error) => Some(What::Silent(error.message().to_owned())),
        }
    }
}

/// The entries that go to this place of the ensemble, ascending.
fn entries_of(quorum: Quorum, place: usize, first: EntryId, last: EntryId) -> impl Iterator<Item = EntryId> {
    let entries = std::iter::successors(Some(first), move |entry| (*entry < last).then(|| entry.next()));
    entries.filter(move |entry| quorum.write_set(*entry).any(|member| member == place))
}

/// The last of them.
fn last_of(quorum: Quorum, place: usize, first: EntryId, last: EntryId) -> Option<EntryId> {
    let before = |entry: &EntryId| entry.previous().filter(|before| *before >= first);
    std::iter::successors(Some(last), before)
        .find(|entry| quorum.write_set(*entry).any(|member| member == place))
}

impl What {
    /// It in words.
    pub(super) fn text(&self) -> String {
        match self {
            Self::NotRegistered => "is not registered".to_owned(),
            Self::Silent(message) => format!("does not answer: {message}"),
            Self::Missing(entry) => format!("does not have entry {entry}"),
            Self::Damaged(entry) => format!("has something else as entry {entry}"),
        }
    }

    /// It in one word.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NotRegistered => "not-registered",
            Self::Silent(_) => "silent",
            Self::Missing(_) => "missing",
            Self::Damaged(_) => "damaged",
        }
    }

    /// The entry it is about.
    pub(super) fn entry(&self) -> Option<i64> {
        match self {
            Self::Missing(entry) | Self::Damaged(entry) => Some(entry.number()),
            Self::NotRegistered | Self::Silent(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dl_bookkeeper::DigestType;

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
            let found = fragments(&metadata, last.map(entry));
            found.into_iter().map(|each| (each.first.number(), each.last.map(EntryId::number))).collect()
        };
        assert_eq!(runs(Some(9)), [(0, Some(4)), (5, Some(9))]);
        assert_eq!(runs(Some(4)), [(0, Some(4)), (5, None)]);
        assert_eq!(runs(None), [(0, None), (5, None)]);
        assert_eq!(fragments(&metadata, None)[1].bookies, second);
    }

    #[test]
    fn a_bookie_is_asked_for_its_own_entries() {
        let quorum = Quorum::new(3, 2, 2).unwrap();
        let own =
            |place| entries_of(quorum, place, entry(1), entry(6)).map(EntryId::number).collect::<Vec<_>>();
        assert_eq!([own(0), own(1), own(2)], [vec![2, 3, 5, 6], vec![1, 3, 4, 6], vec![1, 2, 4, 5]]);
        for place in 0..3 {
            let last = last_of(quorum, place, entry(1), entry(6)).map(EntryId::number);
            assert_eq!(last, own(place).last().copied());
        }
        assert_eq!(last_of(quorum, 0, entry(1), entry(1)), None);
    }
}
