//! What a flush waits for: all that was appended before it, those appends too that still stand in line for room.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::ticket::EntryCompletion;
use super::{Effects, Part, Pipeline};
use crate::error::Result;

/// The entry that a flush waits for: all before it are settled no later. `None` if all is settled.
pub(crate) type Newest = Option<Arc<EntryCompletion>>;

/// A flush as it begins.
#[derive(Debug)]
pub(crate) enum Flush {
    /// Nobody is in line, so it is known what it waits for.
    Of(Newest),
    /// It is told so once those have left who are in line now.
    InLine(oneshot::Receiver<Newest>),
}

/// A flush in line. It takes no room and keeps nobody waiting: a caller who does not poll it holds up no append.
#[derive(Debug)]
pub(super) struct FlushInLine {
    /// It is behind those whose places in the line are smaller.
    place: u64,
    told: oneshot::Sender<Newest>,
}

impl Pipeline {
    /// Begins a flush.
    ///
    /// # Errors
    /// What the writer failed with.
    pub(crate) fn flush(&mut self) -> Result<Flush> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let place = self.room.end_of_line();
        if self.room.head_of_line() == place {
            return Ok(Flush::Of(self.newest_pending()));
        }
        if self.flushes.len() >= self.most_flushes {
            self.flushes.retain(|flush| !flush.told.is_closed());
            // Each is looked at a few times in all, however many wait.
            self.most_flushes = 2 * self.flushes.len() + 8;
        }
        let (told, newest) = oneshot::channel();
        self.flushes.push_back(FlushInLine { place, told });
        Ok(Flush::InLine(newest))
    }

    /// Tells the flushes that nobody is in front of any more. In the same step in which the last of those left the line: what is
    /// appended later is not waited for.
    pub(crate) fn tell_flushes(&mut self, effects: &mut Effects) {
        while let Some(first) = self.flushes.front()
            && first.place <= self.room.head_of_line()
        {
            let newest = self.newest_pending();
            effects.flushes.extend(self.flushes.pop_front().map(|flush| (flush.told, newest)));
        }
    }

    /// The newest entry that is not settled.
    pub(crate) fn newest_pending(&self) -> Newest {
        let taken = self.taken.iter().rev().find_map(|entry| match &entry.part {
            Part::User(completion) | Part::EndOfStream(completion) => Some(completion),
            Part::Opening(_) | Part::Publish => None,
        });
        self.queue.back().map(|entry| &entry.completion).or(taken).cloned()
    }
}
