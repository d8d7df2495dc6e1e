//! The simulated world: bookies, a metadata store, clients, and whatever is on its way between them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bookie::{FakeBookie, Reaction, unreachable};
use super::client::{Client, Token};
use super::random::Random;
use crate::cluster::{RegisteredBookie, Version, Versioned};
use crate::error::{Error, ErrorKind, Result};
use crate::ledger::access::Access;
use crate::ledger::testing::{access, bookies};
use crate::ledger::update::{MetadataAnswer, MetadataCall};
use crate::metadata::LedgerMetadata;
use crate::placement::{OneRack, QuarantineOptions, RackAware};
use crate::protocol::{Request, Response};
use crate::types::{BookieId, DigestType, Quorum};

/// Bookies, metadata and clients of one ledger.
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) now_ms: u64,
    pub(crate) ids: Vec<BookieId>,
    pub(crate) bookies: Vec<FakeBookie>,
    pub(crate) stored: Versioned,
    pub(crate) access: Arc<Access>,
    pub(crate) placement: Arc<RackAware>,
    pub(crate) clients: Vec<Client>,
    calls: Vec<Call>,
    on_way: Vec<Event>,
    /// Requests that are held up.
    held: Vec<usize>,
    /// Pairs of client and bookie that cannot reach each other.
    pub(crate) cut: BTreeSet<(usize, usize)>,
    /// How likely each kind of trouble is, in percent; 0 once the world is healed.
    pub(crate) trouble: Trouble,
}

/// How likely each kind of trouble is when something is delivered, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// A request is answered with a time-out and arrives all the same, later or never.
    pub(crate) late: usize,
    /// An answer is lost.
    pub(crate) lost: usize,
    /// A request is held up, until one is let go.
    pub(crate) held: usize,
    /// A call to the metadata store fails, before or after it took effect.
    pub(crate) metadata: usize,
}

/// A request of a client to a bookie.
struct Call {
    client: usize,
    bookie: usize,
    token: Token,
    request: Request,
    answered: bool,
}

enum Event {
    Request(usize),
    Answer(usize, Result<Response>),
    Metadata(usize, MetadataCall),
    MetadataAnswer(usize, MetadataAnswer),
}

impl World {
    /// A world with `spare` more bookies than the ensemble needs, and an open ledger.
    pub(crate) fn new(seed: u64, quorum: Quorum, spare: usize) -> Self {
        let mut random = Random::new(seed);
        let ids = bookies(0..quorum.ensemble() + spare);
        let fakes = ids.iter().map(|_| FakeBookie::new(random.percent(50))).collect();
        let quarantine = QuarantineOptions { rest_ms: 300, ..QuarantineOptions::default() };
        let placement = Arc::new(RackAware::new(Arc::new(OneRack), quarantine, random.next()));
        let ensemble = ids[..quorum.ensemble()].to_vec();
        let metadata =
            LedgerMetadata::new(quorum, DigestType::Crc32c, bytes::Bytes::new(), ensemble).unwrap();
        let mut world = Self {
            random,
            now_ms: 0,
            ids,
            bookies: fakes,
            stored: Versioned { metadata: Arc::new(metadata), version: Version(0) },
            access: access(),
            placement,
            clients: Vec::new(),
            calls: Vec::new(),
            on_way: Vec::new(),
            held: Vec::new(),
            cut: BTreeSet::new(),
            trouble: Trouble::default(),
        };
        world.register();
        world
    }

    /// Adds a client and starts it.
    pub(crate) fn start(&mut self, client: Client) -> usize {
        self.clients.push(client);
        self.drive(self.clients.len() - 1);
        self.clients.len() - 1
    }

    /// Tells the placement which bookies there are.
    pub(crate) fn register(&mut self) {
        let registered = self.ids.iter().zip(&self.bookies).filter(|(_, bookie)| bookie.up);
        let registered: Vec<_> = registered
            .map(|(id, bookie)| RegisteredBookie { id: id.clone(), writable: !bookie.read_only })
            .collect();
        self.placement.set_bookies(&registered);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.on_way.is_empty() && !self.bookies.iter().any(FakeBookie::has_unsynced)
    }

    /// Delivers one of the things that are on their way, whichever; answers whether there was one.
    pub(crate) fn deliver(&mut self) -> bool {
        let syncing: Vec<usize> =
            (0..self.bookies.len()).filter(|at| self.bookies[*at].has_unsynced()).collect();
        let choice = self.random.below(self.on_way.len() + syncing.len());
        if choice < self.on_way.len() {
            let event = self.on_way.swap_remove(choice);
            self.happen(event);
        } else if let Some(at) = syncing.get(choice - self.on_way.len()) {
            let answers = self.bookies[*at].sync();
            self.answer_all(answers);
        } else {
            return false;
        }
        true
    }

    /// Lets go of one request that is held up.
    pub(crate) fn let_go_one(&mut self) {
        if !self.held.is_empty() {
            let call = self.held.swap_remove(self.random.below(self.held.len()));
            self.on_way.push(Event::Request(call));
        }
    }

