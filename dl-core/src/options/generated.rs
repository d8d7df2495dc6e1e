// Made from options.toml by `cargo run -p xtask -- options`; change it there.

use std::fmt;

use super::choices::{OnTruncated, Start};
use super::text::{self, Unit};
use crate::error::Result;
use crate::types::{Compression, Digest, Dlsn, Takeover};

/// Options of a namespace; those in its URI win over these.
///
/// Set fields, or chain the methods of the same names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How this process names itself as the owner of a log, seen by those that it keeps out. If absent:
    /// host name and process id.
    ///
    /// 1 to 256 bytes.
    pub client_id: Option<String>,
    /// Makes the namespace where there is none: a directory (itself, not its parents); on BookKeeper only
    /// if `ledgers_path` says on which ledgers. If false, opening a missing one is `not-found`.
    ///
    /// Default: true.
    pub create_namespace: bool,
    /// Opens for reading only: nothing is written, and whatever would write fails with `permission-denied`.
    ///
    /// Default: false.
    pub read_only: bool,
    /// The most that all writers of this namespace handle together may have appended without an
    /// acknowledgement.
    ///
    /// Default: 64MiB. 1MiB to 64GiB.
    pub in_flight_bytes: u64,
    /// A sync of the disk that takes longer is told to the log hook.
    ///
    /// Default: 1s. 1 to 1h.
    pub slow_sync_ms: u64,
    /// How long to wait for another process that opens the directory or changes its metadata, before
    /// `unavailable`.
    ///
    /// Default: 10s. 0 to 10m.
    pub lock_wait_ms: u64,
    /// The size of this process's journal. A larger one is recycled less often and takes longer to replay
    /// after a crash.
    ///
    /// Default: 64MiB. 4MiB to 4GiB.
    pub journal_bytes: u64,
    /// From this many bytes on, what one group commit holds for one segment is synced in that segment's
    /// file instead of being written to the journal as well.
    ///
    /// Default: 256KiB. 4KiB to 1GiB.
    pub large_flush_bytes: u64,
    /// Opens a directory on a file system that is not known to keep the promises. On network mounts locks
    /// and shared memory do not hold between machines, and acknowledged records can be lost.
    ///
    /// Default: false.
    pub unsafe_filesystem: bool,
    /// The root of the BookKeeper cluster in ZooKeeper, `/ledgers` on most: a namespace that does not exist
    /// is made on it. One that exists says it by itself. If absent: none is made.
    ///
    /// 2 to 1024 bytes.
    pub ledgers_path: Option<String>,
    /// The ZooKeeper servers of the BookKeeper cluster, `host:port,host:port`, for a namespace that is
    /// made. If absent: those of the URI.
    ///
    /// 1 to 4096 bytes.
    pub bookkeeper_zookeepers: Option<String>,
    /// Makes a federated namespace: its logs are spread over sub-namespaces, so that no node of ZooKeeper
    /// gets too many children. One that exists says by itself whether it is.
    ///
    /// Default: false.
    pub federated: bool,
    /// The number of the first segment of each log in a namespace that is made, which is where its DLSNs
    /// begin. One that exists says it by itself. If absent: 1.
    ///
    /// 1 to 1000000000000.
    pub first_segment: Option<u64>,
    /// The most logs that are made in one sub-namespace of a federated namespace.
    ///
    /// Default: 15000. 1 to 1000000.
    pub logs_per_subnamespace: u64,
    /// On how many bookies a segment lies.
    ///
    /// Default: 3. 1 to 64.
    pub ensemble_size: u64,
    /// To how many of them each entry is written; if it is more than `ensemble_size`, to all.
    ///
    /// Default: 3. 1 to 64.
    pub write_quorum: u64,
    /// How many of those must have an entry on disk before it is acknowledged: the loss of one fewer loses
    /// nothing. If it is more than `write_quorum`, all of those.
    ///
    /// Default: 2. 1 to 64.
    pub ack_quorum: u64,
    /// What protects the entries of new segments: `crc32`, as Java DistributedLog writes, `crc32c`, `mac`
    /// or `none`. Each is read, by Java too, whatever this says.
    ///
    /// Default: crc32.
    pub digest: Digest,
    /// A writer that falls idle tells bookies how far it has got, instead of adding a control record that
    /// says so. That is one entry fewer for each lone append, but Java's readers see the last record only
    /// when the next one comes.
    ///
    /// Default: false.
    pub explicit_lac: bool,
    /// The password of ledgers (`digestPw` in Java), the same for all who use the namespace. It stands in
    /// clear in ZooKeeper. If absent: the empty one, as in Java.
    ///
    /// 1 to 256 bytes.
    pub ledger_password: Option<String>,
    /// What new ledgers say in their metadata of the application that they belong to, as Java's
    /// `LedgerMetadata` does; `dl bk orphans` deletes none that says so. If absent: nothing.
    ///
    /// 1 to 256 bytes.
    pub ledger_application: Option<String>,
    /// What new ledgers say of the part of that application. If absent: nothing.
    ///
    /// 1 to 256 bytes.
    pub ledger_component: Option<String>,
    /// How long ZooKeeper keeps the session of a process that is silent, and with it the locks of its
    /// writers. A writer looks whether its ledger is still its own before it acknowledges, if ZooKeeper was
    /// silent for half of that, at most 5 s, or its process did not run for over a second. Its servers have
    /// bounds of their own.
    ///
    /// Default: 10s. 1s to 10m.
    pub session_timeout_ms: u64,
    /// How long a call may wait for ZooKeeper, connecting again included, before it fails with
    /// `unavailable`.
    ///
    /// Default: 30s. 100 to 10m.
    pub zookeeper_timeout_ms: u64,
    /// The identity shown to ZooKeeper (`zkAclId` in Java): nodes made with it are its own, and others may
    /// only read them. If absent: anyone may do anything to them.
    ///
    /// 1 to 256 bytes.
    pub zookeeper_acl_id: Option<String>,
    /// The longest that connecting to a bookie may take, TLS and authentication included.
    ///
    /// Default: 10s. 10 to 10m.
    pub bookie_connect_timeout_ms: u64,
    /// How long a bookie may take to answer before it counts as failed.
    ///
    /// Default: 5s. 10 to 10m.
    pub bookie_request_timeout_ms: u64,
    /// Where bookies stand, so that the copies of an entry are in as many racks as can be: `HOST=RACK` or
    /// `HOST:PORT=RACK` for each, with commas between, such as `b1=/a,b2=/a,b3=/b`. Bookies not named are
    /// in one rack together. If absent: all are.
    ///
    /// 1 to 65536 bytes.
    pub bookie_racks: Option<String>,
    /// The name shown to bookies that want one (SASL, DIGEST-MD5). If absent: none.
    ///
    /// 1 to 256 bytes.
    pub bookie_user: Option<String>,
    /// The password that belongs to `bookie_user`. If absent: the empty one.
    ///
    /// 1 to 256 bytes.
    pub bookie_password: Option<String>,
    /// A file of certificates (PEM) to one of which those of bookies must lead: TLS is spoken with them. If
    /// absent: no TLS.
    ///
    /// 1 to 4096 bytes.
    pub tls_roots: Option<String>,
    /// A file with our own certificate and what leads to it (PEM), for bookies that ask for one. If absent:
    /// none is shown.
    ///
    /// 1 to 4096 bytes.
    pub tls_certificate: Option<String>,
    /// The file with the private key (PEM) of `tls_certificate`. If absent: none.
    ///
    /// 1 to 4096 bytes.
    pub tls_key: Option<String>,
}

