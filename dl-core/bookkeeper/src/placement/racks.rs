//! Placement that spreads each write quorum over racks.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Placement;
use super::quarantine::{Quarantine, QuarantineOptions};
use crate::cluster::RegisteredBookie;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{BookieId, Quorum};

/// Where bookies stand.
pub trait Topology: Send + Sync + 'static {
    /// The rack of a bookie, such as `/rack-1`: two bookies in one rack may fail together.
    fn rack(&self, bookie: &BookieId) -> String;
}

/// A topology that knows nothing: every bookie in one rack. Placement is then random.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneRack;

impl Topology for OneRack {
    fn rack(&self, _bookie: &BookieId) -> String {
        "/default-rack".to_owned()
    }
}

/// Chooses bookies at random, as few as possible of one rack in each write quorum.
pub struct RackAware {
    topology: Arc<dyn Topology>,
    state: Mutex<State>,
}

struct State {
    /// The bookies that take entries, with their racks.
    writable: Vec<(BookieId, String)>,
    quarantine: Quarantine,
    random: u64,
}

impl RackAware {
    /// A placement that knows no bookies yet; equal seeds choose equally.
    #[must_use]
    pub fn new(topology: Arc<dyn Topology>, quarantine: QuarantineOptions, seed: u64) -> Self {
        let state = State { writable: Vec::new(), quarantine: Quarantine::new(quarantine), random: seed };
        Self { topology, state: Mutex::new(state) }
    }

    /// Says which bookies there are now.
    pub fn set_bookies(&self, bookies: &[RegisteredBookie]) {
        let writable = bookies.iter().filter(|bookie| bookie.writable);
        let writable = writable.map(|bookie| (bookie.id.clone(), self.topology.rack(&bookie.id))).collect();
        let mut state = self.state();
        state.writable = writable;
        let State { writable, quarantine, .. } = &mut *state;
        quarantine.keep(|bookie| writable.iter().any(|(id, _)| id == bookie));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in there is ever half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Placement for RackAware {
    fn ensemble(&self, quorum: Quorum, now_ms: u64) -> Result<Vec<BookieId>> {
        let mut state = self.state();
        let mut chosen: Vec<Option<(BookieId, String)>> = vec![None; quorum.ensemble()];
        for place in 0..chosen.len() {
            chosen[place] = state.choose(quorum, &chosen, place, now_ms, |_| false);
        }
        let found: Vec<BookieId> = chosen.into_iter().flatten().map(|(bookie, _)| bookie).collect();
        if found.len() == quorum.ensemble() {
            return Ok(found);
        }
        let message = format!(
            "a ledger with quorums of {quorum} needs {} bookies that take entries, and there are {}; start more, or \
             choose a smaller ensemble",
            quorum.ensemble(),
            found.len()
        );
        Err(Error::new(ErrorKind::NotEnoughBookies, message))
    }

    fn replacement(
        &self,
        quorum: Quorum,
        ensemble: &[BookieId],
        place: usize,
        now_ms: u64,
    ) -> Option<BookieId> {
        let with_rack = |bookie: &BookieId| Some((bookie.clone(), self.topology.rack(bookie)));
        let members: Vec<_> = ensemble.iter().map(with_rack).collect();
        let mut state = self.state();
        let rests: Vec<bool> =
            state.writable.iter().map(|(bookie, _)| state.quarantine.rests(bookie, now_ms)).collect();
        state.choose(quorum, &members, place, now_ms, |at| rests[at]).map(|(bookie, _)| bookie)
    }

    fn failed(&self, bookie: &BookieId, now_ms: u64) {
        self.state().quarantine.failed(bookie, now_ms);
    }
}

impl State {
    /// The best bookie for a place: of those that none of the members is, and `not` does not rule out, first those that
    /// are not in quarantine, then those with the fewest of their rack among the neighbours that share a write quorum
    /// with the place, then those of the rack of the member they replace; at random among equals.
    fn choose(
        &mut self,
        quorum: Quorum,
        members: &[Option<(BookieId, String)>],
        place: usize,
        now_ms: u64,
        not: impl Fn(usize) -> bool,
    ) -> Option<(BookieId, String)> {
        let neighbours = neighbours(quorum, place);
        let replaced = members.get(place).and_then(Option::as_ref);
        let rank = |(bookie, rack): &(BookieId, String)| {
            let beside = |at: &&usize| members[**at].as_ref().is_some_and(|(_, other)| other == rack);
            let same_rack = neighbours.iter().filter(beside).count();
            let elsewhere = replaced.is_some_and(|(_, old)| old != rack);
            (self.quarantine.holds(bookie, now_ms), same_rack, elsewhere)
        };
        let is_member = |bookie: &BookieId| members.iter().flatten().any(|(member, _)| member == bookie);
        let candidates = self.writable.iter().enumerate();
        let candidates = candidates.filter(|(at, (bookie, _))| !is_member(bookie) && !not(*at));
        let ranked: Vec<_> = candidates.map(|(_, candidate)| (rank(candidate), candidate)).collect();
        let best = ranked.iter().map(|(rank, _)| *rank).min()?;
        let equals: Vec<_> = ranked.into_iter().filter(|(rank, _)| *rank == best).collect();
        self.random = next_random(self.random);
        // The remainder is below a length.
        let at = (mix(self.random) % equals.len() as u64) as usize;
        equals.into_iter().nth(at).map(|(_, candidate)| candidate.clone())
    }
}

/// The places that share a write quorum with this one.
fn neighbours(quorum: Quorum, place: usize) -> Vec<usize> {
    let size = quorum.ensemble();
    let near = |other: &usize| {
        let distance = (*other + size - place) % size;
        *other != place && (distance < quorum.write() || size - distance < quorum.write())
    };
    (0..size).filter(near).collect()
}

fn next_random(state: u64) -> u64 {
    state.wrapping_add(0x9E37_79B9_7F4A_7C15)
}

/// The output of SplitMix64: small, and good enough to spread load.
fn mix(state: u64) -> u64 {
    let first = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let second = (first ^ (first >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    second ^ (second >> 31)
}
