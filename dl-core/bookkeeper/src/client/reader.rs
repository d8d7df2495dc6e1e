//! Reading a ledger.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use super::cluster::Cluster;
use super::patience::Patience;
use super::post::Post;
use crate::cluster::{Versioned, Watch};
use crate::codec::Entry;
use crate::error::Result;
use crate::ledger::{
    Access, LastConfirmed, LastOutput, Reading, ReadingOutput, Replicas, Tail, TailOutput, TailToken,
    entries_to, last_of,
};
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::types::{EntryId, LedgerId};

/// Reads a ledger that others may be writing. Cheap while it is not used.
pub struct LedgerReader {
    cluster: Arc<Cluster>,
    access: Arc<Access>,
    state: Mutex<State>,
    following: AsyncMutex<Following>,
}

struct State {
    known: Versioned,
    /// How many entries are confirmed, as far as is known.
    confirmed: u64,
    replicas: Replicas,
    /// An entry that came along with the news of it, or with those in front of it.
    next: Option<Entry>,
}

/// Whoever waits for more has this.
struct Following {
    tail: Tail,
    post: Post<TailToken>,
    /// Made by the first who waits: of a ledger that is closed there is nothing to watch.
    watch: Option<Watch>,
    /// Whether the metadata may have changed since it was read. Noted, since a call may be dropped while it reads.
    outdated: bool,
}

/// How far a ledger is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// The last confirmed entry.
    pub last: Option<EntryId>,
    /// Whether the ledger is closed: there will be no more.
    pub closed: bool,
}

impl LedgerReader {
    pub(super) fn new(cluster: Arc<Cluster>, access: Arc<Access>, known: Versioned) -> Result<Self> {
        let options = cluster.options.read;
        let tail = Tail::new(access.clone(), &known.metadata, options, 0)?;
        let (confirmed, _) = tail.known();
        let following = Following { tail, post: Post::new(cluster.clone()), watch: None, outdated: true };
        let state = State { known, confirmed, replicas: Replicas::default(), next: None };
        let (state, following) = (Mutex::new(state), AsyncMutex::new(following));
        Ok(Self { cluster, access, state, following })
    }

    /// The ledger.
    #[must_use]
    pub fn id(&self) -> LedgerId {
        self.access.id()
    }

    /// The metadata as it is known.
    #[must_use]
    pub fn metadata(&self) -> Versioned {
        self.state().known.clone()
    }

    /// How far the ledger is known to be confirmed, without asking anyone.
    #[must_use]
    pub fn known(&self) -> Confirmed {
        let state = self.state();
        Confirmed { last: last_of(state.confirmed), closed: state.known.metadata.is_closed() }
    }

    /// Asks the bookies how far the ledger is confirmed. The answer may lag behind its writer.
    ///
    /// # Errors
    /// Those of the bookies if too few of them answer.
    pub async fn last_confirmed(&self) -> Result<Confirmed> {
        self.ask_patiently().await?;
        Ok(self.known())
    }

    /// Looks at the metadata anew and, if the ledger is not closed, asks the bookies how far it is confirmed.
    ///
    /// # Errors
    /// `no-such-ledger` if it was deleted, and those of the metadata store and of the bookies.
    pub async fn refresh(&self) -> Result<Confirmed> {
        self.look().await?;
        if !self.known().closed {
            self.ask_patiently().await?;
        }
        Ok(self.known())
    }

    /// How many bytes of payload the ledger holds: no less than those of the acknowledged entries.
    ///
    /// # Errors
    /// As [`refresh`](Self::refresh).
    pub async fn length(&self) -> Result<u64> {
        self.look().await?;
        let state = self.metadata().metadata.state;
        match state {
            LedgerState::Closed { length, .. } => Ok(length),
            _ => self.ask_patiently().await,
        }
    }

    /// Reads the metadata anew.
    async fn look(&self) -> Result<()> {
        self.adopt(self.cluster.read(self.access.id()).await?);
        Ok(())
    }

    /// Asks the bookies until enough of them answer, or patience is at its end.
    async fn ask_patiently(&self) -> Result<u64> {
        let mut patience = Patience::new(&self.cluster);
        loop {
            match self.ask_bookies().await {
                Err(error) if patience.again(&error).await => self.look().await?,
                result => return result,
            }
        }
    }

    /// Learns from the bookies how far the ledger is confirmed. Answers the bytes of all entries that they told of.
    async fn ask_bookies(&self) -> Result<u64> {
        let metadata = self.state().known.metadata.clone();
        let mut last = LastConfirmed::new(self.access.clone(), &metadata)?;
        let mut post = Post::new(self.cluster.clone());
        loop {
            while let Some(output) = last.poll() {
                match output {
                    LastOutput::Send { to, token, request } => post.send(&to, token, &request),
                    LastOutput::Done(result) => {
                        let entries = result?;
                        let mut state = self.state();
                        state.confirmed = state.confirmed.max(entries);
                        return Ok(last.length());
                    }
                }
            }
            if let Some((token, answer)) = post.next(None).await {
                last.answer(token, answer);
            }
        }
    }

