"""What can go wrong at the border to Python: forks, ends, interrupts. No crash, no hang; what was acknowledged is kept."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import dl


def script(text: str, *arguments: str, expected: int = 0) -> str:
    """Runs a Python of its own, which has a minute."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text), *arguments], capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == expected, ran.stderr
    assert "Traceback" not in ran.stderr or expected != 0, ran.stderr
    assert "panicked" not in ran.stderr, ran.stderr
    return ran.stdout


def records(uri: str, log: str = "a") -> list[bytes]:
    with dl.open(uri) as namespace, namespace.log(log).open_reader() as reader:
        return [bytes(record.payload) for record in reader]


def in_child(test: str, uri: str) -> str:
    """Runs `test` in a forked child that inherited a namespace, log, writer, reader and ticket; what it printed."""
    return script(
        """
        import os, sys, warnings
        import dl
        warnings.simplefilter("ignore")
        namespace = dl.open(sys.argv[1])
        log = namespace.create_log("a")
        writer, reader = log.open_writer(), log.open_reader(follow=True)
        ticket = writer.append_nowait(b"parent 1")
        child = os.fork()
        if child == 0:
            exec(sys.argv[2])
            sys.stdout.flush()
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        ticket.result()
        writer.append(b"parent 2")
        assert reader.next().payload == b"parent 1"
        reader.close(); writer.close(); namespace.close()
        """,
        uri,
        textwrap.dedent(test),
    )


def test_a_handle_raises_in_a_forked_child(uri: str) -> None:
    printed = in_child(
        """
        calls = [
            namespace.list_logs, log.info, writer.flush, reader.next, ticket.result, ticket.done, writer.abort,
            namespace.close, writer.close, reader.close, lambda: writer.append(b"child"), lambda: namespace.log("b"),
        ]
        for call in calls:
            try:
                call()
                print("not refused", call)
            except dl.ForkedProcess as error:
                assert error.kind == "closed" and isinstance(error, dl.Closed)
                assert "fork" in str(error)
        del calls, call, ticket, reader, writer, log, namespace
        import gc; gc.collect()
        print("done")
        """,
        uri,
    )
    assert printed == "done\n"


def test_a_forked_child_may_open_the_namespace_itself(file_uri: str) -> None:
    in_child(
        """
        with dl.open(sys.argv[1], client_id="child") as again:
            assert again.list_logs() == ["a"]
            with again.create_log("b").open_writer() as own:
                own.append(b"child")
        """,
        file_uri,
    )
    assert records(file_uri) == [b"parent 1", b"parent 2"]
    assert records(file_uri, "b") == [b"child"]


def test_several_processes_share_a_namespace(file_uri: str) -> None:
    append = """
        import sys
        import dl
        with dl.open(sys.argv[1]) as namespace, namespace.create_log(sys.argv[2]).open_writer() as writer:
            writer.append_many([b"x"] * 10)
        """
    with dl.open(file_uri) as namespace:
        namespace.create_log("a")
        for name in ("b", "c"):
            script(append, file_uri, name)
        assert namespace.list_logs() == ["a", "b", "c"]
        assert namespace.log("c").count() == 10
    assert records(file_uri, "b") == [b"x"] * 10


def test_handles_are_not_pickled(log: dl.Log) -> None:
    with log.open_writer() as writer, log.open_reader() as reader:
        for handle in [log, writer, reader, writer.append_nowait(b"1")]:
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(handle)


@pytest.mark.parametrize("way", ["pass", "sys.exit(0)", "os._exit(0)", "raise SystemExit(0)"])
def test_an_interpreter_may_end_with_appends_in_flight(file_uri: str, way: str) -> None:
    printed = script(
        f"""
        import os, sys, threading
        import dl
        namespace = dl.open(sys.argv[1])
        writer = namespace.create_log("a").open_writer()
        for i in range(5):
            print(i, writer.append(b"%d" % i).dlsn, flush=True)
        tickets = [writer.append_nowait(b"%d" % i) for i in range(5, 500)]
        reader = namespace.log("a").open_reader(follow=True, from_="latest")
        for call in (reader.next, writer.fenced, lambda: [writer.append(b"t") for _ in range(10**6)]):
            threading.Thread(target=call, daemon=True).start()
        {way}
        """,
        file_uri,
    )
    assert len(printed.splitlines()) == 5
    kept = [int(payload) for payload in records(file_uri) if payload != b"t"]
    assert kept[:5] == list(range(5))
    assert kept == list(range(len(kept)))


