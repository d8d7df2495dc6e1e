//! Members of a lock, by the names that DistributedLog gives them.

/// What all members begin with.
pub(super) const PREFIX: &str = "member_";

/// The name of a member, up to its number, which ZooKeeper adds.
pub(super) fn name(owner: &str, session: i64) -> String {
    format!("{PREFIX}{}_s{session}_", encode(owner))
}

/// The place of a member in the queue; none if its name says none, so that it never owns the lock.
pub(super) fn number(name: &str) -> Option<i64> {
    name.rsplit_once('_')?.1.parse().ok()
}

/// The owner that a name tells; if it has other parts than ours, its node's data tells.
pub(super) fn owner(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('_').collect();
    match parts[..] {
        [_, owner, session, _] if session.starts_with('s') => decode(owner),
        _ => None,
    }
}

/// As Java encodes the values of a form.
fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => digit()? << 4 | digit()?,
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names in golden/locks.json, and whose they are.
    const GOLDEN: [(&str, &str, i64); 3] = [
        (
            "member_golden-writer%2F192.0.2.10_s72057951319097480_0000000000",
            "golden-writer/192.0.2.10",
            72_057_951_319_097_480,
        ),
        (
            "member_1%3B0%3Bproxy1%3A8000_s72057951319097481_0000000001",
            "1;0;proxy1:8000",
            72_057_951_319_097_481,
        ),
        (
            "member_host_with_underscore%2F192.0.2.13+*%7E%C3%A9%25%2B_s72057951319097482_0000000002",
            "host_with_underscore/192.0.2.13 *~é%+",
            72_057_951_319_097_482,
        ),
    ];

    #[test]
    fn members_are_called_as_java_calls_them() {
        for (place, (golden, client, session)) in (0..).zip(GOLDEN) {
            assert_eq!(format!("{}{place:010}", name(client, session)), golden);
            assert_eq!(number(golden), Some(place));
            // One with an underscore is not told from the parts around it.
            let told = Some(client.to_owned()).filter(|client| !client.contains('_'));
            assert_eq!(owner(golden), told);
        }
        assert_eq!((owner("member_0000000003"), number("member_0000000003")), (None, Some(3)));
        assert_eq!((owner("member_a_0000000004"), number("member_a_x")), (None, None));
        assert_eq!(owner("member_%4_s1_1"), None);
    }
}
