//! What the calls of a reader share: its records are read once, in order, whichever call gets them and whichever is given up.
//!
//! A caller who catches up would wait for each batch, and the log for the caller while it looks at one. So where there was much, a
//! task has the next batches ready, which JavaScript gets where it asks, without a wake-up of another thread.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dl_core::{Dlsn, End, Reader, RecordBatch};
use tokio::sync::{Mutex as Turn, MutexGuard};

use crate::columns::{Batch, Rows, Size};
use crate::settler::{Call, Settler, lock};

/// A wait that is as good as for ever, after which it is waited again: longer than timers of JavaScript.
const LONG: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many records the core makes a batch of: few enough that they stay in the processor's cache until they are copied.
const PIECE: usize = 256;

/// A call that got half of this, or of what it asked for if that is less, shows that there is much.
const MUCH: usize = 1_024;

/// How many records are made ready at once at most: each batch costs a turn of the event loop, and one that is larger is in no
/// processor's cache any more when JavaScript looks at it.
const AT_ONCE: usize = 2_048;

/// How many batches are ready at most, each of a share of `read_ahead_bytes`.
const READY: usize = 8;

/// How many are ready at most when more are made: to wake a task for each would take longer.
const FEW: usize = READY / 2;

/// See the module.
pub(crate) struct Reading {
    settler: Settler,
    /// Whoever has it reads.
    turn: Turn<Place>,
    ahead: Mutex<Ahead>,
    /// A fetch ends behind so many.
    bytes: usize,
    /// Whether batches are ever made ready: not those of a reader that may lose its lock meanwhile.
    prepares: bool,
}

/// Where it is read.
struct Place {
    reader: Reader,
    /// The size of the last batch.
    usual: Size,
    /// What was read and not handed out: by a call that runs, or was given up. Behind what is ready.
    rows: Rows,
}

/// What is read before it is asked for.
struct Ahead {
    ready: VecDeque<Ready>,
    /// Whether a task makes more ready.
    filling: bool,
    /// Where the reader is behind what was handed out.
    handed: (Dlsn, Option<End>),
    closed: bool,
}

/// Records, and where the reader is behind them.
struct Ready {
    rows: Rows,
    position: Dlsn,
    end: Option<End>,
}

/// What a call asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) call: Call,
    /// The most records. Those that are ready may be more.
    pub(crate) max: usize,
    /// How long it waits for the first one, if at all.
    pub(crate) wait: Duration,
}

/// What a read does where nothing more is within reach.
#[derive(Clone, Copy)]
enum Manner {
    /// It waits so long, if it has none.
    Asked(Duration),
    /// It stops, and the reader has not ended: there may be more when somebody asks.
    Ahead,
}

impl Reading {
    pub(crate) fn new(settler: &Settler, reader: Reader, bytes: usize, prepares: bool) -> Self {
        let handed = (reader.position(), None);
        let ahead = Ahead { ready: VecDeque::new(), filling: false, handed, closed: false };
        let turn = Turn::new(Place { reader, usual: Size::default(), rows: Rows::default() });
        Self { settler: settler.clone(), turn, ahead: Mutex::new(ahead), bytes, prepares }
    }

    /// Answers with what is ready, if it may and there is some; else settles the call later.
    pub(crate) fn fetch(self: &Arc<Self>, asked: Asked, may: bool) -> Option<Batch> {
        if may && asked.max > 0 {
            let mut ahead = lock(&self.ahead);
            if let Some(ready) = ahead.take() {
                drop(ahead);
                self.prepare();
                return Some(ready.batch());
            }
        }
        let reading = self.clone();
        self.settler.start_elsewhere(asked.call, async move { reading.read(asked).await.map(Ready::batch) });
        None
    }

    async fn read(self: Arc<Self>, Asked { max, wait, .. }: Asked) -> dl_core::Result<Ready> {
        let Some((mut turn, wait)) = self.turn_within(wait).await else {
            return Ok(lock(&self.ahead).nothing());
        };
        if max == 0 || !turn.rows.is_empty() || !lock(&self.ahead).ready.is_empty() {
            // A reader that was closed, or has lost its lock, gives out nothing.
            turn.reader.next_batch(0, Duration::ZERO).await?;
        }
        if max == 0 {
            return Ok(lock(&self.ahead).nothing());
        }
        if let Some(ready) = lock(&self.ahead).take() {
            return Ok(ready);
        }
        let ready = turn.read(max, self.bytes, Manner::Asked(wait)).await?;
        lock(&self.ahead).handed = (ready.position, ready.end);
        drop(turn);
        if max > 1 && 2 * ready.rows.len() >= max.min(MUCH) {
            self.prepare();
        }
        Ok(ready)
    }

