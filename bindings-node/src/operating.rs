//! What an operator asks: events, verification, inspection.

use dl_core::{Event, Finding, FormatInfo, InProgress, LogName, Namespace, NamespaceInfo, Verification};
use napi::bindgen_prelude::BigInt;
use napi_derive::napi;

use crate::options::of_namespace;
use crate::port::Port;
use crate::settler::{Call, Settler};

/// What verifying found.
#[napi(object, object_from_js = false)]
pub struct NativeVerification {
    /// What is not as it was written.
    pub findings: Vec<NativeFinding>,
    /// The number of files that were read.
    pub files: f64,
    /// The bytes that were read.
    pub bytes: f64,
    /// Whether other processes have the namespace open.
    pub in_use: bool,
    /// The segments that a writer has in progress, or left so.
    pub in_progress: Vec<NativeInProgress>,
}

/// One thing that is not as it was written.
#[napi(object, object_from_js = false)]
pub struct NativeFinding {
    /// How bad it is.
    pub severity: String,
    /// What kind of file it is about.
    pub subject: String,
    /// What is wrong, in words.
    pub message: String,
    /// The file.
    pub file: Option<String>,
    /// The place in the file.
    pub offset: Option<f64>,
    /// The segment, as its store calls it.
    pub segment_id: Option<BigInt>,
    /// The log that the segment belongs to.
    pub log: Option<String>,
    /// The number of the segment in its log.
    pub segment: Option<BigInt>,
    /// First and last of each run of whole entries, in turn.
    pub whole_entries: Vec<BigInt>,
    /// What is provably kept, in words.
    pub kept: Option<String>,
    /// What is safe to do: commands.
    pub safe: Vec<String>,
}

/// A segment in progress.
#[napi(object, object_from_js = false)]
pub struct NativeInProgress {
    /// Its log.
    pub log: String,
    /// Its number.
    pub segment: BigInt,
    /// What its store calls it.
    pub segment_id: BigInt,
    /// The number of its entries that are provably kept.
    pub entries: BigInt,
    /// The number of records in them.
    pub records: Option<BigInt>,
    /// The position of the last of them, as text.
    pub last_dlsn: Option<String>,
    /// Bytes behind them that are no whole entry.
    pub unfinished_bytes: f64,
    /// How the writer that holds the log named itself.
    pub owner: Option<String>,
    /// Whether that writer's process lives.
    pub owner_alive: bool,
}

/// What a namespace is.
#[napi(object, object_from_js = false)]
pub struct NativeNamespaceInfo {
    /// The driver.
    pub driver: String,
    /// What its format file says.
    pub format: Option<NativeFormat>,
    /// The number of its logs.
    pub logs: Option<f64>,
    /// The processes that have it open for writing.
    pub processes: Vec<NativeProcess>,
    /// The number of journals.
    pub journals: f64,
    /// The bytes that these take.
    pub journal_bytes: f64,
    /// The number of segment files.
    pub segments: f64,
    /// The bytes that these take.
    pub segment_bytes: f64,
    /// The bytes that the metadata takes.
    pub metadata_bytes: f64,
}

/// The format of a namespace directory.
#[napi(object, object_from_js = false)]
pub struct NativeFormat {
    /// Its version.
    pub version: f64,
    /// Features that may be ignored, as bits.
    pub compatible: BigInt,
    /// Features with which one may read, as bits.
    pub read_only_compatible: BigInt,
    /// Features that have to be known, as bits.
    pub incompatible: BigInt,
    /// Whether this build knows what it must know to write.
    pub known: bool,
}

/// A process that has a namespace open.
#[napi(object, object_from_js = false)]
pub struct NativeProcess {
    /// Its process id.
    pub id: u32,
    /// How it names itself.
    pub client_id: String,
}

/// Something that an operator wants to hear of.
#[napi(object, object_from_js = false)]
pub struct NativeEvent {
    /// Area and name.
    pub target: String,
    /// How much it matters.
    pub level: String,
    /// What happened.
    pub message: String,
    /// The kind of the error behind it.
    pub kind: Option<String>,
    /// What it happened to: keys and values in turn.
    pub context: Vec<String>,
    /// All of it as one line.
    pub text: String,
}

/// Whom JavaScript knows by a number, and tells of events. When it ends, it tells that too.
pub(crate) struct Telling {
    settler: Settler,
    number: Call,
}

impl Telling {
    pub(crate) fn new(settler: &Settler, number: Call) -> Self {
        Self { settler: settler.clone(), number }
    }

