"""What logs, segments, cursors and namespaces are seen to be: plain, immutable values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from dl._dl import Dlsn

__all__ = [
    "CursorInfo",
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
    incarnation: int
    """Another one each time a log of this name is made."""
    segments: int
    in_progress: bool
    """Whether a segment is being written, or was left so."""
    sealed: bool
    first_readable: Dlsn
    """No reader starts below it."""
    max_txid: int | None
    owner: str | None
    """How the writer that holds the log named itself."""


@dataclass(frozen=True, slots=True)
class SegmentEnd:
    """How a segment ended."""

    records: int
    last_txid: int
    last_dlsn: Dlsn | None
    completed_ms: int
    """Milliseconds since 1970, in UTC."""


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A segment of a log."""

    number: int
    id: int
    """What its store calls it."""
    truncated: bool
    """Whether all of it was truncated and is about to be freed."""
    truncated_below: Dlsn | None
    """What of it was truncated, if it is a part."""
    first_txid: int
    first_sequence_id: int | None
    completed: SegmentEnd | None
    """None while it is being written."""


@dataclass(frozen=True, slots=True)
class CursorInfo:
    """A cursor as it was found."""

    name: str
    position: Dlsn | None
    """The record that was processed last."""
    owner: str | None
    """How the locked reader that has it named itself."""


@dataclass(frozen=True, slots=True)
class LogChange:
    """What happened to a log: it was created (or was there), or deleted. `listed` says, once, that all that were there
    have been told."""

    kind: Literal["created", "deleted", "listed"]
    log: str | None


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """The format of a namespace directory: its version and the features that it uses, as bits."""

    version: int
    compatible: int
    read_only_compatible: int
    incompatible: int
    known: bool
    """Whether this build knows all that it must know to write."""


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """A process that has a namespace open."""

    id: int
    client_id: str


@dataclass(frozen=True, slots=True)
class NamespaceInfo:
    """What a namespace is, seen from outside."""

    driver: str
    format: FormatInfo | None
    logs: int | None
    processes: list[ProcessInfo]
    journals: int
    journal_bytes: int
    segments: int
    segment_bytes: int
    metadata_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written, or not where it belongs."""

    severity: Literal["notice", "damage"]
    subject: Literal["format", "control", "metadata", "journal", "segment", "stranger"]
    message: str
    file: str | None
    offset: int | None
    segment_id: int | None
    log: str | None
    segment: int | None
    whole_entries: list[tuple[int, int]]
    kept: str | None
    """What is provably kept, in words."""
    safe: list[str]
    """What is safe to do: commands."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """A segment in progress, as the next writer would find it."""

    log: str
    segment: int
    segment_id: int
    entries: int
    records: int | None
    last_dlsn: Dlsn | None
    unfinished_bytes: int
    owner: str | None
    owner_alive: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """What verifying a namespace found. No findings: every byte that counts is as it was written."""

    findings: list[Finding]
    files: int
    bytes: int
    in_use: bool
    in_progress: list[InProgress]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. The repository's docs/metrics.md lists them."""

    name: str
    help: str
    unit: str
    labels: dict[str, str]
    kind: Literal["counter", "gauge", "histogram"]
    value: int
    """Of a histogram: how many values came."""
    sum: float | None
    """Of a histogram: their sum."""
