//! What one process does until it ends: at random, like several writers and a reader, and noting down what it was told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::Dice;
use super::model::{Shared, Told};
use crate::drivers::file::fault_tests::{open_with, read_all};
use crate::error::{Error, Result};
use crate::metadata::{Op, Outcome};
use crate::seams::Seams;
use crate::store::{Closed, EntrySource, Replication, SegmentWriter, Stores};
use crate::testing::sim::World;
use crate::types::SegmentId;

struct Writing {
    id: SegmentId,
    source: Arc<Source>,
    writer: Arc<dyn SegmentWriter>,
    issued: u64,
}

/// One process at work.
pub(super) struct Life {
    seams: Seams,
    stores: Stores,
    model: Shared,
    dice: Dice,
    writing: Vec<Writing>,
}

impl Life {
    pub(super) async fn open(world: &World, seams: &Seams, model: &Shared, seed: u64) -> Result<Self> {
        // Everything through the journal, or what is large around it, or most.
        let large_flush_bytes = [u64::MAX, 6_000, 1_000][(seed % 3) as usize];
        let stores = open_with(world, seams, large_flush_bytes).await?;
        Ok(Self { seams: seams.clone(), stores, model: model.clone(), dice: Dice(seed), writing: Vec::new() })
    }

    pub(super) async fn live(mut self) -> Result<()> {
        loop {
            match self.dice.roll(12) {
                0 if self.writing.len() < 3 => self.start().await?,
                1 => self.finish().await?,
                2 => self.take_over().await?,
                3 => self.delete().await?,
                4 => self.read().await?,
                _ if self.writing.is_empty() => self.start().await?,
                _ => self.append().await,
            }
            // Lets time pass, which in a simulated world it does only when nothing else is to do.
            self.seams.clock.sleep(Duration::from_micros(200)).await;
        }
    }

    async fn start(&mut self) -> Result<()> {
        let allocation = self.stores.segments.allocate("/a/<default>", &[]).await?;
        let id = allocation.id;
        let source = Source {
            id,
            model: self.model.clone(),
            waiting: Mutex::default(),
            ended: watch::Sender::default(),
        };
        let source = Arc::new(source);
        let writer = self.stores.segments.create(id, source.clone(), Replication::default()).await?;
        let fresh = self.model.lock().unwrap().segments.insert(id, Told::default()).is_none();
        assert!(fresh, "segment id {id} was given out twice");
        self.commit(allocation.start_ops).await?;
        self.writing.push(Writing { id, source, writer, issued: 0 });
        Ok(())
    }

    /// Appends some entries to some writer, and waits for them or not.
    async fn append(&mut self) {
        let at = self.dice.roll(self.writing.len() as u64) as usize;
        let count = 1 + self.dice.roll(4);
        for _ in 0..count {
            let size = if self.dice.roll(20) == 0 { 20_000 } else { 1 + self.dice.roll(3_000) as usize };
            let tag = self.dice.roll(u64::MAX);
            let bytes: Vec<u8> =
                (0..size).map(|i| (tag.rotate_left(i as u32 % 64) >> (i % 7)) as u8).collect();
            let writing = &mut self.writing[at];
            let bytes = Bytes::from(bytes);
            self.model.lock().unwrap().segments.get_mut(&writing.id).unwrap().issued.push(bytes.clone());
            writing.source.waiting.lock().unwrap().push_back(bytes);
            writing.issued += 1;
            match self.dice.roll(2) {
                0 => writing.writer.wake(),
                _ => writing.writer.wake_and_work(),
            }
        }
        let failed = self.writing[at].source.ended.borrow().1;
        if failed || self.dice.roll(2) == 0 && self.settled(at).await {
            self.writing.remove(at);
        }
    }

    /// Waits until all that was issued ended; answers whether the writer is done for.
    async fn settled(&self, at: usize) -> bool {
        let writing = &self.writing[at];
        let mut ended = writing.source.ended.subscribe();
        let state = *ended.wait_for(|(count, failed)| *failed || *count >= writing.issued).await.unwrap();
        state.1
    }