def test_an_event_loop_may_end_with_appends_in_flight(file_uri: str) -> None:
    script(
        """
        import asyncio, sys
        import dl.aio
        async def main():
            global namespace, tasks
            namespace = await dl.aio.open(sys.argv[1])
            log = await namespace.create_log("a")
            writer, reader = await log.open_writer(), await log.open_reader(follow=True, from_="latest")
            await writer.append(b"0")
            tasks = [asyncio.create_task(writer.append(b"%d" % i)) for i in range(1, 100)]
            tasks.append(asyncio.create_task(reader.next()))
            await asyncio.sleep(0)
        asyncio.run(main())
        """,
        file_uri,
    )
    kept = [int(payload) for payload in records(file_uri)]
    assert kept == list(range(len(kept))) != []


def test_a_killed_process_keeps_what_was_acknowledged(file_uri: str) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import dl, itertools, sys\n"
            "writer = dl.open(sys.argv[1]).create_log('a').open_writer()\n"
            "for i in itertools.count():\n"
            "    writer.append(b'%d' % i); print(i, flush=True)\n",
            file_uri,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)]
    process.kill()
    acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    kept = [int(payload) for payload in records(file_uri)]
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) - len(acknowledged) in (0, 1)
    process.stdout.close()


def test_ctrl_c_ends_a_script_that_waits(file_uri: str) -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import dl, sys\n"
            "with dl.open(sys.argv[1]) as namespace:\n"
            "    reader = namespace.create_log('a').open_reader(follow=True)\n"
            "    print('waiting', flush=True)\n"
            "    reader.next()\n",
            file_uri,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGINT
    assert "KeyboardInterrupt" in errors


def test_a_signal_handler_may_use_the_library(log: dl.Log) -> None:
    lines: list[object] = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: lines.append(log.count()))
    try:
        with log.open_writer() as writer:
            writer.append(b"1")
        with log.open_reader(follow=True, from_="latest") as reader:
            os.kill(os.getpid(), signal.SIGUSR1)
            assert len(reader.next_batch(1, 0.2)) == 0
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert lines == [1]


def test_a_read_that_a_signal_ends_keeps_the_bytes_it_has(log: dl.Log) -> None:
    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGUSR1, ends)
    try:
        with log.open_byte_writer() as writer, log.open_byte_reader(follow=True) as reader:
            writer.write(b"ab")
            writer.flush()
            signaller = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
            signaller.start()
            with pytest.raises(KeyboardInterrupt):
                reader.read(10)
            signaller.join()
            assert reader.position == 0
            assert reader.next_chunk() == b"ab"
    finally:
        signal.signal(signal.SIGUSR1, previous)


def test_importing_starts_nothing(tmp_path: Path) -> None:
    script(
        """
        import os
        before = len(os.listdir("/proc/self/fd"))
        import dl, dl.aio
        assert len(os.listdir("/proc/self/task")) == 1
        assert len(os.listdir("/proc/self/fd")) == before
        """
    )


def test_an_interpreter_ends_while_it_is_told_of_an_event() -> None:
    for _ in range(5):
        script(
            """
            import threading
            import dl
            began = threading.Event()
            def told(event):
                began.set()
                for number in range(1_000_000): pass
            namespace = dl.open("memory:x", on_event=told)
            log = namespace.create_log("a")
            first = log.open_writer()
            second = log.open_writer()
            began.wait()
            """
        )


class Boaster:
    """Says that it has more than any memory holds."""

    def __len__(self) -> int:
        return 2**62

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a", b"b"])


def test_a_length_that_is_not_true_takes_no_memory() -> None:
    with dl.open("memory:boaster") as namespace, namespace.create_log("a").open_writer() as writer:
        assert len(writer.append_many(Boaster())) == 2
        with pytest.raises(TypeError):
            writer.append_many(range(2**40))  # type: ignore[arg-type]
