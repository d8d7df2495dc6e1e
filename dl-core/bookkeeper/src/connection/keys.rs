//! Whose an answer is, in both versions of the protocol.
//!
//! In version 2 an answer to an add or a read says only what it is about. Two requests about the same entry may then be out
//! at once only if they are plain reads, for which any answer will do. A fencing read must not be taken for done because
//! a plain one was answered, nor a recovery's add because the writer's was: the later one is held back. And the answer to a
//! request that timed out may still come: whoever asks the same meanwhile is not told apart from it.

use std::collections::{BTreeMap, VecDeque};

use crate::codec::RequestKey;
use crate::protocol::{ReadMode, Request};

/// The requests that wait for answers, by what their answers will carry.
#[derive(Default)]
pub(super) struct Keys {
    /// What is out under keys that are not numbers. Numbers are never used twice.
    out: BTreeMap<RequestKey, Group>,
}

struct Group {
    /// Whether these are plain reads.
    plain: bool,
    /// Sent or to be sent, oldest first. Those that timed out since are still here: their answers may come.
    out: VecDeque<u64>,
    /// To be sent when the answers to those have come.
    held: VecDeque<u64>,
}

/// What is to be done with a new request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// Send it.
    Send,
    /// Keep it until [`Keys::answered`] or [`Keys::withdraw`] names it.
    Hold,
}

impl Keys {
    pub(super) fn admit(&mut self, key: RequestKey, number: u64, request: &Request) -> Admission {
        if matches!(key, RequestKey::Number(_)) {
            return Admission::Send;
        }
        let plain = matches!(request, Request::Read(read) if read.mode == ReadMode::Plain);
        let group = self.out.entry(key).or_insert_with(|| Group {
            plain,
            out: VecDeque::new(),
            held: VecDeque::new(),
        });
        if group.out.is_empty() || (plain && group.plain && group.held.is_empty()) {
            group.plain = plain;
            group.out.push_back(number);
            return Admission::Send;
        }
        group.held.push_back(number);
        Admission::Hold
    }

    /// Whose an answer is, and which request that was held back is to be sent now.
    pub(super) fn answered(&mut self, key: RequestKey) -> (Option<u64>, Option<u64>) {
        if let RequestKey::Number(number) = key {
            return (Some(number), None);
        }
        let Some(group) = self.out.get_mut(&key) else { return (None, None) };
        let number = group.out.pop_front();
        (number, self.next(key))
    }

    /// Forgets a request that was never sent; answers which one is to be sent now.
    pub(super) fn withdraw(&mut self, key: RequestKey, number: u64) -> Option<u64> {
        let group = self.out.get_mut(&key)?;
        group.out.retain(|known| *known != number);
        group.held.retain(|known| *known != number);
        self.next(key)
    }

    /// Whether a request is held back behind others of which none is open any more.
    pub(super) fn is_stuck(&self, key: RequestKey, is_open: impl Fn(u64) -> bool) -> bool {
        let stuck =
            |group: &Group| !group.held.is_empty() && !group.out.iter().any(|number| is_open(*number));
        self.out.get(&key).is_some_and(stuck)
    }

    pub(super) fn clear(&mut self) {
        self.out.clear();
    }

    fn next(&mut self, key: RequestKey) -> Option<u64> {
        let group = self.out.get_mut(&key)?;
        if !group.out.is_empty() {
            return None;
        }
        let next = group.held.pop_front();
        match next {
            // What comes after it is held back too: it may be of any kind.
            Some(number) => {
                group.plain = false;
                group.out.push_back(number);
            }
            None => {
                self.out.remove(&key);
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Priority, ReadRequest};
    use crate::types::{LedgerId, MasterKey};

    const KEY: RequestKey = RequestKey::Read(1, -1);

    fn read(mode: ReadMode) -> Request {
        let ledger = LedgerId::new(1).unwrap();
        Request::Read(ReadRequest { ledger, entry: None, mode, priority: Priority::Normal })
    }

    #[test]
    fn plain_reads_are_out_together_and_answered_in_order() {
        let mut keys = Keys::default();
        assert_eq!(keys.admit(KEY, 1, &read(ReadMode::Plain)), Admission::Send);
        assert_eq!(keys.admit(KEY, 2, &read(ReadMode::Plain)), Admission::Send);
        assert_eq!(keys.answered(KEY), (Some(1), None));
        assert_eq!(keys.answered(KEY), (Some(2), None));
        assert_eq!(keys.answered(KEY), (None, None));
        assert!(keys.out.is_empty());
    }

    #[test]
    fn a_fencing_read_waits_for_plain_ones_and_others_for_it() {
        let fence = || read(ReadMode::Fence(MasterKey::from_password(b"")));
        let mut keys = Keys::default();
        assert_eq!(keys.admit(KEY, 1, &read(ReadMode::Plain)), Admission::Send);
        assert_eq!(keys.admit(KEY, 2, &fence()), Admission::Hold);
        assert_eq!(keys.admit(KEY, 3, &read(ReadMode::Plain)), Admission::Hold);
        assert!(keys.is_stuck(KEY, |_| false) && !keys.is_stuck(KEY, |number| number == 1));
        assert_eq!(keys.answered(KEY), (Some(1), Some(2)));
        assert_eq!(keys.withdraw(KEY, 2), Some(3));
        assert_eq!(keys.admit(KEY, 4, &fence()), Admission::Hold);
        assert_eq!(keys.answered(KEY), (Some(3), Some(4)));
        assert_eq!(keys.answered(KEY), (Some(4), None));
        assert!(keys.out.is_empty());
    }
}
