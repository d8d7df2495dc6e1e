// Made from dl-core/src/options/options.toml by `cargo run -p xtask -- options`; change it there.

use std::ffi::c_char;

use dl_core::{LogOptions, Options, ReaderOptions, WriterOptions};

use super::{Settings, get, name, new, set};
use crate::boundary::{answer, boundary};
use crate::dlsn::dl_dlsn;
use crate::error::dl_error;
use crate::handle::{self, Boxed, Object};
use crate::text;

/// Options of a namespace, for dl_namespace_open; those in its URI win. One thread at a time fills them.
#[derive(Debug)]
pub struct dl_namespace_options {
    pub(crate) settings: Settings<Options>,
}

impl Object for dl_namespace_options {
    const NAME: &'static str = "the options";
}

impl Boxed for dl_namespace_options {}

/// Makes options: the defaults.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_new() -> *mut dl_namespace_options {
    answer(std::ptr::null_mut(), || Ok(handle::give(dl_namespace_options { settings: new() })))
}

/// Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
///
/// Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set(
    options: *mut dl_namespace_options,
    name: *const c_char,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let (name, value) = (text::read(name, "name")?, text::read(value, "value")?);
        set(&mut handle::borrow_mut(options)?.settings, name, value)
    })
}

/// The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_get(
    options: *const dl_namespace_options,
    name: *const c_char,
) -> *const c_char {
    answer(std::ptr::null(), || Ok(get(&handle::borrow(options)?.settings, text::read(name, "name")?)))
}

/// The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
/// changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_name(
    options: *const dl_namespace_options,
    index: usize,
) -> *const c_char {
    answer(std::ptr::null(), || Ok(name(&handle::borrow(options)?.settings, index)))
}

/// Frees options.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_free(options: *mut dl_namespace_options) {
    handle::free(options);
}

/// How this process names itself as the owner of a log, seen by those that it keeps out. If absent:
/// host name and process id.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_client_id(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "client_id", value)
    })
}

/// Makes the namespace where there is none: a directory (itself, not its parents); on BookKeeper only
/// if "ledgers_path" says on which ledgers. If false, opening a missing one is "not-found".
///
/// true or false; default true. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_create_namespace(
    options: *mut dl_namespace_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "create_namespace", value)
    })
}

/// Opens for reading only: nothing is written, and whatever would write fails with "permission-denied".
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_read_only(
    options: *mut dl_namespace_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "read_only", value)
    })
}

/// The most that all writers of this namespace handle together may have appended without an
/// acknowledgement.
///
/// bytes; default 64MiB; 1MiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_in_flight_bytes(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "in_flight_bytes", value)
    })
}

/// A sync of the disk that takes longer is told to the log hook.
///
/// milliseconds; default 1s; 1 to 1h. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_slow_sync_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "slow_sync_ms", value)
    })
}

/// How long to wait for another process that opens the directory or changes its metadata, before
/// "unavailable".
///
/// milliseconds; default 10s; 0 to 10m. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_lock_wait_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "lock_wait_ms", value)
    })
}

/// The size of this process's journal. A larger one is recycled less often and takes longer to replay
/// after a crash.
///
/// bytes; default 64MiB; 4MiB to 4GiB. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_journal_bytes(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "journal_bytes", value)
    })
}

/// From this many bytes on, what one group commit holds for one segment is synced in that segment's
/// file instead of being written to the journal as well.
///
/// bytes; default 256KiB; 4KiB to 1GiB. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_large_flush_bytes(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "large_flush_bytes", value)
    })
}

/// Opens a directory on a file system that is not known to keep the promises. On network mounts locks
/// and shared memory do not hold between machines, and acknowledged records can be lost.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_unsafe_filesystem(
    options: *mut dl_namespace_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "unsafe_filesystem", value)
    })
}

/// The root of the BookKeeper cluster in ZooKeeper, "/ledgers" on most: a namespace that does not exist
/// is made on it. One that exists says it by itself. If absent: none is made.
///
/// text; 2 to 1024. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ledgers_path(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "ledgers_path", value)
    })
}

/// The ZooKeeper servers of the BookKeeper cluster, "host:port,host:port", for a namespace that is
/// made. If absent: those of the URI.
///
/// text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookkeeper_zookeepers(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "bookkeeper_zookeepers", value)
    })
}

