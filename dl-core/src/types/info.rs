//! What a namespace is, seen from outside.

/// The answer of [`Namespace::inspect`](crate::Namespace::inspect).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NamespaceInfo {
    /// The driver: `memory`, `file` or `bookkeeper`.
    pub driver: &'static str,
    /// On which cluster it is, if it is on BookKeeper.
    pub binding: Option<BindingInfo>,
    /// What its format file says; `None` where there is none.
    pub format: Option<FormatInfo>,
    /// The number of its logs; `None` if its metadata cannot be read, or not by this build.
    pub logs: Option<u64>,
    /// The processes that have it open for writing.
    pub processes: Vec<ProcessInfo>,
    /// The number of journals.
    pub journals: u64,
    /// The bytes that these take.
    pub journal_bytes: u64,
    /// The number of segment files.
    pub segments: u64,
    /// The bytes that these take.
    pub segment_bytes: u64,
    /// The bytes that the metadata takes.
    pub metadata_bytes: u64,
}

/// What binds a namespace to a BookKeeper cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BindingInfo {
    /// The path in ZooKeeper of the node that says so: that of the namespace, or one above.
    pub node: String,
    /// The ZooKeeper servers of the BookKeeper cluster.
    pub bookkeeper_zookeepers: String,
    /// The root of the cluster there.
    pub ledgers_path: String,
    /// Whether logs are spread over sub-namespaces.
    pub federated: bool,
    /// The number of the first segment of its logs.
    pub first_segment: i64,
}

/// The format of a namespace directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormatInfo {
    /// Its version.
    pub version: u64,
    /// Features that a build which does not know them may ignore.
    pub compatible: u64,
    /// Features with which such a build may only read.
    pub read_only_compatible: u64,
    /// Features with which such a build may do nothing.
    pub incompatible: u64,
    /// Whether this build knows all that it must know to write.
    pub known: bool,
}

/// A process that has a namespace open.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Its process id.
    pub id: u32,
    /// How it names itself as the owner of a log.
    pub client_id: String,
}
