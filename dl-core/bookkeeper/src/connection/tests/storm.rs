//! Many requests while the bookie misbehaves at random: each ends once, with its own answer or an error.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::fake::Peer;
use super::*;
use crate::codec::ProtocolVersion;

/// A small generator: the same seed, the same storm.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Serves one connection: answers in pieces, out of order or not at all, until it breaks it.
async fn misbehave(mut peer: Peer, dice: &mut Dice) {
    let mut open = Vec::new();
    for _ in 0..dice.roll(400) {
        let Some(call) = peer.next_request().await else { return };
        open.push(call);
        while !open.is_empty() && dice.roll(3) > 0 {
            let call = open.swap_remove(dice.roll(open.len() as u64) as usize);
            let number = call.request.entry().unwrap().number();
            let answer = match &call.request {
                _ if dice.roll(20) == 0 => continue,
                Request::Add(_) => Response::Add,
                _ => found(number),
            };
            let bytes = peer.version.encode_answer(&call, &Ok(answer)).to_bytes();
            let cut = dice.roll(bytes.len() as u64) as usize;
            let stream = peer.stream.as_mut().unwrap();
            for piece in [&bytes[..cut], &bytes[cut..]] {
                if tokio::io::AsyncWriteExt::write_all(stream, piece).await.is_err() {
                    return;
                }
            }
        }
    }
    if dice.roll(2) == 0 {
        let stream = peer.stream.as_mut().unwrap();
        // The client may have closed it already.
        let _closed = tokio::io::AsyncWriteExt::write_all(stream, b"\0\0\0\x02no").await;
    }
}

#[tokio::test]
async fn each_request_ends_once_whatever_the_bookie_does() {
    const REQUESTS: usize = 2_000;
    for (seed, version) in [(1, ProtocolVersion::V2), (2, ProtocolVersion::V3), (3, ProtocolVersion::V3)] {
        let world = World::new(ConnectionOptions { version, ..ConnectionOptions::default() }).await;
        let ended: Arc<Vec<AtomicUsize>> = Arc::new((0..REQUESTS).map(|_| AtomicUsize::new(0)).collect());
        let good = Arc::new(Mutex::new(0));
        let asking = async {
            let mut dice = Dice(seed + 100);
            for number in 0..REQUESTS {
                let request = if dice.roll(2) == 0 { read(number as i64) } else { add(number as i64, 3_000) };
                let (ended, good) = (ended.clone(), good.clone());
                let is_read = matches!(request, Request::Read(_));
                world.client.submit(&request, None, move |outcome| {
                    ended[number].fetch_add(1, Ordering::SeqCst);
                    if let Ok(response) = outcome {
                        let expected = if is_read { found(number as i64) } else { Response::Add };
                        assert_eq!(response, expected);
                        *good.lock().unwrap() += 1;
                    }
                });
                if dice.roll(4) == 0 {
                    world.clock.advance(Duration::from_millis(dice.roll(60)));
                    tokio::task::yield_now().await;
                }
            }
            while world.client.in_flight().0 > 0 {
                world.clock.advance(Duration::from_millis(100));
                tokio::task::yield_now().await;
            }
        };
        let serving = async {
            let mut dice = Dice(seed);
            loop {
                let peer = world.bookie.accept(version).await;
                misbehave(peer, &mut dice).await;
            }
        };
        tokio::select! {
            () = asking => {}
            () = serving => {}
        }
        assert!(ended.iter().all(|ended| ended.load(Ordering::SeqCst) == 1), "{version:?}");
        let good = *good.lock().unwrap();
        assert!(good > REQUESTS / 10, "{good} of {REQUESTS} were answered");
    }
}