impl Options {
    /// The names of all options, in the order of the table.
    pub const NAMES: &[&str] = &[
        "client_id",
        "create_namespace",
        "read_only",
        "in_flight_bytes",
        "slow_sync_ms",
        "lock_wait_ms",
        "journal_bytes",
        "large_flush_bytes",
        "unsafe_filesystem",
        "ledgers_path",
        "bookkeeper_zookeepers",
        "federated",
        "first_segment",
        "logs_per_subnamespace",
        "ensemble_size",
        "write_quorum",
        "ack_quorum",
        "digest",
        "explicit_lac",
        "ledger_password",
        "ledger_application",
        "ledger_component",
        "session_timeout_ms",
        "zookeeper_timeout_ms",
        "zookeeper_acl_id",
        "bookie_connect_timeout_ms",
        "bookie_request_timeout_ms",
        "bookie_racks",
        "bookie_user",
        "bookie_password",
        "tls_roots",
        "tls_certificate",
        "tls_key",
    ];

    /// Sets [`client_id`](Self#structfield.client_id).
    #[must_use]
    pub fn client_id(mut self, value: impl Into<String>) -> Self {
        self.client_id = Some(value.into());
        self
    }

    /// Sets [`create_namespace`](Self#structfield.create_namespace).
    #[must_use]
    pub fn create_namespace(mut self, value: bool) -> Self {
        self.create_namespace = value;
        self
    }

    /// Sets [`read_only`](Self#structfield.read_only).
    #[must_use]
    pub fn read_only(mut self, value: bool) -> Self {
        self.read_only = value;
        self
    }

    /// Sets [`in_flight_bytes`](Self#structfield.in_flight_bytes).
    #[must_use]
    pub fn in_flight_bytes(mut self, value: u64) -> Self {
        self.in_flight_bytes = value;
        self
    }

    /// Sets [`slow_sync_ms`](Self#structfield.slow_sync_ms).
    #[must_use]
    pub fn slow_sync_ms(mut self, value: u64) -> Self {
        self.slow_sync_ms = value;
        self
    }

    /// Sets [`lock_wait_ms`](Self#structfield.lock_wait_ms).
    #[must_use]
    pub fn lock_wait_ms(mut self, value: u64) -> Self {
        self.lock_wait_ms = value;
        self
    }

    /// Sets [`journal_bytes`](Self#structfield.journal_bytes).
    #[must_use]
    pub fn journal_bytes(mut self, value: u64) -> Self {
        self.journal_bytes = value;
        self
    }

    /// Sets [`large_flush_bytes`](Self#structfield.large_flush_bytes).
    #[must_use]
    pub fn large_flush_bytes(mut self, value: u64) -> Self {
        self.large_flush_bytes = value;
        self
    }

    /// Sets [`unsafe_filesystem`](Self#structfield.unsafe_filesystem).
    #[must_use]
    pub fn unsafe_filesystem(mut self, value: bool) -> Self {
        self.unsafe_filesystem = value;
        self
    }

    /// Sets [`ledgers_path`](Self#structfield.ledgers_path).
    #[must_use]
    pub fn ledgers_path(mut self, value: impl Into<String>) -> Self {
        self.ledgers_path = Some(value.into());
        self
    }

    /// Sets [`bookkeeper_zookeepers`](Self#structfield.bookkeeper_zookeepers).
    #[must_use]
    pub fn bookkeeper_zookeepers(mut self, value: impl Into<String>) -> Self {
        self.bookkeeper_zookeepers = Some(value.into());
        self
    }

    /// Sets [`federated`](Self#structfield.federated).
    #[must_use]
    pub fn federated(mut self, value: bool) -> Self {
        self.federated = value;
        self
    }

    /// Sets [`first_segment`](Self#structfield.first_segment).
    #[must_use]
    pub fn first_segment(mut self, value: u64) -> Self {
        self.first_segment = Some(value);
        self
    }

    /// Sets [`logs_per_subnamespace`](Self#structfield.logs_per_subnamespace).
    #[must_use]
    pub fn logs_per_subnamespace(mut self, value: u64) -> Self {
        self.logs_per_subnamespace = value;
        self
    }

    /// Sets [`ensemble_size`](Self#structfield.ensemble_size).
    #[must_use]
    pub fn ensemble_size(mut self, value: u64) -> Self {
        self.ensemble_size = value;
        self
    }

    /// Sets [`write_quorum`](Self#structfield.write_quorum).
    #[must_use]
    pub fn write_quorum(mut self, value: u64) -> Self {
        self.write_quorum = value;
        self
    }

    /// Sets [`ack_quorum`](Self#structfield.ack_quorum).
    #[must_use]
    pub fn ack_quorum(mut self, value: u64) -> Self {
        self.ack_quorum = value;
        self
    }

    /// Sets [`digest`](Self#structfield.digest).
    #[must_use]
    pub fn digest(mut self, value: Digest) -> Self {
        self.digest = value;
        self
    }

    /// Sets [`explicit_lac`](Self#structfield.explicit_lac).
    #[must_use]
    pub fn explicit_lac(mut self, value: bool) -> Self {
        self.explicit_lac = value;
        self
    }

    /// Sets [`ledger_password`](Self#structfield.ledger_password).
    #[must_use]
    pub fn ledger_password(mut self, value: impl Into<String>) -> Self {
        self.ledger_password = Some(value.into());
        self
    }

    /// Sets [`ledger_application`](Self#structfield.ledger_application).
    #[must_use]
    pub fn ledger_application(mut self, value: impl Into<String>) -> Self {
        self.ledger_application = Some(value.into());
        self
    }

    /// Sets [`ledger_component`](Self#structfield.ledger_component).
    #[must_use]
    pub fn ledger_component(mut self, value: impl Into<String>) -> Self {
        self.ledger_component = Some(value.into());
        self
    }

    /// Sets [`session_timeout_ms`](Self#structfield.session_timeout_ms).
    #[must_use]
    pub fn session_timeout_ms(mut self, value: u64) -> Self {
        self.session_timeout_ms = value;
        self
    }

    /// Sets [`zookeeper_timeout_ms`](Self#structfield.zookeeper_timeout_ms).
    #[must_use]
    pub fn zookeeper_timeout_ms(mut self, value: u64) -> Self {
        self.zookeeper_timeout_ms = value;
        self
    }

    /// Sets [`zookeeper_acl_id`](Self#structfield.zookeeper_acl_id).
    #[must_use]
    pub fn zookeeper_acl_id(mut self, value: impl Into<String>) -> Self {
        self.zookeeper_acl_id = Some(value.into());
        self
    }

    /// Sets [`bookie_connect_timeout_ms`](Self#structfield.bookie_connect_timeout_ms).
    #[must_use]
    pub fn bookie_connect_timeout_ms(mut self, value: u64) -> Self {
        self.bookie_connect_timeout_ms = value;
        self
    }

