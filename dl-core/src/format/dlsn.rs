//! The binary and Base64 forms of positions, as DistributedLog stores them in cursors.

use crate::error::{Error, Result};
use crate::types::Dlsn;

/// Version byte and three numbers.
const V1_BYTES: usize = 25;
/// The same and zeros: the length of version 0 was meant in bits.
const V0_BYTES: usize = 200;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Dlsn {
    /// The form in which DistributedLog stores a position (its version 1).
    #[must_use]
    pub fn to_bytes(self) -> [u8; 25] {
        let mut bytes = [0; V1_BYTES];
        bytes[0] = 1;
        for (field, part) in bytes[1..].chunks_exact_mut(8).zip([self.segment(), self.entry(), self.slot()]) {
            field.copy_from_slice(&part.to_be_bytes());
        }
        bytes
    }

    /// The form in which old versions of DistributedLog stored a position (version 0).
    #[must_use]
    pub fn to_bytes_v0(self) -> [u8; 200] {
        let mut bytes = [0; V0_BYTES];
        bytes[1..V1_BYTES].copy_from_slice(&self.to_bytes()[1..]);
        bytes
    }

    /// Reads either stored form.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown version or a length that is not exactly that of the version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let bad = |what: &str| Error::invalid_argument(format!("the bytes are not a stored DLSN: {what}"));
        let (length, trailer) = match bytes {
            [1, ..] => (V1_BYTES, 0),
            [0, ..] => (V0_BYTES, V0_BYTES - V1_BYTES),
            [] => return Err(bad("there are none")),
            [version, ..] => return Err(bad(&format!("the version {version} is unknown"))),
        };
        if bytes.len() != length {
            return Err(bad(&format!("there are {} instead of {length}", bytes.len())));
        }
        if bytes[length - trailer..].iter().any(|byte| *byte != 0) {
            return Err(bad("those behind the numbers are not zero"));
        }
        let mut parts = [0; 3];
        for (part, field) in parts.iter_mut().zip(bytes[1..].chunks_exact(8)) {
            *part = field.iter().fold(0_i64, |part, byte| part << 8 | i64::from(*byte));
        }
        let [segment, entry, slot] = parts;
        Ok(Self::new(segment, entry, slot))
    }

    /// [`to_bytes`](Self::to_bytes) in standard Base64 with padding: 36 characters.
    #[must_use]
    pub fn to_base64(self) -> String {
        encode(&self.to_bytes())
    }

    /// [`to_bytes_v0`](Self::to_bytes_v0) in standard Base64 with padding.
    #[must_use]
    pub fn to_base64_v0(self) -> String {
        encode(&self.to_bytes_v0())
    }

    /// Reads the Base64 of either stored form, in the standard or the URL-safe alphabet, with or without padding.
    ///
    /// # Errors
    /// `invalid-argument` for anything else.
    pub fn from_base64(text: &str) -> Result<Self> {
        let mut bytes = [0; V0_BYTES];
        let length = decode(text, &mut bytes)
            .ok_or_else(|| Error::invalid_argument("the text is not a stored DLSN in Base64"))?;
        Self::from_bytes(&bytes[..length])
    }
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let six = bits >> (18 - 6 * digit) & 63;
            text.push(if digit <= group.len() { char::from(BASE64[six]) } else { '=' });
        }
    }
    text
}

/// Decodes into `bytes` and says how many there are; `None` if the text is not Base64 or holds more.
fn decode(text: &str, bytes: &mut [u8]) -> Option<usize> {
    let digits = text.trim_end_matches('=').as_bytes();
    let padding = text.len() - digits.len();
    let length = digits.len() / 4 * 3 + [0, 0, 1, 2][digits.len() % 4];
    if digits.len() % 4 == 1
        || padding > 2
        || (padding > 0 && !text.len().is_multiple_of(4))
        || length > bytes.len()
    {
        return None;
    }
    for (out, group) in bytes[..length].chunks_mut(3).zip(digits.chunks(4)) {
        let mut bits = 0;
        for digit in group {
            bits = bits << 6 | value(*digit)?;
        }
        bits <<= 6 * (4 - group.len());
        let [_, decoded @ ..] = u32::to_be_bytes(bits);
        let (used, unused) = decoded.split_at(out.len());
        if unused.iter().any(|byte| *byte != 0) {
            return None;
        }
        out.copy_from_slice(used);
    }
    Some(length)
}

fn value(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::fuzz;

    #[test]
    fn base64_has_one_form_per_value_apart_from_alphabet_and_padding() {
        let dlsn = Dlsn::new(1, 0, -1);
        let text = "AQAAAAAAAAABAAAAAAAAAAD//////////w==";
        assert_eq!(dlsn.to_base64(), text);
        for same in [text, &text.replace('/', "_"), text.trim_end_matches('=')] {
            assert_eq!(Dlsn::from_base64(same).unwrap(), dlsn, "{same}");
        }
        let damaged = text.replace("/w==", "/x==");
        for bad in
            ["", "A", "=", &text[1..], &text[..34].replace('Q', " "), &damaged, &text.replace("==", "=")]
        {
            assert!(Dlsn::from_base64(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn version_0_is_zero_behind_its_numbers() {
        let mut bytes = Dlsn::new(1, 2, 3).to_bytes_v0();
        assert_eq!(Dlsn::from_bytes(&bytes).unwrap(), Dlsn::new(1, 2, 3));
        bytes[199] = 1;
        assert!(Dlsn::from_bytes(&bytes).is_err());
    }

    proptest! {
        #[test]
        fn every_form_reads_as_written(segment: i64, entry: i64, slot: i64) {
            let dlsn = Dlsn::new(segment, entry, slot);
            prop_assert_eq!(Dlsn::from_bytes(&dlsn.to_bytes()).unwrap(), dlsn);
            prop_assert_eq!(Dlsn::from_bytes(&dlsn.to_bytes_v0()).unwrap(), dlsn);
            prop_assert_eq!(Dlsn::from_base64(&dlsn.to_base64()).unwrap(), dlsn);
            prop_assert_eq!(Dlsn::from_base64(&dlsn.to_base64_v0()).unwrap(), dlsn);
        }

        #[test]
        fn other_lengths_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..260), version in 0..3_u8) {
            if let Some(first) = bytes.first_mut() {
                *first = version;
            }
            let right = matches!((version, bytes.len()), (1, 25) | (0, 200));
            prop_assert!(right || Dlsn::from_bytes(&bytes).is_err());
            fuzz::dlsn(&bytes);
        }

        #[test]
        fn other_texts_are_refused(text in "[A-Za-z0-9+/_-]{34}=?=?|[0-9:-]{1,30}|.{0,50}") {
            fuzz::dlsn(text.as_bytes());
        }
    }
}
