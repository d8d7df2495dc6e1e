"""Namespaces, logs, cursors, streams of bytes, watching, and what an operator asks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import dl


def test_logs_are_made_found_renamed_and_deleted(namespace: dl.Namespace) -> None:
    for name in ["eu/paid", "eu/sent", "us/paid"]:
        assert namespace.create_log(name).name == name
    assert namespace.list_logs() == ["eu/paid", "eu/sent", "us/paid"]
    assert namespace.list_logs("eu") == ["eu/paid", "eu/sent"]
    assert namespace.list_logs(after="eu/paid", limit=1) == ["eu/sent"]
    with pytest.raises(dl.AlreadyExists):
        namespace.create_log("us/paid")
    namespace.rename_log("us/paid", "us/old")
    assert not namespace.log_exists("us/paid")
    assert namespace.log_exists("us/old")
    namespace.delete_log("us/old")
    with pytest.raises(dl.NotFound):
        namespace.open_log("us/old")
    assert namespace.open_log("eu/paid").info().segments == 0
    assert namespace.log("new").open_writer(create_log=True).append(b"1").dlsn == dl.Dlsn(1, 0, 0)


def test_changes_are_told(namespace: dl.Namespace) -> None:
    namespace.create_log("a")
    with_logs = namespace.watch_logs()
    assert [with_logs.next(), with_logs.next()] == [dl.LogChange("created", "a"), dl.LogChange("listed", None)]
    assert with_logs.next(0.01) is None
    namespace.create_log("b")
    assert next(with_logs) == dl.LogChange("created", "b")
    namespace.delete_log("a")
    assert next(with_logs) == dl.LogChange("deleted", "a")
    with_segments = namespace.log("b").watch_segments()
    assert next(with_segments) == []
    with namespace.log("b").open_writer() as writer:
        writer.append(b"1")
        (segment,) = next(with_segments)
        assert segment.completed is None
    (segment,) = next(with_segments)
    assert segment.completed is not None and segment.completed.records == 1
    assert with_segments.next(timedelta(0)) is None


def test_truncation_and_retention(log: dl.Log) -> None:
    with log.open_writer() as writer:
        dlsns = [writer.append(b"%d" % i, txid=i).dlsn for i in range(10)]
        assert writer.truncate(dlsns[4]) == dlsns[4]
        assert log.truncate(dlsns[2]) == dlsns[4]
        with pytest.raises(dl.Truncated) as truncated:
            log.open_reader(from_=dlsns[0])
        assert truncated.value.dlsn == dlsns[4]
        with log.open_reader(from_=dlsns[0], on_truncated="skip") as reader:
            assert reader.next_batch(1)[0].dlsn == dlsns[4]
        assert log.dlsn_at_txid(7) == dlsns[7]
        assert log.dlsn_at_txid(70) is None
    assert log.apply_retention() == dlsns[4]
    info = log.info()
    assert (info.first_readable, info.max_txid, info.owner, info.sealed) == (dlsns[4], 9, None, False)
    assert any(segment.truncated_below or segment.truncated for segment in log.segments())


def test_options_are_kept_with_the_log(log: dl.Log) -> None:
    log.set_options(retention_ms=1.5, roll_ms=timedelta(hours=1), roll_bytes="1MiB", compression="lz4")
    assert log.options() == {
        "compression": "lz4",
        "explicit_truncation": "false",
        "retention_ms": "1500ms",
        "roll_bytes": "1MiB",
        "roll_ms": "1h",
    }
    log.set_options(retention_ms=None)
    assert "retention_ms" not in log.options()
    wrongs: list[float | timedelta | str] = [-1.0, float("nan"), timedelta(seconds=-1), 0, 2**60, "soon"]
    for wrong in wrongs:
        with pytest.raises(dl.InvalidArgument):
            log.set_options(roll_ms=wrong)
    with pytest.raises(dl.Locked):
        with log.open_writer():
            log.open_writer(takeover=timedelta(milliseconds=5))


def test_a_log_keeps_bytes_of_its_user(log: dl.Log) -> None:
    assert log.user_metadata() == b""
    log.set_user_metadata(bytearray(b"mine"))
    assert log.user_metadata() == b"mine"


def test_cursors(log: dl.Log) -> None:
    with log.open_writer() as writer:
        dlsns = [writer.append(b"%d" % i).dlsn for i in range(4)]
    cursor = log.cursor("billing")
    assert cursor.name == "billing"
    assert cursor.position() is None
    assert cursor.advance(dlsns[1]) == dlsns[1]
    assert cursor.advance(dlsns[0]) == dlsns[1]
    with log.open_reader(cursor="billing", locked=True) as reader:
        assert [record.dlsn for record in reader] == dlsns[2:]
        assert reader.cursor is not None and reader.cursor.name == "billing"
        assert reader.advance(dlsns[2]) == dlsns[2]
        (info,) = log.cursors()
        assert info.owner is not None
        with pytest.raises(dl.Locked):
            cursor.delete()
        with log.open_reader(cursor="billing", locked=True), pytest.raises(dl.Fenced):
            reader.advance(dlsns[3])
    cursor.reset(dlsns[0])
    assert log.cursors() == [dl.CursorInfo("billing", dlsns[0], None)]
    cursor.delete()
    assert log.cursors() == []
    with log.open_reader() as reader:
        assert reader.cursor is None
        with pytest.raises(dl.InvalidArgument, match="without a cursor"):
            reader.advance(dlsns[0])


def test_streams_of_bytes(log: dl.Log) -> None:
    with log.open_byte_writer() as writer:
        assert writer.write(b"hello ") == 6
        assert writer.write(memoryview(b"world")) == writer.position == 11
        writer.flush()
        assert writer.fenced(0.01) is None
        with log.open_byte_reader() as reader:
            assert reader.read() == b"hello world"
            assert (reader.position, reader.end) == (11, "end")
            reader.seek(6)
            assert reader.next_chunk() == b"world"
            assert reader.next_chunk() is None
            reader.seek(4)
            assert list(reader) == [b"o ", b"world"]
            reader.seek(3)
            assert reader.read(5) == b"lo wo"
            with pytest.raises(dl.InvalidArgument):
                reader.seek(-1)
    with log.open_byte_writer() as writer:
        writer.seal()
    with log.open_byte_reader(from_="txid:6") as reader:
        assert (reader.read(100), reader.end) == (b"world", "sealed")


def test_a_namespace_is_inspected_and_verified(file_uri: str, tmp_path: Path) -> None:
    with pytest.raises(dl.NotFound):
        dl.inspect(file_uri)
    with dl.open(file_uri, client_id="me") as namespace:
        with namespace.create_log("a").open_writer() as writer:
            writer.append(b"some payload that is easy to find")
        info = dl.inspect(file_uri)
        assert (info.driver, info.logs) == ("file", 1)
        assert [process.client_id for process in info.processes] == ["me"]
        assert info.format is not None and info.format.known
        metrics = {metric.name: metric for metric in namespace.metrics()}
        assert metrics["dl_append_records_total"].value == 1
        assert all(metric.help for metric in namespace.metrics(by_log=True))
    assert dl.verify(file_uri).findings == []
    (segment,) = (path for path in (tmp_path / "ns/segments").rglob("*") if path.is_file())
    data = bytearray(segment.read_bytes())
    data[data.index(b"easy")] ^= 1
    segment.write_bytes(data)
    found = dl.verify(file_uri, log="a").findings
    assert [(finding.severity, finding.log) for finding in found] == [("damage", "a")]
    assert found[0].file == str(segment)


def test_a_namespace_says_what_it_is(namespace: dl.Namespace, uri: str) -> None:
    assert namespace.uri == uri
    assert uri in repr(namespace)
    assert repr(namespace.log("a")) == "<dl.Log a>"
    with pytest.raises(dl.InvalidArgument):
        dl.open("nothing:at-all")
    with pytest.raises(dl.InvalidArgument):
        dl.open(uri, journal_byts=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        __import__("pickle").dumps(namespace)