    /// Sets [`bookie_request_timeout_ms`](Self#structfield.bookie_request_timeout_ms).
    #[must_use]
    pub fn bookie_request_timeout_ms(mut self, value: u64) -> Self {
        self.bookie_request_timeout_ms = value;
        self
    }

    /// Sets [`bookie_racks`](Self#structfield.bookie_racks).
    #[must_use]
    pub fn bookie_racks(mut self, value: impl Into<String>) -> Self {
        self.bookie_racks = Some(value.into());
        self
    }

    /// Sets [`bookie_user`](Self#structfield.bookie_user).
    #[must_use]
    pub fn bookie_user(mut self, value: impl Into<String>) -> Self {
        self.bookie_user = Some(value.into());
        self
    }

    /// Sets [`bookie_password`](Self#structfield.bookie_password).
    #[must_use]
    pub fn bookie_password(mut self, value: impl Into<String>) -> Self {
        self.bookie_password = Some(value.into());
        self
    }

    /// Sets [`tls_roots`](Self#structfield.tls_roots).
    #[must_use]
    pub fn tls_roots(mut self, value: impl Into<String>) -> Self {
        self.tls_roots = Some(value.into());
        self
    }

    /// Sets [`tls_certificate`](Self#structfield.tls_certificate).
    #[must_use]
    pub fn tls_certificate(mut self, value: impl Into<String>) -> Self {
        self.tls_certificate = Some(value.into());
        self
    }

    /// Sets [`tls_key`](Self#structfield.tls_key).
    #[must_use]
    pub fn tls_key(mut self, value: impl Into<String>) -> Self {
        self.tls_key = Some(value.into());
        self
    }

