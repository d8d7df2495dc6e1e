//! Tails: news of entries as they are confirmed.

use super::*;

/// Answers whatever can be answered; what the tail then knows.
fn follow(cluster: &mut Cluster, tail: &mut Tail, held: &mut Vec<(usize, TailToken)>) -> Vec<u64> {
    let mut news = Vec::new();
    while let Some(output) = tail.poll() {
        match output {
            TailOutput::Send { to, token, request } => match cluster.ask(&to, &request) {
                Some(answer) => tail.answer(token, answer),
                None => held.push((cluster.asked.last().unwrap().0, token)),
            },
            TailOutput::Entry(entry) => news.push(1_000 + entries_to(entry.id.previous())),
            TailOutput::Confirmed { entries, .. } => news.push(entries),
        }
    }
    news
}

#[test]
fn a_tail_hears_of_each_entry_through_a_bookie_of_every_ack_quorum() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    assert!(follow(&mut cluster, &mut tail, &mut held).is_empty());
    assert_eq!(held.len(), 2, "any two of three meet every ack quorum");
    cluster.add(2);
    let (bookie, token) = held.remove(1);
    let answer = cluster.bookies[bookie].answer_polls(false).remove(0).1;
    tail.answer(token, answer);
    assert_eq!(follow(&mut cluster, &mut tail, &mut held), [1_001, 2], "entry 1 came along");
    assert_eq!(tail.known(), (2, false));
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(held.iter().filter(|(at, _)| *at == held[0].0).count(), 1, "one question to each at a time");
}

#[test]
fn a_tail_asks_again_at_once_whoever_told_the_news_first() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for entry in 2..20 {
        cluster.add(entry);
        let mut news = Vec::new();
        for (bookie, token) in std::mem::take(&mut held) {
            let answer = cluster.bookies[bookie].answer_polls(false).remove(0).1;
            tail.answer(token, answer);
            news.extend(follow(&mut cluster, &mut tail, &mut held));
            tail.wait();
        }
        news.extend(follow(&mut cluster, &mut tail, &mut held));
        assert_eq!(news, [999 + entry, entry], "the entry comes along once");
        assert_eq!((held.len(), tail.next_tick_ms()), (2, None), "behind entry {entry}");
    }
}

/// Has the bookies answer the questions that they hold and that are due; what the tail then knows.
fn hear(cluster: &mut Cluster, tail: &mut Tail, held: &mut Vec<(usize, TailToken)>) -> Vec<u64> {
    let mut news = Vec::new();
    for (bookie, token) in std::mem::take(held) {
        match cluster.bookies[bookie].answer_polls(false).pop() {
            Some((_, answer)) => tail.answer(token, answer),
            None => held.push((bookie, token)),
        }
        news.extend(follow(cluster, tail, held));
        tail.wait();
        news.extend(follow(cluster, tail, held));
    }
    news
}

#[test]
fn a_tail_hears_of_each_entry_from_a_bookie_that_was_behind() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for entry in 2..4 {
        cluster.add_to(0, entry);
        assert_eq!(hear(&mut cluster, &mut tail, &mut held), [999 + entry, entry]);
    }
    for entry in 2..4 {
        cluster.add_to(1, entry);
        assert!(hear(&mut cluster, &mut tail, &mut held).is_empty());
    }
    // The first one takes no more.
    cluster.add_to(1, 4);
    assert_eq!(hear(&mut cluster, &mut tail, &mut held), [1_003, 4]);
}

#[test]
fn a_tail_that_begins_ahead_of_the_bookies_it_asks_hears_of_each_entry() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    cluster.add_to(2, 2);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 2).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    for (entry, news) in [(2, vec![]), (3, vec![1_002, 3]), (4, vec![1_003, 4])] {
        cluster.add_to(0, entry);
        assert_eq!(hear(&mut cluster, &mut tail, &mut held), news, "entry {entry}");
    }
}

#[test]
fn a_tail_asks_another_bookie_where_one_fails_and_all_where_entries_are_striped() {
    let mut cluster = Cluster::new((3, 3, 2), 2);
    cluster.down = vec![0];
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 1).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(held.iter().map(|(bookie, _)| *bookie).collect::<Vec<_>>(), [1, 2]);

    let mut striped = Cluster::new((4, 2, 2), 4);
    let mut tail = Tail::new(access(), &striped.metadata, ReadOptions::default(), 3).unwrap();
    held.clear();
    tail.wait();
    follow(&mut striped, &mut tail, &mut held);
    assert_eq!(held.len(), 4);
}

#[test]
fn a_tail_of_a_ledger_that_no_bookie_knows_asks_again_soon() {
    let mut cluster = Cluster::new((3, 3, 2), 0);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 0).unwrap();
    let mut held = Vec::new();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut held);
    assert_eq!(tail.next_tick_ms(), Some(4));
    cluster.add(0);
    cluster.add(1);
    tail.tick(4);
    assert_eq!(follow(&mut cluster, &mut tail, &mut held)[..2], [1_000, 1]);
}

#[test]
fn a_tail_learns_the_end_from_the_metadata() {
    let mut cluster = Cluster::new((3, 3, 2), 3);
    let mut tail = Tail::new(access(), &cluster.metadata, ReadOptions::default(), 2).unwrap();
    tail.wait();
    follow(&mut cluster, &mut tail, &mut Vec::new());
    let mut metadata = LedgerMetadata::clone(&cluster.metadata);
    metadata.state = LedgerState::Closed { last_entry: EntryId::new(2).ok(), length: 300 };
    tail.adopt(&metadata);
    assert_eq!(follow(&mut cluster, &mut tail, &mut Vec::new()), [3]);
    assert_eq!(tail.known(), (3, true));
}
