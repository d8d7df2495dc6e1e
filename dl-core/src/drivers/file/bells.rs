//! The thread that waits for commits of other processes and wakes the readers of this one.
//!
//! It runs only while somebody waits for a segment that another process may be writing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::control::{Bell, Control};
use super::started::{Running, Started};
use super::table::SegmentTable;
use crate::error::Result;
use crate::seams::Tasks;
use crate::telemetry::Telemetry;

/// Who waits, and the thread that wakes them.
pub(super) struct DataBell {
    control: Arc<Control>,
    table: Arc<SegmentTable>,
    telemetry: Arc<Telemetry>,
    waiting: AtomicUsize,
    started: Started,
    wanted: Arc<Notify>,
    stopped: AtomicBool,
}

/// Keeps the thread listening.
pub(super) struct Listening(Arc<DataBell>);

impl DataBell {
    pub(super) fn new(
        control: Arc<Control>,
        table: Arc<SegmentTable>,
        telemetry: Arc<Telemetry>,
    ) -> Arc<Self> {
        let (waiting, started, wanted, stopped) = Default::default();
        Arc::new(Self { control, table, telemetry, waiting, started, wanted, stopped })
    }

    /// Has the waiters of this process told of commits elsewhere until the answer is dropped.
    ///
    /// # Errors
    /// `unavailable` if there is no thread to be had.
    pub(super) fn listen(self: &Arc<Self>, tasks: &dyn Tasks) -> Result<Listening> {
        self.started.start(|running| {
            // Now, not when the thread starts: the caller looks at its segment next, and may have to be told of what
            // happens from then on.
            let seen = self.control.rung(Bell::Data);
            tasks.spawn_thread("dl-wake", Box::pin(run(Arc::downgrade(self), seen, running)))
        })?;
        if self.waiting.fetch_add(1, Ordering::AcqRel) == 0 {
            self.wanted.notify_one();
        }
        Ok(Listening(self.clone()))
    }

    /// Has the thread end, if there is one. It may wait for the bell: whoever stops it rings.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.wanted.notify_one();
    }

    /// Waits until the thread has ended.
    pub(super) async fn ended(&self) {
        self.started.ended().await;
    }
}

impl Drop for DataBell {
    fn drop(&mut self) {
        self.wanted.notify_one();
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn run(bell: Weak<DataBell>, mut seen: u32, _running: Running) {
    while let Some(bell) = bell.upgrade() {
        if bell.stopped.load(Ordering::Acquire) {
            return;
        }
        if bell.waiting.load(Ordering::Acquire) == 0 {
            let wanted = bell.wanted.clone();
            // The thread must not keep alive what it serves.
            drop(bell);
            wanted.notified().await;
            continue;
        }
        // Comes back at least every second, so that the thread ends soon after the namespace.
        bell.control.wait(Bell::Data, seen).await;
        let now = bell.control.rung(Bell::Data);
        if now != seen {
            seen = now;
            bell.telemetry.metrics.doorbell_wakes.add(1);
            bell.table.in_use().iter().for_each(|segment| segment.notify_if_changed());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::super::layout::Layout;
    use super::super::segment::FIRST_OFFSET;
    use super::*;
    use crate::seams::{BoxFuture, Seams};
    use crate::types::SegmentId;

    /// Starts threads when told to.
    #[derive(Default)]
    struct Late(Mutex<Option<BoxFuture<'static, ()>>>);

    impl Tasks for Late {
        fn spawn(&self, _task: BoxFuture<'static, ()>) {
            unreachable!("the bell needs a thread");
        }

        fn spawn_thread(&self, _name: &str, task: BoxFuture<'static, ()>) -> std::io::Result<()> {
            *self.0.lock().unwrap() = Some(task);
            Ok(())
        }

        fn block_on(&self, _task: BoxFuture<'_, ()>) {
            unreachable!("the bell needs a thread");
        }

        fn run_blocking(&self, _work: Box<dyn FnOnce() + Send>) -> BoxFuture<'static, ()> {
            unreachable!("the bell needs a thread");
        }
    }

    #[tokio::test]
    async fn a_commit_before_the_thread_runs_is_heard() {
        let directory = tempfile::tempdir().unwrap();
        let seams = Seams::system().unwrap();
        let layout = Layout::new(directory.path().to_owned());
        let control = Arc::new(Control::create(&seams, &layout).unwrap());
        let table = SegmentTable::new(seams.files.clone(), layout, 1, control.clone());
        let segment = table.segment(SegmentId::new(1).unwrap());
        let word = table.make_word(&segment).unwrap();
        let bell = DataBell::new(control.clone(), Arc::new(table), Arc::default());

        let tasks = Late::default();
        let _listening = bell.listen(&tasks).unwrap();
        let mut changed = segment.subscribe();
        word.extend(FIRST_OFFSET, FIRST_OFFSET + 1).unwrap();
        control.ring(Bell::Data);
        seams.tasks.spawn_thread("late", tasks.0.lock().unwrap().take().unwrap()).unwrap();
        tokio::select! {
            told = changed.changed() => told.unwrap(),
            () = seams.clock.sleep(Duration::from_secs(10)) => panic!("nobody was told"),
        }
    }
}
