"""dl for asyncio: the same names as in `dl`, awaited.

    import dl.aio

    async with dl.aio.open("memory:orders") as namespace:
        log = await namespace.create_log("orders")
        async with log.open_writer() as writer:
            receipt = await writer.append(b"first")     # durable when it returns
        async with log.open_reader(follow=True) as reader:
            async for record in reader:
                print(record.dlsn, record.payload.decode())

Handles belong to the event loop on which the namespace was opened, and to its thread. Cancelling a task that waits for an
append does not undo the append; cancelling one that reads, watches or verifies loses nothing. No call has a thread of its own in Python.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeVar, Unpack, cast

from dl import _dl
from dl._dl import Dlsn, Payload, Receipt, Receipts, Record, Records
from dl.errors import Error, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterable
    from datetime import timedelta
    from types import TracebackType

    from typing_extensions import Buffer

    from dl.options import LogOptions, NamespaceOptions, ReaderOptions, WriterOptions
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

    _Position = Dlsn | str
    _Wait = float | timedelta | None
    _NewRecord = Buffer | tuple[Buffer, int | None]
    _End = Literal["bound", "end", "sealed"]

__all__ = [
    "ByteReader",
    "ByteWriter",
    "Cursor",
    "Log",
    "LogWatcher",
    "Namespace",
    "Reader",
    "SegmentWatcher",
    "Writer",
    "inspect",
    "open",
    "verify",
]


class _Closes(Protocol):
    async def close(self) -> None: ...


_T = TypeVar("_T", bound=_Closes)


class Opening(Generic[_T]):
    """Something that is being opened: `await` it, or use it in `async with`, which closes it."""

    __slots__ = ("_coroutine", "_opened")

    def __init__(self, coroutine: Coroutine[Any, Any, _T]) -> None:
        self._coroutine = coroutine
        self._opened: _T | None = None

    def __await__(self) -> Generator[Any, Any, _T]:
        return self._coroutine.__await__()

    async def __aenter__(self) -> _T:
        self._opened = await self._coroutine
        return self._opened

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened is not None:
            await _close(self._opened, error)


async def _close(handle: _Closes, error: BaseException | None) -> None:
    try:
        await handle.close()
    except Error:
        # The exception that ended the block says more than a failure to close.
        if error is None:
            raise


class _Handle:
    """A handle that `async with` closes."""

    __slots__ = ("_native",)

    def __init__(self, native: Any) -> None:
        self._native = native

    async def close(self) -> None:
        """Closes it."""
        await self._native.close()

    async def __aenter__(self) -> Self:
        # One that was closed raises `Closed`.
        getattr(self._native, "__enter__", lambda: None)()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _close(self, error)

    def __repr__(self) -> str:
        return repr(self._native).replace("<dl.", "<dl.aio.", 1)


def open(
    uri: str, *, on_event: Callable[[Event], object] | None = None, **options: Unpack[NamespaceOptions]
) -> Opening[Namespace]:
    """Opens the namespace at this URI, for the running event loop, which also calls `on_event`: see `dl.open`."""
    return Opening(_open(uri, on_event, options))


async def _open(uri: str, on_event: Callable[[Event], object] | None, options: NamespaceOptions) -> Namespace:
    loop = asyncio.get_running_loop()

    def tell(event: Event) -> None:
        # A loop that was closed meanwhile has nobody left who listens.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(cast("Callable[[Event], object]", on_event), event)

    if on_event is not None and not callable(on_event):
        # The native half would see `tell`.
        raise TypeError(f"on_event is called with each event: a {type(on_event).__name__} cannot be")
    opening: Any = _dl.open
    calls = _dl.Calls(loop)
    try:
        _listen(calls, loop)
        return Namespace(await opening(uri, options, calls, None if on_event is None else tell), calls, loop)
    except BaseException:
        _end(calls, loop)
        raise


def _listen(calls: _dl.Calls, loop: asyncio.AbstractEventLoop) -> None:
    try:
        # What the loop keeps of it keeps nothing open.
        loop.add_reader(calls.fileno(), calls.listener())
    except OSError as error:
        raise Unavailable("the system refuses what the event loop needs to hear of calls", retryable=True) from error


def _end(calls: _dl.Calls, loop: asyncio.AbstractEventLoop) -> None:
    loop.remove_reader(calls.fileno())
    calls.close()


async def _alone(call: Callable[[_dl.Calls], Any]) -> Any:
    """What a call answers that belongs to no open namespace. It ends when its task is cancelled."""
    loop = asyncio.get_running_loop()
    calls = _dl.Calls(loop)
    try:
        _listen(calls, loop)
        return await call(calls)
    finally:
        _end(calls, loop)


async def verify(uri: str, *, log: str | None = None, **options: Unpack[NamespaceOptions]) -> Verification:
    """As `dl.verify`. Cancelling the task that waits for it ends the reading."""
    found: Verification = await _alone(lambda calls: _dl.verify(uri, log, options, calls))
    return found


async def inspect(uri: str, **options: Unpack[NamespaceOptions]) -> NamespaceInfo:
    """As `dl.inspect`."""
    info: NamespaceInfo = await _alone(lambda calls: _dl.inspect(uri, options, calls))
    return info


class Namespace(_Handle):
    """An open namespace: logs, by their names. Closing it ends writers as `Writer.abort` does: close them first."""

    __slots__ = ("_calls", "_closing", "_loop")

    def __init__(self, native: Any, calls: _dl.Calls, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(native)
        self._calls = calls
        self._loop = loop
        self._closing: asyncio.Task[None] | None = None

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._native.uri  # type: ignore[no-any-return]

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._native.closed  # type: ignore[no-any-return]

    async def create_log(self, log: str) -> Log:
        """Makes a log. `AlreadyExists` if it is there."""
        return Log(await self._native.create_log(log))

    async def open_log(self, log: str) -> Log:
        """A handle on a log that exists. `NotFound` if it does not."""
        return Log(await self._native.open_log(log))

    def log(self, log: str) -> Log:
        """A handle on a log that may not exist yet: its calls find out."""
        return Log(self._native.log(log))

    async def delete_log(self, log: str) -> None:
        """Takes the log from whoever writes it, frees all it holds and removes it; logs below its name stay."""
        await self._native.delete_log(log)

    async def rename_log(self, log: str, to: str) -> None:
        """Gives a log another name. `Locked` while a writer or a locked reader holds it."""
        await self._native.rename_log(log, to)

    async def log_exists(self, log: str) -> bool:
        """Whether the log exists."""
        there: bool = await self._native.log_exists(log)
        return there

    async def list_logs(self, prefix: str = "", *, after: str | None = None, limit: int | None = None) -> list[str]:
        """The full names of logs below `prefix` (a path) and behind `after`, in byte order, at most `limit`."""
        names: list[str] = await self._native.list_logs(prefix, after=after, limit=limit)
        return names

    def watch_logs(self, prefix: str = "") -> LogWatcher:
        """Watches the logs below `prefix`: tells of those that are there, then of each that is made or deleted."""
        return LogWatcher(self._native.watch_logs(prefix))

    async def metrics(self, *, by_log: bool = False) -> list[Metric]:
        """The metrics of this handle; `by_log` adds those of each log with an open writer or reader."""
        metrics: list[Metric] = await self._native.metrics(by_log=by_log)
        return metrics

    async def close(self) -> None:
        """Closes the namespace: every pending call on it, its logs, writers and readers ends with `Closed`."""
        if self._closing is None or not self._closing.done():
            self._calls.check()
        if self._closing is None:
            self._closing = self._loop.create_task(self._close())
        # Half closed is nothing that anybody could use.
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._native.closed:
            return
        try:
            await self._native.close()
        finally:
            _end(self._calls, self._loop)


class Log(_Handle):
    """A handle on a log: where writers and readers are opened. Holds nothing."""

    __slots__ = ()

    async def close(self) -> None:
        """There is nothing to close."""

    @property
    def name(self) -> str:
        """Its name."""
        return self._native.name  # type: ignore[no-any-return]

    def open_writer(self, **options: Unpack[WriterOptions]) -> Opening[Writer]:
        """Opens the writer. Once it is open, no earlier one is ever acknowledged again."""

        async def opening() -> Writer:
            return Writer(await self._native.open_writer(**options))

        return Opening(opening())

    def open_reader(self, **options: Unpack[ReaderOptions]) -> Opening[Reader]:
        """Opens a reader. `Truncated` if its start lies below the first readable position."""

        async def opening() -> Reader:
            return Reader(await self._native.open_reader(**options))

        return Opening(opening())

    def open_byte_writer(self, **options: Unpack[WriterOptions]) -> Opening[ByteWriter]:
        """Opens the writer to write a stream of bytes, at the end of what is there."""

        async def opening() -> ByteWriter:
            return ByteWriter(await self._native.open_byte_writer(**options))

        return Opening(opening())

    def open_byte_reader(self, **options: Unpack[ReaderOptions]) -> Opening[ByteReader]:
        """Opens a reader of a stream of bytes; `from_="txid:N"` starts at the offset N."""

        async def opening() -> ByteReader:
            return ByteReader(await self._native.open_byte_reader(**options))

        return Opening(opening())

    async def info(self) -> LogInfo:
        """What the metadata says about the log."""
        info: LogInfo = await self._native.info()
        return info

    async def segments(self) -> list[SegmentInfo]:
        """Its segments, oldest first."""
        segments: list[SegmentInfo] = await self._native.segments()
        return segments

    def watch_segments(self) -> SegmentWatcher:
        """Watches its segments: tells which there are, then which there are after each change."""
        return SegmentWatcher(self._native.watch_segments())

    async def truncate(self, before: _Position) -> Dlsn:
        """Truncates the log below `before`, at most up to the segment being written. Answers the point in force."""
        point: Dlsn = await self._native.truncate(before)
        return point

    async def dlsn_at_txid(self, txid: int) -> Dlsn | None:
        """The position of the first record whose txid is at least `txid`; None if there is none yet."""
        dlsn: Dlsn | None = await self._native.dlsn_at_txid(txid)
        return dlsn

    async def first_record(self) -> Record | None:
        """The first readable record."""
        record: Record | None = await self._native.first_record()
        return record

    async def last_record(self) -> Record | None:
        """The last record."""
        record: Record | None = await self._native.last_record()
        return record

    async def count(self, *, from_: _Position | None = None, until: _Position | None = None) -> int:
        """The number of readable records between these, both included."""
        count: int = await self._native.count(from_=from_, until=until)
        return count

    async def recover(self) -> None:
        """Completes what a writer that is gone left in progress. `Locked` if a writer holds the log."""
        await self._native.recover()

    async def apply_retention(self) -> Dlsn:
        """Frees what is too old or too much by the options kept with the log. Answers the point in force."""
        point: Dlsn = await self._native.apply_retention()
        return point

    async def options(self) -> dict[str, str]:
        """The options kept with the log, as texts."""
        options: dict[str, str] = await self._native.options()
        return options

    async def set_options(self, **options: Unpack[LogOptions]) -> None:
        """Replaces the options kept with the log."""
        await self._native.set_options(**options)

    async def cursor(self, name: str) -> Cursor:
        """The cursor of this name, which need not exist: its first move makes it."""
        return Cursor(await self._native.cursor(name))

    async def cursors(self) -> list[CursorInfo]:
        """Its cursors, in byte order of their names."""
        cursors: list[CursorInfo] = await self._native.cursors()
        return cursors

    async def user_metadata(self) -> Payload:
        """Bytes that the user keeps with the log; empty if none were set."""
        data: Payload = await self._native.user_metadata()
        return data

    async def set_user_metadata(self, data: Buffer) -> None:
        """Sets the bytes that the user keeps with the log; none removes them."""
        await self._native.set_user_metadata(data)


class Writer(_Handle):
    """The one writer of a log, open.

    After the first fatal error (`Fenced` above all) every later call raises it: open a new writer to go on.
    `InvalidArgument`, `TooLarge`, `ConditionFailed`, `QuotaExceeded`, `Busy` and `StorageFull` refuse one append and leave
    the writer as it was. Letting go of it without `close` is an `abort`.
    """

    __slots__ = ()

    async def append(self, payload: Buffer, *, txid: int | None = None, if_last: _Position | None = None) -> Receipt:
        """Appends a record, and returns when it is durable. `if_last`: the position that the last record must have, or
        `"empty"`; otherwise `ConditionFailed`."""
        receipt: Receipt = await _appended(lambda: self._native.append(payload, txid=txid, if_last=if_last))
        return receipt

    async def append_nowait(
        self, payload: Buffer, *, txid: int | None = None, if_last: _Position | None = None
    ) -> asyncio.Future[Receipt]:
        """Appends a record without waiting for the disk: only for room. Answers a future of the receipt."""
        ticket: asyncio.Future[Receipt] = await _placed(
            lambda: self._native.append_nowait(payload, txid=txid, if_last=if_last)
        )
        return ticket

    def try_append(self, payload: Buffer, *, txid: int | None = None) -> asyncio.Future[Receipt]:
        """As `append_nowait`, but raises `Busy` instead of waiting for room. It is no coroutine: no other task has its turn."""
        ticket: asyncio.Future[Receipt] = self._native.try_append(payload, txid=txid)
        return ticket

    async def append_many(self, records: Iterable[_NewRecord]) -> Receipts:
        """Appends each of the records (a payload, or a pair of payload and txid), all in flight at once, and returns when
        they are durable. An error has the receipts of those in front of it as `receipts`. Each is an
        append of its own: behind one that found no space (`StorageFull`) others may be acknowledged. `append_batch` appends
        all or none."""
        receipts: Receipts = await _appended(lambda: self._native.append_many(records))
        return receipts

    async def append_batch(
        self, records: Iterable[_NewRecord], *, if_last: _Position | None = None
    ) -> Receipts:
        """Appends records that are all in the log, next to each other, or none of them."""
        receipts: Receipts = await _appended(lambda: self._native.append_batch(records, if_last=if_last))
        return receipts

    async def append_record_set(
        self,
        payloads: Iterable[Buffer],
        *,
        txid: int | None = None,
        compression: Literal["none", "lz4"] = "none",
        if_last: _Position | None = None,
    ) -> Receipts:
        """Appends a record set: all of its members or none, with one txid, compressed together."""
        receipts: Receipts = await _appended(
            lambda: self._native.append_record_set(payloads, txid=txid, compression=compression, if_last=if_last)
        )
        return receipts

    async def flush(self) -> None:
        """Returns when all appends that were called before are settled, those too that wait for room."""
        await _answered(self._native.flush, _IN_A_ROW)

    async def truncate(self, before: _Position) -> Dlsn:
        """Truncates the log below `before`, also within the segment being written. Answers the point in force."""
        point: Dlsn = await self._native.truncate(before)
        return point

    async def seal(self) -> None:
        """Ends the log for ever: every later append, of this or any other writer, raises `Sealed`."""
        await self._native.seal()

    async def close(self) -> None:
        """Settles what was appended, completes the segment and lets the log go."""
        await self._native.close()

    def abort(self) -> None:
        """Ends the writer now: all that is not acknowledged fails with `Closed`, and may be in the log or not."""
        self._native.abort()

    @property
    def last_dlsn(self) -> Dlsn | None:
        """The position of the log's last acknowledged record."""
        return self._native.last_dlsn  # type: ignore[no-any-return]

    @property
    def last_txid(self) -> int | None:
        """The txid of the log's last acknowledged record."""
        return self._native.last_txid  # type: ignore[no-any-return]

    async def fenced(self, wait: _Wait = None) -> Error | None:
        """Returns when the writer is cut off by another, or ends otherwise, with the error that its calls then raise; None
        if that takes longer than `wait` seconds."""
        error: Error | None = await self._native.fenced(wait)
        return error


