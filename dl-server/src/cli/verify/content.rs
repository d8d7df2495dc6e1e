//! What reading a log brought, held against itself and the metadata.

use std::collections::BTreeMap;

use dl_core::{Dlsn, Error, ErrorKind, RecordView, SegmentInfo, SegmentTruncation};

/// The records read so far.
#[derive(Debug, Default)]
pub(super) struct Content {
    segments: BTreeMap<i64, Segment>,
    /// First and last record of each run without damage.
    runs: Vec<(Dlsn, Dlsn)>,
    /// The last record of the run that goes on.
    last: Option<Last>,
}

#[derive(Debug, Default)]
struct Segment {
    records: u64,
    first_sequence_id: Option<u64>,
    last: Option<Dlsn>,
    /// Whether damage hid some of its records.
    damaged: bool,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    dlsn: Dlsn,
    sequence_id: Option<u64>,
}

impl Content {
    /// Adds the next record; answers what is wrong with its place.
    pub(super) fn add(&mut self, record: RecordView<'_>) -> Option<Error> {
        let problem = self.last.and_then(|last| last.disagreement(record));
        match (self.last, self.runs.last_mut()) {
            (Some(_), Some(run)) => run.1 = record.dlsn,
            _ => self.runs.push((record.dlsn, record.dlsn)),
        }
        self.last = Some(Last { dlsn: record.dlsn, sequence_id: record.sequence_id });
        let segment = self.segments.entry(record.dlsn.segment()).or_default();
        if segment.records == 0 {
            segment.first_sequence_id = record.sequence_id;
        }
        segment.records += 1;
        segment.last = Some(record.dlsn);
        problem
    }

    /// Says that damage follows the last record, in the segment with this number.
    pub(super) fn interrupt(&mut self, segment: i64) {
        self.last = None;
        self.segments.entry(segment).or_default().damaged = true;
    }

    /// What the metadata says otherwise about a segment, if it was completed and not truncated.
    pub(super) fn disagreement(&self, info: &SegmentInfo) -> Option<Error> {
        let end = info.completed.filter(|_| info.truncation == SegmentTruncation::None)?;
        let none = Segment::default();
        let read = self.segments.get(&info.number).unwrap_or(&none);
        if read.damaged {
            return None;
        }
        let problem = if read.records != end.records {
            format!(
                "the metadata says that the segment has {} records, and {} were read",
                end.records, read.records
            )
        } else if read.last > end.last_dlsn {
            "a record lies behind the last one by the metadata".to_owned()
        } else if read.records > 0 && read.first_sequence_id != info.first_sequence_id {
            "the first record has another sequence id than by the metadata".to_owned()
        } else {
            return None;
        };
        Some(Error::new(ErrorKind::Corrupt, problem).with("segment", info.number))
    }

    pub(super) fn records(&self) -> u64 {
        self.segments.values().map(|segment| segment.records).sum()
    }

    pub(super) fn segments(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn runs(&self) -> &[(Dlsn, Dlsn)] {
        &self.runs
    }
}

impl Last {
    fn disagreement(self, record: RecordView<'_>) -> Option<Error> {
        let problem = if record.dlsn <= self.dlsn {
            format!("a record follows {} and does not lie behind it", self.dlsn)
        } else if let (Some(last), Some(id)) = (self.sequence_id, record.sequence_id)
            && last.checked_add(1) != Some(id)
        {
            format!("the sequence id {id} follows {last}")
        } else {
            return None;
        };
        Some(Error::new(ErrorKind::Corrupt, problem).at(record.dlsn))
    }
}
