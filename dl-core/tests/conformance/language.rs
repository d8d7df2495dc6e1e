//! The steps there are: what each takes and which capability it needs. `testdata/conformance/README.md` says what they do.

/// A kind of step.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) required: &'static [&'static str],
    pub(crate) optional: &'static [&'static str],
    /// What the world must be capable of.
    pub(crate) needs: Option<&'static str>,
    /// Whether a process does it, so that it has a result; else the world is changed.
    pub(crate) is_call: bool,
}

/// What a world may be capable of, and what that means.
pub(crate) const CAPABILITIES: &[(&str, &str)] = &[
    ("clock", "time is simulated: it can be passed, and the wall clock stepped"),
    ("crash", "a process can be ended without a word from it"),
    ("damage", "stored bytes can be changed"),
    ("directory", "the namespace is a directory"),
    ("faults", "the storage can be made to fail"),
    ("fill", "the storage can be made full"),
    ("freeze", "a process can be stopped and woken"),
    ("nul", "texts can hold a NUL"),
    ("persistent", "the namespace outlives the processes that have it open"),
    ("power", "power can be lost"),
    ("processes", "several processes can have the namespace open"),
    ("stall", "the storage can be made to take no entries, so that appends stay in flight"),
];

/// What every step may say.
pub(crate) const COMMON: &[&str] = &["do", "about", "repeat"];

/// What every call may say besides.
pub(crate) const OF_CALLS: &[&str] = &["process", "start", "expect", "expect_error", "or_error"];

const fn call(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Kind {
    Kind { name, required, optional, needs: None, is_call: true }
}

const fn change(name: &'static str, required: &'static [&'static str], needs: Option<&'static str>) -> Kind {
    Kind { name, required, optional: &[], needs, is_call: false }
}

/// Every step.
pub(crate) const KINDS: &[Kind] = &[
    // What happens to processes and to what they stand on.
    change("crash", &["process"], Some("crash")),
    change("freeze", &["process"], Some("freeze")),
    change("wake", &["process"], Some("freeze")),
    change("power_loss", &[], Some("power")),
    change("stall", &[], Some("stall")),
    change("resume", &[], Some("stall")),
    change("fill", &[], Some("fill")),
    change("free", &[], Some("fill")),
    change("fail_sync", &[], Some("faults")),
    change("damage", &["text"], Some("damage")),
    change("pass_time", &["ms"], Some("clock")),
    change("step_clock", &["ms"], Some("clock")),
    // Calls in flight.
    call("await", &["call"], &["as"]),
    call("cancel", &["call"], &[]),
    call("retry", &["call"], &["as"]),
    call("still_pending", &["call"], &[]),
    // Namespace.
    call("open", &[], &["uri", "options"]),
    call("create_log", &[], &["log"]),
    call("open_log", &["as"], &["log"]),
    call("delete_log", &[], &["log"]),
    call("rename_log", &["to"], &["log"]),
    call("log_exists", &[], &["log"]),
    call("list_logs", &[], &["prefix", "after", "limit"]),
    call("watch_logs", &["as"], &["prefix"]),
    call("parse_dlsn", &["text"], &[]),
    // Log.
    call("open_writer", &[], &["on", "log", "options", "as"]),
    call("open_reader", &[], &["on", "log", "options", "as"]),
    call("read", &[], &["on", "log", "options", "as"]),
    call("open_byte_writer", &[], &["on", "log", "options", "as"]),
    call("open_byte_reader", &[], &["on", "log", "options", "as"]),
    call("first_record", &[], &["on", "log", "as"]),
    call("last_record", &[], &["on", "log", "as"]),
    call("info", &[], &["on", "log", "as"]),
    call("segments", &[], &["on", "log", "as"]),
    call("watch_segments", &["as"], &["on", "log"]),
    call("dlsn_at_txid", &["txid"], &["on", "log", "as"]),
    call("count", &[], &["on", "log", "from", "until", "as"]),
    call("recover", &[], &["on", "log"]),
    call("apply_retention", &[], &["on", "log", "as"]),
    call("log_options", &[], &["on", "log"]),
    call("set_log_options", &["options"], &["on", "log"]),
    call("open_cursor", &["name", "as"], &["on", "log"]),
    call("cursors", &[], &["on", "log", "as"]),
    call("user_metadata", &[], &["on", "log"]),
    call("set_user_metadata", &["data"], &["on", "log"]),
    // Log and writer.
    call("truncate", &["before"], &["on", "log", "as"]),
    // Writer.
    call("append", &["on", "record"], &["if_last", "as"]),
    call("try_append", &["on", "record"], &["as"]),
    call("append_many", &["on", "records"], &["as"]),
    call("append_batch", &["on", "records"], &["if_last", "as"]),
    call("append_record_set", &["on", "records"], &["txid", "compression", "if_last", "as"]),
    call("flush", &["on"], &[]),
    call("seal", &["on"], &[]),
    call("abort", &["on"], &[]),
    call("last_dlsn", &["on"], &["as"]),
    call("last_txid", &["on"], &["as"]),
    call("fenced", &["on"], &[]),
    // Byte writer.
    call("write", &["on", "data"], &["as"]),
    // Reader.
    call("next", &["on"], &["as"]),
    call("next_batch", &["on", "max", "wait_ms"], &["as"]),
    call("end", &["on"], &[]),
    // Reader and cursor.
    call("position", &["on"], &["as"]),
    call("advance", &["on", "to"], &["as"]),
    call("reset", &["on", "to"], &[]),
    // Cursor.
    call("delete", &["on"], &[]),
    // Byte reader.
    call("read_bytes", &["on", "max"], &["as"]),
    call("next_chunk", &["on"], &["as"]),
    call("seek", &["on", "offset"], &[]),
    // Namespace, writer and reader; writer and reader.
    call("close", &[], &["on"]),
    call("drop", &["on"], &[]),
];

/// The steps whose `as` names a handle instead of the result.
pub(crate) const OPENERS: &[&str] = &[
    "open_log",
    "open_writer",
    "open_reader",
    "open_byte_writer",
    "open_byte_reader",
    "open_cursor",
    "watch_logs",
    "watch_segments",
];

pub(crate) fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
