# Made from options.toml by `cargo run -p xtask -- options`; change it there.
"""The options, as keyword arguments. Values are checked by the core, and `None` stands for an option that is not given.

A duration is a whole number of milliseconds, a float of seconds, a timedelta, or a text such as `30s`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypedDict

from dl._dl import Dlsn

__all__ = ["LogOptions", "NamespaceOptions", "ReaderOptions", "WriterOptions"]


class NamespaceOptions(TypedDict, total=False):
    """Options of a namespace; those in its URI win over these."""

    client_id: str | None
    """How this process names itself as the owner of a log, seen by those that it keeps out. If absent: host name and
    process id. 1 to 256 bytes."""

    create_namespace: bool | None
    """Makes the namespace where there is none (the directory itself, not its parents). If false, opening a missing
    one is `not-found`. Default: true."""

    read_only: bool | None
    """Opens for reading only: nothing is written, and whatever would write fails with `permission-denied`. Default:
    false."""

    in_flight_bytes: int | str | None
    """The most that all writers of this namespace handle together may have appended without an acknowledgement.
    Default: 64MiB. 1MiB to 64GiB."""

    slow_sync_ms: int | float | timedelta | str | None
    """A sync of the disk that takes longer is told to the log hook. Default: 1s. 1 to 1h."""

    lock_wait_ms: int | float | timedelta | str | None
    """How long to wait for another process that opens the directory or changes its metadata, before `unavailable`.
    Default: 10s. 0 to 10m."""

    journal_bytes: int | str | None
    """The size of this process's journal. A larger one is recycled less often and takes longer to replay after a
    crash. Default: 64MiB. 4MiB to 4GiB."""

    large_flush_bytes: int | str | None
    """From this many bytes on, what one group commit holds for one segment is synced in that segment's file instead
    of being written to the journal as well. Default: 256KiB. 4KiB to 1GiB."""

    unsafe_filesystem: bool | None
    """Opens a directory on a file system that is not known to keep the promises. On network mounts locks and shared
    memory do not hold between machines, and acknowledged records can be lost. Default: false."""


class LogOptions(TypedDict, total=False):
    """Options that are kept with a log."""

    roll_bytes: int | str | None
    """A segment that has reached this size is completed and a new one begun. Truncation and retention free whole
    segments. Default: 256MiB. 1KiB to 64GiB."""

    roll_ms: int | float | timedelta | str | None
    """A segment that has reached this age is completed, also if nothing is appended any more. Default: 2h. 1 to
    3650d."""

    compression: Literal["none", "lz4"] | None
    """How entries are compressed: `none` or `lz4`. Default: none."""

    retention_ms: int | float | timedelta | str | None
    """The log is truncated behind a segment that was completed so long ago, as are all in front of it. So a record
    stays for this time and at most `roll_ms` more. If absent: age frees nothing. 1 to 36500d."""

    retention_bytes: int | str | None
    """The most that the completed segments of the log may hold together: beyond that the log is truncated behind the
    oldest ones. The newest completed one stays, whatever its size. If absent: size frees nothing. 1KiB to
    9007199254740992."""

    explicit_truncation: bool | None
    """Retention moves no point of truncation: it only frees segments below the point that a truncation set and left
    behind, as Java DistributedLog does. Default: false."""


class WriterOptions(TypedDict, total=False):
    """Options of a writer."""

    takeover: Literal["force", "never"] | timedelta | float | str | None
    """What to do about a writer that holds the log: `force` cuts it off now, `wait:30s` waits that long for it to
    let go, `never` does not wait; the last two then fail with `locked`. Default: force."""

    create_log: bool | None
    """Makes the log if it does not exist. Default: false."""

    compression: Literal["none", "lz4"] | None
    """This writer's own. If absent: that of the log."""

    roll_bytes: int | str | None
    """This writer's own. If absent: that of the log. 1KiB to 64GiB."""

    roll_ms: int | float | timedelta | str | None
    """This writer's own. If absent: that of the log. 1 to 3650d."""

    retention_ms: int | float | timedelta | str | None
    """This writer's own. If absent: that of the log. 1 to 36500d."""

    retention_bytes: int | str | None
    """This writer's own. If absent: that of the log. 1KiB to 9007199254740992."""

    explicit_truncation: bool | None
    """This writer's own. If absent: that of the log."""

    in_flight_records: int | None
    """The most records that may be appended without an acknowledgement: `append` waits, `try_append` answers `busy`.
    Default: 5000. 1 to 10000000."""

    in_flight_bytes: int | str | None
    """The most bytes that may be appended without an acknowledgement: `append` waits, `try_append` answers `busy`.
    Default: 16MiB. 1MiB to 4GiB."""

    stop_when_full: bool | None
    """After a refusal for lack of space (`storage-full`, `quota-exceeded`) the writer accepts nothing more, so that
    what it put into the log is a prefix of what it was given, also where appends do not wait for
    acknowledgements. Otherwise it goes on once there is room. Default: false."""

    close_timeout_ms: int | float | timedelta | str | None
    """How long `close` waits for acknowledgements before it gives up; what is left is then settled with `closed`.
    Default: 30s. 0 to 1d."""


class ReaderOptions(TypedDict, total=False):
    """Options of a reader."""

    from_: Literal["earliest", "latest"] | Dlsn | str | None
    """Where to start: `earliest`, `latest` (the first record not yet visible), a DLSN such as `3:120:0` (or the next
    there is), or `txid:1700000000000` (the first record with that txid or a larger one). Default: earliest."""

    follow: bool | None
    """Waits for more at the end of the log instead of ending there. Default: false."""

    until: Dlsn | str | None
    """Ends after the record at this DLSN. If absent: no such bound."""

    count: int | None
    """Ends after this many records. If absent: no such bound. 0 to 9223372036854775807."""

    on_truncated: Literal["fail", "skip"] | None
    """When the start lies below the point of truncation: `fail` with `truncated`, or `skip` to the first readable
    record. Default: fail."""

    read_ahead_bytes: int | str | None
    """How much a reader fetches ahead of its caller at most. Default: 1MiB. 64KiB to 64MiB."""

    cursor: str | None
    """Starts behind the position of this cursor; where it has none yet, `from` says. If absent: no cursor. 1 to 256
    bytes."""

    locked: bool | None
    """Opens a locked reader: of those with the same cursor (of those without one, if it has none) one at a time
    reads. One that lost its lock fails with `fenced`, and moves its cursor no more. Default: false."""

    takeover: Literal["force", "never"] | timedelta | float | str | None
    """What a locked reader does about another that holds the lock: `force` cuts it off now, `wait:30s` waits that
    long for it to let go, `never` does not wait; the last two then fail with `locked`. Default: force."""

    whole_record_sets: bool | None
    """Delivers a record set as the one record it is stored as, at the position of its first member, instead of its
    members. One that the start lies inside is unpacked; one that reaches over `until` is delivered. Default:
    false."""