/// Makes a federated namespace: its logs are spread over sub-namespaces, so that no node of ZooKeeper
/// gets too many children. One that exists says by itself whether it is.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_federated(
    options: *mut dl_namespace_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "federated", value)
    })
}

/// The number of the first segment of each log in a namespace that is made, which is where its DLSNs
/// begin. One that exists says it by itself. If absent: 1.
///
/// number; 1 to 1000000000000. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_first_segment(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "first_segment", value)
    })
}

/// The most logs that are made in one sub-namespace of a federated namespace.
///
/// number; default 15000; 1 to 1000000. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_logs_per_subnamespace(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "logs_per_subnamespace", value)
    })
}

/// On how many bookies a segment lies.
///
/// number; default 3; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ensemble_size(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "ensemble_size", value)
    })
}

/// To how many of them each entry is written; if it is more than "ensemble_size", to all.
///
/// number; default 3; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_write_quorum(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "write_quorum", value)
    })
}

/// How many of those must have an entry on disk before it is acknowledged: the loss of one fewer loses
/// nothing. If it is more than "write_quorum", all of those.
///
/// number; default 2; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ack_quorum(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "ack_quorum", value)
    })
}

/// What protects the entries of new segments: "crc32", as Java DistributedLog writes, "crc32c", "mac"
/// or "none". Each is read, by Java too, whatever this says.
///
/// "crc32", "crc32c", "mac", "none"; default crc32. Errors: invalid-argument if the value cannot be,
/// which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_digest(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "digest", value)
    })
}

/// A writer that falls idle tells bookies how far it has got, instead of adding a control record that
/// says so. That is one entry fewer for each lone append, but Java's readers see the last record only
/// when the next one comes.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_explicit_lac(
    options: *mut dl_namespace_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "explicit_lac", value)
    })
}

/// The password of ledgers ("digestPw" in Java), the same for all who use the namespace. It stands in
/// clear in ZooKeeper. If absent: the empty one, as in Java.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ledger_password(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "ledger_password", value)
    })
}

/// What new ledgers say in their metadata of the application that they belong to, as Java's
/// "LedgerMetadata" does; "dl bk orphans" deletes none that says so. If absent: nothing.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ledger_application(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "ledger_application", value)
    })
}

/// What new ledgers say of the part of that application. If absent: nothing.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_ledger_component(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "ledger_component", value)
    })
}

/// How long ZooKeeper keeps the session of a process that is silent, and with it the locks of its
/// writers. A writer looks whether its ledger is still its own before it acknowledges, if ZooKeeper was
/// silent for half of that, at most 5 s, or its process did not run for over a second. Its servers have
/// bounds of their own.
///
/// milliseconds; default 10s; 1s to 10m. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_session_timeout_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "session_timeout_ms", value)
    })
}

/// How long a call may wait for ZooKeeper, connecting again included, before it fails with
/// "unavailable".
///
/// milliseconds; default 30s; 100 to 10m. Errors: invalid-argument if the value cannot be, which
/// changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_zookeeper_timeout_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "zookeeper_timeout_ms", value)
    })
}

/// The identity shown to ZooKeeper ("zkAclId" in Java): nodes made with it are its own, and others may
/// only read them. If absent: anyone may do anything to them.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_zookeeper_acl_id(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "zookeeper_acl_id", value)
    })
}

/// The longest that connecting to a bookie may take, TLS and authentication included.
///
/// milliseconds; default 10s; 10 to 10m. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookie_connect_timeout_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "bookie_connect_timeout_ms", value)
    })
}

/// How long a bookie may take to answer before it counts as failed.
///
/// milliseconds; default 5s; 10 to 10m. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookie_request_timeout_ms(
    options: *mut dl_namespace_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "bookie_request_timeout_ms", value)
    })
}

/// Where bookies stand, so that the copies of an entry are in as many racks as can be: "HOST=RACK" or
/// "HOST:PORT=RACK" for each, with commas between, such as "b1=/a,b2=/a,b3=/b". Bookies not named are
/// in one rack together. If absent: all are.
///
/// text; 1 to 65536. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookie_racks(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "bookie_racks", value)
    })
}

