//! Numbers of copies that contradict each other.

use super::LogOptions;
use crate::error::{Error, Result};

impl LogOptions {
    /// Whether no quorum is larger than what holds it, as far as they are given.
    ///
    /// # Errors
    /// `invalid-argument` with the option that is too large.
    pub(crate) fn check_quorums(&self) -> Result<()> {
        let sizes = [
            ("ensemble_size", self.ensemble_size),
            ("write_quorum", self.write_quorum),
            ("ack_quorum", self.ack_quorum),
        ];
        let given: Vec<(&str, u64)> =
            sizes.into_iter().filter_map(|(name, size)| Some((name, size?))).collect();
        match given.windows(2).find(|pair| pair[1].1 > pair[0].1) {
            None => Ok(()),
            Some(pair) => {
                let ((outer, most), (name, size)) = (pair[0], pair[1]);
                let message = format!("the option {name} is {size}, and {outer} is only {most}");
                Err(Error::invalid_argument(message).with("option", name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quorum_is_larger_than_what_holds_it() {
        let none = LogOptions::default();
        let fitting = none.clone().ensemble_size(5).write_quorum(3).ack_quorum(3);
        for good in [none.clone(), none.clone().ack_quorum(9), fitting.clone()] {
            good.check_quorums().unwrap();
        }
        for (bad, option) in [
            (fitting.clone().write_quorum(6), "write_quorum"),
            (fitting.ack_quorum(4), "ack_quorum"),
            (none.ensemble_size(1).ack_quorum(2), "ack_quorum"),
        ] {
            assert_eq!(bad.check_quorums().unwrap_err().context_value("option"), Some(option));
        }
    }
}