    /// Completes a segment of ours, as a writer that is closed does.
    async fn finish(&mut self) -> Result<()> {
        if self.writing.is_empty() || self.settled(0).await {
            self.writing.drain(..self.writing.len().min(1));
            return Ok(());
        }
        let writing = self.writing.remove(0);
        if let Ok(closed) = writing.writer.close().await {
            self.complete(writing.id, closed).await?;
        }
        Ok(())
    }

    /// Recovers a segment in progress, whoever writes it.
    async fn take_over(&mut self) -> Result<()> {
        let open: Vec<_> = {
            let model = self.model.lock().unwrap();
            let open = model.segments.iter().filter(|(_, told)| told.completed.is_none() && !told.deleting);
            open.map(|(id, _)| *id).collect()
        };
        if open.is_empty() {
            return Ok(());
        }
        let id = open[self.dice.roll(open.len() as u64) as usize];
        if let Ok(closed) = self.stores.segments.recover(id).await {
            self.complete(id, closed).await?;
        }
        Ok(())
    }

    async fn complete(&self, id: SegmentId, closed: Closed) -> Result<()> {
        let entries = closed.last_entry.map_or(0, |last| last as usize + 1);
        {
            let mut model = self.model.lock().unwrap();
            let told = model.segments.get_mut(&id).unwrap();
            let (acked, before) = (told.acked, told.ended.replace(entries));
            if acked > entries || before.is_some_and(|before| before != entries) {
                model
                    .violations
                    .push(format!("{id}: {acked} acknowledged, ended at {entries}, before at {before:?}"));
            }
        }
        if closed.complete_ops.is_empty() {
            return Ok(());
        }
        if self.commit(closed.complete_ops).await? {
            self.model.lock().unwrap().segments.get_mut(&id).unwrap().completed = Some(entries);
        }
        Ok(())
    }

    async fn delete(&mut self) -> Result<()> {
        let done: Vec<_> = {
            let model = self.model.lock().unwrap();
            model
                .segments
                .iter()
                .filter(|(_, told)| told.completed.is_some() && !told.deleting)
                .map(|(id, _)| *id)
                .collect()
        };
        if done.len() < 4 {
            return Ok(());
        }
        let id = done[self.dice.roll(done.len() as u64) as usize];
        self.model.lock().unwrap().segments.get_mut(&id).unwrap().deleting = true;
        let ops = self.stores.segments.delete(&[id]).await?;
        self.commit(ops).await?;
        Ok(())
    }

    /// Reads some segment as far as it is committed now.
    async fn read(&mut self) -> Result<()> {
        let ids: Vec<_> = self.model.lock().unwrap().segments.keys().copied().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        let Ok(entries) = read_all(&self.stores, id).await else { return Ok(()) };
        let mut model = self.model.lock().unwrap();
        let told = model.segments.get_mut(&id).unwrap();
        told.read = told.read.max(entries.len());
        if !told.issued.starts_with(&entries) {
            model.violations.push(format!("{id}: a reader saw what was never written"));
        }
        Ok(())
    }

    async fn commit(&self, ops: Vec<Op>) -> Result<bool> {
        Ok(matches!(self.stores.metadata.commit(&ops).await?, Outcome::Committed(_)))
    }
}

/// The entries of one segment, and how they end.
struct Source {
    id: SegmentId,
    model: Shared,
    waiting: Mutex<VecDeque<Bytes>>,
    ended: watch::Sender<(u64, bool)>,
}

impl EntrySource for Source {
    fn next_entry(&self) -> Option<Bytes> {
        self.waiting.lock().unwrap().pop_front()
    }

    fn settled(&self, entry: u64, result: Result<()>) -> usize {
        if result.is_ok() {
            let mut model = self.model.lock().unwrap();
            let told = model.segments.get_mut(&self.id).unwrap();
            let late = told.ended.is_some_and(|ended| entry as usize >= ended);
            told.acked = entry as usize + 1;
            if late {
                model.violations.push(format!("{}: entry {entry} acknowledged after the fence", self.id));
            }
        }
        self.ended.send_modify(|(count, failed)| {
            *count += 1;
            *failed |= result.is_err();
        });
        result.is_ok().into()
    }

    fn broken(&self, _error: Error) {
        self.ended.send_modify(|(_, failed)| *failed = true);
    }
}
