"""The face whose calls wait on the calling thread."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

import dl


def texts(log: dl.Log, **options: object) -> list[str]:
    with log.open_reader(**options) as reader:  # type: ignore[arg-type]
        return [record.payload.decode() for record in reader]


def test_what_is_appended_is_read(log: dl.Log) -> None:
    with log.open_writer() as writer:
        assert writer.last_dlsn is None
        receipts = [writer.append(f"{i}".encode()) for i in range(10)]
        assert [receipt.sequence_id for receipt in receipts] == list(range(10))
        assert writer.last_dlsn == receipts[-1].dlsn
        assert writer.last_txid == receipts[-1].txid
    assert texts(log) == [f"{i}" for i in range(10)]
    assert texts(log, from_=receipts[3].dlsn, until=receipts[5].dlsn) == ["3", "4", "5"]
    assert texts(log, from_=str(receipts[8].dlsn)) == ["8", "9"]
    assert texts(log, count=2) == ["0", "1"]
    assert log.count() == 10
    assert log.count(from_=receipts[4].dlsn) == 6


def test_a_reader_says_how_it_ended(log: dl.Log) -> None:
    writer = log.open_writer()
    dlsn = writer.append(b"1").dlsn
    for options, end in [({}, "end"), ({"count": 1}, "bound"), ({"until": dlsn}, "bound")]:
        with log.open_reader(**options) as reader:  # type: ignore[arg-type]
            assert reader.end is None
            assert [record.dlsn for record in reader] == [dlsn]
            assert reader.end == end
            assert reader.next() is None
            assert reader.position > dlsn
    writer.seal()
    with pytest.raises(dl.Sealed):
        writer.append(b"2")
    with log.open_reader(follow=True) as reader:
        assert len(list(reader)) == 1
        assert reader.end == "sealed"


def test_batches(log: dl.Log) -> None:
    with log.open_writer() as writer:
        batch = writer.append_batch([b"1", (b"2", 2**60), (b"3", None)])
        assert [receipt.dlsn.slot for receipt in batch] == [0, 1, 2]
        assert len({(receipt.dlsn.segment, receipt.dlsn.entry) for receipt in batch}) == 1
        many = writer.append_many(b"%d" % i for i in range(1_000))
        assert [receipt.dlsn for receipt in many] == sorted({receipt.dlsn for receipt in many})
        with pytest.raises(dl.ConditionFailed):
            writer.append_batch([b"no"], if_last=batch[0].dlsn)
        writer.append_batch([b"yes"], if_last=many[-1].dlsn)
        members = writer.append_record_set([b"x", b"y"], compression="lz4")
        assert len(members) == 2
    with log.open_reader() as reader:
        first = len(reader.next_batch(500))
        assert 0 < first <= 500
        rest: list[dl.Record] = []
        while batch_of_records := reader.next_batch(10_000, 0):
            rest += batch_of_records
        assert first + len(rest) == 1_006
    with log.open_reader(whole_record_sets=True) as reader:
        assert [record.record_set for record in reader].count(True) == 1


def test_many_appends_that_fail_say_which_did_not(log: dl.Log) -> None:
    with log.open_writer() as writer:
        with pytest.raises(dl.InvalidArgument) as caught:
            writer.append_many([(b"1", 10), (b"2", 11), (b"3", 5), (b"4", 12)])
        assert [receipt.txid for receipt in caught.value.receipts] == [10, 11]
        with pytest.raises(TypeError):
            writer.append_many([b"5", "6"])  # type: ignore[list-item]

        def broken() -> object:
            yield b"7"
            raise KeyError("broken")

        with pytest.raises(KeyError):
            writer.append_many(broken())  # type: ignore[arg-type]
    assert texts(log) == ["1", "2"]


def test_many_appends_wait_for_room_in_their_order(log: dl.Log) -> None:
    reused = bytearray(3)

    def payloads() -> Iterator[bytes | bytearray]:
        for i in range(1_000):
            reused[:] = b"%03d" % i
            yield reused if i % 2 else bytes(reused)

    with log.open_writer(in_flight_records=10) as writer:
        receipts = writer.append_many(payloads())
        reused[:] = b"end"
        assert len(receipts) == 1_000 and repr(receipts) == "<dl.Receipts 1000 of them>"
        assert [receipt.sequence_id for receipt in receipts] == list(range(1_000))
        assert receipts[-1].dlsn == writer.last_dlsn and len(receipts[10:20]) == 10
        with pytest.raises(dl.InvalidArgument) as caught:
            writer.append_many([*((b"x", 2**60 + i) for i in range(100)), (b"late", 5), b"never"])
        assert [receipt.txid for receipt in caught.value.receipts] == [2**60 + i for i in range(100)]
        assert len(writer.append_many([])) == 0
    assert texts(log) == [f"{i:03}" for i in range(1_000)] + ["x"] * 100


def test_many_appends_are_told_of_whatever_the_end_of_a_payload_does(uri: str) -> None:
    with dl.open(uri) as namespace:
        writer = namespace.log("a").open_writer(create_log=True, in_flight_records=3)

        class Appends(bytes):
            def __del__(self) -> None:
                writer.append(b"from " + self)

        class Closes(bytes):
            def __del__(self) -> None:
                namespace.close()

        assert len(writer.append_many(Appends(b"%d" % i) for i in range(6))) == 6
        in_order = [b"%d" % i for i in range(6)]
        with namespace.log("a").open_reader() as reader:
            payloads = [bytes(record.payload) for record in reader]
        assert payloads[:6] == in_order and sorted(payloads[6:]) == [b"from " + payload for payload in in_order]
        assert len(writer.append_many(Closes(b"%d" % i) for i in range(2))) == 2
        assert namespace.closed


def test_what_the_length_of_many_records_raises_is_raised(log: dl.Log) -> None:
    class Records(list[bytes]):
        def __init__(self, error: BaseException) -> None:
            super().__init__([b"1"])
            self.error = error

        def __len__(self) -> int:
            raise self.error

    with log.open_writer() as writer:
        for append in (writer.append_many, writer.append_batch):
            for error in (KeyboardInterrupt(), ValueError("none")):
                with pytest.raises(type(error)) as caught:
                    append(Records(error))
                assert caught.value is error
            # As in `list`: it has no length, but can be iterated.
            assert len(append(Records(TypeError("no length")))) == 1
            assert len(append(iter([b"1", b"2"]))) == 2
    assert texts(log) == ["1", "1", "2"] * 2


def test_tickets_resolve_in_order(log: dl.Log) -> None:
    with log.open_writer(in_flight_records=1_000) as writer:
        tickets = [writer.append_nowait(b"%d" % i) for i in range(100)]
        tickets.append(writer.try_append(b"last"))
        writer.flush()
        assert all(ticket.done() for ticket in tickets)
        dlsns = [ticket.result(0).dlsn for ticket in tickets]
        assert dlsns == sorted(dlsns)
        with pytest.raises(dl.ConditionFailed):
            writer.append_nowait(b"no", if_last="empty").result()


def test_a_reader_that_follows_gets_what_is_appended(log: dl.Log) -> None:
    seen: list[str] = []
    reader = log.open_reader(follow=True)

    def follow() -> None:
        seen.extend(record.payload.decode() for record in reader)

    thread = threading.Thread(target=follow)
    thread.start()
    with log.open_writer() as writer:
        for i in range(20):
            writer.append(b"%d" % i)
        writer.seal()
    thread.join(30)
    assert seen == [str(i) for i in range(20)]


def test_waiting_ends_when_its_time_is_up(log: dl.Log) -> None:
    with log.open_writer() as writer, log.open_reader(follow=True) as reader:
        assert len(reader.next_batch(1, 0.01)) == 0
        assert len(reader.next_batch(1, timedelta(milliseconds=10))) == 0
        assert writer.fenced(0.01) is None


def test_closing_a_reader_ends_the_call_that_waits(log: dl.Log) -> None:
    reader = log.open_reader(follow=True)
    started = threading.Event()
    caught: list[BaseException] = []

    def wait() -> None:
        started.set()
        try:
            reader.next()
        except dl.Closed as closed:
            caught.append(closed)

    thread = threading.Thread(target=wait)
    thread.start()
    started.wait()
    reader.close()
    thread.join(30)
    assert len(caught) == 1
    with pytest.raises(dl.Closed):
        reader.next()


def test_closing_the_namespace_ends_calls_of_every_handle(uri: str) -> None:
    namespace = dl.open(uri)
    log = namespace.create_log("a")
    writer, reader, watcher = log.open_writer(), log.open_reader(follow=True), namespace.watch_logs()
    while watcher.next().kind != "listed":  # type: ignore[union-attr]
        pass
    ends: list[object] = []

    def wait(call: object) -> None:
        try:
            ends.append(call())  # type: ignore[operator]
        except dl.Error as error:
            ends.append(error)

    calls = [reader.next, watcher.next, writer.fenced]
    waiting = [threading.Thread(target=wait, args=(call,)) for call in calls]
    for thread in waiting:
        thread.start()
    namespace.close()
    for thread in waiting:
        thread.join(30)
    assert [type(end) for end in ends] == [dl.Closed] * 3
    assert namespace.closed
    namespace.close()
    for call in [reader.next, watcher.next, log.info, namespace.list_logs]:
        with pytest.raises(dl.Closed):
            call()  # type: ignore[operator]
    with pytest.raises(dl.Error):
        writer.append(b"late")


def test_many_threads_share_a_writer_and_a_reader(log: dl.Log) -> None:
    with log.open_writer() as writer:

        def append(name: int) -> None:
            for i in range(50):
                writer.append(b"%d-%d" % (name, i))

        threads = [threading.Thread(target=append, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seen: list[str] = []
    with log.open_reader() as reader:

        def read() -> None:
            seen.extend(record.payload.decode() for record in reader)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seen) == sorted(f"{name}-{i}" for name in range(8) for i in range(50))


def test_other_threads_run_while_one_waits(log: dl.Log) -> None:
    reader = log.open_reader(follow=True)
    thread = threading.Thread(target=reader.next_batch, args=(1, 30.0))
    thread.start()
    with log.open_writer() as writer:  # would never come to this if the lock were held
        writer.append(b"1")
    thread.join(120)
    assert not thread.is_alive()


def test_ctrl_c_ends_a_call_that_waits(log: dl.Log) -> None:
    main = threading.main_thread().ident
    assert main is not None
    reader = log.open_reader(follow=True)
    interrupt = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupt.start()
        reader.next()
    assert time.monotonic() - began < 10
    interrupt.join()
    with log.open_writer() as writer:
        writer.append(b"1")
    record = reader.next()
    assert record is not None and record.payload == b"1"


def test_an_exception_in_a_with_block_is_the_one_that_is_seen(log: dl.Log) -> None:
    with pytest.raises(KeyError), log.open_writer() as writer:
        writer.append(b"1")
        log.open_writer().close()
        raise KeyError
    with pytest.raises(dl.Fenced), log.open_writer() as writer:
        log.open_writer().close()


def test_a_writer_that_is_let_go_of_is_aborted(log: dl.Log) -> None:
    writer = log.open_writer()
    writer.append(b"1")
    del writer
    with log.open_writer() as writer:
        writer.append(b"2")
    writer = log.open_writer()
    writer.abort()
    with pytest.raises(dl.Closed):
        writer.append(b"3")
    assert texts(log) == ["1", "2"]
