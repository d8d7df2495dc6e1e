//! Going through a segment file from entry to entry, also behind damage: what is whole and what is not. Apart from what
//! that means for the segment, which depends on what others know of it.

use std::collections::BTreeMap;

use crate::drivers::file::frame::{FRAME_BYTES, FrameHead};
use crate::drivers::file::index::Place;
use crate::drivers::file::io;
use crate::drivers::file::segment::{FIRST_OFFSET, Segment};
use crate::error::Result;
use crate::seams::File;

const SCAN_BYTES: usize = 1 << 20;
/// Where the first entry of a segment starts.
pub(super) const FIRST: Place = Place { entry: 0, offset: FIRST_OFFSET };

/// How far a segment is committed.
pub(super) struct Extent {
    /// Every entry below this was acknowledged.
    pub(super) committed: u64,
    /// What may have been acknowledged ends here at the latest.
    pub(super) end: u64,
    /// The number of entries, where the metadata says it.
    pub(super) entries: Option<u64>,
}

/// What a walk through a segment found.
pub(super) struct Walked {
    /// First and last entry of each whole run.
    pub(super) whole: Vec<(u64, u64)>,
    /// What is not whole: the place of its first entry, and the entry that follows it, if any is whole.
    pub(super) gaps: Vec<(Place, Option<u64>)>,
    /// What only a journal holds.
    pub(super) in_journal: Vec<Place>,
    /// Where the last entry ends.
    pub(super) end: Place,
    /// The last entry of the run from the first, if the file holds it.
    pub(super) last: Option<Place>,
}

/// Walks from entry to entry; behind damage it goes on with the next entry that is whole.
pub(super) fn walk(
    segment: &Segment,
    file: &dyn File,
    extent: &Extent,
    journaled: &BTreeMap<u64, u64>,
) -> Result<Walked> {
    let mut walked =
        Walked { whole: Vec::new(), gaps: Vec::new(), in_journal: Vec::new(), end: FIRST, last: None };
    let mut at = FIRST;
    loop {
        let unbroken = walked.gaps.is_empty();
        let stop = segment.walk(file, at, extent.end, |place, _| {
            walked.last = if unbroken { Some(place) } else { walked.last };
            Ok(())
        })?;
        if stop.entry > at.entry {
            walked.whole_to(at.entry, stop.entry - 1);
        }
        walked.end = stop;
        if stop.offset >= extent.committed {
            return Ok(walked);
        }
        if let Some(end) = journaled.get(&stop.offset).filter(|end| **end <= extent.end) {
            walked.in_journal.push(stop);
            walked.last = None;
            walked.whole_to(stop.entry, stop.entry);
            at = Place { entry: stop.entry + 1, offset: *end };
            walked.end = at;
            continue;
        }
        let next = next_whole(segment, file, stop, extent.end)?;
        walked.gaps.push((stop, next.map(|next| next.entry)));
        match next {
            Some(next) => at = next,
            None => return Ok(walked),
        }
    }
}

impl Walked {
    fn whole_to(&mut self, first: u64, last: u64) {
        match self.whole.last_mut() {
            Some(run) if run.1 + 1 == first => run.1 = last,
            _ => self.whole.push((first, last)),
        }
    }
}

/// The next place behind a damaged one where an entry is whole. An entry's checksum covers its offset, so nothing else
/// passes for one.
fn next_whole(segment: &Segment, file: &dyn File, bad: Place, end: u64) -> Result<Option<Place>> {
    let failed = |error| io::failed(error, "reading a segment file", segment.path());
    let mut from = bad.offset + 1;
    loop {
        let mut buffer = vec![0; SCAN_BYTES];
        let read = file.read_at(&mut buffer, from).map_err(failed)?;
        if read < FRAME_BYTES || from >= end {
            return Ok(None);
        }
        for at in 0..=read - FRAME_BYTES {
            let Some(head) = FrameHead::parse(&buffer[at..]).filter(|head| head.entry > bad.entry) else {
                continue;
            };
            let place = Place { entry: head.entry, offset: from + at as u64 };
            // No entry is shorter than its head, so there cannot be more of them in between.
            let fits = place.entry - bad.entry <= place.offset - bad.offset;
            if fits && segment.walk(file, place, place.offset + head.frame_bytes(), |_, _| Ok(()))? != place {
                return Ok(Some(place).filter(|place| place.offset + head.frame_bytes() <= end));
            }
        }
        from += (read - FRAME_BYTES + 1) as u64;
    }
}

/// Runs of entries, in words.
pub(super) fn runs(whole: &[(u64, u64)]) -> String {
    let runs: Vec<_> = whole
        .iter()
        .map(|(first, last)| if first == last { format!("{first}") } else { format!("{first} to {last}") })
        .collect();
    if runs.is_empty() {
        "no entry of the segment".to_owned()
    } else {
        format!("entries {}", runs.join(", "))
    }
}
