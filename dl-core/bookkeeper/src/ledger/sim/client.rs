//! The clients of a simulated ledger: what drives a state machine, and what was promised to whom.

use bytes::Bytes;

use crate::cluster::Versioned;
use crate::error::{Error, Result};
use crate::ledger::quorum::entries_to;
use crate::ledger::reading::{
    LastConfirmed, LastOutput, LastToken, Reading, ReadingOutput, ReadingToken, Tail, TailOutput, TailToken,
};
use crate::ledger::recovery::{Recovery, RecoveryOutput, RecoveryToken};
use crate::ledger::update::{MetadataAnswer, MetadataCall};
use crate::ledger::writer::{Writer, WriterOutput, WriterToken};
use crate::protocol::{Request, Response};
use crate::types::BookieId;

/// A client with its state machine.
pub(crate) struct Client {
    pub(crate) machine: Machine,
    pub(crate) told: Told,
}

/// The state machine of a client.
pub(crate) enum Machine {
    Writer(Box<Writer>),
    Recovery(Box<Recovery>),
    Last(Box<LastConfirmed>),
    Reading(Box<Reading>),
    Tail(Box<Tail>),
}

/// What a client was told.
#[derive(Default)]
pub(crate) struct Told {
    /// How many entries were appended and acknowledged.
    pub(crate) appended: u64,
    pub(crate) acknowledged: u64,
    /// Why the writer ended, if it failed.
    pub(crate) failed: Option<Error>,
    pub(crate) closed: Option<Result<u64>>,
    pub(crate) recovered: Option<Result<Versioned>>,
    pub(crate) published: u64,
    pub(crate) forced: Vec<(u64, bool)>,
    /// How many entries a reader was told to be confirmed.
    pub(crate) confirmed: u64,
    /// How many it read, and how that ended.
    pub(crate) read: u64,
    pub(crate) ended: Option<Result<()>>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Token {
    Writer(WriterToken),
    Recovery(RecoveryToken),
    Last(LastToken),
    Reading(ReadingToken),
    Tail(TailToken),
}

pub(crate) enum Output {
    Send { to: BookieId, token: Token, request: Request },
    Metadata(MetadataCall),
}

impl Client {
    pub(crate) fn writer(writer: Writer) -> Self {
        Self { machine: Machine::Writer(Box::new(writer)), told: Told::default() }
    }

    pub(crate) fn recovery(recovery: Recovery) -> Self {
        Self { machine: Machine::Recovery(Box::new(recovery)), told: Told::default() }
    }

    pub(crate) fn reader(machine: Machine) -> Self {
        Self { machine, told: Told::default() }
    }

    /// The payload of an entry: each has one of its own, so that a mix-up is seen.
    pub(crate) fn payload(entry: u64) -> Bytes {
        Bytes::from(format!("payload of {entry}{}", "+".repeat((entry % 5) as usize)))
    }

    /// Appends an entry if the writer takes it.
    pub(crate) fn append(&mut self) {
        if let Machine::Writer(writer) = &mut self.machine {
            let entry = self.told.appended;
            if let Ok(id) = writer.append(Self::payload(entry)) {
                assert_eq!(id, entry, "entries are numbered as they come");
                self.told.appended += 1;
            }
        }
    }

    pub(crate) fn with_writer(&mut self, act: impl FnOnce(&mut Writer)) {
        if let Machine::Writer(writer) = &mut self.machine {
            act(writer);
        }
    }

