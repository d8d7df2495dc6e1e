//! The options that are kept with a log: a node of its own below the log's root, made when it is first set.
//!
//! Its text is a line `name=value` for each option whose value is not the default.

use bytes::Bytes;

use crate::error::{Error, Result};
use crate::metadata::{Expect, MetadataStore, Op, Outcome};
use crate::options::{LogOptions, WriterOptions};
use crate::types::LogName;

use super::layout::{LogPaths, require, require_same};

/// The options of a log; the defaults, if none were set.
///
/// # Errors
/// `not-found` if the log does not exist.
pub(crate) async fn read(metadata: &dyn MetadataStore, log: &LogName) -> Result<LogOptions> {
    let paths = LogPaths::new(log);
    require(metadata, log, &paths.ledgers()).await?;
    match metadata.get(&paths.options()).await? {
        None => Ok(LogOptions::default()),
        Some(node) => parse(&node.data).map_err(|error| {
            Error::corrupt("the options kept with the log are not what was written")
                .with("log", log)
                .with("node", paths.options())
                .caused_by(error)
        }),
    }
}

/// Replaces the options of a log.
///
/// # Errors
/// `not-found` if the log does not exist.
pub(crate) async fn write(
    metadata: &dyn MetadataStore,
    log: &LogName,
    incarnation: Option<u64>,
    options: &LogOptions,
) -> Result<()> {
    let paths = LogPaths::new(log);
    loop {
        let same = require_same(metadata, log, incarnation).await?.version;
        let there = metadata.get(&paths.options()).await?;
        let change = match there {
            None => Op::create(paths.options(), text(options)),
            Some(_) => Op::Set { path: paths.options(), data: text(options), expect: Expect::Any },
        };
        let same = Op::Check { path: paths.ledgers(), expect: Expect::Version(same) };
        // Refused: somebody else set them for the first time, a segment was started, or the log was deleted.
        if let Outcome::Committed(_) = metadata.commit(&[same, change]).await? {
            return Ok(());
        }
    }
}

/// What a writer goes by: its own options, and for those it was not given the log's.
pub(crate) fn for_writer(kept: LogOptions, own: &WriterOptions) -> LogOptions {
    let mut options = kept;
    options.roll_bytes = own.roll_bytes.unwrap_or(options.roll_bytes);
    options.roll_ms = own.roll_ms.unwrap_or(options.roll_ms);
    options.compression = own.compression.unwrap_or(options.compression);
    options.retention_ms = own.retention_ms.or(options.retention_ms);
    options.retention_bytes = own.retention_bytes.or(options.retention_bytes);
    options.explicit_truncation = own.explicit_truncation.unwrap_or(options.explicit_truncation);
    options
}

fn text(options: &LogOptions) -> Bytes {
    let defaults = LogOptions::default().texts();
    let set = options.texts().into_iter().filter(|option| !defaults.contains(option));
    Bytes::from(set.map(|(name, value)| format!("{name}={value}\n")).collect::<String>())
}

fn parse(data: &[u8]) -> Result<LogOptions> {
    let bad = |what: &str| Error::invalid_argument(format!("options {what}"));
    let text = std::str::from_utf8(data).map_err(|_| bad("that are not UTF-8"))?;
    let mut options = LogOptions::default();
    for line in text.lines() {
        let (name, value) = line.split_once('=').ok_or_else(|| bad("with a line that has no '='"))?;
        // A later release may know more.
        if LogOptions::NAMES.contains(&name) {
            options.set(name, value)?;
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_differs_from_the_defaults() {
        assert_eq!(text(&LogOptions::default()), Bytes::new());
        let options = LogOptions::default().retention_ms(86_400_000).roll_bytes(1 << 20);
        assert_eq!(text(&options), Bytes::from("roll_bytes=1MiB\nretention_ms=1d\n"));
        assert_eq!(parse(&text(&options)).unwrap(), options);
    }

    #[test]
    fn options_of_a_later_release_are_passed_over_and_damage_is_not() {
        assert_eq!(parse(b"not_yet=7\nroll_ms=1s\n").unwrap(), LogOptions::default().roll_ms(1_000));
        for damaged in [&b"roll_ms"[..], b"roll_ms=soon\n", b"roll_ms=\xff"] {
            assert!(parse(damaged).is_err());
        }
    }

    #[test]
    fn a_writers_own_options_win() {
        let kept = LogOptions::default().roll_ms(5).retention_ms(7).explicit_truncation(true);
        let own = WriterOptions::default().roll_ms(6).explicit_truncation(false);
        let expected = LogOptions::default().roll_ms(6).retention_ms(7);
        assert_eq!(for_writer(kept, &own), expected);
    }
}
