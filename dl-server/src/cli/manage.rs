//! `dl namespace`.

use clap::{Args, Subcommand};
use dl_core::{Error, ErrorKind, Namespace, NamespaceInfo, shown_uri};
use serde_json::json;

use super::Shared;
use super::failure::Result;
use super::namespace::{Missing, Scope};
use super::table;

/// Where a BookKeeper cluster is in ZooKeeper, on most.
const LEDGERS_PATH: &str = "/ledgers";

/// Makes a namespace, says what one is, brings its format up to date, or deletes it
#[derive(Debug, Args)]
#[command(after_help = "Example:
  dl namespace info --ns file:///var/lib/dl
  dl namespace create --ns 'distributedlog://zk1:2181;zk2:2181/logs'")]
pub(crate) struct Manage {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes the namespace; "already-exists" if it is there
    Create(Create),
    /// Prints its driver, format, logs, processes, journals and sizes, and changes nothing
    Info,
    /// Brings its format up to what this build writes
    Upgrade,
    /// Deletes a namespace on BookKeeper that has no logs
    Delete,
}

/// On BookKeeper a namespace is bound to a cluster, as DistributedLog's tools bind it
#[derive(Debug, Args)]
struct Create {
    /// The root of the BookKeeper cluster in ZooKeeper [default: /ledgers]
    #[arg(long, value_name = "PATH")]
    ledgers_path: Option<String>,

    /// The ZooKeeper servers of the BookKeeper cluster [default: those of the namespace]
    #[arg(long, value_name = "HOST:PORT,…")]
    bookkeeper_zookeepers: Option<String>,

    /// Spreads its logs over sub-namespaces, for more than some ten thousand
    #[arg(long)]
    federated: bool,

    /// The number of the first segment of its logs, where their DLSNs begin [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    first_segment: Option<u64>,
}

impl Manage {
    pub(super) async fn run(self, shared: &Shared) -> Result<()> {
        match self.what {
            What::Create(create) => create.run(shared).await,
            What::Info => info(shared).await,
            What::Upgrade => upgrade(shared).await,
            What::Delete => delete(shared).await,
        }
    }
}

impl Create {
    async fn run(self, shared: &Shared) -> Result<()> {
        let (uri, mut options) = shared.namespace.resolve(Missing::Create, Scope::None)?;
        match Namespace::inspect(&uri, options.clone()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let message = "there is a namespace already; use it, or name another";
                return Err(Error::new(ErrorKind::AlreadyExists, message)
                    .with("uri", shown_uri(&uri))
                    .into());
            }
        }
        let path = self.ledgers_path.or(options.ledgers_path).unwrap_or_else(|| LEDGERS_PATH.to_owned());
        options.ledgers_path = Some(path);
        options.bookkeeper_zookeepers = self.bookkeeper_zookeepers.or(options.bookkeeper_zookeepers);
        options.federated |= self.federated;
        options.first_segment = self.first_segment.or(options.first_segment);
        shared.namespace.open_with(&uri, options).await?.close().await?;
        let (mut output, uri) = (shared.output(), shown_uri(&uri));
        output.item(format_args!("created {uri}"), || json!({ "namespace": uri, "created": true }))?;
        output.flush()
    }
}

async fn delete(shared: &Shared) -> Result<()> {
    let (uri, options) = shared.namespace.resolve(Missing::Fail, Scope::None)?;
    Namespace::delete(&uri, options).await?;
    let (mut output, uri) = (shared.output(), shown_uri(&uri));
    output.item(format_args!("deleted {uri}"), || json!({ "namespace": uri, "deleted": true }))?;
    output.flush()
}

async fn info(shared: &Shared) -> Result<()> {
    let (uri, options) = shared.namespace.resolve(Missing::Fail, Scope::None)?;
    let info = Namespace::inspect(&uri, options).await?;
    let (mut output, uri) = (shared.output(), shown_uri(&uri));
    if shared.json {
        output.object(&object(&uri, &info))?;
    } else {
        table::write(&mut output, &rows(&uri, &info))?;
    }
    output.flush()
}

async fn upgrade(shared: &Shared) -> Result<()> {
    let (uri, options) = shared.namespace.resolve(Missing::Fail, Scope::None)?;
    let info = Namespace::inspect(&uri, options).await?;
    if let Some(format) = info.format.filter(|format| !format.known) {
        let message = format!(
            "the namespace has format version {} with incompatible bits {:#x} and read-only-compatible bits {:#x}, \
             not all of which this build knows; use a newer one",
            format.version, format.incompatible, format.read_only_compatible
        );
        return Err(Error::new(ErrorKind::Unsupported, message).with("uri", shown_uri(&uri)).into());
    }
    let (mut output, uri) = (shared.output(), shown_uri(&uri));
    output.item(
        "nothing to do: the namespace has the format that this build writes",
        || json!({ "namespace": uri, "upgraded": false }),
    )?;
    output.flush()
}

fn object(uri: &str, info: &NamespaceInfo) -> serde_json::Value {
    let processes = info.processes.iter();
    json!({
        "namespace": uri,
        "driver": info.driver,
        "binding": info.binding.as_ref().map(|binding| json!({
            "node": binding.node,
            "bookkeeper_zookeepers": binding.bookkeeper_zookeepers,
            "ledgers_path": binding.ledgers_path,
            "federated": binding.federated,
            "first_segment": binding.first_segment,
        })),
        "format": info.format.map(|format| json!({
            "version": format.version,
            "compatible": format.compatible,
            "read_only_compatible": format.read_only_compatible,
            "incompatible": format.incompatible,
            "known": format.known,
        })),
        "logs": info.logs,
        "segments": info.segments,
        "segment_bytes": info.segment_bytes,
        "journals": info.journals,
        "journal_bytes": info.journal_bytes,
        "metadata_bytes": info.metadata_bytes,
        "processes": processes
            .map(|process| json!({ "id": process.id, "client_id": process.client_id }))
            .collect::<Vec<_>>(),
    })
}

fn rows(uri: &str, info: &NamespaceInfo) -> Vec<[String; 2]> {
    let row = |name: &str, value: String| [name.to_owned(), value];
    let mut rows = vec![row("namespace", uri.to_owned()), row("driver", info.driver.to_owned())];
    if let Some(format) = info.format {
        let known = if format.known { "" } else { ", not all known to this build" };
        rows.push(row("format", format!("version {}{known}", format.version)));
        rows.push(row(
            "features",
            format!(
                "compatible {:#x}, read-only-compatible {:#x}, incompatible {:#x}",
                format.compatible, format.read_only_compatible, format.incompatible
            ),
        ));
    }
    rows.extend(info.logs.map(|logs| row("logs", logs.to_string())));
    if let Some(binding) = &info.binding {
        let federated = if binding.federated { ", federated" } else { "" };
        let first = match binding.first_segment {
            1 => String::new(),
            first => format!(", segments from {first} on"),
        };
        rows.push(row("bound by", format!("{}{federated}{first}", binding.node)));
        rows.push(row("ledgers", format!("{} on {}", binding.ledgers_path, binding.bookkeeper_zookeepers)));
        return rows;
    }
    rows.push(row("segments", format!("{}, {} bytes", info.segments, info.segment_bytes)));
    rows.push(row("journals", format!("{}, {} bytes", info.journals, info.journal_bytes)));
    rows.push(row("metadata", format!("{} bytes", info.metadata_bytes)));
    rows.push(row("processes", info.processes.len().to_string()));
    rows.extend(
        info.processes
            .iter()
            .map(|process| row("", format!("process {} ({})", process.id, process.client_id))),
    );
    rows
}