    /// The next thing that concerns others. The rest is noted.
    pub(crate) fn poll(&mut self) -> Option<Output> {
        loop {
            let output = match &mut self.machine {
                Machine::Writer(writer) => self.told.of_writer(writer.poll()?),
                Machine::Recovery(recovery) => self.told.of_recovery(recovery.poll()?),
                Machine::Last(last) => self.told.of_last(last.poll()?),
                Machine::Reading(reading) => self.told.of_reading(reading.poll()?),
                Machine::Tail(tail) => self.told.of_tail(tail.poll()?),
            };
            if output.is_some() {
                return output;
            }
        }
    }
}

impl Told {
    fn of_writer(&mut self, output: WriterOutput) -> Option<Output> {
        match output {
            WriterOutput::Send { to, token, request } => {
                return Some(Output::Send { to, token: Token::Writer(token), request });
            }
            WriterOutput::Metadata(call) => return Some(Output::Metadata(call)),
            WriterOutput::Acknowledged { entries } => {
                assert!(self.failed.is_none(), "nothing is acknowledged after a failure");
                assert!(entries > self.acknowledged && entries <= self.appended, "in order, and each once");
                self.acknowledged = entries;
            }
            WriterOutput::Published { entries } => self.published = entries,
            WriterOutput::Forced { force, result } => self.forced.push((force, result.is_ok())),
            WriterOutput::Failed { from, error } => {
                assert_eq!(from, self.acknowledged, "what is not acknowledged fails, all of it");
                self.failed.get_or_insert(error);
            }
            WriterOutput::Closed(result) => self.closed = Some(result),
        }
        None
    }

    fn of_last(&mut self, output: LastOutput) -> Option<Output> {
        match output {
            LastOutput::Send { to, token, request } => {
                return Some(Output::Send { to, token: Token::Last(token), request });
            }
            LastOutput::Done(Ok(entries)) => {
                self.confirmed = entries;
                self.ended = Some(Ok(()));
            }
            LastOutput::Done(Err(error)) => self.ended = Some(Err(error)),
        }
        None
    }

    fn of_reading(&mut self, output: ReadingOutput) -> Option<Output> {
        match output {
            ReadingOutput::Send { to, token, request } => {
                return Some(Output::Send { to, token: Token::Reading(token), request });
            }
            ReadingOutput::Entry(entry) => {
                assert_eq!(entries_to(entry.id.previous()), self.read, "in order, without a gap");
                assert_eq!(entry.payload, Client::payload(self.read));
                self.read += 1;
            }
            ReadingOutput::Beyond(_) => {}
            ReadingOutput::Done(result) => self.ended = Some(result),
        }
        None
    }

    fn of_tail(&mut self, output: TailOutput) -> Option<Output> {
        match output {
            TailOutput::Send { to, token, request } => {
                return Some(Output::Send { to, token: Token::Tail(token), request });
            }
            TailOutput::Entry(entry) => {
                let number = entries_to(entry.id.previous());
                assert_eq!(entry.payload, Client::payload(number));
            }
            TailOutput::Confirmed { entries, .. } => {
                assert!(entries >= self.confirmed, "it only grows");
                self.confirmed = entries;
            }
        }
        None
    }

    fn of_recovery(&mut self, output: RecoveryOutput) -> Option<Output> {
        match output {
            RecoveryOutput::Send { to, token, request } => {
                Some(Output::Send { to, token: Token::Recovery(token), request })
            }
            RecoveryOutput::Metadata(call) => Some(Output::Metadata(call)),
            RecoveryOutput::Done(result) => {
                self.recovered = Some(result);
                None
            }
        }
    }
}

impl Machine {
    pub(crate) fn answer(&mut self, token: Token, answer: Result<Response>) {
        match (self, token) {
            (Self::Writer(writer), Token::Writer(token)) => writer.answer(token, answer),
            (Self::Recovery(recovery), Token::Recovery(token)) => recovery.answer(token, answer),
            (Self::Last(last), Token::Last(token)) => last.answer(token, answer),
            (Self::Reading(reading), Token::Reading(token)) => reading.answer(token, answer),
            (Self::Tail(tail), Token::Tail(token)) => tail.answer(token, answer),
            _ => unreachable!("answers go to whoever asked"),
        }
    }

    pub(crate) fn metadata_answer(&mut self, answer: MetadataAnswer) {
        match self {
            Self::Writer(writer) => writer.metadata_answer(answer),
            Self::Recovery(recovery) => recovery.metadata_answer(answer),
            Self::Last(_) | Self::Reading(_) | Self::Tail(_) => unreachable!("readers ask for no metadata"),
        }
    }

    pub(crate) fn tick(&mut self, now_ms: u64) {
        match self {
            Self::Writer(writer) => writer.tick(now_ms),
            Self::Recovery(recovery) => recovery.tick(now_ms),
            Self::Last(_) => {}
            Self::Reading(reading) => reading.tick(now_ms),
            Self::Tail(tail) => tail.tick(now_ms),
        }
    }
}
