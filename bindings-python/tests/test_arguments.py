"""Every call, with values that cannot be right: a wrong type is a `TypeError`, any other a `dl.InvalidArgument` or `dl.TooLarge`.

What a method of the value itself raises goes through, and payloads, records and receipts take places as `bytes` and `list` do.
"""

from __future__ import annotations

import asyncio
import datetime
import enum
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

import dl
import dl.aio

RELEASED = memoryview(bytearray(b"abc"))
RELEASED.release()


class Falls:
    """Its methods raise what is not ours."""

    def __index__(self) -> int:
        raise RuntimeError("its own")

    def __str__(self) -> str:
        raise RuntimeError("its own")


VALUES: dict[str, Any] = {
    "none": None,
    "number": 7,
    "negative": -1,
    "2^63": 2**63,
    "2^64": 2**64,
    "2^200": 2**200,
    "-2^200": -(2**200),
    "10^5000": 10**5_000,
    "fraction": 1.5,
    "large": 1e300,
    "nan": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
    "flag": True,
    "empty": "",
    "text": "text",
    "nul": "a\0b",
    "half": "a\ud800",
    "long": "x" * 4_000_000,
    "bytes": b"bytes",
    "released": RELEASED,
    "list": [],
    "dict": {},
    "object": object(),
    "falls": Falls(),
    "class": int,
    "longest": datetime.timedelta.max,
    "past": datetime.timedelta(seconds=-1),
    "one": (b"x",),
    "three": (b"x", 1, 2),
    "pair": (b"x", 2**200),
    "pair of none": (b"x", object()),
    "of half": ["a\ud800"],
    "of released": [RELEASED],
    "of pair": [(b"x", 2**200)],
    "of one": [(b"x",)],
}
WAITS = {"none", "number", "2^63", "2^64", "2^200", "fraction", "large", "inf", "flag", "longest"}


# What an option that is a text takes.
NAMES = {"none", "number", "negative", "2^63", "2^64", "2^200", "-2^200", "fraction", "flag", "text"}


class Handles:
    """One of each, on a namespace in memory."""

    def __init__(self) -> None:
        self.namespace = dl.open("memory:arguments")
        self.log = self.namespace.create_log("a")
        self.writer = self.log.open_writer()
        self.first = self.writer.append(b"first", txid=1)
        self.reader = self.log.open_reader(cursor="c")
        self.bare = self.log.open_reader()
        stream = self.namespace.create_log("stream")
        self.byte_writer = stream.open_byte_writer()
        self.byte_writer.write(b"bytes")
        self.byte_writer.flush()
        self.byte_reader = stream.open_byte_reader()
        self.cursor = self.log.cursor("c")
        self.ticket = self.writer.append_nowait(b"second", txid=1)
        self.ticket.result()
        self.logs, self.segments = self.namespace.watch_logs(), self.log.watch_segments()


