//! Paths of nodes.

use crate::error::{Error, Result};

/// The longest path, in bytes: room for the longest log name and what stands below it.
const MAX_BYTES: usize = 4_096;

/// A path that is well formed: `/`, or `/` and names without `/` and NUL, joined by `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodePath<'a>(&'a str);

impl<'a> NodePath<'a> {
    /// The path of the node that always exists.
    pub(crate) const ROOT: NodePath<'static> = NodePath("/");

    /// Checks a path.
    ///
    /// # Errors
    /// `invalid-argument` if it is not well formed or over 4,096 bytes.
    pub(crate) fn new(path: &'a str) -> Result<Self> {
        let names = path.strip_prefix('/').filter(|_| path.len() <= MAX_BYTES);
        match names {
            Some("") => Ok(Self::ROOT),
            Some(names) if names.split('/').all(is_name) => Ok(Self(path)),
            _ => Err(Error::invalid_argument(format!(
                "{:?} is no path of a node: '/' and names joined by '/', at most {MAX_BYTES} bytes",
                path.chars().take(100).collect::<String>()
            ))),
        }
    }

    /// The path that its owner checked before.
    pub(super) fn checked(path: &'a str) -> Self {
        debug_assert!(Self::new(path).is_ok(), "{path:?}");
        Self(path)
    }

    /// The path as text.
    pub(crate) fn as_str(self) -> &'a str {
        self.0
    }

    /// The path of the parent and the name below it; `None` for the root.
    pub(crate) fn split(self) -> Option<(NodePath<'a>, &'a str)> {
        match self.0.rsplit_once('/')? {
            (_, "") => None,
            ("", name) => Some((Self::ROOT, name)),
            (parent, name) => Some((Self(parent), name)),
        }
    }

    /// The names from the root down.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }
}

/// Whether a node may be called so.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() < MAX_BYTES && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_paths_pass() {
        for bad in ["", "a", "a/b", "//", "/a/", "/a//b", "/a\0", &"/a".repeat(3_000)] {
            assert!(NodePath::new(bad).is_err(), "{bad:?}");
        }
        let path = NodePath::new("/a/b c/<d>").unwrap();
        assert_eq!(path.names().collect::<Vec<_>>(), ["a", "b c", "<d>"]);
        assert_eq!(path.split().map(|(parent, name)| (parent.as_str(), name)), Some(("/a/b c", "<d>")));
        assert_eq!(NodePath::new("/a").unwrap().split(), Some((NodePath::ROOT, "a")));
        assert_eq!(NodePath::new("/").unwrap().split(), None);
        assert_eq!(NodePath::ROOT.names().count(), 0);
    }
}
