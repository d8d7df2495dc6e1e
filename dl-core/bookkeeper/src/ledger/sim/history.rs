//! A random history of one ledger, and what must hold at its end.

use super::client::{Client, Machine};
use super::world::{Trouble, World};
use crate::ledger::quorum::{entries_to, entry_id};
use crate::ledger::reading::{LastConfirmed, ReadOptions, Reading, Replicas, Tail};
use crate::ledger::recovery::{Recovery, RecoveryOptions};
use crate::ledger::writer::{Writer, WriterOptions};
use crate::metadata::LedgerState;
use crate::types::Quorum;

const SIZES: [(usize, usize, usize); 9] =
    [(1, 1, 1), (2, 2, 1), (2, 2, 2), (3, 3, 2), (3, 2, 2), (3, 3, 1), (5, 3, 2), (4, 2, 1), (3, 3, 3)];

/// Who is who.
const WRITER: usize = 0;

/// Runs a history and checks it.
///
/// A writer appends while bookies crash and return, requests are late or lost, the metadata store fails, and up to three
/// recoveries set in. Then the world heals, whoever waits must be answered, a last recovery closes the ledger, and:
///
/// - every acknowledged entry is in it, none acknowledged is behind its end;
/// - each of its entries is what the writer wrote, on an ack quorum of the write set that the metadata names;
/// - every recovery and every close that succeeded speaks of the same end.
pub(crate) fn run(seed: u64) {
    let mut history = History::new(seed);
    for _ in 0..history.steps {
        history.step();
    }
    history.heal();
    history.recover_at_last();
    history.check();
}

