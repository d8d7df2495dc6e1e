use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::cluster::RegisteredBookie;
use crate::error::ErrorKind;

/// `bk3-r1` stands in rack r1.
struct ByName;

impl Topology for ByName {
    fn rack(&self, bookie: &BookieId) -> String {
        bookie.as_str().rsplit_once('-').map_or_else(String::new, |(_, rack)| rack.to_owned())
    }
}

fn placement(names: &[&str], seed: u64) -> RackAware {
    let placement = RackAware::new(Arc::new(ByName), QuarantineOptions::default(), seed);
    placement.set_bookies(&infos(names));
    placement
}

fn infos(names: &[&str]) -> Vec<RegisteredBookie> {
    names.iter().map(|name| RegisteredBookie { id: id(name), writable: !name.contains("ro") }).collect()
}

fn id(name: &str) -> BookieId {
    BookieId::new(name).unwrap()
}

fn quorum(ensemble: usize, write: usize, ack: usize) -> Quorum {
    Quorum::new(ensemble, write, ack).unwrap()
}

const TWO_RACKS: [&str; 6] = ["bk1-r1", "bk2-r1", "bk3-r1", "bk4-r1", "bk5-r2", "bk6-r2"];

#[test]
fn every_write_quorum_spans_two_racks_where_it_can() {
    for seed in 0..200 {
        let placement = placement(&TWO_RACKS, seed);
        let quorum = quorum(4, 2, 2);
        let ensemble = placement.ensemble(quorum, 0).unwrap();
        assert_eq!(ensemble.iter().collect::<BTreeSet<_>>().len(), 4);
        for entry in 0..4 {
            let racks: BTreeSet<String> = quorum
                .write_set(crate::types::EntryId::new(entry).unwrap())
                .map(|place| ByName.rack(&ensemble[place]))
                .collect();
            assert_eq!(racks.len(), 2, "{ensemble:?} {entry}");
        }
    }
}

#[test]
fn one_rack_is_enough_where_there_is_no_other() {
    let placement = placement(&["a-r1", "b-r1", "c-r1"], 1);
    assert!(placement.ensemble(quorum(3, 3, 2), 0).is_ok());
    let error = placement.ensemble(quorum(4, 3, 2), 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotEnoughBookies);
}

#[test]
fn bookies_that_are_read_only_or_gone_are_not_chosen() {
    let placement = placement(&["a-r1", "b-r1", "c-r1", "d-ro"], 1);
    assert!(placement.ensemble(quorum(4, 3, 2), 0).is_err());
    placement.set_bookies(&infos(&["a-r1", "b-r1", "e-r1"]));
    let chosen: BTreeSet<_> = placement.ensemble(quorum(3, 3, 2), 0).unwrap().into_iter().collect();
    assert_eq!(chosen, ["a-r1", "b-r1", "e-r1"].into_iter().map(id).collect());
}

#[test]
fn a_replacement_is_new_and_from_the_same_rack_if_that_spreads() {
    for seed in 0..50 {
        let placement = placement(&TWO_RACKS, seed);
        let ensemble = ["bk1-r1", "bk5-r2", "bk2-r1"].map(id);
        let other = placement.replacement(quorum(3, 2, 2), &ensemble, 1, 0).unwrap();
        assert_eq!(other, id("bk6-r2"));
        let other = placement.replacement(quorum(3, 2, 2), &ensemble, 0, 0).unwrap();
        assert!(!ensemble.contains(&other));
    }
}

#[test]
fn a_bookie_that_just_failed_takes_no_place() {
    let placement = placement(&["a-r1", "b-r1", "c-r1", "d-r1"], 1);
    let ensemble = ["a-r1", "b-r1", "c-r1"].map(id);
    placement.failed(&id("d-r1"), 1_000);
    assert_eq!(placement.replacement(quorum(3, 3, 2), &ensemble, 0, 1_100), None);
    assert_eq!(placement.replacement(quorum(3, 3, 2), &ensemble, 0, 6_000), Some(id("d-r1")));
}

#[test]
fn a_bookie_in_quarantine_is_the_last_resort_until_its_time_is_over() {
    let placement = placement(&["a-r1", "b-r1", "c-r1", "d-r1"], 1);
    for _ in 0..100 {
        placement.failed(&id("d-r1"), 0);
    }
    let has_it =
        |now| (0..40).any(|_| placement.ensemble(quorum(3, 3, 2), now).unwrap().contains(&id("d-r1")));
    assert!(!has_it(119_999));
    assert!(placement.ensemble(quorum(4, 3, 2), 10_000).is_ok(), "four are needed");
    assert!(has_it(120_000));
}
