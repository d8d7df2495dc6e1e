//! What a ledger's password becomes.

use std::fmt;

use sha1::{Digest, Sha1};

/// Shown to bookies by those who write or fence a ledger: `SHA1("ledger" || password)`.
///
/// A bookie keeps the key that the first request brought and refuses others. The password stands in clear in the
/// ledger's metadata: it protects from accidents, not from attackers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MasterKey([u8; Self::BYTES]);

impl MasterKey {
    /// Bytes of a key.
    pub const BYTES: usize = 20;

    /// The key of the ledgers with this password, which may be empty.
    #[must_use]
    pub fn from_password(password: &[u8]) -> Self {
        Self(sha1_of(b"ledger", password))
    }

    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// Without the key: errors and logs show requests.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// SHA-1 of a word and a password.
pub(crate) fn sha1_of(word: &[u8], password: &[u8]) -> [u8; MasterKey::BYTES] {
    Sha1::new().chain_update(word).chain_update(password).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn keys_are_those_of_the_java_client() {
        let expected = [
            ("", "850bf1071c5e3d8c24235676f8816ae0cbe2f14f"),
            ("pw", "2aa226ba095b6969a64871977693b14671710d76"),
            ("1234567", "53c0501bd64bdd5e9efae5d851bf6eafe755ff82"),
            ("abcdefg", "f870c78a9189c08645593a360710da548a3630dd"),
        ];
        for (password, key) in expected {
            assert_eq!(hex(MasterKey::from_password(password.as_bytes()).as_bytes()), key);
        }
        assert_eq!(hex(&sha1_of(b"mac", b"1234567")), "d355c66c4b1305540f1b87d82ff599b3b1e586aa");
        assert!(!format!("{:?}", MasterKey::from_password(b"pw")).contains("2a"));
    }
}