    /// Tells of an event.
    pub(crate) fn tell(&self, event: &Event) {
        self.settler.tell(self.number, NativeEvent::from(event));
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.settler.tell_end(self.number);
    }
}

/// Verifies a namespace.
#[napi(catch_unwind)]
pub fn verify_namespace(port: &Port, call: f64, uri: String, options: Vec<String>, log: Option<String>) {
    port.settler.start(call, async move {
        let log = log.map(|log| LogName::new(&log)).transpose()?;
        let found = Namespace::verify(&uri, of_namespace(&options)?, log.as_ref()).await?;
        Ok(NativeVerification::from(found))
    });
}

/// Says what a namespace is.
#[napi(catch_unwind)]
pub fn inspect_namespace(port: &Port, call: f64, uri: String, options: Vec<String>) {
    port.settler.start(call, async move {
        Ok(NativeNamespaceInfo::from(Namespace::inspect(&uri, of_namespace(&options)?).await?))
    });
}

/// A count for JavaScript, exact up to 2^53: more files or bytes fit nowhere.
#[expect(clippy::cast_precision_loss)]
const fn exact(count: u64) -> f64 {
    count as f64
}

impl From<Verification> for NativeVerification {
    fn from(found: Verification) -> Self {
        Self {
            findings: found.findings.into_iter().map(NativeFinding::from).collect(),
            files: exact(found.files),
            bytes: exact(found.bytes),
            in_use: found.in_use,
            in_progress: found.in_progress.into_iter().map(NativeInProgress::from).collect(),
        }
    }
}

impl From<Finding> for NativeFinding {
    fn from(finding: Finding) -> Self {
        Self {
            severity: finding.severity.name().to_owned(),
            subject: finding.subject.name().to_owned(),
            message: finding.message,
            file: finding.file.map(|file| file.to_string_lossy().into_owned()),
            offset: finding.offset.map(exact),
            segment_id: finding.segment_id.map(|id| BigInt::from(id.get())),
            log: finding.log.map(|log| log.to_string()),
            segment: finding.segment.map(BigInt::from),
            whole_entries: finding
                .whole_entries
                .into_iter()
                .flat_map(|(first, last)| [BigInt::from(first), BigInt::from(last)])
                .collect(),
            kept: finding.kept,
            safe: finding.safe,
        }
    }
}

impl From<InProgress> for NativeInProgress {
    fn from(segment: InProgress) -> Self {
        Self {
            log: segment.log.to_string(),
            segment: BigInt::from(segment.segment),
            segment_id: BigInt::from(segment.segment_id.get()),
            entries: BigInt::from(segment.entries),
            records: segment.records.map(BigInt::from),
            last_dlsn: segment.last_dlsn.map(|dlsn| dlsn.to_string()),
            unfinished_bytes: exact(segment.unfinished_bytes),
            owner: segment.owner,
            owner_alive: segment.owner_alive,
        }
    }
}

impl From<NamespaceInfo> for NativeNamespaceInfo {
    fn from(info: NamespaceInfo) -> Self {
        let process =
            |process: dl_core::ProcessInfo| NativeProcess { id: process.id, client_id: process.client_id };
        Self {
            driver: info.driver.to_owned(),
            format: info.format.map(NativeFormat::from),
            logs: info.logs.map(exact),
            processes: info.processes.into_iter().map(process).collect(),
            journals: exact(info.journals),
            journal_bytes: exact(info.journal_bytes),
            segments: exact(info.segments),
            segment_bytes: exact(info.segment_bytes),
            metadata_bytes: exact(info.metadata_bytes),
        }
    }
}

impl From<FormatInfo> for NativeFormat {
    fn from(format: FormatInfo) -> Self {
        Self {
            version: exact(format.version),
            compatible: BigInt::from(format.compatible),
            read_only_compatible: BigInt::from(format.read_only_compatible),
            incompatible: BigInt::from(format.incompatible),
            known: format.known,
        }
    }
}

impl From<&Event> for NativeEvent {
    fn from(event: &Event) -> Self {
        Self {
            target: event.target().to_owned(),
            level: event.level().name().to_owned(),
            message: event.message().to_owned(),
            kind: event.kind().map(|kind| kind.name().to_owned()),
            context: event.context().flat_map(|(key, value)| [key.to_owned(), value.to_owned()]).collect(),
            text: event.to_string(),
        }
    }
}
