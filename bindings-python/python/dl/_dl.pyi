"""The native half of dl."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from os import PathLike
from types import TracebackType
from typing import Any, Literal, Self, SupportsIndex, TypeAlias, final, overload

from typing_extensions import Buffer, Unpack

from dl.errors import Error
from dl.options import LogOptions, ReaderOptions, WriterOptions
from dl.types import (
    CursorInfo,
    Event,
    LogChange,
    LogInfo,
    Metric,
    NamespaceInfo,
    SegmentInfo,
    Verification,
)

_Wait: TypeAlias = float | timedelta | None
_NewRecord: TypeAlias = Buffer | tuple[Buffer, int | None]
_End: TypeAlias = Literal["bound", "end", "sealed"]

def open(
    uri: str,
    given: Mapping[str, Any] | None = None,
    calls: Calls | None = None,
    on_event: Callable[[Event], object] | None = None,
) -> Namespace: ...
def verify(
    uri: str, log: str | None = None, given: Mapping[str, Any] | None = None, calls: Calls | None = None
) -> Verification: ...
def inspect(uri: str, given: Mapping[str, Any] | None = None, calls: Calls | None = None) -> NamespaceInfo: ...
def file_uri(path: str | PathLike[str]) -> str:
    """The URI of the namespace directory at this absolute path."""

@final
class Dlsn:
    """The position of a record in its log: segment, entry in the segment, slot in the entry.

    Unique within a log and increasing in append order. Its text is `segment:entry:slot`, such as `3:120:0`.
    """

    def __new__(cls, segment: int, entry: int, slot: int) -> Self: ...
    @staticmethod
    def parse(text: str) -> Dlsn:
        """Reads the text form."""

    @property
    def segment(self) -> int:
        """The number of the segment, from 1."""

    @property
    def entry(self) -> int:
        """The entry in the segment, from 0."""

    @property
    def slot(self) -> int:
        """The slot in the entry, from 0."""

    def next(self) -> Dlsn:
        """The least position after this one."""

    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __lt__(self, other: Dlsn, /) -> bool: ...
    def __le__(self, other: Dlsn, /) -> bool: ...
    def __gt__(self, other: Dlsn, /) -> bool: ...
    def __ge__(self, other: Dlsn, /) -> bool: ...
    def __getnewargs__(self) -> tuple[int, int, int]: ...

_Position: TypeAlias = Dlsn | str

@final
class Payload(Buffer):
    """The bytes of a record, where the reader has them: whatever takes a buffer takes them, without a copy.

    Equal to, and hashed as, the same `bytes`. `bytes(payload)` copies. It keeps the block alive in which the record was
    read: copy what is to stay for long.
    """

    def __new__(cls, data: Buffer) -> Self: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...
    def __bytes__(self) -> bytes: ...
    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The text that the bytes are in this encoding."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> int: ...
    @overload
    def __getitem__(self, index: slice, /) -> Payload | bytes: ...
    def __contains__(self, part: object, /) -> bool: ...
    def __iter__(self) -> Iterator[int]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Record:
    """A record as read."""

    @property
    def dlsn(self) -> Dlsn:
        """Its position."""

    @property
    def txid(self) -> int:
        """Its txid."""

    @property
    def sequence_id(self) -> int | None:
        """Its place among all records of the log, counted from 0; None where Java DistributedLog did not count."""

    @property
    def payload(self) -> Payload:
        """What was appended."""

    @property
    def record_set(self) -> bool:
        """Whether the payload is a whole record set, which a reader delivers only if its options say so."""

@final
class Receipt:
    """The acknowledgement of an append."""

    @property
    def dlsn(self) -> Dlsn:
        """The position of the record."""

    @property
    def txid(self) -> int:
        """The txid of the record."""

    @property
    def sequence_id(self) -> int | None:
        """Its place among all records of the log, counted from 0; None where Java DistributedLog did not count."""

    @property
    def durability(self) -> str:
        """What it survives: `memory` nothing, `power-loss`, `replicated`."""

    @property
    def duplicate(self) -> bool:
        """Whether this was a retry of an append that had been acknowledged before."""

@final
class Records(Sequence[Record]):
    """Many records, in order: a sequence that makes objects of those that are looked at."""

    def payloads(self) -> list[bytes]:
        """The payloads, copied: quicker than one by one."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Record: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Record]: ...

