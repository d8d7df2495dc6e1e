//! One node of the tree, small enough for a million of them.

use crate::metadata::store::Version;

/// Nodes per chunk of a list of children: what an insertion moves at most.
const CHUNK: usize = 256;

/// The most bytes of name and data together that need no allocation.
const SHORT: usize = 21;

/// A node with its name, data and children.
#[derive(Debug)]
pub(super) struct TreeNode {
    text: Text,
    version: Version,
    children: Option<Box<Children>>,
}

const _: () = assert!(size_of::<TreeNode>() == 48);

impl TreeNode {
    /// A node without children. The name has less than 65,536 bytes.
    pub(super) fn new(name: &str, data: &[u8], version: Version) -> Self {
        Self { text: Text::new(name.as_bytes(), data), version, children: None }
    }

    pub(super) fn name(&self) -> &str {
        str::from_utf8(self.text.name()).expect("a node is made with text as its name")
    }

    pub(super) fn data(&self) -> &[u8] {
        self.text.data()
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Replaces the data; what it returns takes the step back in [`unset`](Self::unset).
    pub(super) fn set(&mut self, data: &[u8]) -> Text {
        self.version.changes += 1;
        let text = Text::new(self.text.name(), data);
        std::mem::replace(&mut self.text, text)
    }

    pub(super) fn unset(&mut self, before: Text) {
        self.version.changes -= 1;
        self.text = before;
    }

    pub(super) fn has_children(&self) -> bool {
        self.children.is_some()
    }

    /// The children in byte order of their names.
    pub(super) fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().flat_map(|children| children.0.iter().flatten())
    }

    /// The children behind this name, in byte order.
    pub(super) fn children_after(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().flat_map(|children| {
            let (chunk, index) = match children.find(name.as_bytes()) {
                Ok((chunk, index)) => (chunk, index + 1),
                Err(place) => place,
            };
            let first = children.0.get(chunk).and_then(|nodes| nodes.get(index..)).unwrap_or_default();
            first.iter().chain(children.0.iter().skip(chunk + 1).flatten())
        })
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let children = self.children.as_ref()?;
        let (chunk, index) = children.find(name.as_bytes()).ok()?;
        Some(&children.0[chunk][index])
    }

    pub(super) fn child_mut(&mut self, name: &str) -> Option<&mut Self> {
        let children = self.children.as_mut()?;
        let (chunk, index) = children.find(name.as_bytes()).ok()?;
        Some(&mut children.0[chunk][index])
    }

    /// Adds a child; false if there is one of that name.
    pub(super) fn insert(&mut self, child: Self) -> bool {
        let children = self.children.get_or_insert_default();
        match children.find(child.text.name()) {
            Ok(_) => false,
            Err((chunk, index)) => {
                children.insert(chunk, index, child);
                true
            }
        }
    }

    /// Takes out a child, with all below it.
    pub(super) fn remove(&mut self, name: &str) -> Option<Self> {
        let children = self.children.as_mut()?;
        let (chunk, index) = children.find(name.as_bytes()).ok()?;
        let child = children.remove(chunk, index);
        if children.0.is_empty() {
            self.children = None;
        }
        Some(child)
    }
}

/// Name and data in one piece, in place if they are short.
#[derive(Debug)]
pub(super) enum Text {
    Short { name: u8, used: u8, bytes: [u8; SHORT] },
    Long { name: u16, bytes: Box<[u8]> },
}

impl Text {
    fn new(name: &[u8], data: &[u8]) -> Self {
        let used = name.len() + data.len();
        if used <= SHORT {
            let mut bytes = [0; SHORT];
            bytes[..name.len()].copy_from_slice(name);
            bytes[name.len()..used].copy_from_slice(data);
            Self::Short { name: name.len() as u8, used: used as u8, bytes }
        } else {
            let length = u16::try_from(name.len()).expect("a path is far shorter than 64 KiB");
            Self::Long { name: length, bytes: [name, data].concat().into() }
        }
    }

