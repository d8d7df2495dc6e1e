//! Ids that no ledger has had, by the counters that ZooKeeper keeps for the names of nodes.

use super::ZooKeeperLedgers;
use super::layout::Layout;
use crate::error::{Error, ErrorKind, Result};
use crate::types::LedgerId;
use crate::zookeeper::nodes::{Applied, NodeMode, NodeRefusal};

/// The first of the nodes below which ids of more than 31 bits are counted: their high bits.
const FIRST_HIGH: i64 = 1;

/// The last of them.
const LAST_HIGH: i64 = i32::MAX as i64;

const HIGH_PREFIX: &str = "HOB-";

impl ZooKeeperLedgers {
    /// The next id by the counters that every client of the cluster uses.
    pub(super) async fn next_id(&self) -> Result<LedgerId> {
        let root = &self.root;
        if let Layout::Flat = self.layout {
            let id = self.count(&format!("{root}/ID-")).await?;
            return id.ok_or_else(used_up).and_then(LedgerId::new);
        }
        let long = format!("{root}/idgen-long");
        let is_short = match self.layout {
            Layout::LongTree => false,
            Layout::ShortTree => true,
            // Once somebody needed long ids, all are.
            Layout::BothTrees | Layout::Flat => self.zookeeper.state(&long).await?.is_none(),
        };
        if is_short {
            match self.count(&format!("{root}/idgen/ID-")).await? {
                Some(id) => return LedgerId::new(id),
                None if self.layout == Layout::ShortTree => return Err(used_up()),
                None => {}
            }
        }
        let mut high = self.newest_high(&long).await?;
        loop {
            if let Some(low) = self.count(&format!("{long}/{HIGH_PREFIX}{high:010}/ID-")).await? {
                return LedgerId::new((high << 32) | low);
            }
            high = Some(high + 1).filter(|high| *high <= LAST_HIGH).ok_or_else(used_up)?;
        }
    }

    /// Counts on below a parent, which is made if need be; `None` if the counter has no more numbers.
    async fn count(&self, prefix: &str) -> Result<Option<i64>> {
        // One that may have been counted is left out: there are enough.
        loop {
            let made = match self.zookeeper.create(prefix, &[], NodeMode::EphemeralSequential).await {
                Err(error) if error.may_have_taken_effect() && error.kind() == ErrorKind::Unavailable => {
                    self.zookeeper.state(&self.root).await?;
                    continue;
                }
                made => made?,
            };
            let path = match made {
                Applied::Done((path, _)) => path,
                Applied::Refused(_, NodeRefusal::Missing) => {
                    self.make_parents(prefix).await?;
                    continue;
                }
                Applied::Refused(_, refusal) => {
                    let message = format!("an id was refused: {refusal:?}");
                    return Err(Error::new(ErrorKind::MetadataStore, message));
                }
            };
            let number = path[prefix.len()..].parse::<i64>().ok().filter(|id| *id < i64::from(i32::MAX));
            let zookeeper = self.zookeeper.clone();
            self.zookeeper.shared.spawn(async move {
                // What is left goes with the session.
                let _left = zookeeper.delete(&path).await;
            });
            return Ok(number);
        }
    }

    async fn newest_high(&self, long: &str) -> Result<i64> {
        let names = self.zookeeper.children(long).await?.unwrap_or_default();
        Ok(names.iter().filter_map(|name| high(name)).max().unwrap_or(FIRST_HIGH))
    }
}

/// The high bits that a node's name says; none if the generator gives none such a name.
fn high(name: &str) -> Option<i64> {
    let digits = name.strip_prefix(HIGH_PREFIX)?;
    let whole = digits.len() == 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|high| whole && (FIRST_HIGH..=LAST_HIGH).contains(high))
}

fn used_up() -> Error {
    Error::new(ErrorKind::MetadataStore, "the cluster has given out all the ids of its layout").retry(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_generator_gives_say_high_bits() {
        assert_eq!((high("HOB-0000000001"), high("HOB-2147483647")), (Some(1), Some(LAST_HIGH)));
        for other in [
            "HOB-",
            "HOB-1",
            "HOB-0000000000",
            "HOB--000000001",
            "HOB-+000000001",
            "HOB-2147483648",
            "HOB-4294967297",
            "HOB-9223372036854775807",
            "ID-0000000001",
        ] {
            assert_eq!(high(other), None, "{other}");
        }
        // The last of all is an id yet.
        assert!(LedgerId::new((LAST_HIGH << 32) | i64::from(i32::MAX)).is_ok());
    }
}
