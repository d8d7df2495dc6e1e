"""An exception class for each kind, and what the exceptions say."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dl
import dl.aio
import dl.errors

GUIDE = Path(__file__).resolve().parents[2] / "docs/guide/errors.md"


def test_the_guide_has_every_class() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", GUIDE.read_text(), re.MULTILINE)
    assert [(kind, int(code)) for kind, code in rows] == [
        (kind.kind, code) for code, kind in dl.errors._CLASSES.items()
    ]
    named = re.findall(r"^\| `([a-z-]+)` \| `ErrorKind::.*\| `dl\.(\w+)` \| `\w+` \|$", GUIDE.read_text(), re.MULTILINE)
    assert named == [(kind.kind, kind.__name__) for kind in dl.errors._CLASSES.values()]


def test_classes_are_below_error_and_named_as_their_kinds() -> None:
    for kind in dl.errors._CLASSES.values():
        assert issubclass(kind, dl.Error)
        assert kind.kind.replace("-", "") == kind.__name__.lower()
        assert getattr(dl, kind.__name__) is kind
    assert issubclass(dl.InvalidArgument, ValueError)


def test_an_unknown_number_is_internal_and_kept() -> None:
    error = dl.Error._of_kind(99, "from the future", None, {}, None, False, False, ["a cause"])
    assert isinstance(error, dl.Internal)
    assert (error.kind, error.code) == ("internal", 99)
    assert error.__notes__ == ["caused by: a cause"]


def test_an_error_says_what_happened_to_what(log: dl.Log, uri: str) -> None:
    with dl.open(uri, client_id="other") as second:
        first_writer = log.open_writer()
        dlsn = first_writer.append(b"1").dlsn
        with pytest.raises(dl.Locked) as locked:
            second.log("a").open_writer(takeover="never")
        assert locked.value.owner
        assert locked.value.retryable
        assert locked.value.log == "a"
        assert locked.value.code == 19
        with second.log("a").open_writer() as writer:
            with pytest.raises(dl.Fenced) as fenced:
                first_writer.append(b"2")
            assert fenced.value.owner == "other"
            assert fenced.value.operation == "append"
            assert not fenced.value.retryable
            assert "other" in str(fenced.value)
            assert str(fenced.value).startswith("fenced (append): ")
            with pytest.raises(dl.ConditionFailed) as failed:
                writer.append(b"2", if_last="empty")
            assert failed.value.dlsn == dlsn
            assert not failed.value.may_have_taken_effect


def test_errors_are_pickled(namespace: dl.Namespace) -> None:
    with pytest.raises(dl.NotFound) as caught:
        namespace.open_log("nothing")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is dl.NotFound
    assert str(copy) == str(caught.value)
    assert copy.__dict__ == caught.value.__dict__
    assert copy.log == "nothing"


def test_bad_arguments_are_refused_before_anything_happens(namespace: dl.Namespace, log: dl.Log) -> None:
    with pytest.raises(dl.InvalidArgument):
        namespace.create_log("a b")
    with pytest.raises(dl.TooLarge):
        namespace.create_log("a" * 2_000)
    with pytest.raises(dl.InvalidArgument):
        namespace.list_logs(limit=-1)
    with pytest.raises(dl.InvalidArgument):
        log.open_reader(folow=True)  # type: ignore[call-arg]
    with pytest.raises(dl.InvalidArgument):
        log.cursor("a/b")
    with pytest.raises(TypeError):
        log.open_reader(from_=object())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        log.truncate(7)  # type: ignore[arg-type]
    with log.open_writer() as writer:
        for txid in [-1, 2**63 - 1, 2**70]:
            with pytest.raises(dl.InvalidArgument):
                writer.append(b"1", txid=txid)
        with pytest.raises(dl.TooLarge):
            writer.append(bytes(1_040_365))
        with pytest.raises(dl.InvalidArgument):
            writer.append(b"1", if_last="nowhere")
        with pytest.raises(dl.InvalidArgument):
            writer.append_record_set([b"1"], compression="zip")  # type: ignore[arg-type]
        assert writer.append(b"fine").dlsn == dl.Dlsn(1, 0, 0)
    with log.open_reader() as reader, pytest.raises(dl.InvalidArgument):
        reader.next_batch(1, -1.0)


def test_an_error_names_the_call_that_failed(namespace: dl.Namespace) -> None:
    log = namespace.log("nothing")
    first = dl.Dlsn(1, 0, 0)
    calls: dict[str, Callable[[], object]] = {
        "open_log": lambda: namespace.open_log("nothing"),
        "delete_log": lambda: namespace.delete_log("nothing"),
        "rename_log": lambda: namespace.rename_log("nothing", "something"),
        "open_writer": log.open_writer,
        "open_reader": log.open_reader,
        "open_byte_writer": log.open_byte_writer,
        "open_byte_reader": log.open_byte_reader,
        "first_record": log.first_record,
        "last_record": log.last_record,
        "info": log.info,
        "segments": log.segments,
        "truncate": lambda: log.truncate(first),
        "dlsn_at_txid": lambda: log.dlsn_at_txid(1),
        "count": log.count,
        "recover": log.recover,
        "apply_retention": log.apply_retention,
        "options": log.options,
        "set_options": lambda: log.set_options(roll_ms=1_000),
        "cursor": lambda: log.cursor("c"),
        "cursors": log.cursors,
        "user_metadata": log.user_metadata,
        "set_user_metadata": lambda: log.set_user_metadata(b"x"),
    }
    for operation, call in calls.items():
        with pytest.raises(dl.NotFound) as failed:
            call()
        assert failed.value.operation == operation
    namespace.create_log("a")
    with pytest.raises(dl.AlreadyExists) as exists:
        namespace.create_log("a")
    assert exists.value.operation == "create_log"
    with namespace.log("a").open_reader() as reader:
        reader.close()
        byte_reader = namespace.log("a").open_byte_reader()
        byte_reader.close()
        reads: list[tuple[str, Callable[[], object]]] = [
            ("next", reader.next),
            ("next_batch", lambda: reader.next_batch(1)),
            ("next_batch", lambda: reader.next_batch(5)),
            ("read", byte_reader.read),
            ("next_chunk", byte_reader.next_chunk),
            ("seek", lambda: byte_reader.seek(1)),
        ]
        for operation, read in reads:
            with pytest.raises(dl.Closed) as closed:
                read()
            assert closed.value.operation == operation
    with pytest.raises(dl.InvalidArgument) as nonsense:
        dl.open("nonsense")
    assert nonsense.value.operation == "open"


@pytest.mark.parametrize("face", ["sync", "aio"])
def test_a_call_on_a_closed_namespace_is_named(face: str, uri: str) -> None:
    async def main() -> None:
        namespace: Any = dl.open(uri) if face == "sync" else await dl.aio.open(uri)

        async def answer(given: Any) -> Any:
            return await given if inspect.isawaitable(given) else given

        log = await answer(namespace.create_log("a"))
        writer = await answer(log.open_writer())
        reader, byte_reader = await answer(log.open_reader()), await answer(log.open_byte_reader())
        await answer(namespace.close())
        calls: dict[str, Callable[[], object]] = {
            "create_log": lambda: namespace.create_log("b"),
            "open_log": lambda: namespace.open_log("a"),
            "log_exists": lambda: namespace.log_exists("a"),
            "list_logs": namespace.list_logs,
            "rename_log": lambda: namespace.rename_log("a", "b"),
            "delete_log": lambda: namespace.delete_log("a"),
            "watch_logs": namespace.watch_logs,
            "open_writer": log.open_writer,
            "open_reader": log.open_reader,
            "open_byte_writer": log.open_byte_writer,
            "info": log.info,
            "count": log.count,
            "cursors": log.cursors,
            "watch_segments": log.watch_segments,
            "append": lambda: writer.append(b"x"),
            "try_append": lambda: writer.try_append(b"x"),
            "append_many": lambda: writer.append_many([b"x"]),
            "append_batch": lambda: writer.append_batch([b"x"]),
            "append_record_set": lambda: writer.append_record_set([b"x"]),
            "flush": writer.flush,
            "seal": writer.seal,
            "next": reader.next,
            "next_batch": lambda: reader.next_batch(5, 0.0),
            "read": byte_reader.read,
            "next_chunk": byte_reader.next_chunk,
            "seek": lambda: byte_reader.seek(0),
        }
        for operation, call in calls.items():
            with pytest.raises(dl.Closed) as closed:
                await answer(call())
                pytest.fail(f"{operation} answers")
            assert closed.value.operation == operation

    asyncio.run(main())


def test_an_error_says_which_argument_it_is_about(log: dl.Log) -> None:
    with log.open_writer() as writer, log.open_reader() as reader:
        wrong: list[tuple[str, Callable[[], object]]] = [
            ("a payload is bytes or another buffer, not NoneType", lambda: writer.append(None)),  # type: ignore[arg-type]
            ("record 1: a payload is bytes", lambda: writer.append_many([b"a", None])),  # type: ignore[list-item]
            ("record 1: a payload is bytes", lambda: writer.append_batch([b"a", (None, 5)])),  # type: ignore[list-item]
            ("record 1: a payload is bytes", lambda: writer.append_record_set([b"a", 5])),  # type: ignore[list-item]
            ("data is bytes or another buffer, not str", lambda: log.set_user_metadata("x")),  # type: ignore[arg-type]
        ]
        for words, call in wrong:
            with pytest.raises(TypeError, match=f"^{words}"):
                call()
        with pytest.raises(dl.InvalidArgument) as refused:
            writer.append_many([b"a", (b"b", -1)])
        assert refused.value.__notes__ == ["in record 1"]
        with pytest.raises(dl.InvalidArgument, match="max is -1"):
            reader.next_batch(-1)


@pytest.mark.parametrize("face", ["sync", "aio"])
def test_an_error_about_an_argument_names_the_call(face: str, uri: str) -> None:
    async def main() -> None:
        namespace: Any = dl.open(uri) if face == "sync" else await dl.aio.open(uri)

        async def answer(given: Any) -> Any:
            return await given if inspect.isawaitable(given) else given

        log = await answer(namespace.create_log("a"))
        writer = await answer(log.open_writer())
        cursor = await answer(log.cursor("c"))
        calls: list[tuple[str, Callable[[], object]]] = [
            ("append", lambda: writer.append(b"x", txid=-1)),
            ("append", lambda: writer.append(b"x", if_last="1:2")),
            ("append", lambda: writer.append_nowait(b"x", txid=-1)),
            ("append", lambda: writer.append_nowait(b"x", if_last="nothing")),
            ("try_append", lambda: writer.try_append(b"x", txid=-1)),
            ("append_many", lambda: writer.append_many([b"x", (b"y", -1)])),
            ("append_batch", lambda: writer.append_batch([(b"y", -1)])),
            ("append_batch", lambda: writer.append_batch([b"y"], if_last="1:2")),
            ("append_record_set", lambda: writer.append_record_set([b"x"], txid=-1)),
            ("append_record_set", lambda: writer.append_record_set([b"x"], compression="zip")),
            ("append_record_set", lambda: writer.append_record_set([b"x"], if_last="1:2")),
            ("truncate", lambda: writer.truncate("1:2")),
            ("truncate", lambda: log.truncate("1:2")),
            ("dlsn_at_txid", lambda: log.dlsn_at_txid(-1)),
            ("count_between", lambda: log.count(from_="1:2")),
            ("advance", lambda: cursor.advance("1:2")),
            ("reset", lambda: cursor.reset("1:2")),
        ]
        for operation, call in calls:
            with pytest.raises(dl.InvalidArgument) as refused:
                await answer(call())
            assert refused.value.operation == operation
            assert str(refused.value).startswith(f"invalid-argument ({operation}): ")
        await answer(namespace.close())

    asyncio.run(main())


def test_a_block_is_not_entered_with_what_was_closed(uri: str) -> None:
    namespace = dl.open(uri)
    log = namespace.create_log("a")
    reader, watcher = log.open_reader(), log.watch_segments()
    reader.close()
    watcher.close()
    namespace.close()
    for closed in (reader, watcher, namespace):
        with pytest.raises(dl.Closed), closed:
            pytest.fail("entered")

    async def main() -> None:
        namespace = await dl.aio.open(uri)
        log = await namespace.create_log("b")
        reader, watcher = await log.open_reader(), log.watch_segments()
        await reader.close()
        await watcher.close()
        await namespace.close()
        for closed in (reader, watcher, namespace):
            with pytest.raises(dl.Closed):
                async with closed:
                    pytest.fail("entered")

    asyncio.run(main())


def test_a_watcher_that_is_closed_ends_the_call_that_waits(uri: str) -> None:
    async def main() -> None:
        async with dl.aio.open(uri) as namespace:
            log = await namespace.create_log("a")
            async with namespace.watch_logs() as logs, log.watch_segments() as segments:
                watchers: list[Any] = [logs, segments]
                while await logs.next(0.0) is not None:
                    pass
                await segments.next()
                for watcher in watchers:
                    waiting = asyncio.ensure_future(watcher.next())
                    await asyncio.sleep(0)
                    await watcher.close()
                    with pytest.raises(dl.Closed):
                        await waiting
                    with pytest.raises(dl.Closed) as closed:
                        await watcher.next(0.0)
                    assert closed.value.operation == "next"

    asyncio.run(main())
    with dl.open(uri) as namespace:
        with namespace.watch_logs() as logs:
            assert next(logs)
        with pytest.raises(dl.Closed):
            next(logs)


def test_an_error_repeats_little_of_a_long_argument() -> None:
    long = "x" * 4_000_000
    for call in (lambda: dl.open(f"memory:{long}?nothing=1"), lambda: dl.open(long), lambda: dl.Dlsn.parse(long)):
        with pytest.raises(dl.InvalidArgument) as refused:
            call()
        assert len(refused.value.message) < 2_100
        assert all(len(value) <= 4_096 for value in refused.value.context.values())
        assert len(str(refused.value)) < 2_600


def test_what_an_error_repeats_stays_on_its_line(tmp_path: Path) -> None:
    strange = tmp_path / ("a\n\x1b[2J\u202e" + "b" * 200) / ("c" * 200)
    with pytest.raises(dl.NotFound) as refused:
        dl.open(dl.file_uri(strange), create_namespace=False, unsafe_filesystem=True)
    text = f"{refused.value}{refused.value.message}{refused.value.context}"
    assert not any(character in text for character in "\n\x1b\u202e"), repr(text)
    assert r"a\n\u{1b}[2J\u{202e}bbb" in refused.value.context["file"]
    assert refused.value.context["file"].endswith("c" * 200)
    assert "…" in str(refused.value) and len(str(refused.value)) < 600