@final
class Receipts(Sequence[Receipt]):
    """Many receipts, in the order of the appends: a sequence that makes objects of those that are looked at."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Receipt: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Receipt]: ...

@final
class Ticket:
    """An append on its way. Letting go of it changes nothing."""

    def result(self, wait: _Wait = None) -> Receipt:
        """The receipt, once the record is durable. `Timeout` if that takes longer than `wait` seconds."""

    def done(self) -> bool:
        """Whether the append is settled, one way or the other."""

@final
class Namespace:
    """An open namespace: logs, by their names. May be shared between threads.

    `close`, or the end of a `with` block, ends writers as `Writer.abort` does: close them first.
    """

    @property
    def uri(self) -> str:
        """Where it is."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def create_log(self, log: str) -> Log:
        """Makes a log. `AlreadyExists` if it is there."""

    def open_log(self, log: str) -> Log:
        """A handle on a log that exists. `NotFound` if it does not."""

    def log(self, log: str) -> Log:
        """A handle on a log that may not exist yet: its calls find out."""

    def delete_log(self, log: str) -> None:
        """Takes the log from whoever writes it, frees all it holds and removes it; logs below its name stay."""

    def rename_log(self, log: str, to: str) -> None:
        """Gives a log another name. `Locked` while a writer or a locked reader holds it."""

    def log_exists(self, log: str) -> bool:
        """Whether the log exists."""

    def list_logs(self, prefix: str = "", *, after: str | None = None, limit: int | None = None) -> list[str]:
        """The full names of logs below `prefix` (a path) and behind `after`, in byte order, at most `limit`."""

    def watch_logs(self, prefix: str = "") -> LogWatcher:
        """Watches the logs below `prefix`: tells of those that are there, then of each that is made or deleted."""

    def metrics(self, *, by_log: bool = False) -> list[Metric]:
        """The metrics of this handle; `by_log` adds those of each log with an open writer or reader."""

    def close(self) -> None:
        """Closes the namespace: every pending call on it, its logs, writers and readers ends with `Closed`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class Log:
    """A handle on a log: where writers and readers are opened. Holds nothing."""

    @property
    def name(self) -> str:
        """Its name."""

    def open_writer(self, **options: Unpack[WriterOptions]) -> Writer:
        """Opens the writer. When it returns, no earlier one is ever acknowledged again. `Locked` if `takeover` forbids it."""

    def open_reader(self, **options: Unpack[ReaderOptions]) -> Reader:
        """Opens a reader. `Truncated` if its start lies below the first readable position."""

    def open_byte_writer(self, **options: Unpack[WriterOptions]) -> ByteWriter:
        """Opens the writer to write a stream of bytes, at the end of what is there."""

    def open_byte_reader(self, **options: Unpack[ReaderOptions]) -> ByteReader:
        """Opens a reader of a stream of bytes; `from_="txid:N"` starts at the offset N."""

    def info(self) -> LogInfo:
        """What the metadata says about the log."""

    def segments(self) -> list[SegmentInfo]:
        """Its segments, oldest first."""

    def watch_segments(self) -> SegmentWatcher:
        """Watches its segments: tells which there are, then which there are after each change."""

    def truncate(self, before: _Position) -> Dlsn:
        """Truncates the log below `before`, at most up to the segment that is being written. Answers the point in force."""

    def dlsn_at_txid(self, txid: int) -> Dlsn | None:
        """The position of the first record whose txid is at least `txid`; None if there is none yet."""

    def first_record(self) -> Record | None:
        """The first readable record."""

    def last_record(self) -> Record | None:
        """The last record."""

    def count(self, *, from_: _Position | None = None, until: _Position | None = None) -> int:
        """The number of readable records between these, both included."""

    def recover(self) -> None:
        """Completes what a writer that is gone left in progress. `Locked` if a writer holds the log."""

    def apply_retention(self) -> Dlsn:
        """Frees what is too old or too much by the options kept with the log. Answers the point in force."""

    def options(self) -> dict[str, str]:
        """The options kept with the log, as texts."""

    def set_options(self, **options: Unpack[LogOptions]) -> None:
        """Replaces the options kept with the log."""

    def cursor(self, name: str) -> Cursor:
        """The cursor of this name, which need not exist: its first move makes it."""

    def cursors(self) -> list[CursorInfo]:
        """Its cursors, in byte order of their names."""

    def user_metadata(self) -> Payload:
        """Bytes that the user keeps with the log; empty if none were set."""

    def set_user_metadata(self, data: Buffer) -> None:
        """Sets the bytes that the user keeps with the log; none removes them."""

@final
class Writer:
    """The one writer of a log, open. May be shared between threads.

    After the first fatal error (`Fenced` above all) every later call raises it: open a new writer to go on.
    `InvalidArgument`, `TooLarge`, `ConditionFailed`, `QuotaExceeded`, `Busy` and `StorageFull` refuse one append and leave
    the writer as it was. Letting go of it without `close` is an `abort`; the end of a `with` block closes it.
    """

    def append(self, payload: Buffer, *, txid: int | None = None, if_last: _Position | None = None) -> Receipt:
        """Appends a record, and returns when it is durable. `if_last`: the position that the last record must have, or
        `"empty"`; otherwise `ConditionFailed`."""

    def append_nowait(self, payload: Buffer, *, txid: int | None = None, if_last: _Position | None = None) -> Ticket:
        """Appends a record without waiting for the disk: only for room, if too much is in flight."""

    def try_append(self, payload: Buffer, *, txid: int | None = None) -> Ticket:
        """As `append_nowait`, but raises `Busy` instead of waiting for room."""

    def append_many(self, records: Iterable[_NewRecord]) -> Receipts:
        """Appends each of the records (a payload, or a pair of payload and txid), all in flight at once, and returns when
        they are durable. An error has the receipts of those in front of it as `receipts`. Each is an
        append of its own: behind one that found no space (`StorageFull`) others may be acknowledged. `append_batch` appends
        all or none."""

    def append_batch(self, records: Iterable[_NewRecord], *, if_last: _Position | None = None) -> Receipts:
        """Appends records that are all in the log, next to each other, or none of them."""

    def append_record_set(
        self,
        payloads: Iterable[Buffer],
        *,
        txid: int | None = None,
        compression: Literal["none", "lz4"] = "none",
        if_last: _Position | None = None,
    ) -> Receipts:
        """Appends a record set: all of its members or none, with one txid, compressed together."""

    def flush(self) -> None:
        """Returns when all appends that were called before are settled, those too that wait for room."""

    def truncate(self, before: _Position) -> Dlsn:
        """Truncates the log below `before`, also within the segment being written. Answers the point in force."""

    def seal(self) -> None:
        """Ends the log for ever: every later append, of this or any other writer, raises `Sealed`."""

    def close(self) -> None:
        """Settles what was appended, completes the segment and lets the log go."""

    def abort(self) -> None:
        """Ends the writer now: all that is not acknowledged fails with `Closed`, and may be in the log or not."""

    @property
    def last_dlsn(self) -> Dlsn | None:
        """The position of the log's last acknowledged record."""

    @property
    def last_txid(self) -> int | None:
        """The txid of the log's last acknowledged record."""

    def fenced(self, wait: _Wait = None) -> Error | None:
        """Returns when the writer is cut off by another, or ends otherwise, with the error that its calls then raise; None
        if that takes longer than `wait` seconds."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class Reader:
    """Reads a log from some position on, in order: acknowledged records only, none twice, none left out.

    Iterating ends where the reader ends; one that follows waits for more. Threads that share it get a record each.
    """

    def next(self) -> Record | None:
        """The next record; None at the end, about which `end` says more."""

    def next_batch(self, max: int, wait: _Wait = None) -> Records:
        """Up to `max` records: at least one, unless the reader ends or `wait` seconds pass before there is any."""

    @property
    def position(self) -> Dlsn:
        """Where the next record will be, or before it: everything below was delivered."""

    @property
    def end(self) -> _End | None:
        """How the reader ended; None while it has not."""

    @property
    def cursor(self) -> Cursor | None:
        """The cursor that it was opened with."""

    def advance(self, to: _Position) -> Dlsn:
        """Moves its cursor forward to the record that was processed last, as `Cursor.advance`. Answers the position in force."""

    def reset(self, to: _Position) -> None:
        """Moves its cursor to this position, also back."""

    def close(self) -> None:
        """Ends the reader and the call that waits on it, and lets its lock go: every later call raises `Closed`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Record: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class Cursor:
    """A place in a log that is kept with it, by name: the record that was processed last."""

    @property
    def name(self) -> str:
        """Its name."""

    def position(self) -> Dlsn | None:
        """The record that was processed last; None if the cursor was never moved."""

    def advance(self, to: _Position) -> Dlsn:
        """Moves it forward, and makes it if there is none. Answers the position in force, which is never moved back.

        Whether there is a record at the position is not checked: one behind the end skips records that come later."""

    def reset(self, to: _Position) -> None:
        """Moves it to this position, also back."""

    def delete(self) -> None:
        """Removes it. `Locked` while a locked reader has it."""