class Reader(_Handle):
    """Reads a log from some position on, in order: acknowledged records only, none twice, none left out.

    Iterating ends where the reader ends; one that follows waits for more.
    """

    __slots__ = ()

    async def next(self) -> Record | None:
        """The next record; None at the end, about which `end` says more."""
        record: Record | None = await _taken(self._native.next)
        return record

    async def next_batch(self, max: int, wait: _Wait = None) -> Records:
        """Up to `max` records: at least one, unless the reader ends or `wait` seconds pass before there is any."""
        records: Records = await _taken(lambda: self._native.next_batch(max, wait))
        return records

    @property
    def position(self) -> Dlsn:
        """Where the next record will be, or before it: everything below was delivered."""
        return self._native.position  # type: ignore[no-any-return]

    @property
    def end(self) -> _End | None:
        """How the reader ended; None while it has not."""
        return self._native.end  # type: ignore[no-any-return]

    @property
    def cursor(self) -> Cursor | None:
        """The cursor that it was opened with."""
        cursor = self._native.cursor
        return None if cursor is None else Cursor(cursor)

    async def advance(self, to: _Position) -> Dlsn:
        """Moves its cursor forward to the record that was processed last, as `Cursor.advance`. Answers the position in force."""
        position: Dlsn = await self._native.advance(to)
        return position

    async def reset(self, to: _Position) -> None:
        """Moves its cursor to this position, also back."""
        await self._native.reset(to)

    async def close(self) -> None:
        """Ends the reader and the call that waits on it, and lets its lock go: every later call raises `Closed`."""
        await self._native.close()

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    async def __anext__(self) -> Record:
        record = await self.next()
        if record is None:
            raise StopAsyncIteration
        return record


