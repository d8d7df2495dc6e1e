//! The least group commit there can be, to see what the rest costs: no format, no fencing, no recovery.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::meter::{Done, Meter, Payloads};
use crate::{Load, Outcome};

/// The journal, overwritten round and round.
const JOURNAL_BYTES: usize = 64 * 1024 * 1024;

/// Of how many the latency of one is measured, as `dl bench pipelined` does.
const SAMPLE: u64 = 64;

/// What gathers while a commit is on its way.
#[derive(Default)]
struct Gathered {
    bytes: Vec<u8>,
    waiting: Vec<oneshot::Sender<()>>,
    ended: bool,
}

#[derive(Default)]
struct Queue {
    gathered: Mutex<Gathered>,
    more: Condvar,
}

pub(crate) fn measure(load: &Load, in_flight: usize) -> Outcome<()> {
    let directory = load.directory.join("prototype");
    fs::create_dir(&directory)?;
    let mut journal = OpenOptions::new().write(true).create_new(true).open(directory.join("journal"))?;
    for _ in 0..JOURNAL_BYTES / (1024 * 1024) {
        journal.write_all(&[0; 1024 * 1024])?;
    }
    journal.sync_all()?;
    let segment = File::create_new(directory.join("segment"))?;
    let queue = Queue::default();
    let meter = Meter::start()?;
    let done = thread::scope(|scope| {
        let committer = scope.spawn(|| queue.commit(&journal, &segment));
        let done = queue.append(load, in_flight);
        queue.end();
        committer.join().map_err(|_| "the committer panicked")??;
        done
    })?;
    meter.stop("prototype", &format!("{in_flight} in flight"), load, &done)?;
    Ok(fs::remove_dir_all(directory)?)
}

impl Queue {
    /// One caller with so many in flight, which takes the acknowledgements in order.
    fn append(&self, load: &Load, in_flight: usize) -> Outcome<Done> {
        let (mut done, mut payloads) = (Done::nothing()?, Payloads::new(load.bytes, 1));
        let mut tickets = VecDeque::with_capacity(in_flight);
        let started = Instant::now();
        let (mut now, mut number) = (started, 0_u64);
        while now - started < load.seconds {
            number += 1;
            let due = number.is_multiple_of(SAMPLE).then(Instant::now);
            now = due.unwrap_or(now);
            if tickets.len() >= in_flight {
                settle(&mut tickets, &mut done)?;
            }
            let (sender, receiver) = oneshot::channel();
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            gathered.bytes.extend_from_slice(payloads.next());
            gathered.waiting.push(sender);
            if gathered.waiting.len() == 1 {
                self.more.notify_one();
            }
            drop(gathered);
            tickets.push_back((receiver, due));
        }
        while settle(&mut tickets, &mut done)? {}
        Ok(done)
    }

    /// Writes and syncs what gathered, until the end.
    fn commit(&self, journal: &File, mut segment: &File) -> Outcome<()> {
        let (mut bytes, mut waiting, mut at) = (Vec::new(), Vec::new(), 0);
        loop {
            let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
            while gathered.waiting.is_empty() && !gathered.ended {
                gathered = self.more.wait(gathered).unwrap_or_else(PoisonError::into_inner);
            }
            if gathered.waiting.is_empty() {
                return Ok(());
            }
            std::mem::swap(&mut gathered.bytes, &mut bytes);
            std::mem::swap(&mut gathered.waiting, &mut waiting);
            drop(gathered);
            if at + bytes.len() > JOURNAL_BYTES {
                segment.sync_data()?;
                at = 0;
            }
            journal.write_all_at(&bytes, at as u64)?;
            segment.write_all(&bytes)?;
            journal.sync_data()?;
            at += bytes.len().next_multiple_of(4096);
            bytes.clear();
            for ticket in waiting.drain(..) {
                // Whoever does not wait does not want to know.
                let _unheard = ticket.send(());
            }
        }
    }

    fn end(&self) {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.more.notify_one();
    }
}

/// Waits for the first acknowledgement; `false` if there is none to wait for.
fn settle(
    tickets: &mut VecDeque<(oneshot::Receiver<()>, Option<Instant>)>,
    done: &mut Done,
) -> Outcome<bool> {
    let Some((ticket, due)) = tickets.pop_front() else {
        return Ok(false);
    };
    ticket.blocking_recv()?;
    done.records += 1;
    if let Some(due) = due {
        done.took(due.elapsed())?;
    }
    Ok(true)
}