# Calls with one hostile value; and those values that are right, or for ever, or do what they should.
CALLS: dict[str, tuple[Callable[[Handles, Any], object], set[str]]] = {
    "open": (lambda h, v: dl.open(v).close(), set()),
    "open client_id": (lambda h, v: dl.open("memory:arguments-2", client_id=v).close(), NAMES),
    "open on_event": (lambda h, v: dl.open("memory:arguments-2", on_event=v).close(), set(VALUES)),
    "verify": (lambda h, v: dl.verify(v), set()),
    "verify log": (lambda h, v: dl.verify("memory:arguments", log=v), {"none", "text"}),
    "inspect": (lambda h, v: dl.inspect(v), set()),
    "file_uri": (lambda h, v: dl.file_uri(v), set()),
    "Namespace.create_log": (lambda h, v: h.namespace.create_log(v), {"text"}),
    "Namespace.open_log": (lambda h, v: h.namespace.open_log(v), set()),
    "Namespace.log": (lambda h, v: h.namespace.log(v), {"text"}),
    "Namespace.delete_log": (lambda h, v: h.namespace.delete_log(v), set()),
    "Namespace.rename_log": (lambda h, v: h.namespace.rename_log(v, "b"), set()),
    "Namespace.rename_log to": (lambda h, v: h.namespace.rename_log("b", v), set()),
    "Namespace.log_exists": (lambda h, v: h.namespace.log_exists(v), {"text"}),
    "Namespace.list_logs": (lambda h, v: h.namespace.list_logs(v), {"none", "empty", "text"}),
    "Namespace.list_logs after": (lambda h, v: h.namespace.list_logs(after=v), {"none", "text"}),
    "Namespace.list_logs limit": (lambda h, v: h.namespace.list_logs(limit=v), {"none", "number", "flag"}),
    "Namespace.watch_logs": (lambda h, v: h.namespace.watch_logs(v), {"none", "empty", "text", "nul", "long"}),
    "Namespace.metrics": (lambda h, v: h.namespace.metrics(by_log=v), {"flag"}),
    "Log.open_reader from_": (lambda h, v: h.log.open_reader(from_=v), {"none"}),
    "Log.open_reader count": (lambda h, v: h.log.open_reader(count=v), {"none", "number", "2^63"}),
    "Log.open_reader name": (lambda h, v: h.log.open_reader(**cast("Any", {v: 1})), {"released"}),
    "Log.open_reader takeover": (lambda h, v: h.log.open_reader(takeover=v), WAITS),
    "Log.set_options": (lambda h, v: h.log.set_options(roll_ms=v), {"none", "number", "2^63", "fraction"}),
    "Log.truncate": (lambda h, v: h.log.truncate(v), set()),
    "Log.dlsn_at_txid": (lambda h, v: h.log.dlsn_at_txid(v), {"number", "flag"}),
    "Log.count": (lambda h, v: h.log.count(from_=v), {"none"}),
    "Log.count until": (lambda h, v: h.log.count(until=v), {"none"}),
    "Log.cursor": (lambda h, v: h.log.cursor(v), {"text"}),
    "Log.set_user_metadata": (lambda h, v: h.log.set_user_metadata(v), {"bytes"}),
    "Writer.append": (lambda h, v: h.writer.append(v, txid=7), {"bytes"}),
    "Writer.append txid": (lambda h, v: h.writer.append(b"x", txid=v), {"none", "number", "flag"}),
    "Writer.append if_last": (lambda h, v: h.writer.append(b"x", if_last=v), {"none"}),
    "Writer.append_nowait": (lambda h, v: h.writer.append_nowait(v, txid=7), {"bytes"}),
    "Writer.append_nowait txid": (lambda h, v: h.writer.append_nowait(b"x", txid=v), {"none", "number", "flag"}),
    "Writer.append_nowait if_last": (lambda h, v: h.writer.append_nowait(b"x", if_last=v), {"none"}),
    "Writer.try_append": (lambda h, v: h.writer.try_append(v, txid=7), {"bytes"}),
    "Writer.try_append txid": (lambda h, v: h.writer.try_append(b"x", txid=v), {"none", "number", "flag"}),
    "Writer.append_many": (lambda h, v: h.writer.append_many(v), {"list", "dict", "one"}),
    "Writer.append_batch": (lambda h, v: h.writer.append_batch(v), {"one"}),
    "Writer.append_batch if_last": (lambda h, v: h.writer.append_batch([b"x"], if_last=v), {"none"}),
    "Writer.append_record_set": (lambda h, v: h.writer.append_record_set(v), {"one"}),
    "Writer.append_record_set txid": (lambda h, v: h.writer.append_record_set([b"x"], txid=v), {"none", "number", "flag"}),
    "Writer.append_record_set compression": (lambda h, v: h.writer.append_record_set([b"x"], compression=v), {"none"}),
    "Writer.append_record_set if_last": (lambda h, v: h.writer.append_record_set([b"x"], if_last=v), {"none"}),
    "Writer.truncate": (lambda h, v: h.writer.truncate(v), set()),
    "Writer.fenced": (lambda h, v: h.writer.fenced(v), WAITS),
    "Reader.next_batch": (lambda h, v: h.reader.next_batch(v, 0), {"number", "2^63", "flag"}),
    "Reader.next_batch wait": (lambda h, v: h.reader.next_batch(1, v), WAITS),
    "Reader.advance": (lambda h, v: h.reader.advance(v), set()),
    "Reader.reset": (lambda h, v: h.reader.reset(v), set()),
    "Reader.advance without cursor": (lambda h, v: h.bare.advance("1:0:0"), set()),
    "ByteWriter.write": (lambda h, v: h.byte_writer.write(v), {"bytes"}),
    "ByteWriter.fenced": (lambda h, v: h.byte_writer.fenced(v), WAITS),
    "ByteReader.read": (lambda h, v: h.byte_reader.read(v), {"none", "number", "negative", "flag"}),
    "ByteReader.seek": (lambda h, v: h.byte_reader.seek(v), {"number", "flag"}),
    "Cursor.advance": (lambda h, v: h.cursor.advance(v), set()),
    "Cursor.reset": (lambda h, v: h.cursor.reset(v), set()),
    "Ticket.result": (lambda h, v: h.ticket.result(v), WAITS),
    "LogWatcher.next": (lambda h, v: h.logs.next(v), WAITS),
    "SegmentWatcher.next": (lambda h, v: h.segments.next(v), WAITS),
    "Dlsn segment": (lambda h, v: dl.Dlsn(v, 0, 0), {"number", "negative", "flag"}),
    "Dlsn entry": (lambda h, v: dl.Dlsn(0, v, 0), {"number", "negative", "flag"}),
    "Dlsn slot": (lambda h, v: dl.Dlsn(0, 0, v), {"number", "negative", "flag"}),
    "Dlsn.parse": (lambda h, v: dl.Dlsn.parse(v), set()),
    "Payload": (lambda h, v: dl.Payload(v), {"bytes"}),
}

