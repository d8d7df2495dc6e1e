//! Where the entries of a segment are: a mark every 64 KiB or so, the rest is walked.

/// How far apart the marks are, in bytes of the file.
const MARK_BYTES: u64 = 64 << 10;

/// The start of an entry in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The entry's id.
    pub(super) entry: u64,
    /// Where its frame starts.
    pub(super) offset: u64,
}

/// Marks in a segment file. What is known grows from its start without a gap.
#[derive(Debug)]
pub(super) struct Index {
    marks: Vec<Place>,
    end: Place,
}

impl Index {
    /// Nothing known but where the first entry starts.
    pub(super) fn new(first: Place) -> Self {
        Self { marks: vec![first], end: first }
    }

    /// The end of what is known: the place of the entry after the last known one.
    pub(super) fn end(&self) -> Place {
        self.end
    }

    /// Learns that the entry at the end of what is known ends at `next`.
    pub(super) fn extend(&mut self, next: Place) {
        if next.entry != self.end.entry + 1 || next.offset <= self.end.offset {
            return;
        }
        self.end = next;
        if self.marks.last().is_none_or(|mark| next.offset - mark.offset >= MARK_BYTES) {
            self.marks.push(next);
        }
    }

    /// The nearest marked place at or before an entry.
    pub(super) fn nearest(&self, entry: u64) -> Place {
        if entry >= self.end.entry {
            return self.end;
        }
        let after = self.marks.partition_point(|mark| mark.entry <= entry);
        self.marks[after.saturating_sub(1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_mark_and_ignores_what_does_not_join() {
        let mut index = Index::new(Place { entry: 0, offset: 4_096 });
        for entry in 1..=100 {
            index.extend(Place { entry, offset: 4_096 + entry * 10_000 });
        }
        index.extend(Place { entry: 200, offset: 9_000_000 });
        assert_eq!(index.end(), Place { entry: 100, offset: 1_004_096 });
        for entry in 0..=100 {
            let near = index.nearest(entry);
            assert!(near.entry <= entry && entry - near.entry < 8, "{entry}: {near:?}");
            assert_eq!(near.offset, 4_096 + near.entry * 10_000);
        }
        assert_eq!(index.nearest(1_000), index.end());
    }
}
