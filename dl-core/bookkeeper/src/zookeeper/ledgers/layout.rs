//! Where below the root a ledger's metadata stands.

use crate::error::{Error, ErrorKind, Result};
use crate::types::LedgerId;

/// How a cluster lays its ledgers out, as the node `LAYOUT` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// All side by side.
    Flat,
    /// Ids of 31 bits in a tree of three levels only.
    ShortTree,
    /// Ids of 31 bits in that tree, larger ones in the long one: what clusters have unless told otherwise.
    BothTrees,
    /// All in a tree of five levels.
    LongTree,
}

/// How the digits of an id are cut into names. The last name has an `L` in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) cuts: &'static [usize],
}

pub(super) const FLAT: Tree = Tree { cuts: &[10] };
pub(super) const SHORT: Tree = Tree { cuts: &[2, 4, 4] };
pub(super) const LONG: Tree = Tree { cuts: &[3, 4, 4, 4, 4] };

/// The first id that has no place in a short tree.
const LONG_IDS: i64 = (1 << 31) - 1;

impl Layout {
    /// Reads the node `LAYOUT`: a format, and the name of a class or, in format 1, of a type, with its version.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let name = text.lines().nth(1).and_then(|line| line.split(':').next()).unwrap_or_default();
        let known = match name.rsplit('.').next().unwrap_or_default() {
            "FlatLedgerManagerFactory" | "flat" => Self::Flat,
            "LegacyHierarchicalLedgerManagerFactory" => Self::ShortTree,
            "HierarchicalLedgerManagerFactory" | "hierarchical" => Self::BothTrees,
            "LongHierarchicalLedgerManagerFactory" | "longhierarchical" => Self::LongTree,
            _ => {
                let shown: String = text.chars().take(80).collect();
                let message =
                    format!("the cluster lays out its ledgers in a way that is unknown here: {shown:?}");
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        };
        Ok(known)
    }

    /// The trees, in the order of the ids in them.
    pub(super) fn trees(self) -> &'static [Tree] {
        match self {
            Self::Flat => &[FLAT],
            Self::ShortTree => &[SHORT],
            Self::BothTrees => &[SHORT, LONG],
            Self::LongTree => &[LONG],
        }
    }

    /// The names from the root to the ledger's node.
    pub(super) fn path(self, root: &str, id: LedgerId) -> Result<String> {
        let short = id.number() < LONG_IDS;
        let tree = match self {
            Self::Flat => FLAT,
            Self::ShortTree | Self::BothTrees if short => SHORT,
            Self::BothTrees | Self::LongTree => LONG,
            Self::ShortTree => {
                let message =
                    "the cluster's layout has room for ids of 31 bits only; let it give out the ids";
                return Err(Error::new(ErrorKind::InvalidArgument, message).of_ledger(id));
            }
        };
        Ok(tree.path(root, id))
    }
}

impl Tree {
    fn digits(self) -> usize {
        self.cuts.iter().sum()
    }

    fn path(self, root: &str, id: LedgerId) -> String {
        let digits = format!("{:0width$}", id.number(), width = self.digits());
        // An id with more digits than that has them all in its first name.
        let mut at = digits.len() - self.digits();
        let mut path = root.to_owned();
        let mut start = 0;
        for (level, cut) in self.cuts.iter().enumerate() {
            at += cut;
            path.push('/');
            if level + 1 == self.cuts.len() {
                path.push('L');
            }
            path.push_str(&digits[start..at]);
            start = at;
        }
        path
    }

    /// The digits that a name at this level stands for; `None` if it is not one of this tree.
    pub(super) fn name(self, level: usize, name: &str) -> Option<&str> {
        let last = level + 1 == self.cuts.len();
        let digits = if last { name.strip_prefix('L')? } else { name };
        let whole = digits.len() == self.cuts[level] || (self == FLAT && digits.len() > self.cuts[level]);
        (whole && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(digits)
    }

    /// The greatest id whose digits begin with these.
    pub(super) fn greatest(self, digits: &str) -> i64 {
        let rest = "9".repeat(self.digits().saturating_sub(digits.len()));
        format!("{digits}{rest}").parse().unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ledgers_stand_where_bookkeeper_looks_for_them() {
        let path = |layout: Layout, id| layout.path("/ledgers", LedgerId::new(id).unwrap()).unwrap();
        assert_eq!(path(Layout::Flat, 1), "/ledgers/L0000000001");
        assert_eq!(path(Layout::Flat, 12_345_678_901), "/ledgers/L12345678901");
        assert_eq!(path(Layout::BothTrees, 1), "/ledgers/00/0000/L0001");
        assert_eq!(path(Layout::BothTrees, 1_234_567_890), "/ledgers/12/3456/L7890");
        assert_eq!(path(Layout::BothTrees, LONG_IDS - 1), "/ledgers/21/4748/L3646");
        assert_eq!(path(Layout::BothTrees, LONG_IDS), "/ledgers/000/0000/0021/4748/L3647");
        assert_eq!(path(Layout::BothTrees, 5_000_000_000), "/ledgers/000/0000/0050/0000/L0000");
        assert_eq!(path(Layout::LongTree, 1), "/ledgers/000/0000/0000/0000/L0001");
        assert!(Layout::ShortTree.path("/ledgers", LedgerId::new(LONG_IDS).unwrap()).is_err());
    }

    #[test]
    fn layouts_are_read_in_both_formats() {
        let class = |name: &str| Layout::parse(&format!("2\norg.apache.bookkeeper.meta.{name}:1"));
        assert_eq!(class("HierarchicalLedgerManagerFactory").unwrap(), Layout::BothTrees);
        assert_eq!(class("LegacyHierarchicalLedgerManagerFactory").unwrap(), Layout::ShortTree);
        assert_eq!(class("FlatLedgerManagerFactory").unwrap(), Layout::Flat);
        assert_eq!(class("LongHierarchicalLedgerManagerFactory").unwrap(), Layout::LongTree);
        assert_eq!(Layout::parse("1\nflat:1").unwrap(), Layout::Flat);
        for unknown in ["", "2", "2\nmine:1", "2\norg.apache.bookkeeper.meta.MSLedgerManagerFactory:1"] {
            assert_eq!(Layout::parse(unknown).unwrap_err().kind(), ErrorKind::Unsupported);
        }
        assert!(Layout::parse(&"9".repeat(900_000)).unwrap_err().message().len() < 200);
    }

    #[test]
    fn names_belong_to_one_tree() {
        assert_eq!((SHORT.name(0, "00"), LONG.name(0, "00")), (Some("00"), None));
        assert_eq!((SHORT.name(0, "000"), LONG.name(0, "000")), (None, Some("000")));
        assert_eq!((SHORT.name(2, "L0001"), SHORT.name(2, "0001")), (Some("0001"), None));
        for other in ["available", "LAYOUT", "idgen", "L000000000x", "+1", ""] {
            assert_eq!((SHORT.name(0, other), FLAT.name(0, other)), (None, None), "{other}");
        }
        assert_eq!((SHORT.greatest("00"), LONG.greatest("999")), (99_999_999, i64::MAX));
    }
}