    /// Waits until more is confirmed than up to `last`, or the ledger is closed. One caller at a time; others wait for
    /// their turn. Dropping the call loses nothing.
    ///
    /// # Errors
    /// `no-such-ledger` if it was deleted, and those of the metadata store.
    pub async fn wait(&self, last: Option<EntryId>) -> Result<Confirmed> {
        let known = entries_to(last);
        let mut following = self.following.lock().await;
        loop {
            let Following { tail, post, watch, outdated } = &mut *following;
            tail.tick(self.cluster.now_ms());
            tail.learn(self.state().confirmed);
            let news = self.take_news(tail, post);
            let found = self.known();
            if news || found.closed || entries_to(found.last) > known {
                return Ok(found);
            }
            // Made before the metadata is read anew: no change falls between.
            let watch = self.watched(watch)?;
            if *outdated {
                let found = self.cluster.read(self.access.id()).await?;
                *outdated = false;
                tail.adopt(&found.metadata);
                self.adopt(found);
                continue;
            }
            tail.wait();
            self.take_news(tail, post);
            tokio::select! {
                answer = post.next(tail.next_tick_ms()) => {
                    tail.tick(self.cluster.now_ms());
                    if let Some((token, answer)) = answer {
                        tail.answer(token, answer);
                    }
                }
                // Without a store that tells of changes there is nothing to hear of.
                Ok(()) = watch.changed() => *outdated = true,
            }
        }
    }

    /// Reads entries from `first` up to `last`, both inclusive, as many as are confirmed and fit into `max_bytes` of
    /// payload; one at least if one is confirmed there, and none otherwise. Entries in front of one that cannot be read
    /// are given before its error.
    ///
    /// # Errors
    /// `digest-mismatch` with entry and bookie if no replica is good; those of the bookies if none answers.
    pub async fn read(&self, first: EntryId, last: EntryId, max_bytes: usize) -> Result<Vec<Entry>> {
        let mut patience = Patience::new(&self.cluster);
        loop {
            let metadata = self.state().known.metadata.clone();
            match self.read_with(&metadata, first, last, max_bytes).await {
                Err(error) if patience.again(&error).await => self.look().await?,
                result => return result,
            }
        }
    }

    async fn read_with(
        &self,
        metadata: &Arc<LedgerMetadata>,
        first: EntryId,
        last: EntryId,
        max_bytes: usize,
    ) -> Result<Vec<Entry>> {
        let (start, end, replicas) = {
            let mut state = self.state();
            let came_along = state.next.take_if(|entry| entry.id == first && first <= last);
            if let Some(entry) = came_along {
                return Ok(vec![entry]);
            }
            (
                entries_to(first.previous()),
                entries_to(Some(last)).min(state.confirmed),
                state.replicas.clone(),
            )
        };
        if start >= end {
            return Ok(Vec::new());
        }
        let now_ms = self.cluster.now_ms();
        let mut reading = Reading::new(
            self.access.clone(),
            metadata.clone(),
            self.cluster.options.read,
            replicas,
            start..end,
            max_bytes,
            now_ms,
        )?;
        let found = self.run(&mut reading).await;
        self.state().replicas = reading.into_replicas();
        found
    }

    async fn run(&self, reading: &mut Reading) -> Result<Vec<Entry>> {
        let mut post = Post::new(self.cluster.clone());
        let mut entries = Vec::new();
        loop {
            while let Some(output) = reading.poll() {
                match output {
                    ReadingOutput::Send { to, token, request } => post.send(&to, token, &request),
                    ReadingOutput::Entry(entry) => entries.push(entry),
                    ReadingOutput::Beyond(entry) => self.state().next = Some(entry),
                    ReadingOutput::Done(Err(error)) if entries.is_empty() => return Err(error),
                    ReadingOutput::Done(_) => return Ok(entries),
                }
            }
            let answer = post.next(reading.next_tick_ms()).await;
            reading.tick(self.cluster.now_ms());
            if let Some((token, answer)) = answer {
                reading.answer(token, answer);
            }
        }
    }

    /// Sends what the tail wants to know and notes what it has learned; answers whether the ledger is closed.
    fn take_news(&self, tail: &mut Tail, post: &Post<TailToken>) -> bool {
        while let Some(output) = tail.poll() {
            match output {
                TailOutput::Send { to, token, request } => post.send(&to, token, &request),
                TailOutput::Entry(entry) => self.state().next = Some(entry),
                TailOutput::Confirmed { entries, told_by, .. } => {
                    let mut state = self.state();
                    state.confirmed = state.confirmed.max(entries);
                    if let Some(bookie) = told_by {
                        state.replicas.told_by(bookie);
                    }
                }
            }
        }
        tail.known().1
    }

    fn watched<'a>(&self, watch: &'a mut Option<Watch>) -> Result<&'a mut Watch> {
        let made = match watch.take() {
            Some(watch) => watch,
            None => self.cluster.store.watch(self.access.id())?,
        };
        Ok(watch.insert(made))
    }

    fn adopt(&self, found: Versioned) {
        let mut state = self.state();
        if found.version >= state.known.version {
            if let LedgerState::Closed { last_entry, .. } = found.metadata.state {
                state.confirmed = entries_to(last_entry);
            }
            state.known = found;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in there is ever half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