    fn name(&self) -> &[u8] {
        match self {
            Self::Short { name, bytes, .. } => &bytes[..usize::from(*name)],
            Self::Long { name, bytes } => &bytes[..usize::from(*name)],
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::Short { name, used, bytes } => &bytes[usize::from(*name)..usize::from(*used)],
            Self::Long { name, bytes } => &bytes[usize::from(*name)..],
        }
    }
}

/// Children in byte order of their names, in chunks, none of them empty.
#[derive(Debug, Default)]
struct Children(Vec<Vec<TreeNode>>);

impl Children {
    /// Chunk and index of the child, or where it would have to be inserted.
    fn find(&self, name: &[u8]) -> Result<(usize, usize), (usize, usize)> {
        let after = self.0.partition_point(|chunk| chunk[0].text.name() <= name);
        let Some(chunk) = after.checked_sub(1) else { return Err((0, 0)) };
        match self.0[chunk].binary_search_by(|node| node.text.name().cmp(name)) {
            Ok(index) => Ok((chunk, index)),
            Err(index) => Err((chunk, index)),
        }
    }

    fn insert(&mut self, chunk: usize, index: usize, node: TreeNode) {
        let Some(nodes) = self.0.get_mut(chunk) else {
            // Most lists stay this short.
            self.0.reserve_exact(1);
            self.0.push(vec![node]);
            return;
        };
        if nodes.len() < CHUNK {
            if nodes.len() < 16 {
                nodes.reserve_exact(1);
            }
            nodes.insert(index, node);
        } else if index == CHUNK {
            // Names that come in order fill the chunks.
            self.0.insert(chunk + 1, vec![node]);
        } else {
            let upper = nodes.split_off(CHUNK / 2);
            self.0.insert(chunk + 1, upper);
            match index.checked_sub(CHUNK / 2) {
                Some(index) => self.insert(chunk + 1, index, node),
                None => self.insert(chunk, index, node),
            }
        }
    }

    fn remove(&mut self, chunk: usize, index: usize) -> TreeNode {
        let nodes = &mut self.0[chunk];
        let node = nodes.remove(index);
        if nodes.is_empty() {
            self.0.remove(chunk);
        } else if nodes.len() < nodes.capacity() / 4 {
            nodes.shrink_to(nodes.len() * 2);
        }
        node
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> TreeNode {
        TreeNode::new(name, b"", Version { created: 1, changes: 0 })
    }

    #[test]
    fn children_stay_sorted_through_splits_and_removals() {
        let mut parent = node("");
        // 7,919 is coprime to 5,000: every number once, far from in order.
        let names: Vec<String> = (0..5_000).map(|i| format!("{:04}", i * 7_919 % 5_000)).collect();
        for name in &names {
            assert!(parent.insert(node(name)));
            assert!(!parent.insert(node(name)));
        }
        let listed: Vec<&str> = parent.children().map(TreeNode::name).collect();
        assert!(listed.len() == 5_000 && listed.is_sorted());
        for after in ["", "0", "0006", "0007", "2560", "4998", "4999", "9"] {
            let behind: Vec<&str> = parent.children_after(after).map(TreeNode::name).collect();
            let expected = parent.children().map(TreeNode::name).filter(|name| *name > after);
            assert!(behind.iter().copied().eq(expected), "{after}");
        }
        for name in names.iter().filter(|name| !name.ends_with('7')) {
            assert_eq!(parent.remove(name).unwrap().name(), name);
            assert!(parent.remove(name).is_none());
        }
        let left: Vec<&str> = parent.children().map(TreeNode::name).collect();
        assert!(left.len() == 500 && left.is_sorted() && left.iter().all(|name| name.ends_with('7')));
        assert!(names.iter().all(|name| parent.child(name).is_some() == name.ends_with('7')));
    }

    #[test]
    fn name_and_data_are_kept_whatever_their_lengths() {
        for name in ["a", "twenty bytes of name", "twenty-one bytes name", &"long".repeat(500)] {
            for length in [0, 1, 20, 21, 22, 1_000] {
                let data = vec![7; length];
                let mut node = node(name);
                let before = node.set(&data);
                assert_eq!((node.name(), node.data(), node.version().changes), (name, &data[..], 1));
                node.unset(before);
                assert_eq!((node.name(), node.data(), node.version().changes), (name, &b""[..], 0));
            }
        }
    }
}
