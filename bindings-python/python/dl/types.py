"""What logs, segments, cursors and namespaces are seen to be: plain, immutable values."""

from __future__ import annotations

from dataclasses import dataclass

# Checkers take it for true. Importing typing would take a tenth of the time that all of dl does.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from dl._dl import Dlsn

__all__ = [
    "CursorInfo",
    "Event",
    "Finding",
    "FormatInfo",
    "InProgress",
    "LogChange",
    "LogInfo",
    "Metric",
    "NamespaceInfo",
    "ProcessInfo",
    "SegmentEnd",
    "SegmentInfo",
    "Verification",
]


@dataclass(frozen=True, slots=True)
class LogInfo:
    """What the metadata says about a log."""

    name: str
    """Its name."""
    incarnation: int
    """Another one each time a log of this name is made."""
    segments: int
    """The number of its segments."""
    in_progress: bool
    """Whether a segment is being written, or was left so."""
    sealed: bool
    """Whether it was sealed."""
    first_readable: Dlsn
    """No reader starts below it."""
    max_txid: int | None
    """The largest txid of its completed segments; None if it never had a record, and of a sealed log."""
    owner: str | None
    """How the writer that holds the log named itself."""


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """How a segment ended."""

    records: int
    """The number of its records."""
    last_txid: int
    """The txid of the last."""
    last_dlsn: Dlsn | None
    """The position of the last, which may be a control record; None if there is none."""
    completed_ms: int
    """Milliseconds since 1970, in UTC."""


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A segment of a log."""

    number: int
    """Its number in the log."""
    id: int
    """What its store calls it."""
    truncated: bool
    """Whether all of it was truncated and is about to be freed."""
    truncated_below: Dlsn | None
    """What of it was truncated, if it is a part."""
    first_txid: int
    """A lower bound of the txids of its records."""
    first_sequence_id: int | None
    """The sequence id of its first record, where counted and known."""
    completed: SegmentEnd | None
    """None while it is being written."""


@dataclass(frozen=True, slots=True)
class CursorInfo:
    """A cursor as it was found."""

    name: str
    """Its name."""
    position: Dlsn | None
    """The record that was processed last."""
    owner: str | None
    """How the locked reader that has it named itself."""


@dataclass(frozen=True, slots=True)
class LogChange:
    """What happened to a log: it was created (or was there), or deleted. `listed` says, once, that all that were there
    have been told."""

    kind: Literal["created", "deleted", "listed"]
    """What happened."""
    log: str | None
    """The log; None for `listed`."""


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """The format of a namespace directory: its version and the features that it uses, as bits."""

    version: int
    """Its version."""
    compatible: int
    """Features that a build which does not know them may ignore."""
    read_only_compatible: int
    """Features with which such a build may only read."""
    incompatible: int
    """Features with which such a build may do nothing."""
    known: bool
    """Whether this build knows all that it must know to write."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process that has a namespace open."""

    id: int
    """Its process id."""
    client_id: str
    """How it names itself as the owner of a log."""


@dataclass(frozen=True, slots=True)
class NamespaceInfo:
    """What a namespace is, seen from outside."""

    driver: str
    """`memory`, `file` or `bookkeeper`."""
    format: FormatInfo | None
    """What its format file says; None where there is none."""
    logs: int | None
    """The number of its logs; None if its metadata cannot be read."""
    processes: list[ProcessInfo]
    """The processes that have it open for writing."""
    journals: int
    """The number of journals."""
    journal_bytes: int
    """The bytes that these take."""
    segments: int
    """The number of segment files."""
    segment_bytes: int
    """The bytes that these take."""
    metadata_bytes: int
    """The bytes that the metadata takes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, or not where it belongs."""

    severity: Literal["notice", "damage"]
    """How bad it is: `notice`, if no acknowledged record depends on it."""
    subject: Literal["format", "control", "metadata", "journal", "segment", "stranger"]
    """What kind of file it is about."""
    message: str
    """What is wrong, in words."""
    file: str | None
    """The file; None if it is about what several say."""
    offset: int | None
    """The place in the file."""
    segment_id: int | None
    """The segment, as its store calls it."""
    log: str | None
    """The log that the segment belongs to, where known."""
    segment: int | None
    """The number of the segment in its log, where known."""
    whole_entries: list[tuple[int, int]]
    """The entries of the segment that are whole: first and last of each run."""
    kept: str | None
    """What is provably kept, in words."""
    safe: list[str]
    """What is safe to do: commands."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """A segment in progress, as the next writer would find it."""

    log: str
    """Its log."""
    segment: int
    """Its number."""
    segment_id: int
    """What its store calls it."""
    entries: int
    """The number of its entries that are provably kept."""
    records: int | None
    """The number of records in them; None if the last entry is only in a journal."""
    last_dlsn: Dlsn | None
    """The position of the last of them; None as for `records`, or if there is none."""
    unfinished_bytes: int
    """Bytes behind them that are no whole entry: they were never acknowledged, or power was lost."""
    owner: str | None
    """How the writer that holds the log named itself."""
    owner_alive: bool
    """Whether that writer's process lives."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a namespace found. No findings: every byte that counts is as it was written."""

    findings: list[Finding]
    """What is not as it was written."""
    files: int
    """The number of files that were read."""
    bytes: int
    """The bytes that were read."""
    in_use: bool
    """Whether other processes have the namespace open."""
    in_progress: list[InProgress]
    """The segments that a writer has in progress, or left so."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. The repository's docs/metrics.md lists them."""

    name: str
    """Its name, as Prometheus has it."""
    help: str
    """What it is, in a sentence."""
    unit: str
    """What it counts: `records`, `bytes`, `seconds`, …."""
    labels: dict[str, str]
    """What tells it from others of its name."""
    kind: Literal["counter", "gauge", "histogram"]
    """How it counts: a counter only grows, a gauge goes up and down."""
    value: int
    """Of a histogram: how many values came."""
    sum: float | None
    """Of a histogram: their sum."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that an operator wants to hear of. The repository's docs/metrics.md lists them."""

    target: str
    """Area and name, such as `writer.fenced`. It never changes."""
    level: Literal["info", "warn", "error"]
    """How much it matters."""
    message: str
    """What happened, in words that may change."""
    kind: str | None
    """The kind of the error behind it, if there is one."""
    context: dict[str, str]
    """What it happened to, such as `log`, `segment`, `file` and `owner`."""
    text: str
    """All of it as one line."""

    def __str__(self) -> str:
        return self.text