/// The name shown to bookies that want one (SASL, DIGEST-MD5). If absent: none.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookie_user(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "bookie_user", value)
    })
}

/// The password that belongs to "bookie_user". If absent: the empty one.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_bookie_password(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "bookie_password", value)
    })
}

/// A file of certificates (PEM) to one of which those of bookies must lead: TLS is spoken with them. If
/// absent: no TLS.
///
/// text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_tls_roots(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "tls_roots", value)
    })
}

/// A file with our own certificate and what leads to it (PEM), for bookies that ask for one. If absent:
/// none is shown.
///
/// text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_tls_certificate(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "tls_certificate", value)
    })
}

/// The file with the private key (PEM) of "tls_certificate". If absent: none.
///
/// text; 1 to 4096. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_namespace_options_set_tls_key(
    options: *mut dl_namespace_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "tls_key", value)
    })
}

/// Options of a log, kept with it: see dl_log_set_options. One thread at a time fills them.
#[derive(Debug)]
pub struct dl_log_options {
    pub(crate) settings: Settings<LogOptions>,
}

impl Object for dl_log_options {
    const NAME: &'static str = "the options";
}

impl Boxed for dl_log_options {}

/// Makes options: the defaults.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_new() -> *mut dl_log_options {
    answer(std::ptr::null_mut(), || Ok(handle::give(dl_log_options { settings: new() })))
}

/// Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
///
/// Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set(
    options: *mut dl_log_options,
    name: *const c_char,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let (name, value) = (text::read(name, "name")?, text::read(value, "value")?);
        set(&mut handle::borrow_mut(options)?.settings, name, value)
    })
}

/// The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_get(options: *const dl_log_options, name: *const c_char) -> *const c_char {
    answer(std::ptr::null(), || Ok(get(&handle::borrow(options)?.settings, text::read(name, "name")?)))
}

/// The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
/// changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_name(options: *const dl_log_options, index: usize) -> *const c_char {
    answer(std::ptr::null(), || Ok(name(&handle::borrow(options)?.settings, index)))
}

/// Frees options.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_free(options: *mut dl_log_options) {
    handle::free(options);
}

/// A segment that has reached this size is completed and a new one begun. Truncation and retention free
/// whole segments.
///
/// bytes; default 256MiB; 1KiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_roll_bytes(options: *mut dl_log_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "roll_bytes", value)
    })
}

/// A segment that has reached this age is completed, also if nothing is appended any more.
///
/// milliseconds; default 2h; 1 to 3650d. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_roll_ms(options: *mut dl_log_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "roll_ms", value)
    })
}

/// How entries are compressed: "none" or "lz4".
///
/// "none", "lz4"; default none. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_compression(
    options: *mut dl_log_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "compression", value)
    })
}

/// The log is truncated behind a segment that was completed so long ago, as are all in front of it. So
/// a record stays for this time and at most "roll_ms" more. If absent: age frees nothing.
///
/// milliseconds; 1 to 36500d. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_retention_ms(options: *mut dl_log_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "retention_ms", value)
    })
}

/// The most that the completed segments of the log may hold together: beyond that the log is truncated
/// behind the oldest ones. The newest completed one stays, whatever its size. If absent: size frees
/// nothing.
///
/// bytes; 1KiB to 9007199254740992. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_retention_bytes(
    options: *mut dl_log_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "retention_bytes", value)
    })
}

/// Retention moves no point of truncation: it only frees segments below the point that a truncation set
/// and left behind, as Java DistributedLog does.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_explicit_truncation(
    options: *mut dl_log_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "explicit_truncation", value)
    })
}

/// On how many bookies segments of this log lie that writers opened from now on begin. If absent: as
/// the writer's namespace was opened.
///
/// number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_ensemble_size(
    options: *mut dl_log_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "ensemble_size", value)
    })
}

/// To how many of them each entry is written; at most to "ensemble_size". If absent: as the writer's
/// namespace was opened, or to all if these are fewer.
///
/// number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_write_quorum(options: *mut dl_log_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "write_quorum", value)
    })
}

/// How many of those must have an entry on disk before it is acknowledged; at most "write_quorum". If
/// absent: as the writer's namespace was opened, or all if these are fewer.
///
/// number; 1 to 64. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_log_options_set_ack_quorum(options: *mut dl_log_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "ack_quorum", value)
    })
}