struct History {
    world: World,
    steps: usize,
    crashes: bool,
    recoveries: usize,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut choices = super::random::Random::new(!seed);
        let (ensemble, write, ack) = SIZES[choices.below(SIZES.len())];
        let quorum = Quorum::new(ensemble, write, ack).unwrap();
        let mut world = World::new(seed, quorum, choices.below(3));
        if choices.percent(75) {
            world.trouble = Trouble {
                late: choices.below(12),
                lost: choices.below(6),
                held: if choices.percent(50) { 30 } else { 0 },
                metadata: choices.below(15),
            };
        }
        let options = WriterOptions {
            delay_ensemble_change: choices.percent(40),
            entries_in_flight: 1 + choices.below(12),
            explicit_lac_ms: if choices.percent(30) { 100 } else { 0 },
            resend_ms: 50,
            ..WriterOptions::default()
        };
        let writer =
            Writer::new(world.access.clone(), world.stored.clone(), options, world.placement.clone());
        world.start(Client::writer(writer.unwrap()));
        Self { world, steps: 40 + choices.below(300), crashes: choices.percent(70), recoveries: 0 }
    }

    fn step(&mut self) {
        let world = &mut self.world;
        match world.random.below(100) {
            0..12 => self.append(),
            12..14 => {
                let ms = 1 + world.random.below(150) as u64;
                world.pass(ms);
            }
            14 => world.time_out_one(),
            15 if self.crashes => self.crash_or_restart(),
            16 if self.crashes => self.cut_or_mend(),
            17 => world.register(),
            18 if world.random.percent(20) => world.touch_metadata(),
            19 if world.random.percent(25) && self.recoveries < 3 => {
                self.recoveries += 1;
                self.recover();
            }
            20 if world.random.percent(10) => self.close(),
            21 if world.random.percent(50) => self.observe(),
            22 | 23 => world.let_go_one(),
            24 if world.random.percent(50) && world.clients.len() < 12 => self.read(),
            25 => world.time_out_polls(),
            _ => {
                world.deliver();
            }
        }
    }

    fn append(&mut self) {
        self.world.clients[WRITER].append();
        self.world.drive(WRITER);
    }

    fn close(&mut self) {
        self.world.clients[WRITER].with_writer(Writer::close);
        self.world.drive(WRITER);
    }

    /// The writer's watch fires.
    fn observe(&mut self) {
        let stored = self.world.stored.clone();
        self.world.clients[WRITER].with_writer(|writer| writer.observe(Some(stored)));
        self.world.drive(WRITER);
    }

    fn recover(&mut self) -> usize {
        let world = &mut self.world;
        let options = RecoveryOptions { read_ahead: 1 + world.random.below(5), ..RecoveryOptions::default() };
        let recovery = Recovery::new(
            world.access.clone(),
            world.stored.clone(),
            options,
            world.placement.clone(),
            world.now_ms,
        );
        world.start(Client::recovery(recovery.unwrap()))
    }

    /// A reader asks for the LAC, or reads what it was told is confirmed, or follows.
    fn read(&mut self) {
        let metadata = self.world.stored.metadata.clone();
        let options = ReadOptions {
            speculate_ms: 50,
            entries_ahead: 1 + self.world.random.below(4),
            batches: self.world.random.percent(50),
            parallel: self.world.random.percent(20),
            ..ReadOptions::default()
        };
        let access = self.world.access.clone();
        let confirmed = self.world.clients.iter().map(|client| client.told.confirmed).max().unwrap_or(0);
        let machine = match self.world.random.below(3) {
            0 => Machine::Last(Box::new(LastConfirmed::new(access, &metadata).unwrap())),
            1 => {
                let replicas = Replicas::default();
                let now_ms = self.world.now_ms;
                let bytes = 1 + self.world.random.below(200);
                let reading = Reading::new(access, metadata, options, replicas, 0..confirmed, bytes, now_ms);
                Machine::Reading(Box::new(reading.unwrap()))
            }
            _ => {
                let mut tail = Tail::new(access, &metadata, options, 0).unwrap();
                tail.wait();
                Machine::Tail(Box::new(tail))
            }
        };
        self.world.start(Client::reader(machine));
    }

    fn crash_or_restart(&mut self) {
        let world = &mut self.world;
        let bookie = world.random.below(world.bookies.len());
        if !world.bookies[bookie].up {
            world.bookies[bookie].up = true;
        } else if world.random.percent(30) {
            world.bookies[bookie].read_only = !world.bookies[bookie].read_only;
        } else {
            world.crash(bookie);
        }
    }

    fn cut_or_mend(&mut self) {
        let world = &mut self.world;
        let pair = (world.random.below(world.clients.len()), world.random.below(world.bookies.len()));
        if !world.cut.remove(&pair) {
            world.cut.insert(pair);
        }
    }

    /// Everything works again, and everyone gets an answer.
    fn heal(&mut self) {
        let world = &mut self.world;
        world.trouble = Trouble::default();
        world.cut.clear();
        world.let_go();
        for bookie in &mut world.bookies {
            bookie.up = true;
            bookie.read_only = false;
        }
        world.register();
        for client in &mut world.clients {
            if let Machine::Tail(tail) = &mut client.machine {
                tail.stop();
            }
        }
        self.settle();
        let client = &self.world.clients[WRITER];
        let Machine::Writer(writer) = &client.machine else { unreachable!() };
        assert!(writer.is_settled(), "the writer hangs: {:?}", client.told.failed);
        if client.told.failed.is_none() {
            assert_eq!(
                client.told.acknowledged, client.told.appended,
                "all is well and something is missing"
            );
        }
        for client in &self.world.clients[1..] {
            match client.machine {
                Machine::Recovery(_) => assert!(client.told.recovered.is_some(), "a recovery hangs"),
                Machine::Last(_) | Machine::Reading(_) => {
                    assert!(client.told.ended.is_some(), "a read hangs")
                }
                Machine::Tail(_) | Machine::Writer(_) => {}
            }
        }
    }

    fn settle(&mut self) {
        for _ in 0..200 {
            while self.world.deliver() {}
            self.world.time_out_all();
            self.world.pass(200);
            if self.world.is_quiet() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn recover_at_last(&mut self) {
        let last = self.recover();
        self.settle();
        let recovered = self.world.clients[last].told.recovered.as_ref();
        let recovered = recovered.expect("a recovery without trouble ends");
        assert!(recovered.is_ok(), "a recovery without trouble succeeds: {recovered:?}");
    }

    fn check(&self) {
        let metadata = &self.world.stored.metadata;
        let LedgerState::Closed { last_entry, length } = metadata.state else {
            panic!("a recovered ledger is closed");
        };
        let entries = entries_to(last_entry);
        let told = &self.world.clients[WRITER].told;
        assert!(told.acknowledged <= entries, "{} acknowledged, {entries} kept", told.acknowledged);
        assert!(entries <= told.appended, "entries that nobody wrote");
        if let Some(Ok(closed)) = &told.closed {
            assert_eq!(*closed, entries, "where the writer closed it");
        }
        for client in &self.world.clients {
            assert!(client.told.confirmed <= entries, "a reader was told of entries that were not kept");
        }
        for client in &self.world.clients[1..] {
            if let Some(Ok(recovered)) = &client.told.recovered {
                assert_eq!(recovered.metadata.state, metadata.state, "recoveries agree");
            }
        }
        let written: u64 = (0..entries).map(|entry| Client::payload(entry).len() as u64).sum();
        if !self.crashes && entries > 0 {
            assert!(length >= written, "the length is that of the entries");
        }
        (0..entries).for_each(|entry| self.check_entry(entry));
    }

    fn check_entry(&self, entry: u64) {
        let metadata = &self.world.stored.metadata;
        let (_, ensemble) = metadata.ensemble_of(entry_id(entry));
        let mut copies = 0;
        for place in metadata.quorum.write_set(entry_id(entry)) {
            let at = self.world.ids.iter().position(|id| *id == ensemble[place]).unwrap();
            if let Some(body) = self.world.bookies[at].durable(entry) {
                let opened = self.world.access.open(Some(entry), body).unwrap();
                assert_eq!(opened.payload, Client::payload(entry), "entry {entry}");
                copies += 1;
            }
        }
        assert!(copies >= metadata.quorum.ack(), "entry {entry} has {copies} copies: {metadata:?}");
    }
}
