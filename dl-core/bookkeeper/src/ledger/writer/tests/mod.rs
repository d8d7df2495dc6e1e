//! The writer alone: its outputs are kept, and its inputs are what a test says.

mod adding;
mod changing;
mod ending;

use std::sync::Arc;

use super::*;
use crate::cluster::{RegisteredBookie, Version};
use crate::ledger::testing::{access, bookies};
use crate::ledger::update::MetadataAnswer;
use crate::metadata::{LedgerMetadata, LedgerState};
use crate::placement::{OneRack, QuarantineOptions, RackAware};
use crate::protocol::{EncodedEntry, Response, Status};
use crate::types::{DigestType, EntryId};

/// A writer whose outputs are kept, with ensemble 3, write quorum 3, ack quorum 2.
struct Driven {
    writer: Writer,
    sends: Vec<(BookieId, WriterToken, Request)>,
    calls: Vec<MetadataCall>,
    acknowledged: u64,
    failed: Option<ErrorKind>,
    closed: Option<Result<u64>>,
    forced: Vec<bool>,
    published: u64,
}

impl Driven {
    fn new(spare: usize, options: WriterOptions) -> Self {
        Self::with(Quorum::new(3, 3, 2).unwrap(), spare, options)
    }

    fn with(quorum: Quorum, spare: usize, options: WriterOptions) -> Self {
        let ids = bookies(0..quorum.ensemble());
        let metadata = LedgerMetadata::new(quorum, DigestType::Crc32c, Bytes::new(), ids).unwrap();
        let placement = RackAware::new(Arc::new(OneRack), QuarantineOptions::default(), 1);
        let known = bookies(0..quorum.ensemble() + spare).into_iter();
        placement.set_bookies(&known.map(|id| RegisteredBookie { id, writable: true }).collect::<Vec<_>>());
        let known = Versioned { metadata: Arc::new(metadata), version: Version(0) };
        let writer = Writer::new(access(), known, options, Arc::new(placement)).unwrap();
        Self {
            writer,
            sends: Vec::new(),
            calls: Vec::new(),
            acknowledged: 0,
            failed: None,
            closed: None,
            forced: Vec::new(),
            published: 0,
        }
    }

    fn pump(&mut self) {
        while let Some(output) = self.writer.poll() {
            match output {
                WriterOutput::Send { to, token, request } => self.sends.push((to, token, request)),
                WriterOutput::Metadata(call) => self.calls.push(call),
                WriterOutput::Acknowledged { entries } => self.acknowledged = entries,
                WriterOutput::Published { entries } => self.published = entries,
                WriterOutput::Forced { result, .. } => self.forced.push(result.is_ok()),
                WriterOutput::Failed { error, .. } => self.failed = Some(error.kind()),
                WriterOutput::Closed(result) => self.closed = Some(result),
            }
        }
    }

    fn append(&mut self) -> u64 {
        let entry = self.writer.append(Bytes::from_static(b"payload")).unwrap();
        self.pump();
        entry
    }

    /// Answers the newest request of this kind to a bookie, once.
    fn answer(&mut self, bookie: usize, wanted: impl Fn(&WriterToken) -> bool, answer: Result<Response>) {
        let id = &bookies(bookie..bookie + 1)[0];
        let at = self.sends.iter().rposition(|(to, token, _)| to == id && wanted(token));
        let (_, token, _) = self.sends.remove(at.expect("it was sent"));
        self.writer.answer(token, answer);
        self.pump();
    }

    fn stored(&mut self, entry: u64, bookie: usize) {
        self.answer(bookie, is_add(entry), Ok(Response::Add));
    }

    fn refused(&mut self, entry: u64, bookie: usize, status: Status) {
        self.answer(bookie, is_add(entry), Err(status.to_error()));
    }

    fn has_sent(&self, entry: u64, bookie: usize) -> bool {
        let id = &bookies(bookie..bookie + 1)[0];
        self.sends.iter().any(|(to, token, _)| to == id && is_add(entry)(token))
    }

    fn wanted(&self) -> (Arc<LedgerMetadata>, Version) {
        match self.calls.last() {
            Some(MetadataCall::Write { metadata, expected }) => (metadata.clone(), *expected),
            other => panic!("no write but {other:?}"),
        }
    }

    fn metadata(&mut self, answer: MetadataAnswer) {
        self.writer.metadata_answer(answer);
        self.pump();
    }

    /// The write of the metadata succeeds.
    fn written(&mut self) -> Arc<LedgerMetadata> {
        let (metadata, expected) = self.wanted();
        self.metadata(MetadataAnswer::Written(Version(expected.0 + 1)));
        metadata
    }

    fn tick(&mut self, now_ms: u64) {
        self.writer.tick(now_ms);
        self.pump();
    }

    fn body(&self, entry: u64, bookie: usize) -> EncodedEntry {
        let id = &bookies(bookie..bookie + 1)[0];
        let (_, _, request) =
            self.sends.iter().find(|(to, token, _)| to == id && is_add(entry)(token)).unwrap();
        let Request::Add(add) = request else { panic!("{request:?}") };
        add.body.clone()
    }
}

fn is_add(entry: u64) -> impl Fn(&WriterToken) -> bool {
    move |token| matches!(token, WriterToken::Add(target) if target.entry == entry)
}

fn ensemble(metadata: &LedgerMetadata) -> (i64, Vec<BookieId>) {
    let (first, bookies) = metadata.last_ensemble();
    (first.number(), bookies.to_vec())
}

fn plain() -> WriterOptions {
    WriterOptions::default()
}