/// Options of a writer, for dl_log_open_writer. One thread at a time fills them.
#[derive(Debug)]
pub struct dl_writer_options {
    pub(crate) settings: Settings<WriterOptions>,
}

impl Object for dl_writer_options {
    const NAME: &'static str = "the options";
}

impl Boxed for dl_writer_options {}

/// Makes options: the defaults.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_new() -> *mut dl_writer_options {
    answer(std::ptr::null_mut(), || Ok(handle::give(dl_writer_options { settings: new() })))
}

/// Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
///
/// Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set(
    options: *mut dl_writer_options,
    name: *const c_char,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let (name, value) = (text::read(name, "name")?, text::read(value, "value")?);
        set(&mut handle::borrow_mut(options)?.settings, name, value)
    })
}

/// The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_get(
    options: *const dl_writer_options,
    name: *const c_char,
) -> *const c_char {
    answer(std::ptr::null(), || Ok(get(&handle::borrow(options)?.settings, text::read(name, "name")?)))
}

/// The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
/// changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_name(options: *const dl_writer_options, index: usize) -> *const c_char {
    answer(std::ptr::null(), || Ok(name(&handle::borrow(options)?.settings, index)))
}

/// Frees options.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_free(options: *mut dl_writer_options) {
    handle::free(options);
}

/// What to do about a writer that holds the log: "force" cuts it off now, "wait:30s" waits that long
/// for it to let go, "never" does not wait; the last two then fail with "locked". So does any of them
/// when another took it while this one was being opened: try again.
///
/// "force", "never", "wait:DURATION"; default force. Errors: invalid-argument if the value cannot be,
/// which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_takeover(
    options: *mut dl_writer_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "takeover", value)
    })
}

/// Makes the log if it does not exist.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_create_log(
    options: *mut dl_writer_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "create_log", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// "none", "lz4". Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_compression(
    options: *mut dl_writer_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "compression", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// bytes; 1KiB to 64GiB. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_roll_bytes(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "roll_bytes", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// milliseconds; 1 to 3650d. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_roll_ms(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "roll_ms", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// milliseconds; 1 to 36500d. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_retention_ms(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "retention_ms", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// bytes; 1KiB to 9007199254740992. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_retention_bytes(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "retention_bytes", value)
    })
}

/// This writer's own. If absent: that of the log.
///
/// true or false. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_explicit_truncation(
    options: *mut dl_writer_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "explicit_truncation", value)
    })
}

/// The most records that may be appended without an acknowledgement: "append" waits, "try_append"
/// answers "busy".
///
/// number; default 5000; 1 to 10000000. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_in_flight_records(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "in_flight_records", value)
    })
}

/// The most bytes that may be appended without an acknowledgement: "append" waits, "try_append" answers
/// "busy".
///
/// bytes; default 16MiB; 1MiB to 4GiB. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_in_flight_bytes(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "in_flight_bytes", value)
    })
}

/// After a refusal for lack of space ("storage-full", "quota-exceeded") the writer accepts nothing
/// more, so that what it put into the log is a prefix of what it was given, also where appends do not
/// wait for acknowledgements. Otherwise it goes on once there is room.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_stop_when_full(
    options: *mut dl_writer_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "stop_when_full", value)
    })
}

/// How long "close" waits for acknowledgements before it gives up; what is left is then settled with
/// "closed".
///
/// milliseconds; default 30s; 0 to 1d. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_writer_options_set_close_timeout_ms(
    options: *mut dl_writer_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "close_timeout_ms", value)
    })
}

/// Options of a reader, for dl_log_open_reader. One thread at a time fills them.
#[derive(Debug)]
pub struct dl_reader_options {
    pub(crate) settings: Settings<ReaderOptions>,
}

impl Object for dl_reader_options {
    const NAME: &'static str = "the options";
}

impl Boxed for dl_reader_options {}

/// Makes options: the defaults.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_new() -> *mut dl_reader_options {
    answer(std::ptr::null_mut(), || Ok(handle::give(dl_reader_options { settings: new() })))
}