    /// Sets the option `name` from text, as in URIs and on the command line.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown name, a text that is no value, and a value out of range; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        match name {
            "client_id" => self.client_id = Some(text::text("client_id", text, 1..=256)?),
            "create_namespace" => self.create_namespace = text::flag("create_namespace", text)?,
            "read_only" => self.read_only = text::flag("read_only", text)?,
            "in_flight_bytes" => {
                self.in_flight_bytes =
                    text::number("in_flight_bytes", text, Unit::Bytes, 1_048_576..=68_719_476_736)?
            }
            "slow_sync_ms" => {
                self.slow_sync_ms = text::number("slow_sync_ms", text, Unit::Milliseconds, 1..=3_600_000)?
            }
            "lock_wait_ms" => {
                self.lock_wait_ms = text::number("lock_wait_ms", text, Unit::Milliseconds, 0..=600_000)?
            }
            "journal_bytes" => {
                self.journal_bytes =
                    text::number("journal_bytes", text, Unit::Bytes, 4_194_304..=4_294_967_296)?
            }
            "large_flush_bytes" => {
                self.large_flush_bytes =
                    text::number("large_flush_bytes", text, Unit::Bytes, 4_096..=1_073_741_824)?
            }
            "unsafe_filesystem" => self.unsafe_filesystem = text::flag("unsafe_filesystem", text)?,
            "ledgers_path" => self.ledgers_path = Some(text::text("ledgers_path", text, 2..=1_024)?),
            "bookkeeper_zookeepers" => {
                self.bookkeeper_zookeepers = Some(text::text("bookkeeper_zookeepers", text, 1..=4_096)?)
            }
            "federated" => self.federated = text::flag("federated", text)?,
            "first_segment" => {
                self.first_segment =
                    Some(text::number("first_segment", text, Unit::Count, 1..=1_000_000_000_000)?)
            }
            "logs_per_subnamespace" => {
                self.logs_per_subnamespace =
                    text::number("logs_per_subnamespace", text, Unit::Count, 1..=1_000_000)?
            }
            "ensemble_size" => self.ensemble_size = text::number("ensemble_size", text, Unit::Count, 1..=64)?,
            "write_quorum" => self.write_quorum = text::number("write_quorum", text, Unit::Count, 1..=64)?,
            "ack_quorum" => self.ack_quorum = text::number("ack_quorum", text, Unit::Count, 1..=64)?,
            "digest" => self.digest = text::choice("digest", text)?,
            "explicit_lac" => self.explicit_lac = text::flag("explicit_lac", text)?,
            "ledger_password" => self.ledger_password = Some(text::text("ledger_password", text, 1..=256)?),
            "ledger_application" => {
                self.ledger_application = Some(text::text("ledger_application", text, 1..=256)?)
            }
            "ledger_component" => {
                self.ledger_component = Some(text::text("ledger_component", text, 1..=256)?)
            }
            "session_timeout_ms" => {
                self.session_timeout_ms =
                    text::number("session_timeout_ms", text, Unit::Milliseconds, 1_000..=600_000)?
            }
            "zookeeper_timeout_ms" => {
                self.zookeeper_timeout_ms =
                    text::number("zookeeper_timeout_ms", text, Unit::Milliseconds, 100..=600_000)?
            }
            "zookeeper_acl_id" => {
                self.zookeeper_acl_id = Some(text::text("zookeeper_acl_id", text, 1..=256)?)
            }
            "bookie_connect_timeout_ms" => {
                self.bookie_connect_timeout_ms =
                    text::number("bookie_connect_timeout_ms", text, Unit::Milliseconds, 10..=600_000)?
            }
            "bookie_request_timeout_ms" => {
                self.bookie_request_timeout_ms =
                    text::number("bookie_request_timeout_ms", text, Unit::Milliseconds, 10..=600_000)?
            }
            "bookie_racks" => self.bookie_racks = Some(text::text("bookie_racks", text, 1..=65_536)?),
            "bookie_user" => self.bookie_user = Some(text::text("bookie_user", text, 1..=256)?),
            "bookie_password" => self.bookie_password = Some(text::text("bookie_password", text, 1..=256)?),
            "tls_roots" => self.tls_roots = Some(text::text("tls_roots", text, 1..=4_096)?),
            "tls_certificate" => self.tls_certificate = Some(text::text("tls_certificate", text, 1..=4_096)?),
            "tls_key" => self.tls_key = Some(text::text("tls_key", text, 1..=4_096)?),
            _ => return Err(text::unknown("namespace", name, Self::NAMES)),
        }
        Ok(())
    }

    /// The options that have a value, by name, as texts that [`set`](Self::set) takes.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("client_id", self.client_id.as_ref().map(ToString::to_string)),
            ("create_namespace", Some(self.create_namespace.to_string())),
            ("read_only", Some(self.read_only.to_string())),
            ("in_flight_bytes", Some(text::show(Unit::Bytes, self.in_flight_bytes))),
            ("slow_sync_ms", Some(text::show(Unit::Milliseconds, self.slow_sync_ms))),
            ("lock_wait_ms", Some(text::show(Unit::Milliseconds, self.lock_wait_ms))),
            ("journal_bytes", Some(text::show(Unit::Bytes, self.journal_bytes))),
            ("large_flush_bytes", Some(text::show(Unit::Bytes, self.large_flush_bytes))),
            ("unsafe_filesystem", Some(self.unsafe_filesystem.to_string())),
            ("ledgers_path", self.ledgers_path.as_ref().map(ToString::to_string)),
            ("bookkeeper_zookeepers", self.bookkeeper_zookeepers.as_ref().map(ToString::to_string)),
            ("federated", Some(self.federated.to_string())),
            ("first_segment", self.first_segment.map(|value| text::show(Unit::Count, value))),
            ("logs_per_subnamespace", Some(text::show(Unit::Count, self.logs_per_subnamespace))),
            ("ensemble_size", Some(text::show(Unit::Count, self.ensemble_size))),
            ("write_quorum", Some(text::show(Unit::Count, self.write_quorum))),
            ("ack_quorum", Some(text::show(Unit::Count, self.ack_quorum))),
            ("digest", Some(self.digest.to_string())),
            ("explicit_lac", Some(self.explicit_lac.to_string())),
            ("ledger_password", self.ledger_password.as_ref().map(ToString::to_string)),
            ("ledger_application", self.ledger_application.as_ref().map(ToString::to_string)),
            ("ledger_component", self.ledger_component.as_ref().map(ToString::to_string)),
            ("session_timeout_ms", Some(text::show(Unit::Milliseconds, self.session_timeout_ms))),
            ("zookeeper_timeout_ms", Some(text::show(Unit::Milliseconds, self.zookeeper_timeout_ms))),
            ("zookeeper_acl_id", self.zookeeper_acl_id.as_ref().map(ToString::to_string)),
            (
                "bookie_connect_timeout_ms",
                Some(text::show(Unit::Milliseconds, self.bookie_connect_timeout_ms)),
            ),
            (
                "bookie_request_timeout_ms",
                Some(text::show(Unit::Milliseconds, self.bookie_request_timeout_ms)),
            ),
            ("bookie_racks", self.bookie_racks.as_ref().map(ToString::to_string)),
            ("bookie_user", self.bookie_user.as_ref().map(ToString::to_string)),
            ("bookie_password", self.bookie_password.as_ref().map(ToString::to_string)),
            ("tls_roots", self.tls_roots.as_ref().map(ToString::to_string)),
            ("tls_certificate", self.tls_certificate.as_ref().map(ToString::to_string)),
            ("tls_key", self.tls_key.as_ref().map(ToString::to_string)),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Checks the range of every value.
    ///
    /// # Errors
    /// `invalid-argument` with the option, its value and its range.
    pub fn validate(&self) -> Result<()> {
        if let Some(value) = &self.client_id {
            text::check_text("client_id", value, 1..=256)?;
        }
        text::check_number("in_flight_bytes", self.in_flight_bytes, Unit::Bytes, 1_048_576..=68_719_476_736)?;
        text::check_number("slow_sync_ms", self.slow_sync_ms, Unit::Milliseconds, 1..=3_600_000)?;
        text::check_number("lock_wait_ms", self.lock_wait_ms, Unit::Milliseconds, 0..=600_000)?;
        text::check_number("journal_bytes", self.journal_bytes, Unit::Bytes, 4_194_304..=4_294_967_296)?;
        text::check_number("large_flush_bytes", self.large_flush_bytes, Unit::Bytes, 4_096..=1_073_741_824)?;
        if let Some(value) = &self.ledgers_path {
            text::check_text("ledgers_path", value, 2..=1_024)?;
        }
        if let Some(value) = &self.bookkeeper_zookeepers {
            text::check_text("bookkeeper_zookeepers", value, 1..=4_096)?;
        }
        if let Some(value) = self.first_segment {
            text::check_number("first_segment", value, Unit::Count, 1..=1_000_000_000_000)?;
        }
        text::check_number("logs_per_subnamespace", self.logs_per_subnamespace, Unit::Count, 1..=1_000_000)?;
        text::check_number("ensemble_size", self.ensemble_size, Unit::Count, 1..=64)?;
        text::check_number("write_quorum", self.write_quorum, Unit::Count, 1..=64)?;
        text::check_number("ack_quorum", self.ack_quorum, Unit::Count, 1..=64)?;
        if let Some(value) = &self.ledger_password {
            text::check_text("ledger_password", value, 1..=256)?;
        }
        if let Some(value) = &self.ledger_application {
            text::check_text("ledger_application", value, 1..=256)?;
        }
        if let Some(value) = &self.ledger_component {
            text::check_text("ledger_component", value, 1..=256)?;
        }
        text::check_number(
            "session_timeout_ms",
            self.session_timeout_ms,
            Unit::Milliseconds,
            1_000..=600_000,
        )?;
        text::check_number(
            "zookeeper_timeout_ms",
            self.zookeeper_timeout_ms,
            Unit::Milliseconds,
            100..=600_000,
        )?;
        if let Some(value) = &self.zookeeper_acl_id {
            text::check_text("zookeeper_acl_id", value, 1..=256)?;
        }
        text::check_number(
            "bookie_connect_timeout_ms",
            self.bookie_connect_timeout_ms,
            Unit::Milliseconds,
            10..=600_000,
        )?;
        text::check_number(
            "bookie_request_timeout_ms",
            self.bookie_request_timeout_ms,
            Unit::Milliseconds,
            10..=600_000,
        )?;
        if let Some(value) = &self.bookie_racks {
            text::check_text("bookie_racks", value, 1..=65_536)?;
        }
        if let Some(value) = &self.bookie_user {
            text::check_text("bookie_user", value, 1..=256)?;
        }
        if let Some(value) = &self.bookie_password {
            text::check_text("bookie_password", value, 1..=256)?;
        }
        if let Some(value) = &self.tls_roots {
            text::check_text("tls_roots", value, 1..=4_096)?;
        }
        if let Some(value) = &self.tls_certificate {
            text::check_text("tls_certificate", value, 1..=4_096)?;
        }
        if let Some(value) = &self.tls_key {
            text::check_text("tls_key", value, 1..=4_096)?;
        }

        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: None,
            create_namespace: true,
            read_only: false,
            in_flight_bytes: 67_108_864,
            slow_sync_ms: 1_000,
            lock_wait_ms: 10_000,
            journal_bytes: 67_108_864,
            large_flush_bytes: 262_144,
            unsafe_filesystem: false,
            ledgers_path: None,
            bookkeeper_zookeepers: None,
            federated: false,
            first_segment: None,
            logs_per_subnamespace: 15_000,
            ensemble_size: 3,
            write_quorum: 3,
            ack_quorum: 2,
            digest: Digest::Crc32,
            explicit_lac: false,
            ledger_password: None,
            ledger_application: None,
            ledger_component: None,
            session_timeout_ms: 10_000,
            zookeeper_timeout_ms: 30_000,
            zookeeper_acl_id: None,
            bookie_connect_timeout_ms: 10_000,
            bookie_request_timeout_ms: 5_000,
            bookie_racks: None,
            bookie_user: None,
            bookie_password: None,
            tls_roots: None,
            tls_certificate: None,
            tls_key: None,
        }
    }
}

