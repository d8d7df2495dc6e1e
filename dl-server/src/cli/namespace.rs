//! Which namespace a command works on, and with which options.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::Args;
use dl_core::{Error, ErrorKind, Event, Namespace, Options, ReaderOptions, Result, WriterOptions, file_uri};

use super::failure;

/// Names the namespace if the arguments do not.
const VARIABLE: &str = "DL_NAMESPACE";

/// Where the namespace is, and options of the table.
#[derive(Debug, Args)]
pub(crate) struct NamespaceArgs {
    /// The namespace: file:///PATH, distributedlog://ZOOKEEPER:PORT/PATH or memory:NAME, with options as in
    /// file:///PATH?journal_bytes=1GiB [default: $DL_NAMESPACE, or dl in the user's data directory]
    #[arg(long, global = true, value_name = "URI")]
    ns: Option<String>,

    /// Sets an option of the namespace, or of the command's writer or reader (docs/options.md lists them)
    #[arg(short = 'o', global = true, value_name = "NAME=VALUE", value_parser = pair)]
    option: Vec<(String, String)>,

    /// What becomes of events; set once the arguments are known.
    #[arg(skip)]
    told: Told,
}

/// What becomes of the events of the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Told {
    /// Nobody wants to know.
    #[default]
    Nobody,
    /// They are printed to standard error.
    Lines,
    /// They are printed to standard error as JSON.
    Objects,
}

/// Whether a command may make the namespace that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made.
    Create,
    /// It is `not-found`.
    Fail,
}

/// The options of what a command opens in the namespace.
#[derive(Debug)]
pub(crate) enum Scope<'a> {
    /// Nothing that has options.
    None,
    /// A writer.
    Writer(&'a mut WriterOptions),
    /// A reader.
    Reader(&'a mut ReaderOptions),
    /// Writers and readers.
    Both(&'a mut WriterOptions, &'a mut ReaderOptions),
}

impl Scope<'_> {
    fn names(&self) -> Vec<&'static str> {
        match self {
            Self::None => Vec::new(),
            Self::Writer(_) => WriterOptions::NAMES.to_vec(),
            Self::Reader(_) => ReaderOptions::NAMES.to_vec(),
            Self::Both(..) => [WriterOptions::NAMES, ReaderOptions::NAMES].concat(),
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Writer(options) => options.set(name, value),
            Self::Reader(options) => options.set(name, value),
            Self::Both(options, _) if WriterOptions::NAMES.contains(&name) => options.set(name, value),
            Self::Both(_, options) => options.set(name, value),
        }
    }
}

impl NamespaceArgs {
    /// Opens the namespace and sets the options that were given. A name that the writer or reader and the namespace
    /// both have means the former.
    pub(crate) async fn open(&self, missing: Missing, scope: Scope<'_>) -> Result<Namespace> {
        let (uri, options) = self.resolve(missing, scope)?;
        self.open_with(&uri, options).await
    }

    /// Opens the namespace at `uri`, with the options that were given.
    pub(super) async fn open_at(&self, uri: &str, missing: Missing, scope: Scope<'_>) -> Result<Namespace> {
        self.open_with(uri, self.options(missing, scope)?).await
    }

    /// Opens the namespace at `uri` with these options.
    pub(super) async fn open_with(&self, uri: &str, options: Options) -> Result<Namespace> {
        match self.told {
            Told::Nobody => Namespace::open(uri, options).await,
            told => {
                let print = move |event: &Event| failure::say(&failure::event(event, told == Told::Objects));
                Namespace::open_with_events(uri, options, print).await
            }
        }
    }

    /// What to open, and with which options.
    pub(super) fn resolve(&self, missing: Missing, scope: Scope<'_>) -> Result<(String, Options)> {
        let uri = match self.uri()? {
            Some(uri) => uri,
            None => default_uri(missing == Missing::Create)?,
        };
        Ok((uri, self.options(missing, scope)?))
    }

    /// The options of the namespace that were given; those of the scope are set there.
    pub(super) fn options(&self, missing: Missing, mut scope: Scope<'_>) -> Result<Options> {
        let mut options = Options::default().create_namespace(missing == Missing::Create);
        for (name, value) in &self.option {
            if scope.names().contains(&name.as_str()) {
                scope.set(name, value)?;
            } else if Options::NAMES.contains(&name.as_str()) {
                options.set(name, value)?;
            } else {
                return Err(unknown(name, &scope.names()));
            }
        }
        Ok(options)
    }

    /// The arguments with which another process of this program opens the namespace at `uri` in the same way.
    pub(super) fn arguments(&self, uri: &str) -> Vec<String> {
        let options =
            self.option.iter().flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={value}")]);
        ["--ns".to_owned(), uri.to_owned()].into_iter().chain(options).collect()
    }

    /// Has events printed, as JSON or for people.
    pub(super) fn tell(&mut self, json: bool) {
        self.told = if json { Told::Objects } else { Told::Lines };
    }

    /// The namespace that was named. The variable is not left to the parser of arguments, whose hints on usage would then
    /// show `--ns` as one that has to be given.
    pub(super) fn uri(&self) -> Result<Option<String>> {
        if self.ns.is_some() {
            return Ok(self.ns.clone());
        }
        let uri = env::var_os(VARIABLE).map(OsString::into_string).transpose();
        uri.map_err(|_| Error::new(ErrorKind::InvalidArgument, format!("{VARIABLE} is no text in UTF-8")))
    }
}

fn unknown(name: &str, names: &[&str]) -> Error {
    let known = [names, Options::NAMES].concat().join(", ");
    Error::new(ErrorKind::InvalidArgument, format!("there is no option {name:?} here; there are {known}"))
        .with("option", name)
}

/// The user's own namespace. Unlike one that was named, it may lack its parent directories.
fn default_uri(create: bool) -> Result<String> {
    let directory = data_directory()?;
    if create {
        fs::create_dir_all(&directory).map_err(|error| {
            Error::new(kind(&error), format!("making the user's data directory failed: {error}"))
                .with("file", directory.display())
                .caused_by(error)
        })?;
    }
    file_uri(&directory.join("dl"))
}

fn data_directory() -> Result<PathBuf> {
    // By the XDG base directory specification a relative path there is to be ignored, and so is an empty one.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share"))).ok_or_else(
        || {
            Error::new(
                ErrorKind::InvalidArgument,
                "there is no user's data directory without HOME; name a namespace with --ns or DL_NAMESPACE",
            )
        },
    )
}

fn kind(error: &std::io::Error) -> ErrorKind {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::PermissionDenied
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorKind::StorageFull,
        std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => ErrorKind::InvalidArgument,
        _ => ErrorKind::Unavailable,
    }
}

/// Takes NAME=VALUE apart.
pub(super) fn pair(text: &str) -> std::result::Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// Prints all metrics to standard error.
pub(super) async fn print_metrics(namespace: &Namespace) {
    failure::say(namespace.metrics().await.to_prometheus_text().trim_end());
}

/// Closes a namespace after work in it ended like this.
pub(super) async fn close<T>(namespace: Namespace, result: failure::Result<T>) -> failure::Result<T> {
    let closed = namespace.close().await;
    let value = result?;
    closed?;
    Ok(value)
}