/// Sets the option `name` from text, as in URIs and on the command line: "64MiB", "30s", "true".
///
/// Errors: invalid-argument for an unknown name, a text that is no value, and a value out of range; nothing is changed then.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set(
    options: *mut dl_reader_options,
    name: *const c_char,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let (name, value) = (text::read(name, "name")?, text::read(value, "value")?);
        set(&mut handle::borrow_mut(options)?.settings, name, value)
    })
}

/// The value of the option `name` as text; NULL if it has none. It lives until the options are changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_get(
    options: *const dl_reader_options,
    name: *const c_char,
) -> *const c_char {
    answer(std::ptr::null(), || Ok(get(&handle::borrow(options)?.settings, text::read(name, "name")?)))
}

/// The name at this index, from 0, of those options that have a value; NULL behind the last. It lives until the options are
/// changed or freed.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_name(options: *const dl_reader_options, index: usize) -> *const c_char {
    answer(std::ptr::null(), || Ok(name(&handle::borrow(options)?.settings, index)))
}

/// Frees options.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_free(options: *mut dl_reader_options) {
    handle::free(options);
}

/// Where to start: "earliest", "latest" (the first record not yet visible), a DLSN such as "3:120:0"
/// (or the next there is), or "txid:1700000000000" (the first record with that txid or a larger one).
///
/// "earliest", "latest", DLSN, "txid:N"; default earliest. Errors: invalid-argument if the value cannot
/// be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_from(
    options: *mut dl_reader_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "from", value)
    })
}

/// Waits for more at the end of the log instead of ending there.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_follow(
    options: *mut dl_reader_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "follow", value)
    })
}

/// Ends after the record at this DLSN. If absent: no such bound.
///
/// DLSN. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_until(
    options: *mut dl_reader_options,
    value: dl_dlsn,
) -> *mut dl_error {
    boundary(|| {
        let value = &dl_core::Dlsn::from(value).to_string();
        set(&mut handle::borrow_mut(options)?.settings, "until", value)
    })
}

/// Ends after this many records. If absent: no such bound.
///
/// number. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_count(options: *mut dl_reader_options, value: u64) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "count", value)
    })
}

/// When the start lies below the point of truncation: "fail" with "truncated", or "skip" to the first
/// readable record.
///
/// "fail", "skip"; default fail. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_on_truncated(
    options: *mut dl_reader_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "on_truncated", value)
    })
}

/// How much a reader fetches ahead of its caller at most. If absent: 1MiB; on BookKeeper, where it
/// waits for other machines, 4MiB.
///
/// bytes; 64KiB to 64MiB. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_read_ahead_bytes(
    options: *mut dl_reader_options,
    value: u64,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "read_ahead_bytes", value)
    })
}

/// Starts behind the position of this cursor; where it has none yet, "from" says. If absent: no cursor.
///
/// text; 1 to 256. Errors: invalid-argument if the value cannot be, which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_cursor(
    options: *mut dl_reader_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "cursor", value)
    })
}

/// Opens a locked reader: of those with the same cursor (of those without one, if it has none) one at a
/// time reads. One that lost its lock fails with "fenced", and moves its cursor no more.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_locked(
    options: *mut dl_reader_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "locked", value)
    })
}

/// What a locked reader does about another that holds the lock: "force" cuts it off now, "wait:30s"
/// waits that long for it to let go, "never" does not wait; the last two then fail with "locked". So
/// does any of them when another took it while this one was being opened: try again.
///
/// "force", "never", "wait:DURATION"; default force. Errors: invalid-argument if the value cannot be,
/// which changes nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_takeover(
    options: *mut dl_reader_options,
    value: *const c_char,
) -> *mut dl_error {
    boundary(|| {
        let value = text::read(value, "value")?;
        set(&mut handle::borrow_mut(options)?.settings, "takeover", value)
    })
}

/// Delivers a record set as the one record it is stored as, at the position of its first member,
/// instead of its members. One that the start lies inside is unpacked; one that reaches over "until" is
/// delivered.
///
/// true or false; default false. Errors: invalid-argument if the value cannot be, which changes
/// nothing.
#[unsafe(no_mangle)]
pub extern "C" fn dl_reader_options_set_whole_record_sets(
    options: *mut dl_reader_options,
    value: bool,
) -> *mut dl_error {
    boundary(|| {
        let value = &value.to_string();
        set(&mut handle::borrow_mut(options)?.settings, "whole_record_sets", value)
    })
}