@final
class ByteWriter:
    """Appends bytes to a log. The one writer of the log, as `Writer` is."""

    def write(self, data: Buffer) -> int:
        """Takes all of the bytes, waiting only for room, and answers the offset behind them. `flush` makes them durable."""

    def flush(self) -> None:
        """Returns when everything that was written is durable."""

    def seal(self) -> None:
        """Ends the stream for ever."""

    def close(self) -> None:
        """Waits until what was written is durable, completes the segment and lets the log go."""

    def abort(self) -> None:
        """Ends the writer now: what is not durable may be in the log or not."""

    @property
    def position(self) -> int:
        """The offset of the next byte."""

    def fenced(self, wait: _Wait = None) -> Error | None:
        """As `Writer.fenced`."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class ByteReader:
    """Reads a log as a stream of bytes, from any offset on. Iterating delivers chunks."""

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or what there is up to the end. One that follows waits for them.

        Fewer where another call got those behind them: what is joined follows one another."""

    def next_chunk(self) -> Payload | None:
        """The next bytes without copying them: what is left of the chunk at the position; None at the end."""

    def seek(self, offset: int) -> None:
        """Goes to an offset, in either direction."""

    @property
    def position(self) -> int:
        """The offset of the next byte."""

    @property
    def end(self) -> _End | None:
        """How the reader ended; None while it has not, or is somewhere else since."""

    def close(self) -> None:
        """Ends the reader and the calls that wait on it: every later call raises `Closed`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Payload: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class LogWatcher:
    """Tells of the logs below a prefix: first of those that are there, then of each that comes or goes."""

    def next(self, wait: _Wait = None) -> LogChange | None:
        """The next change; None if it takes longer than `wait` seconds."""

    def close(self) -> None:
        """Ends it and the call that waits on it: every later call raises `Closed`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> LogChange: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class SegmentWatcher:
    """Tells of the segments of a log: first what is there, then what is there after each change."""

    def next(self, wait: _Wait = None) -> list[SegmentInfo] | None:
        """The segments, once they are others than those told last; None if it takes longer than `wait` seconds."""

    def close(self) -> None:
        """Ends it and the call that waits on it: every later call raises `Closed`."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> list[SegmentInfo]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

@final
class Given:
    """What a reader or watcher gives on an event loop, for `dl.aio`: taken, or given back."""

    def take(self) -> Any: ...
    def give_back(self) -> None: ...

@final
class Calls:
    """The calls in flight on an event loop, for `dl.aio`."""

    def __new__(cls, event_loop: asyncio.AbstractEventLoop) -> Self: ...
    def fileno(self) -> int: ...
    def listener(self) -> Callable[[], None]: ...
    def check(self) -> None: ...
    def close(self) -> None: ...
