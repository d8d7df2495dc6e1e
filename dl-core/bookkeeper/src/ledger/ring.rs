//! Entries on their way, by their ids.

use std::collections::VecDeque;

/// A run of items with consecutive entry ids: the newest is pushed at one end, the oldest taken at the other, and each
/// between is found by its id without searching.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    first: u64,
    items: VecDeque<T>,
}

impl<T> Ring<T> {
    /// An empty run whose first item gets this id.
    pub(crate) fn new(first: u64) -> Self {
        Self { first, items: VecDeque::new() }
    }

    /// The id of the oldest item, or of the next to be pushed if there is none.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// The id that the next item gets.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push_back(item);
    }

    pub(crate) fn front(&self) -> Option<&T> {
        self.items.front()
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let item = self.items.pop_front()?;
        self.first += 1;
        Some(item)
    }

    pub(crate) fn find(&mut self, id: u64) -> Option<&mut T> {
        let place = usize::try_from(id.checked_sub(self.first)?).ok()?;
        self.items.get_mut(place)
    }

    /// The items with their ids, oldest first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        (self.first..).zip(self.items.iter_mut())
    }

    /// The items, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.items.iter()
    }

    /// Drops all items; the next one gets the id of the oldest of them.
    pub(crate) fn clear(&mut self) {
        self.items = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_found_by_its_id() {
        let mut ring = Ring::new(7);
        for name in ["a", "b", "c"] {
            ring.push(name);
        }
        assert_eq!((ring.first(), ring.next(), ring.len()), (7, 10, 3));
        assert_eq!(ring.pop(), Some("a"));
        assert_eq!(
            [6, 7, 8, 9, 10].map(|id| ring.find(id).copied()),
            [None, None, Some("b"), Some("c"), None]
        );
        assert_eq!(ring.iter_mut().map(|(id, name)| (id, *name)).collect::<Vec<_>>(), [(8, "b"), (9, "c")]);
        ring.clear();
        assert_eq!((ring.first(), ring.next(), ring.front()), (8, 8, None));
    }
}