    /// The turn to read, and what is left of the wait then; nothing where that is over before. Who does not wait for records waits
    /// until others have looked for them.
    #[expect(clippy::disallowed_methods, reason = "a caller's patience runs by the clock of the caller")]
    async fn turn_within(&self, wait: Duration) -> Option<(MutexGuard<'_, Place>, Duration)> {
        if wait.is_zero() || wait > LONG {
            return Some((self.turn.lock().await, wait));
        }
        let began = Instant::now();
        let turn = tokio::time::timeout(wait, self.turn.lock()).await.ok()?;
        // A wait that was not over is one still.
        Some((turn, wait.saturating_sub(began.elapsed()).max(Duration::from_nanos(1))))
    }

    /// From here on nothing is given out that is ready.
    pub(crate) fn closing(&self) {
        let mut ahead = lock(&self.ahead);
        ahead.closed = true;
        let ready = take(&mut ahead.ready);
        drop(ahead);
        drop(ready);
    }

    /// Ends the reader, once no call is at it.
    pub(crate) async fn close(&self) -> dl_core::Result<()> {
        self.turn.lock().await.reader.close().await
    }

    /// Has the next batches made ready, if there are few.
    fn prepare(self: &Arc<Self>) {
        let mut ahead = lock(&self.ahead);
        if self.prepares
            && !ahead.closed
            && !ahead.filling
            && ahead.ready.len() <= FEW
            && ahead.bytes() < self.bytes
        {
            ahead.filling = true;
            drop(ahead);
            let reading = self.clone();
            self.settler.spawn(async move { while reading.prepare_one().await {} });
        }
    }

    /// Whether there is more to make ready, and room.
    async fn prepare_one(self: &Arc<Self>) -> bool {
        // Until it is among what is ready: whoever reads next gets what is behind it.
        let mut turn = self.turn.lock().await;
        let read = turn.read(AT_ONCE, self.bytes / READY, Manner::Ahead).await;
        // What fails here fails again in the call that comes next.
        let ready = read.ok().filter(|ready| !ready.rows.is_empty());
        let mut ahead = lock(&self.ahead);
        let ready = ready.filter(|_| !ahead.closed);
        let more = ready.as_ref().is_some_and(|ready| ready.end.is_none());
        ahead.ready.extend(ready);
        // The last one is as large as a batch of the core's, however little was asked for.
        ahead.filling = more && ahead.ready.len() < READY && ahead.bytes() < self.bytes;
        ahead.filling
    }
}

impl Ahead {
    /// Hands out what is ready.
    fn take(&mut self) -> Option<Ready> {
        let ready = self.ready.pop_front()?;
        self.handed = (ready.position, ready.end);
        Some(ready)
    }

    /// The payloads that are ready.
    fn bytes(&self) -> usize {
        self.ready.iter().map(|ready| ready.rows.bytes()).sum()
    }

    /// What a call gets for which there is nothing.
    fn nothing(&self) -> Ready {
        let (position, end) = self.handed;
        Ready { rows: Rows::default(), position, end }
    }
}

impl Place {
    /// At most `max` rows more and none behind so many bytes. Before them come those of a call that was given up while it waited for
    /// more.
    async fn read(&mut self, max: usize, bytes: usize, manner: Manner) -> dl_core::Result<Ready> {
        if self.rows.is_empty() && max > 0 {
            self.rows = Rows::new(self.usual);
        }
        while self.rows.len() < max && (self.rows.is_empty() || self.rows.bytes() < bytes) {
            let most = PIECE.min(max - self.rows.len());
            let first = self.rows.is_empty();
            let piece = self.piece(most, manner).await;
            // Whoever comes next hears of what is wrong behind them.
            let piece = piece.or_else(|error| if first { Err(error) } else { Ok(RecordBatch::default()) })?;
            piece.iter().for_each(|record| self.rows.push(record));
            let forever = matches!(manner, Manner::Asked(wait) if wait > LONG);
            let again = forever && first && piece.is_empty() && self.reader.end().is_none();
            // Who waited gets what came; who did not, what is behind it, too, though it has to be read first.
            let waited = matches!(manner, Manner::Asked(wait) if !wait.is_zero());
            let ends = if waited { piece.len() < most } else { piece.is_empty() };
            if ends && !again {
                break;
            }
        }
        let rows = take(&mut self.rows).fitting();
        self.usual = rows.size();
        Ok(Ready { rows, position: self.reader.position(), end: self.reader.end() })
    }

    async fn piece(&mut self, most: usize, manner: Manner) -> dl_core::Result<RecordBatch> {
        match manner {
            Manner::Asked(wait) if self.rows.is_empty() => self.reader.next_batch(most, wait.min(LONG)).await,
            // Nor has it ended for who has got some: there may be more when they are taken.
            Manner::Asked(_) | Manner::Ahead => self.reader.next_batch_ahead(most).await,
        }
    }
}

impl Ready {
    fn batch(self) -> Batch {
        self.rows.batch(self.position, self.end)
    }
}