/// Of what is secret, only whether it is there.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("client_id", &self.client_id)
            .field("create_namespace", &self.create_namespace)
            .field("read_only", &self.read_only)
            .field("in_flight_bytes", &self.in_flight_bytes)
            .field("slow_sync_ms", &self.slow_sync_ms)
            .field("lock_wait_ms", &self.lock_wait_ms)
            .field("journal_bytes", &self.journal_bytes)
            .field("large_flush_bytes", &self.large_flush_bytes)
            .field("unsafe_filesystem", &self.unsafe_filesystem)
            .field("ledgers_path", &self.ledgers_path)
            .field("bookkeeper_zookeepers", &self.bookkeeper_zookeepers)
            .field("federated", &self.federated)
            .field("first_segment", &self.first_segment)
            .field("logs_per_subnamespace", &self.logs_per_subnamespace)
            .field("ensemble_size", &self.ensemble_size)
            .field("write_quorum", &self.write_quorum)
            .field("ack_quorum", &self.ack_quorum)
            .field("digest", &self.digest)
            .field("explicit_lac", &self.explicit_lac)
            .field("ledger_password", &self.ledger_password.as_ref().map(|_| "…"))
            .field("ledger_application", &self.ledger_application)
            .field("ledger_component", &self.ledger_component)
            .field("session_timeout_ms", &self.session_timeout_ms)
            .field("zookeeper_timeout_ms", &self.zookeeper_timeout_ms)
            .field("zookeeper_acl_id", &self.zookeeper_acl_id.as_ref().map(|_| "…"))
            .field("bookie_connect_timeout_ms", &self.bookie_connect_timeout_ms)
            .field("bookie_request_timeout_ms", &self.bookie_request_timeout_ms)
            .field("bookie_racks", &self.bookie_racks)
            .field("bookie_user", &self.bookie_user)
            .field("bookie_password", &self.bookie_password.as_ref().map(|_| "…"))
            .field("tls_roots", &self.tls_roots)
            .field("tls_certificate", &self.tls_certificate)
            .field("tls_key", &self.tls_key)
            .finish()
    }
}

/// Options that are kept with a log.
///
/// Set fields, or chain the methods of the same names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOptions {
    /// A segment that has reached this size is completed and a new one begun. Truncation and retention free
    /// whole segments.
    ///
    /// Default: 256MiB. 1KiB to 64GiB.
    pub roll_bytes: u64,
    /// A segment that has reached this age is completed, also if nothing is appended any more.
    ///
    /// Default: 2h. 1 to 3650d.
    pub roll_ms: u64,
    /// How entries are compressed: `none` or `lz4`.
    ///
    /// Default: none.
    pub compression: Compression,
    /// The log is truncated behind a segment that was completed so long ago, as are all in front of it. So
    /// a record stays for this time and at most `roll_ms` more. If absent: age frees nothing.
    ///
    /// 1 to 36500d.
    pub retention_ms: Option<u64>,
    /// The most that the completed segments of the log may hold together: beyond that the log is truncated
    /// behind the oldest ones. The newest completed one stays, whatever its size. If absent: size frees
    /// nothing.
    ///
    /// 1KiB to 9007199254740992.
    pub retention_bytes: Option<u64>,
    /// Retention moves no point of truncation: it only frees segments below the point that a truncation set
    /// and left behind, as Java DistributedLog does.
    ///
    /// Default: false.
    pub explicit_truncation: bool,
    /// On how many bookies segments of this log lie that writers opened from now on begin. If absent: as
    /// the writer's namespace was opened.
    ///
    /// 1 to 64.
    pub ensemble_size: Option<u64>,
    /// To how many of them each entry is written; at most to `ensemble_size`. If absent: as the writer's
    /// namespace was opened, or to all if these are fewer.
    ///
    /// 1 to 64.
    pub write_quorum: Option<u64>,
    /// How many of those must have an entry on disk before it is acknowledged; at most `write_quorum`. If
    /// absent: as the writer's namespace was opened, or all if these are fewer.
    ///
    /// 1 to 64.
    pub ack_quorum: Option<u64>,
}

impl LogOptions {
    /// The names of all options, in the order of the table.
    pub const NAMES: &[&str] = &[
        "roll_bytes",
        "roll_ms",
        "compression",
        "retention_ms",
        "retention_bytes",
        "explicit_truncation",
        "ensemble_size",
        "write_quorum",
        "ack_quorum",
    ];

    /// Sets [`roll_bytes`](Self#structfield.roll_bytes).
    #[must_use]
    pub fn roll_bytes(mut self, value: u64) -> Self {
        self.roll_bytes = value;
        self
    }

    /// Sets [`roll_ms`](Self#structfield.roll_ms).
    #[must_use]
    pub fn roll_ms(mut self, value: u64) -> Self {
        self.roll_ms = value;
        self
    }

    /// Sets [`compression`](Self#structfield.compression).
    #[must_use]
    pub fn compression(mut self, value: Compression) -> Self {
        self.compression = value;
        self
    }

    /// Sets [`retention_ms`](Self#structfield.retention_ms).
    #[must_use]
    pub fn retention_ms(mut self, value: u64) -> Self {
        self.retention_ms = Some(value);
        self
    }

    /// Sets [`retention_bytes`](Self#structfield.retention_bytes).
    #[must_use]
    pub fn retention_bytes(mut self, value: u64) -> Self {
        self.retention_bytes = Some(value);
        self
    }

    /// Sets [`explicit_truncation`](Self#structfield.explicit_truncation).
    #[must_use]
    pub fn explicit_truncation(mut self, value: bool) -> Self {
        self.explicit_truncation = value;
        self
    }

    /// Sets [`ensemble_size`](Self#structfield.ensemble_size).
    #[must_use]
    pub fn ensemble_size(mut self, value: u64) -> Self {
        self.ensemble_size = Some(value);
        self
    }

    /// Sets [`write_quorum`](Self#structfield.write_quorum).
    #[must_use]
    pub fn write_quorum(mut self, value: u64) -> Self {
        self.write_quorum = Some(value);
        self
    }

    /// Sets [`ack_quorum`](Self#structfield.ack_quorum).
    #[must_use]
    pub fn ack_quorum(mut self, value: u64) -> Self {
        self.ack_quorum = Some(value);
        self
    }