# Answers that were there at once, and after how many the other tasks have their turn.
_at_once = itertools.count(1)
_IN_A_ROW = 100
_APPENDS_IN_A_ROW = 10


async def _turn(in_a_row: int) -> None:
    """Lets the other tasks run, once in so many times: who is always answered at once would let none."""
    if not next(_at_once) % in_a_row:
        await asyncio.sleep(0)


async def _answered(call: Callable[[], asyncio.Future[Any]], in_a_row: int) -> Any:
    """What a call answers. One that is refused, or has nothing to wait for, is done at once."""
    at_once = True
    try:
        future = call()
        at_once = future.done()
        return await future
    finally:
        if at_once:
            await _turn(in_a_row)


def _appended(append: Callable[[], asyncio.Future[Any]]) -> Coroutine[Any, Any, Any]:
    """What an append answers. One that has the loop to itself is often done at once."""
    return _answered(append, _APPENDS_IN_A_ROW)


def _placed(place: Callable[[], asyncio.Future[Any]]) -> Coroutine[Any, Any, Any]:
    """What is answered as soon as there is room. Appends are settled in the turns of others."""
    return _answered(place, _IN_A_ROW)


async def _taken(call: Callable[[], asyncio.Future[_dl.Given]]) -> Any:
    """What a reader or watcher gives. It goes back if it was there when the task that waited for it was cancelled."""
    try:
        future = call()
    except Exception:
        await _turn(_IN_A_ROW)
        raise
    try:
        if future.done():
            await _turn(_IN_A_ROW)
        given = await future
    except BaseException:
        if future.done() and not future.cancelled() and future.exception() is None:
            future.result().give_back()
        raise
    return given.take()