    /// Lets go of all.
    pub(crate) fn let_go(&mut self) {
        self.on_way.extend(std::mem::take(&mut self.held).into_iter().map(Event::Request));
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        for client in 0..self.clients.len() {
            self.clients[client].machine.tick(self.now_ms);
            self.drive(client);
        }
    }

    /// A bookie dies, and with it its connections.
    pub(crate) fn crash(&mut self, bookie: usize) {
        self.bookies[bookie].crash();
        for call in 0..self.calls.len() {
            if self.calls[call].bookie == bookie && !self.calls[call].answered && self.random.percent(70) {
                self.on_way.push(Event::Answer(call, Err(unreachable())));
            }
        }
    }

    /// A client gives up waiting for some answer. What it asked for may still happen.
    pub(crate) fn time_out_one(&mut self) {
        let open: Vec<usize> = (0..self.calls.len()).filter(|call| !self.calls[*call].answered).collect();
        if let Some(call) = open.get(self.random.below(open.len())) {
            self.on_way.push(Event::Answer(*call, Err(timed_out())));
        }
    }

    /// The time of the long polls at some bookie is over.
    pub(crate) fn time_out_polls(&mut self) {
        let bookie = self.random.below(self.bookies.len());
        let answers = self.bookies[bookie].answer_polls(true);
        self.answer_all(answers);
    }

    /// Every client that waits for an answer that will not come is told.
    pub(crate) fn time_out_all(&mut self) {
        for call in 0..self.calls.len() {
            if !self.calls[call].answered {
                self.on_way.push(Event::Answer(call, Err(timed_out())));
            }
        }
    }

    /// Some other client of the metadata rewrites it, as auto-recovery does for older ensembles.
    pub(crate) fn touch_metadata(&mut self) {
        self.stored.version.0 += 1;
    }

    /// Does what a client asks for.
    pub(crate) fn drive(&mut self, client: usize) {
        while let Some(output) = self.clients[client].poll() {
            match output {
                super::client::Output::Send { to, token, request } => {
                    let bookie = self.ids.iter().position(|id| *id == to).expect("only bookies are asked");
                    self.calls.push(Call { client, bookie, token, request, answered: false });
                    let call = self.calls.len() - 1;
                    if self.random.percent(self.trouble.held) {
                        self.held.push(call);
                    } else {
                        self.on_way.push(Event::Request(call));
                    }
                }
                super::client::Output::Metadata(call) => self.on_way.push(Event::Metadata(client, call)),
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Request(call) => self.arrive(call),
            Event::Answer(call, answer) => self.answer(call, answer),
            Event::Metadata(client, call) => self.metadata(client, call),
            Event::MetadataAnswer(client, answer) => {
                self.clients[client].machine.metadata_answer(answer);
                self.drive(client);
            }
        }
    }

    fn arrive(&mut self, call: usize) {
        let (client, bookie) = (self.calls[call].client, self.calls[call].bookie);
        let is_cut = self.cut.contains(&(client, bookie));
        if (is_cut || self.random.percent(self.trouble.late)) && !self.calls[call].answered {
            self.on_way.push(Event::Answer(call, Err(timed_out())));
            if self.random.percent(60) {
                self.on_way.push(Event::Request(call));
            }
            return;
        }
        if !self.bookies[bookie].up || is_cut {
            return self.on_way.push(Event::Answer(call, Err(unreachable())));
        }
        let reaction = self.bookies[bookie].handle(call, &self.calls[call].request);
        if let Reaction::Answer(answer) = reaction {
            self.on_way.push(Event::Answer(call, answer));
        }
        let polls = self.bookies[bookie].answer_polls(false);
        self.answer_all(polls);
    }

    pub(crate) fn answer_all(&mut self, answers: Vec<(usize, Result<Response>)>) {
        self.on_way.extend(answers.into_iter().map(|(call, answer)| Event::Answer(call, answer)));
    }

    fn answer(&mut self, call: usize, answer: Result<Response>) {
        if std::mem::replace(&mut self.calls[call].answered, true) {
            return;
        }
        let lost = self.cut.contains(&(self.calls[call].client, self.calls[call].bookie))
            || self.random.percent(self.trouble.lost);
        let answer = if lost { Err(timed_out()) } else { answer };
        let (client, token) = (self.calls[call].client, self.calls[call].token);
        self.clients[client].machine.answer(token, answer);
        self.drive(client);
    }

    fn metadata(&mut self, client: usize, call: MetadataCall) {
        let failed = || MetadataAnswer::Failed(Error::new(ErrorKind::MetadataStore, "the connection broke"));
        if self.random.percent(self.trouble.metadata) {
            return self.on_way.push(Event::MetadataAnswer(client, failed()));
        }
        let answer = match call {
            MetadataCall::Read => MetadataAnswer::Found(self.stored.clone()),
            MetadataCall::Write { expected, .. } if expected != self.stored.version => {
                MetadataAnswer::Conflict
            }
            MetadataCall::Write { metadata, .. } => {
                self.stored = Versioned { metadata, version: Version(self.stored.version.0 + 1) };
                MetadataAnswer::Written(self.stored.version)
            }
        };
        let lost = self.random.percent(self.trouble.metadata);
        self.on_way.push(Event::MetadataAnswer(client, if lost { failed() } else { answer }));
    }
}

fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "the bookie did not answer in time")
}
