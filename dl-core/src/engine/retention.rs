//! Which segments go by age and by size.
//!
//! Retention is a truncation whose point follows from the options of the log, so all that holds of truncations holds of
//! it: readers below the point are told or skip, whoever is interrupted is finished by the next one, and the newest
//! segment with records is kept, marked, to count on from.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ErrorKind, Result};
use crate::metadata::{Op, Truncation};
use crate::options::LogOptions;
use crate::seams::Clock;
use crate::types::{Dlsn, LogName, Takeover};

use super::segments::{Segment, SegmentList};
use super::truncate::{self, newest_with_records};
use super::{Engine, layout, log_options, open};

/// Ages are looked at again after this time, since the wall clock may have been set.
const LOOK_AGAIN: Duration = Duration::from_secs(3_600);

/// How much of a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    age_ms: Option<i64>,
    bytes: Option<u64>,
    explicit: bool,
}

/// The wall clock, as far as it is believed: it may be set back, and then segments stay longer; if it is set forward,
/// it still passes no faster than time does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calendar {
    wall_ms: i64,
    monotonic: Duration,
}

/// What a look at a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    /// The point of truncation in force.
    pub(crate) point: Dlsn,
    /// When the next segment may be old enough, if time alone can make one so.
    pub(crate) next: Option<Duration>,
}

impl Retention {
    pub(crate) fn of(options: &LogOptions) -> Self {
        Self {
            age_ms: options.retention_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
            bytes: options.retention_bytes,
            explicit: options.explicit_truncation,
        }
    }

    /// Whether it ever frees anything.
    pub(crate) fn is_some(&self) -> bool {
        self.age_ms.is_some() || self.bytes.is_some() || self.explicit
    }

    /// Frees what is too old or too much at `now_ms` of this incarnation of the log. The writer of the log passes the check
    /// of its lock instead.
    pub(crate) async fn sweep(
        self,
        engine: &Arc<Engine>,
        log: &LogName,
        incarnation: Option<u64>,
        now_ms: i64,
        lock: Option<Op>,
    ) -> Result<Swept> {
        let list = SegmentList::read_of(&*engine.stores.metadata, log, incarnation).await?;
        let segments: Vec<&Segment> = list.iter().collect();
        let gone = if self.explicit {
            0
        } else {
            self.old(&segments, now_ms).max(self.surplus(engine, &segments).await?)
        };
        let point = truncate::truncate(engine, log, incarnation, start_behind(&segments, gone), lock).await?;
        Ok(Swept { point, next: self.next(&segments, gone, now_ms) })
    }

    /// How many of the first segments are too old, each with all in front of it: a stamp from a clock that was ahead
    /// keeps what follows it, and one from a clock that was behind frees nothing early.
    fn old(&self, segments: &[&Segment], now_ms: i64) -> usize {
        let Some(age_ms) = self.age_ms else { return 0 };
        let old = |segment: &&&Segment| ends_ms(segment, age_ms).is_some_and(|ends_ms| ends_ms <= now_ms);
        segments.iter().take_while(old).count()
    }

    /// How many of the first segments have to go for the completed ones to hold no more than they may.
    async fn surplus(&self, engine: &Engine, segments: &[&Segment]) -> Result<usize> {
        let Some(most) = self.bytes else { return Ok(0) };
        let kept = newest_with_records(segments);
        let mut bytes = 0_u64;
        for (index, segment) in segments.iter().enumerate().rev() {
            if !segment.metadata.is_completed() || segment.metadata.truncation == Truncation::Truncated {
                continue;
            }
            let reader = engine.stores.segments.open(segment.metadata.segment_id).await?;
            bytes = bytes.saturating_add(match reader.bytes().await {
                // It was freed meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => 0,
                bytes => bytes?,
            });
            // To free the newest one with records frees no space: it is kept to count on from.
            if bytes > most && index < kept {
                return Ok(index + 1);
            }
        }
        Ok(0)
    }

    fn next(&self, segments: &[&Segment], gone: usize, now_ms: i64) -> Option<Duration> {
        if self.explicit {
            return None;
        }
        let segment = segments[gone..].iter().find(|segment| !is_truncated(segment))?;
        let left = ends_ms(segment, self.age_ms?)?.saturating_sub(now_ms);
        Some(Duration::from_millis(left.max(1).unsigned_abs()).min(LOOK_AGAIN))
    }
}

impl Calendar {
    pub(crate) fn new(clock: &dyn Clock) -> Self {
        Self { wall_ms: clock.wall_ms(), monotonic: clock.monotonic() }
    }

    pub(crate) fn now_ms(&self, clock: &dyn Clock) -> i64 {
        let passed = clock.monotonic().saturating_sub(self.monotonic).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        clock.wall_ms().min(self.wall_ms.saturating_add(passed))
    }
}

/// See [`crate::Log::apply_retention`].
pub(crate) async fn apply(engine: &Arc<Engine>, log: &LogName, incarnation: Option<u64>) -> Result<Dlsn> {
    let metadata = &*engine.stores.metadata;
    // One from here on, also for who names none: its options are for no other.
    let incarnation = Some(layout::require_same(metadata, log, incarnation).await?.version.created);
    let retention = Retention::of(&log_options::read(metadata, log).await?);
    let list = SegmentList::read_of(metadata, log, incarnation).await?;
    if !retention.is_some() {
        return Ok(list.first_readable());
    }
    if list.in_progress().next().is_some() {
        match open::take_over(engine, log, Takeover::Never).await {
            Ok(own) => own.lock.release().await?,
            // Its writer completes it; or another that came meanwhile.
            Err(error) if error.kind() == ErrorKind::Locked => {}
            Err(error) => return Err(error),
        }
    }
    let now_ms = engine.seams.clock.wall_ms();
    Ok(retention.sweep(engine, log, incarnation, now_ms, None).await?.point)
}

/// When the segment is old; `None` while it is in progress.
fn ends_ms(segment: &Segment, age_ms: i64) -> Option<i64> {
    if is_truncated(segment) {
        return Some(i64::MIN);
    }
    segment.metadata.completed.map(|completed| completed.completed_ms.saturating_add(age_ms))
}

fn is_truncated(segment: &Segment) -> bool {
    segment.metadata.truncation == Truncation::Truncated
}

/// The position behind the first `count` segments; in front of all records, if there are none. Those that Java wrote
/// without a number have no position between them: they go together.
fn start_behind(segments: &[&Segment], count: usize) -> Dlsn {
    let (gone, kept) = segments.split_at(count);
    let number = |segment: &&Segment| segment.metadata.number;
    let Some(last) = gone.last().map(number) else { return Dlsn::new(0, 0, 0) };
    match kept.first().map(number) {
        Some(first) if first <= last => Dlsn::new(0, 0, 0),
        _ => Dlsn::new(last.saturating_add(1), 0, 0),
    }
}
