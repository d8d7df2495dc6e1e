//! Which ledgers there are, by walking the tree.

use super::ZooKeeperLedgers;
use super::layout::Tree;
use crate::error::Result;
use crate::types::LedgerId;

impl ZooKeeperLedgers {
    /// Ledgers of one tree with ids behind `after`, ascending, until there are `limit` found.
    pub(super) async fn walk(
        &self,
        tree: Tree,
        after: Option<LedgerId>,
        limit: usize,
        found: &mut Vec<LedgerId>,
    ) -> Result<()> {
        let behind = |digits: &str| after.is_none_or(|after| tree.greatest(digits) > after.number());
        // What is to be walked, the next one last: paths, with the digits in their names and their levels.
        let mut ahead = vec![(self.root.clone(), String::new(), 0)];
        while let Some((path, digits, level)) = ahead.pop() {
            if level == tree.cuts.len() {
                found.extend(digits.parse().ok().and_then(|id| LedgerId::new(id).ok()));
                if found.len() >= limit {
                    return Ok(());
                }
                continue;
            }
            // One that is gone by now has none.
            let names = self.zookeeper.children(&path).await?.unwrap_or_default();
            let mut below: Vec<_> = names
                .iter()
                .filter_map(|name| {
                    let digits = format!("{digits}{}", tree.name(level, name)?);
                    behind(&digits).then(|| (format!("{path}/{name}"), digits, level + 1))
                })
                .collect();
            // By number: a flat name may have more digits than others.
            below.sort_by_key(|(_, digits, _)| std::cmp::Reverse(tree.greatest(digits)));
            ahead.append(&mut below);
        }
        Ok(())
    }
}
