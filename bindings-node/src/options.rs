//! Options: from the names and texts that JavaScript passes to what the core takes, and errors about them in its words.

use dl_core::{Error, ErrorKind, LogOptions, Options, ReaderOptions, Result, WriterOptions};

/// Options of a namespace.
pub(crate) fn of_namespace(options: &[String]) -> Result<Options> {
    let mut chosen = Options::default();
    each(options, |name, text| chosen.set(name, text))?;
    Ok(chosen)
}

/// Options that are kept with a log.
pub(crate) fn of_log(options: &[String]) -> Result<LogOptions> {
    let mut chosen = LogOptions::default();
    each(options, |name, text| chosen.set(name, text))?;
    Ok(chosen)
}

/// Options of a writer.
pub(crate) fn of_writer(options: &[String]) -> Result<WriterOptions> {
    let mut chosen = WriterOptions::default();
    each(options, |name, text| chosen.set(name, text))?;
    Ok(chosen)
}

/// Options of a reader.
pub(crate) fn of_reader(options: &[String]) -> Result<ReaderOptions> {
    let mut chosen = ReaderOptions::default();
    each(options, |name, text| chosen.set(name, text))?;
    Ok(chosen)
}

/// By name and text, which stand there in turn.
fn each(options: &[String], mut set: impl FnMut(&str, &str) -> Result<()>) -> Result<()> {
    let set = options.chunks_exact(2).try_for_each(|pair| set(&pair[0], &pair[1]));
    set.map_err(|error| as_written(error, options))
}

/// An error about one of these options, with the names that options have in JavaScript. What is wrong with an option of the URI is
/// left as it is: there they have the names of the core.
pub(crate) fn as_written(error: Error, options: &[String]) -> Error {
    let option =
        error.context_value("option").filter(|option| options.iter().step_by(2).any(|name| name == option));
    let (Some(_), ErrorKind::InvalidArgument) = (option, error.kind()) else { return error };
    let written = Error::new(error.kind(), renamed(error.message()));
    let written = error.context().fold(written, |written, (key, value)| match key {
        "option" => written.with(key, camel(value)),
        _ => written.with(key, value),
    });
    error.operation().into_iter().fold(written, Error::during)
}

/// A message with the names of JavaScript, up to the value that it quotes.
fn renamed(message: &str) -> String {
    let quote = message.find('"').unwrap_or(message.len());
    let (said, quoted) = message.split_at(quote);
    let words = said.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let words = words.map(|word| {
        let name = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
        if is_option(name) { camel(name) + &word[name.len()..] } else { word.to_owned() }
    });
    words.collect::<String>() + quoted
}

fn is_option(name: &str) -> bool {
    [Options::NAMES, LogOptions::NAMES, WriterOptions::NAMES, ReaderOptions::NAMES]
        .iter()
        .any(|names| names.contains(&name))
}

/// `in_flight_bytes` as `inFlightBytes`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut text = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}
