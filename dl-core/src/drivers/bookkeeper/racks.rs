//! Where bookies stand, as an option says it.

use std::collections::BTreeMap;

use dl_bookkeeper::{BookieId, OneRack, Topology};

use crate::error::{Error, Result};

/// The racks of bookies, by their ids or hosts. One that is not named stands where those do of which nothing is known.
#[derive(Debug, Default)]
pub(super) struct Racks(BTreeMap<String, String>);

impl Racks {
    /// Reads `HOST=RACK,HOST:PORT=RACK`.
    ///
    /// # Errors
    /// `invalid-argument` for what is no such list, or names a bookie twice.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let bad = |problem: String| {
            let form = "write HOST=RACK or HOST:PORT=RACK for each bookie, with commas between";
            Error::invalid_argument(format!("bookie_racks {problem}; {form}")).with("option", "bookie_racks")
        };
        let mut racks = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let named = pair.split_once('=').map(|(bookie, rack)| (bookie.trim(), rack.trim()));
            let Some((bookie, rack)) = named.filter(|(bookie, rack)| !bookie.is_empty() && !rack.is_empty())
            else {
                return Err(bad(format!("has {pair:?}, which says of no bookie where it stands")));
            };
            if racks.insert(bookie.to_owned(), rack.to_owned()).is_some() {
                return Err(bad(format!("names {bookie:?} twice")));
            }
        }
        Ok(Self(racks))
    }
}

impl Topology for Racks {
    fn rack(&self, bookie: &BookieId) -> String {
        let host = || bookie.host_and_port().map(|(host, _)| host);
        let named = self.0.get(bookie.as_str()).or_else(|| self.0.get(host()?));
        named.cloned().unwrap_or_else(|| OneRack.rack(bookie))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn bookies_stand_where_their_id_says_or_else_their_host() {
        let racks = Racks::parse("a=/1, a:3182=/2,[::1]:3181=/3,::2=/4,own-name=/5,").unwrap();
        let unknown = OneRack.rack(&BookieId::new("b:3181").unwrap());
        for (bookie, rack) in [
            ("a:3181", "/1"),
            ("a:3182", "/2"),
            ("[::1]:3181", "/3"),
            ("[::2]:3181", "/4"),
            ("own-name", "/5"),
            ("b:3181", &unknown),
            ("other-name", &unknown),
        ] {
            assert_eq!(racks.rack(&BookieId::new(bookie).unwrap()), rack, "{bookie}");
        }
    }

    #[test]
    fn what_is_no_list_of_racks_is_refused() {
        for text in ["a", "a=", "=/1", "a=/1,b", "a=/1,a=/2"] {
            let error = Racks::parse(text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text}");
            assert_eq!(error.context_value("option"), Some("bookie_racks"));
        }
        assert!(Racks::parse("").unwrap().0.is_empty());
    }
}
