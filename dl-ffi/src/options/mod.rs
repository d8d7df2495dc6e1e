//! Options, set by name or by the function of each, and checked in the core.

mod generated;

use std::ffi::c_char;

use dl_core::{LogOptions, Options, ReaderOptions, Result, WriterOptions};

pub(crate) use generated::{dl_log_options, dl_namespace_options, dl_reader_options, dl_writer_options};

use crate::text::Texts;

/// Options of the core, and their values as texts that live as long.
#[derive(Debug)]
pub(crate) struct Settings<T> {
    pub(crate) values: T,
    texts: Texts,
}

/// Options that can be set by name.
pub(crate) trait Named: Default + Clone {
    /// See [`Options::set`].
    fn set(&mut self, name: &str, value: &str) -> Result<()>;
    /// See [`Options::texts`].
    fn texts(&self) -> Vec<(&'static str, String)>;
}

macro_rules! named {
    ($($options:ty),*) => {
        $(impl Named for $options {
            fn set(&mut self, name: &str, value: &str) -> Result<()> {
                self.set(name, value)
            }

            fn texts(&self) -> Vec<(&'static str, String)> {
                self.texts()
            }
        })*
    };
}

named!(Options, LogOptions, WriterOptions, ReaderOptions);

impl<T: Named> Settings<T> {
    pub(crate) fn of(values: T) -> Self {
        let texts = Texts::new(values.texts());
        Self { values, texts }
    }
}

fn new<T: Named>() -> Settings<T> {
    Settings::of(T::default())
}

fn set<T: Named>(settings: &mut Settings<T>, name: &str, value: &str) -> Result<()> {
    let mut values = settings.values.clone();
    values.set(name, value)?;
    *settings = Settings::of(values);
    Ok(())
}

fn get<T>(settings: &Settings<T>, name: &str) -> *const c_char {
    settings.texts.value(name)
}

fn name<T>(settings: &Settings<T>, index: usize) -> *const c_char {
    settings.texts.name(index)
}
