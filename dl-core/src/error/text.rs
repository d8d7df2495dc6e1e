//! What errors repeat of what they were given: enough to know it by, however long it is, and nothing that a terminal or a
//! log file takes for its own.

use std::borrow::Cow;

/// The bytes of a value that a message quotes.
const QUOTED_BYTES: usize = 200;

/// A text for errors and events: of at most so many bytes, and with what is no character to look at as `\n` or `\u{1b}`.
pub(crate) fn plain(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    let text = shortened(text, most);
    if !text.contains(is_hidden) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_hidden(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    shortened(Cow::Owned(escaped), most)
}

/// Control characters, other ends of lines, and what turns the direction of the text behind it around.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

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
    fn what_cannot_be_seen_is_written_out() {
        let plain = |text: &'static str| plain(text.into(), 100).into_owned();
        assert_eq!(plain("a\nb\r\t\0\u{7f}\u{85}"), r"a\nb\r\t\u{0}\u{7f}\u{85}");
        assert_eq!(plain("\u{1b}[2J \u{202e}gnp.exe\u{2028}"), r"\u{1b}[2J \u{202e}gnp.exe\u{2028}");
        for kept in ["e\u{301} ก็ 👩‍👩‍👧 \u{feff}", r#"C:\new "x" 'y'"#] {
            assert_eq!(plain(kept), kept);
        }
        for most in 3..40 {
            assert!(super::plain("\u{1b}\n".repeat(50).into(), most).len() <= most);
        }
    }

    #[test]
    fn a_quoted_value_is_whole_unless_it_is_long() {
        assert_eq!(quoted("a \"b\""), r#""a \"b\"""#);
        assert_eq!(quoted(&"x".repeat(4_000_000)).len(), QUOTED_BYTES + 2);
    }
}
