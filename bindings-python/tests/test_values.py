"""Positions, payloads and receipts as values."""

from __future__ import annotations

import array
import copy
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

import dl

if TYPE_CHECKING:
    from typing_extensions import Buffer


def test_dlsns_are_ordered_hashed_and_have_a_text() -> None:
    first, second = dl.Dlsn(1, 120, 0), dl.Dlsn(2, 0, 0)
    assert first < second <= second != first
    assert sorted([second, first]) == [first, second]
    assert {first: 1}[dl.Dlsn.parse("1:120:0")] == 1
    assert str(first) == "1:120:0"
    assert eval(repr(first)) == first
    assert (first.segment, first.entry, first.slot) == (1, 120, 0)
    assert first != "1:120:0"
    assert first < first.next() == dl.Dlsn(1, 120, 1)


def test_dlsns_are_pickled_and_copied() -> None:
    dlsn = dl.Dlsn(3, 120, -1)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(dlsn, protocol)) == dlsn
    assert copy.deepcopy(dlsn) == dlsn


@pytest.mark.parametrize("text", ["", "1", "1:2", "1:2:3:4", "a:b:c", "1:2: 3"])
def test_what_is_no_dlsn_is_refused(text: str) -> None:
    with pytest.raises(dl.InvalidArgument):
        dl.Dlsn.parse(text)


def test_dlsns_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        dl.Dlsn(1, 0, 0).slot = 1  # type: ignore[misc]


def test_a_payload_is_a_buffer_that_cannot_be_changed() -> None:
    payload = dl.Payload(b"some bytes")
    view = memoryview(payload)
    assert view.readonly
    assert (view.format, view.nbytes, bytes(view[5:])) == ("B", 10, b"bytes")
    with pytest.raises(TypeError):
        view[0] = 1


def test_a_payload_outlives_the_record_and_its_reader(log: dl.Log) -> None:
    with log.open_writer() as writer:
        writer.append(b"x" * 100_000)
    with log.open_reader() as reader:
        record = reader.next()
        assert record is not None
        view = memoryview(record.payload)
        del record
    del reader
    assert view == b"x" * 100_000


def test_a_payload_is_like_bytes() -> None:
    payload = dl.Payload(b"some bytes")
    assert payload == b"some bytes"
    assert payload == bytearray(b"some bytes")
    assert payload == memoryview(b"some bytes")
    assert payload == dl.Payload(b"some bytes")
    assert payload != b"others"
    assert payload != "some bytes"
    assert {payload: 1}[dl.Payload(b"some bytes")] == 1
    assert hash(payload) == hash(b"some bytes")
    assert len(payload) == 10
    assert (payload[0], payload[-1]) == (ord("s"), ord("s"))
    assert payload[5:] == b"bytes"
    assert payload[::-1] == b"setyb emos"
    assert isinstance(payload[5:], dl.Payload)
    assert b"byte" in payload
    assert list(payload) == list(b"some bytes")
    assert payload.decode() == "some bytes"
    assert dl.Payload("ü".encode("latin-1")).decode("latin-1") == "ü"
    assert repr(payload) == "dl.Payload(b'some bytes')"
    assert bytes(pickle.loads(pickle.dumps(payload))) == b"some bytes"
    with pytest.raises(IndexError):
        payload[10]
    with pytest.raises(UnicodeDecodeError):
        dl.Payload(b"\xff").decode()


@pytest.mark.parametrize("size", [0, 1, 1_023, 1_024, 1_000_000])
def test_every_buffer_is_taken(log: dl.Log, size: int) -> None:
    data = bytes(i * 7 & 255 for i in range(size))
    buffers: list[Buffer] = [data, bytearray(data), memoryview(data), dl.Payload(data), array.array("B", data)]
    with log.open_writer() as writer:
        for buffer in buffers:
            writer.append(buffer)
        doubled = memoryview(bytes(byte for byte in data for _ in range(2)))
        writer.append(doubled[::2])  # not contiguous
    with log.open_reader() as reader:
        assert [bytes(record.payload) == data for record in reader] == [True] * 6


def test_a_buffer_may_be_reused_after_the_call(log: dl.Log) -> None:
    with log.open_writer() as writer:
        buffer = bytearray(b"x" * 10_000)
        ticket = writer.append_nowait(buffer)
        buffer[:] = b"y" * 10_000
        ticket.result()
    with log.open_reader() as reader:
        assert [bytes(record.payload) for record in reader] == [b"x" * 10_000]


def test_a_text_is_no_payload(log: dl.Log) -> None:
    with log.open_writer() as writer:
        with pytest.raises(TypeError, match="encode"):
            writer.append("text")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            writer.append(1)  # type: ignore[arg-type]


def test_receipts_and_records_are_compared_by_what_they_say(log: dl.Log) -> None:
    with log.open_writer() as writer:
        receipt = writer.append(b"one", txid=5)
        ticket = writer.append_nowait(b"two", txid=6)
        assert ticket.result() == ticket.result() != receipt
        assert receipt.txid == 5
        assert receipt.sequence_id == 0
        assert receipt.durability in ("memory", "power-loss")
        assert not receipt.duplicate
        assert "txid=5" in repr(receipt)
    first, again = log.first_record(), log.first_record()
    assert first == again != log.last_record()
    assert first is not None
    assert (first.txid, first.sequence_id, first.record_set, first.dlsn) == (5, 0, False, receipt.dlsn)
    assert "3 bytes" in repr(first)


def test_batches_are_sequences(log: dl.Log) -> None:
    with log.open_writer() as writer:
        receipts = writer.append_batch([b"%d" % i for i in range(5)])
    with log.open_reader() as reader:
        records = reader.next_batch(10)
    assert isinstance(records, Sequence) and isinstance(receipts, Sequence)
    assert len(records) == len(receipts) == 5
    assert [record.dlsn for record in records] == [receipt.dlsn for receipt in receipts]
    assert records.payloads() == [record.payload for record in records] == [b"0", b"1", b"2", b"3", b"4"]
    assert (records[-1], records[0]) == (list(records)[4], list(records)[0])
    assert [record.payload for record in records[::-2]] == [b"4", b"2", b"0"]
    assert receipts[1:3] == [receipts[1], receipts[2]]
    assert receipts[2] in receipts
    with pytest.raises(IndexError):
        records[5]
    with pytest.raises(IndexError):
        receipts[-6]