    /// Sets the option `name` from text, as in URIs and on the command line.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown name, a text that is no value, and a value out of range; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        match name {
            "roll_bytes" => {
                self.roll_bytes = text::number("roll_bytes", text, Unit::Bytes, 1_024..=68_719_476_736)?
            }
            "roll_ms" => {
                self.roll_ms = text::number("roll_ms", text, Unit::Milliseconds, 1..=315_360_000_000)?
            }
            "compression" => self.compression = text::choice("compression", text)?,
            "retention_ms" => {
                self.retention_ms =
                    Some(text::number("retention_ms", text, Unit::Milliseconds, 1..=3_153_600_000_000)?)
            }
            "retention_bytes" => {
                self.retention_bytes =
                    Some(text::number("retention_bytes", text, Unit::Bytes, 1_024..=9_007_199_254_740_992)?)
            }
            "explicit_truncation" => self.explicit_truncation = text::flag("explicit_truncation", text)?,
            "ensemble_size" => {
                self.ensemble_size = Some(text::number("ensemble_size", text, Unit::Count, 1..=64)?)
            }
            "write_quorum" => {
                self.write_quorum = Some(text::number("write_quorum", text, Unit::Count, 1..=64)?)
            }
            "ack_quorum" => self.ack_quorum = Some(text::number("ack_quorum", text, Unit::Count, 1..=64)?),
            _ => return Err(text::unknown("log", name, Self::NAMES)),
        }
        Ok(())
    }

    /// The options that have a value, by name, as texts that [`set`](Self::set) takes.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("roll_bytes", Some(text::show(Unit::Bytes, self.roll_bytes))),
            ("roll_ms", Some(text::show(Unit::Milliseconds, self.roll_ms))),
            ("compression", Some(self.compression.to_string())),
            ("retention_ms", self.retention_ms.map(|value| text::show(Unit::Milliseconds, value))),
            ("retention_bytes", self.retention_bytes.map(|value| text::show(Unit::Bytes, value))),
            ("explicit_truncation", Some(self.explicit_truncation.to_string())),
            ("ensemble_size", self.ensemble_size.map(|value| text::show(Unit::Count, value))),
            ("write_quorum", self.write_quorum.map(|value| text::show(Unit::Count, value))),
            ("ack_quorum", self.ack_quorum.map(|value| text::show(Unit::Count, value))),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Checks the range of every value.
    ///
    /// # Errors
    /// `invalid-argument` with the option, its value and its range.
    pub fn validate(&self) -> Result<()> {
        text::check_number("roll_bytes", self.roll_bytes, Unit::Bytes, 1_024..=68_719_476_736)?;
        text::check_number("roll_ms", self.roll_ms, Unit::Milliseconds, 1..=315_360_000_000)?;
        if let Some(value) = self.retention_ms {
            text::check_number("retention_ms", value, Unit::Milliseconds, 1..=3_153_600_000_000)?;
        }
        if let Some(value) = self.retention_bytes {
            text::check_number("retention_bytes", value, Unit::Bytes, 1_024..=9_007_199_254_740_992)?;
        }
        if let Some(value) = self.ensemble_size {
            text::check_number("ensemble_size", value, Unit::Count, 1..=64)?;
        }
        if let Some(value) = self.write_quorum {
            text::check_number("write_quorum", value, Unit::Count, 1..=64)?;
        }
        if let Some(value) = self.ack_quorum {
            text::check_number("ack_quorum", value, Unit::Count, 1..=64)?;
        }

        Ok(())
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            roll_bytes: 268_435_456,
            roll_ms: 7_200_000,
            compression: Compression::None,
            retention_ms: None,
            retention_bytes: None,
            explicit_truncation: false,
            ensemble_size: None,
            write_quorum: None,
            ack_quorum: None,
        }
    }
}

/// Of what is secret, only whether it is there.
impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("roll_bytes", &self.roll_bytes)
            .field("roll_ms", &self.roll_ms)
            .field("compression", &self.compression)
            .field("retention_ms", &self.retention_ms)
            .field("retention_bytes", &self.retention_bytes)
            .field("explicit_truncation", &self.explicit_truncation)
            .field("ensemble_size", &self.ensemble_size)
            .field("write_quorum", &self.write_quorum)
            .field("ack_quorum", &self.ack_quorum)
            .finish()
    }
}

/// Options of a writer.
///
/// Set fields, or chain the methods of the same names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterOptions {
    /// What to do about a writer that holds the log: `force` cuts it off now, `wait:30s` waits that long
    /// for it to let go, `never` does not wait; the last two then fail with `locked`. So does any of them
    /// when another took it while this one was being opened: try again.
    ///
    /// Default: force.
    pub takeover: Takeover,
    /// Makes the log if it does not exist.
    ///
    /// Default: false.
    pub create_log: bool,
    /// This writer's own. If absent: that of the log.
    pub compression: Option<Compression>,
    /// This writer's own. If absent: that of the log.
    ///
    /// 1KiB to 64GiB.
    pub roll_bytes: Option<u64>,
    /// This writer's own. If absent: that of the log.
    ///
    /// 1 to 3650d.
    pub roll_ms: Option<u64>,
    /// This writer's own. If absent: that of the log.
    ///
    /// 1 to 36500d.
    pub retention_ms: Option<u64>,
    /// This writer's own. If absent: that of the log.
    ///
    /// 1KiB to 9007199254740992.
    pub retention_bytes: Option<u64>,
    /// This writer's own. If absent: that of the log.
    pub explicit_truncation: Option<bool>,
    /// The most records that may be appended without an acknowledgement: `append` waits, `try_append`
    /// answers `busy`.
    ///
    /// Default: 5000. 1 to 10000000.
    pub in_flight_records: u64,
    /// The most bytes that may be appended without an acknowledgement: `append` waits, `try_append` answers
    /// `busy`.
    ///
    /// Default: 16MiB. 1MiB to 4GiB.
    pub in_flight_bytes: u64,
    /// After a refusal for lack of space (`storage-full`, `quota-exceeded`) the writer accepts nothing
    /// more, so that what it put into the log is a prefix of what it was given, also where appends do not
    /// wait for acknowledgements. Otherwise it goes on once there is room.
    ///
    /// Default: false.
    pub stop_when_full: bool,
    /// How long `close` waits for acknowledgements before it gives up; what is left is then settled with
    /// `closed`.
    ///
    /// Default: 30s. 0 to 1d.
    pub close_timeout_ms: u64,
}

impl WriterOptions {
    /// The names of all options, in the order of the table.
    pub const NAMES: &[&str] = &[
        "takeover",
        "create_log",
        "compression",
        "roll_bytes",
        "roll_ms",
        "retention_ms",
        "retention_bytes",
        "explicit_truncation",
        "in_flight_records",
        "in_flight_bytes",
        "stop_when_full",
        "close_timeout_ms",
    ];

    /// Sets [`takeover`](Self#structfield.takeover).
    #[must_use]
    pub fn takeover(mut self, value: Takeover) -> Self {
        self.takeover = value;
        self
    }

    /// Sets [`create_log`](Self#structfield.create_log).
    #[must_use]
    pub fn create_log(mut self, value: bool) -> Self {
        self.create_log = value;
        self
    }

    /// Sets [`compression`](Self#structfield.compression).
    #[must_use]
    pub fn compression(mut self, value: Compression) -> Self {
        self.compression = Some(value);
        self
    }

    /// Sets [`roll_bytes`](Self#structfield.roll_bytes).
    #[must_use]
    pub fn roll_bytes(mut self, value: u64) -> Self {
        self.roll_bytes = Some(value);
        self
    }

    /// Sets [`roll_ms`](Self#structfield.roll_ms).
    #[must_use]
    pub fn roll_ms(mut self, value: u64) -> Self {
        self.roll_ms = Some(value);
        self
    }

    /// Sets [`retention_ms`](Self#structfield.retention_ms).
    #[must_use]
    pub fn retention_ms(mut self, value: u64) -> Self {
        self.retention_ms = Some(value);
        self
    }

    /// Sets [`retention_bytes`](Self#structfield.retention_bytes).
    #[must_use]
    pub fn retention_bytes(mut self, value: u64) -> Self {
        self.retention_bytes = Some(value);
        self
    }