class Cursor(_Handle):
    """A place in a log that is kept with it, by name: the record that was processed last."""

    __slots__ = ()

    async def close(self) -> None:
        """There is nothing to close."""

    @property
    def name(self) -> str:
        """Its name."""
        return self._native.name  # type: ignore[no-any-return]

    async def position(self) -> Dlsn | None:
        """The record that was processed last; None if the cursor was never moved."""
        position: Dlsn | None = await self._native.position()
        return position

    async def advance(self, to: _Position) -> Dlsn:
        """Moves it forward, and makes it if there is none. Answers the position in force, which is never moved back.

        Whether there is a record at the position is not checked: one behind the end skips records that come later."""
        position: Dlsn = await self._native.advance(to)
        return position

    async def reset(self, to: _Position) -> None:
        """Moves it to this position, also back."""
        await self._native.reset(to)

    async def delete(self) -> None:
        """Removes it. `Locked` while a locked reader has it."""
        await self._native.delete()


class ByteWriter(_Handle):
    """Appends bytes to a log. The one writer of the log, as `Writer` is."""

    __slots__ = ()

    async def write(self, data: Buffer) -> int:
        """Takes all of the bytes, waiting only for room, and answers the offset behind them. `flush` makes them durable."""
        position: int = await _placed(lambda: self._native.write(data))
        return position

    async def flush(self) -> None:
        """Returns when everything that was written is durable."""
        await _answered(self._native.flush, _IN_A_ROW)

    async def seal(self) -> None:
        """Ends the stream for ever."""
        await self._native.seal()

    async def close(self) -> None:
        """Waits until what was written is durable, completes the segment and lets the log go."""
        await self._native.close()

    def abort(self) -> None:
        """Ends the writer now: what is not durable may be in the log or not."""
        self._native.abort()

    @property
    def position(self) -> int:
        """The offset of the next byte."""
        return self._native.position  # type: ignore[no-any-return]

    async def fenced(self, wait: _Wait = None) -> Error | None:
        """As `Writer.fenced`."""
        error: Error | None = await self._native.fenced(wait)
        return error