# What is taken from nobody: without parameters, or with those of `bytes` and `list`.
WITHOUT = {
    "Namespace.close", "Log.open_writer", "Log.open_byte_writer", "Log.open_byte_reader", "Log.info", "Log.segments",
    "Log.watch_segments", "Log.first_record", "Log.last_record", "Log.recover", "Log.apply_retention", "Log.options",
    "Log.cursors", "Log.user_metadata", "Writer.flush", "Writer.seal", "Writer.close", "Writer.abort", "Reader.next",
    "Reader.close", "ByteWriter.flush", "ByteWriter.seal", "ByteWriter.close", "ByteWriter.abort", "ByteReader.next_chunk",
    "ByteReader.close", "LogWatcher.close", "SegmentWatcher.close", "Cursor.position", "Cursor.delete",
    "Ticket.done", "Dlsn.next", "Payload.decode", "Records.payloads",
}  # fmt: skip


@pytest.fixture(scope="module")
def handles() -> Iterator[Handles]:
    handles = Handles()
    yield handles
    handles.namespace.close()


def test_the_table_has_every_method() -> None:
    methods = {
        f"{name}.{method}"
        for name in dl.__all__
        if inspect.isclass(kind := getattr(dl, name)) and kind.__module__ == "dl" and not issubclass(kind, dl.Error)
        for method in vars(kind)
        if not method.startswith("_") and callable(getattr(kind, method))
    }
    assert methods == {name.split(" ")[0] for name in CALLS if "." in name} | WITHOUT | {"Log.open_reader"}


@pytest.mark.parametrize("name", CALLS)
def test_what_cannot_be_right_is_refused(handles: Handles, name: str) -> None:
    call, right = CALLS[name]
    for what, value in VALUES.items():
        if what in right:
            continue
        with pytest.raises((TypeError, dl.Error, RuntimeError)) as refused:
            call(handles, value)
            pytest.fail(f"{name} with {what} is not refused")
        error = refused.value
        assert not isinstance(error, RuntimeError) or str(error) == "its own" and what == "falls"
        if isinstance(error, dl.Error):
            assert isinstance(error, (dl.InvalidArgument, dl.TooLarge, dl.NotFound, dl.Unsupported)), (what, error)
            assert error.message and len(str(error)) < 6_000, (what, len(str(error)))


def test_places_are_taken_as_by_bytes_and_lists(handles: Handles) -> None:
    with handles.log.open_reader() as reader:
        records = reader.next_batch(2)
    for place in (2**200, -(2**200), 2**63, 100, -100):
        for sequence in (records, records[0].payload):
            with pytest.raises(IndexError):
                sequence[place]
    assert records[0].payload.decode() == "first"
    with pytest.raises(LookupError):
        records[0].payload.decode("no encoding")


def test_on_an_event_loop_they_are_refused_too() -> None:
    async def main() -> None:
        async with dl.aio.open("memory:arguments-aio") as namespace:
            log = await namespace.create_log("a")
            async with log.open_writer() as writer:
                for wrong in (
                    dl.aio.open("memory:\ud800"),
                    dl.aio.verify("memory:\ud800"),
                    namespace.create_log("\ud800"),
                    namespace.list_logs(limit=2**200),
                    writer.append(RELEASED),
                    writer.append(b"x", txid=2**200),
                    writer.append_many([(b"x",)]),  # type: ignore[list-item]
                    log.dlsn_at_txid(-(2**200)),
                    log.truncate("\ud800"),
                ):
                    with pytest.raises(dl.InvalidArgument):
                        await wrong

    asyncio.run(main())


class Level(int, enum.Enum):
    """A number whose text is another one."""

    LOW = 4_096


class Whole:
    """A whole number of a class of its own."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


class Mine:
    """Its methods raise what a wrong value raises."""

    def __index__(self) -> int:
        raise ValueError("mine")

    def __float__(self) -> float:
        raise ValueError("mine")


def test_an_option_takes_whatever_is_a_whole_number(log: dl.Log) -> None:
    for number in (Level.LOW, Whole(4_096)):
        log.set_options(retention_ms=cast(Any, number))
        assert log.options()["retention_ms"] == "4096ms"


def test_what_a_method_of_the_value_raises_goes_through(log: dl.Log) -> None:
    mine: Any = Mine()
    with log.open_writer() as writer, log.open_reader(follow=True) as reader:
        for call in (
            lambda: writer.append(b"x", txid=mine),
            lambda: reader.next_batch(mine, 0),
            lambda: reader.next_batch(1, mine),
            lambda: dl.Dlsn(mine, 0, 0),
        ):
            with pytest.raises(ValueError, match="mine") as raised:
                call()
            assert not isinstance(raised.value, dl.Error)


def test_a_long_wait_is_refused_in_few_words(log: dl.Log) -> None:
    with log.open_reader(follow=True) as reader, pytest.raises(dl.InvalidArgument) as refused:
        reader.next_batch(1, -1e300)
    assert len(str(refused.value)) < 100