    /// Sets [`explicit_truncation`](Self#structfield.explicit_truncation).
    #[must_use]
    pub fn explicit_truncation(mut self, value: bool) -> Self {
        self.explicit_truncation = Some(value);
        self
    }

    /// Sets [`in_flight_records`](Self#structfield.in_flight_records).
    #[must_use]
    pub fn in_flight_records(mut self, value: u64) -> Self {
        self.in_flight_records = value;
        self
    }

    /// Sets [`in_flight_bytes`](Self#structfield.in_flight_bytes).
    #[must_use]
    pub fn in_flight_bytes(mut self, value: u64) -> Self {
        self.in_flight_bytes = value;
        self
    }

    /// Sets [`stop_when_full`](Self#structfield.stop_when_full).
    #[must_use]
    pub fn stop_when_full(mut self, value: bool) -> Self {
        self.stop_when_full = value;
        self
    }

    /// Sets [`close_timeout_ms`](Self#structfield.close_timeout_ms).
    #[must_use]
    pub fn close_timeout_ms(mut self, value: u64) -> Self {
        self.close_timeout_ms = value;
        self
    }

    /// Sets the option `name` from text, as in URIs and on the command line.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown name, a text that is no value, and a value out of range; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        match name {
            "takeover" => self.takeover = text::choice("takeover", text)?,
            "create_log" => self.create_log = text::flag("create_log", text)?,
            "compression" => self.compression = Some(text::choice("compression", text)?),
            "roll_bytes" => {
                self.roll_bytes = Some(text::number("roll_bytes", text, Unit::Bytes, 1_024..=68_719_476_736)?)
            }
            "roll_ms" => {
                self.roll_ms = Some(text::number("roll_ms", text, Unit::Milliseconds, 1..=315_360_000_000)?)
            }
            "retention_ms" => {
                self.retention_ms =
                    Some(text::number("retention_ms", text, Unit::Milliseconds, 1..=3_153_600_000_000)?)
            }
            "retention_bytes" => {
                self.retention_bytes =
                    Some(text::number("retention_bytes", text, Unit::Bytes, 1_024..=9_007_199_254_740_992)?)
            }
            "explicit_truncation" => {
                self.explicit_truncation = Some(text::flag("explicit_truncation", text)?)
            }
            "in_flight_records" => {
                self.in_flight_records = text::number("in_flight_records", text, Unit::Count, 1..=10_000_000)?
            }
            "in_flight_bytes" => {
                self.in_flight_bytes =
                    text::number("in_flight_bytes", text, Unit::Bytes, 1_048_576..=4_294_967_296)?
            }
            "stop_when_full" => self.stop_when_full = text::flag("stop_when_full", text)?,
            "close_timeout_ms" => {
                self.close_timeout_ms =
                    text::number("close_timeout_ms", text, Unit::Milliseconds, 0..=86_400_000)?
            }
            _ => return Err(text::unknown("writer", name, Self::NAMES)),
        }
        Ok(())
    }

    /// The options that have a value, by name, as texts that [`set`](Self::set) takes.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("takeover", Some(self.takeover.to_string())),
            ("create_log", Some(self.create_log.to_string())),
            ("compression", self.compression.as_ref().map(ToString::to_string)),
            ("roll_bytes", self.roll_bytes.map(|value| text::show(Unit::Bytes, value))),
            ("roll_ms", self.roll_ms.map(|value| text::show(Unit::Milliseconds, value))),
            ("retention_ms", self.retention_ms.map(|value| text::show(Unit::Milliseconds, value))),
            ("retention_bytes", self.retention_bytes.map(|value| text::show(Unit::Bytes, value))),
            ("explicit_truncation", self.explicit_truncation.as_ref().map(ToString::to_string)),
            ("in_flight_records", Some(text::show(Unit::Count, self.in_flight_records))),
            ("in_flight_bytes", Some(text::show(Unit::Bytes, self.in_flight_bytes))),
            ("stop_when_full", Some(self.stop_when_full.to_string())),
            ("close_timeout_ms", Some(text::show(Unit::Milliseconds, self.close_timeout_ms))),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Checks the range of every value.
    ///
    /// # Errors
    /// `invalid-argument` with the option, its value and its range.
    pub fn validate(&self) -> Result<()> {
        if let Some(value) = self.roll_bytes {
            text::check_number("roll_bytes", value, Unit::Bytes, 1_024..=68_719_476_736)?;
        }
        if let Some(value) = self.roll_ms {
            text::check_number("roll_ms", value, Unit::Milliseconds, 1..=315_360_000_000)?;
        }
        if let Some(value) = self.retention_ms {
            text::check_number("retention_ms", value, Unit::Milliseconds, 1..=3_153_600_000_000)?;
        }
        if let Some(value) = self.retention_bytes {
            text::check_number("retention_bytes", value, Unit::Bytes, 1_024..=9_007_199_254_740_992)?;
        }
        text::check_number("in_flight_records", self.in_flight_records, Unit::Count, 1..=10_000_000)?;
        text::check_number("in_flight_bytes", self.in_flight_bytes, Unit::Bytes, 1_048_576..=4_294_967_296)?;
        text::check_number("close_timeout_ms", self.close_timeout_ms, Unit::Milliseconds, 0..=86_400_000)?;
        Ok(())
    }
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self {
            takeover: Takeover::Force,
            create_log: false,
            compression: None,
            roll_bytes: None,
            roll_ms: None,
            retention_ms: None,
            retention_bytes: None,
            explicit_truncation: None,
            in_flight_records: 5_000,
            in_flight_bytes: 16_777_216,
            stop_when_full: false,
            close_timeout_ms: 30_000,
        }
    }
}

/// Of what is secret, only whether it is there.
impl fmt::Debug for WriterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterOptions")
            .field("takeover", &self.takeover)
            .field("create_log", &self.create_log)
            .field("compression", &self.compression)
            .field("roll_bytes", &self.roll_bytes)
            .field("roll_ms", &self.roll_ms)
            .field("retention_ms", &self.retention_ms)
            .field("retention_bytes", &self.retention_bytes)
            .field("explicit_truncation", &self.explicit_truncation)
            .field("in_flight_records", &self.in_flight_records)
            .field("in_flight_bytes", &self.in_flight_bytes)
            .field("stop_when_full", &self.stop_when_full)
            .field("close_timeout_ms", &self.close_timeout_ms)
            .finish()
    }
}