class ByteReader(_Handle):
    """Reads a log as a stream of bytes, from any offset on. Iterating delivers chunks."""

    __slots__ = ()

    async def read(self, size: int = -1) -> bytes:
        """So many bytes, or what there is up to the end. One that follows waits for them.

        Fewer where another call got those behind them: what is joined follows one another."""
        data: bytes = await _taken(lambda: self._native.read(size))
        return data

    async def next_chunk(self) -> Payload | None:
        """The next bytes without copying them: what is left of the chunk at the position; None at the end."""
        chunk: Payload | None = await _taken(self._native.next_chunk)
        return chunk

    async def seek(self, offset: int) -> None:
        """Goes to an offset, in either direction."""
        await self._native.seek(offset)

    @property
    def position(self) -> int:
        """The offset of the next byte."""
        return self._native.position  # type: ignore[no-any-return]

    @property
    def end(self) -> _End | None:
        """How the reader ended; None while it has not, or is somewhere else since."""
        return self._native.end  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Ends the reader and the calls that wait on it: every later call raises `Closed`."""
        await self._native.close()

    def __aiter__(self) -> AsyncIterator[Payload]:
        return self

    async def __anext__(self) -> Payload:
        chunk = await self.next_chunk()
        if chunk is None:
            raise StopAsyncIteration
        return chunk


class LogWatcher(_Handle):
    """Tells of the logs below a prefix: first of those that are there, then of each that comes or goes."""

    __slots__ = ()

    async def close(self) -> None:
        """Ends it and the call that waits on it: every later call raises `Closed`."""
        self._native.close()

    async def next(self, wait: _Wait = None) -> LogChange | None:
        """The next change; None if it takes longer than `wait` seconds."""
        change: LogChange | None = await _taken(lambda: self._native.next(wait))
        return change

    def __aiter__(self) -> AsyncIterator[LogChange]:
        return self

    async def __anext__(self) -> LogChange:
        change: LogChange = await _taken(self._native.next)
        return change


class SegmentWatcher(_Handle):
    """Tells of the segments of a log: first what is there, then what is there after each change."""

    __slots__ = ()

    async def close(self) -> None:
        """Ends it and the call that waits on it: every later call raises `Closed`."""
        self._native.close()

    async def next(self, wait: _Wait = None) -> list[SegmentInfo] | None:
        """The segments, once they are others than those told last; None if it takes longer than `wait` seconds."""
        segments: list[SegmentInfo] | None = await _taken(lambda: self._native.next(wait))
        return segments

    def __aiter__(self) -> AsyncIterator[list[SegmentInfo]]:
        return self

    async def __anext__(self) -> list[SegmentInfo]:
        segments: list[SegmentInfo] = await _taken(self._native.next)
        return segments
