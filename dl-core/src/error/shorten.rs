//! What errors repeat of what they were given: enough to know it by, however long it is.

use std::borrow::Cow;

/// The bytes of a value that a message quotes.
const QUOTED_BYTES: usize = 200;

/// A value as a message quotes it: in quotes, and without its middle if it is long.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", shortened(Cow::Borrowed(text), QUOTED_BYTES))
}

/// A text of at most so many bytes, with `…` for the middle of a longer one: both ends say what it is.
pub(crate) fn shortened(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    let kept = most.saturating_sub('…'.len_utf8());
    let boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=kept / 2).rev().find(boundary).unwrap_or(0);
    let tail = (text.len() - (kept - kept / 2)..text.len()).find(boundary).unwrap_or(text.len());
    Cow::Owned(format!("{}…{}", &text[..head], &text[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_ends() {
        assert_eq!(shortened("0123456789".into(), 10), "0123456789");
        assert_eq!(shortened("0123456789x".into(), 10), "012…789x");
        assert_eq!(shortened("ééééééé".into(), 12), "éé…éé");
        assert_eq!(shortened("long".into(), 0), "…");
        for most in 3..40 {
            assert!(shortened("aé…😀".repeat(20).into(), most).len() <= most);
        }
    }

    #[test]
    fn a_quoted_value_is_whole_unless_it_is_long() {
        assert_eq!(quoted("a \"b\""), r#""a \"b\"""#);
        assert_eq!(quoted(&"x".repeat(4_000_000)).len(), QUOTED_BYTES + 2);
    }
}