/// Options of a reader.
///
/// Set fields, or chain the methods of the same names.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// Where to start: `earliest`, `latest` (the first record not yet visible), a DLSN such as `3:120:0`
    /// (or the next there is), or `txid:1700000000000` (the first record with that txid or a larger one).
    ///
    /// Default: earliest.
    pub from: Start,
    /// Waits for more at the end of the log instead of ending there.
    ///
    /// Default: false.
    pub follow: bool,
    /// Ends after the record at this DLSN. If absent: no such bound.
    pub until: Option<Dlsn>,
    /// Ends after this many records. If absent: no such bound.
    pub count: Option<u64>,
    /// When the start lies below the point of truncation: `fail` with `truncated`, or `skip` to the first
    /// readable record.
    ///
    /// Default: fail.
    pub on_truncated: OnTruncated,
    /// How much a reader fetches ahead of its caller at most. If absent: 1MiB; on BookKeeper, where it
    /// waits for other machines, 4MiB.
    ///
    /// 64KiB to 64MiB.
    pub read_ahead_bytes: Option<u64>,
    /// Starts behind the position of this cursor; where it has none yet, `from` says. If absent: no cursor.
    ///
    /// 1 to 256 bytes.
    pub cursor: Option<String>,
    /// Opens a locked reader: of those with the same cursor (of those without one, if it has none) one at a
    /// time reads. One that lost its lock fails with `fenced`, and moves its cursor no more.
    ///
    /// Default: false.
    pub locked: bool,
    /// What a locked reader does about another that holds the lock: `force` cuts it off now, `wait:30s`
    /// waits that long for it to let go, `never` does not wait; the last two then fail with `locked`. So
    /// does any of them when another took it while this one was being opened: try again.
    ///
    /// Default: force.
    pub takeover: Takeover,
    /// Delivers a record set as the one record it is stored as, at the position of its first member,
    /// instead of its members. One that the start lies inside is unpacked; one that reaches over `until` is
    /// delivered.
    ///
    /// Default: false.
    pub whole_record_sets: bool,
}

impl ReaderOptions {
    /// The names of all options, in the order of the table.
    pub const NAMES: &[&str] = &[
        "from",
        "follow",
        "until",
        "count",
        "on_truncated",
        "read_ahead_bytes",
        "cursor",
        "locked",
        "takeover",
        "whole_record_sets",
    ];

    /// Sets [`from`](Self#structfield.from).
    #[must_use]
    pub fn from(mut self, value: Start) -> Self {
        self.from = value;
        self
    }

    /// Sets [`follow`](Self#structfield.follow).
    #[must_use]
    pub fn follow(mut self, value: bool) -> Self {
        self.follow = value;
        self
    }

    /// Sets [`until`](Self#structfield.until).
    #[must_use]
    pub fn until(mut self, value: Dlsn) -> Self {
        self.until = Some(value);
        self
    }

    /// Sets [`count`](Self#structfield.count).
    #[must_use]
    pub fn count(mut self, value: u64) -> Self {
        self.count = Some(value);
        self
    }

    /// Sets [`on_truncated`](Self#structfield.on_truncated).
    #[must_use]
    pub fn on_truncated(mut self, value: OnTruncated) -> Self {
        self.on_truncated = value;
        self
    }

    /// Sets [`read_ahead_bytes`](Self#structfield.read_ahead_bytes).
    #[must_use]
    pub fn read_ahead_bytes(mut self, value: u64) -> Self {
        self.read_ahead_bytes = Some(value);
        self
    }

    /// Sets [`cursor`](Self#structfield.cursor).
    #[must_use]
    pub fn cursor(mut self, value: impl Into<String>) -> Self {
        self.cursor = Some(value.into());
        self
    }

    /// Sets [`locked`](Self#structfield.locked).
    #[must_use]
    pub fn locked(mut self, value: bool) -> Self {
        self.locked = value;
        self
    }

    /// Sets [`takeover`](Self#structfield.takeover).
    #[must_use]
    pub fn takeover(mut self, value: Takeover) -> Self {
        self.takeover = value;
        self
    }

    /// Sets [`whole_record_sets`](Self#structfield.whole_record_sets).
    #[must_use]
    pub fn whole_record_sets(mut self, value: bool) -> Self {
        self.whole_record_sets = value;
        self
    }

    /// Sets the option `name` from text, as in URIs and on the command line.
    ///
    /// # Errors
    /// `invalid-argument` for an unknown name, a text that is no value, and a value out of range; nothing is
    /// changed then.
    pub fn set(&mut self, name: &str, text: &str) -> Result<()> {
        match name {
            "from" => self.from = text::choice("from", text)?,
            "follow" => self.follow = text::flag("follow", text)?,
            "until" => self.until = Some(text::choice("until", text)?),
            "count" => {
                self.count = Some(text::number("count", text, Unit::Count, 0..=9_223_372_036_854_775_807)?)
            }
            "on_truncated" => self.on_truncated = text::choice("on_truncated", text)?,
            "read_ahead_bytes" => {
                self.read_ahead_bytes =
                    Some(text::number("read_ahead_bytes", text, Unit::Bytes, 65_536..=67_108_864)?)
            }
            "cursor" => self.cursor = Some(text::text("cursor", text, 1..=256)?),
            "locked" => self.locked = text::flag("locked", text)?,
            "takeover" => self.takeover = text::choice("takeover", text)?,
            "whole_record_sets" => self.whole_record_sets = text::flag("whole_record_sets", text)?,
            _ => return Err(text::unknown("reader", name, Self::NAMES)),
        }
        Ok(())
    }

    /// The options that have a value, by name, as texts that [`set`](Self::set) takes.
    #[must_use]
    pub fn texts(&self) -> Vec<(&'static str, String)> {
        let texts = [
            ("from", Some(self.from.to_string())),
            ("follow", Some(self.follow.to_string())),
            ("until", self.until.as_ref().map(ToString::to_string)),
            ("count", self.count.map(|value| text::show(Unit::Count, value))),
            ("on_truncated", Some(self.on_truncated.to_string())),
            ("read_ahead_bytes", self.read_ahead_bytes.map(|value| text::show(Unit::Bytes, value))),
            ("cursor", self.cursor.as_ref().map(ToString::to_string)),
            ("locked", Some(self.locked.to_string())),
            ("takeover", Some(self.takeover.to_string())),
            ("whole_record_sets", Some(self.whole_record_sets.to_string())),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, text?))).collect()
    }

    /// Checks the range of every value.
    ///
    /// # Errors
    /// `invalid-argument` with the option, its value and its range.
    pub fn validate(&self) -> Result<()> {
        if let Some(value) = self.count {
            text::check_number("count", value, Unit::Count, 0..=9_223_372_036_854_775_807)?;
        }
        if let Some(value) = self.read_ahead_bytes {
            text::check_number("read_ahead_bytes", value, Unit::Bytes, 65_536..=67_108_864)?;
        }
        if let Some(value) = &self.cursor {
            text::check_text("cursor", value, 1..=256)?;
        }

        Ok(())
    }
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self {
            from: Start::Earliest,
            follow: false,
            until: None,
            count: None,
            on_truncated: OnTruncated::Fail,
            read_ahead_bytes: None,
            cursor: None,
            locked: false,
            takeover: Takeover::Force,
            whole_record_sets: false,
        }
    }
}

/// Of what is secret, only whether it is there.
impl fmt::Debug for ReaderOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderOptions")
            .field("from", &self.from)
            .field("follow", &self.follow)
            .field("until", &self.until)
            .field("count", &self.count)
            .field("on_truncated", &self.on_truncated)
            .field("read_ahead_bytes", &self.read_ahead_bytes)
            .field("cursor", &self.cursor)
            .field("locked", &self.locked)
            .field("takeover", &self.takeover)
            .field("whole_record_sets", &self.whole_record_sets)
            .finish()
    }
}

/// Options whose values are not shown.
pub(super) const SECRET: &[&str] = &["ledger_password", "zookeeper_acl_id", "bookie_password"];
