"""Many threads on one log at once: `python hammer.py` for a Python without a global lock."""

from __future__ import annotations

import sys
import sysconfig
import threading

import dl


def hammer(log: dl.Log) -> None:
    """Appends, reads and asks from many threads at once."""
    errors: list[BaseException] = []

    def guarded(call: object) -> None:
        try:
            call()  # type: ignore[operator]
        except BaseException as error:
            errors.append(error)

    with log.open_writer() as writer, log.open_reader(follow=True) as reader:
        tickets = [writer.append_nowait(b"0")]
        seen: list[dl.Dlsn] = []

        def append() -> None:
            for _ in range(100):
                writer.append(b"1")
                tickets.append(writer.append_nowait(b"2"))

        def settle() -> None:
            for ticket in list(tickets):
                ticket.done()
                ticket.result()

        def read() -> None:
            for _ in range(100):
                seen.extend(record.dlsn for record in reader.next_batch(2, 0.01))
                assert reader.position is not None
                assert reader.end is None

        def ask() -> None:
            for _ in range(20):
                assert log.info().name == "a"
                assert writer.last_dlsn is None or writer.last_txid is not None

        threads = [threading.Thread(target=guarded, args=(call,)) for call in [append, settle, read, ask] * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while rest := reader.next_batch(1_000, 0.01):
            seen += [record.dlsn for record in rest]
    assert errors == []
    assert len(seen) == len(set(seen)) == 601


if __name__ == "__main__":
    assert sysconfig.get_config_var("Py_GIL_DISABLED")
    with dl.open("memory:free") as namespace:
        hammer(namespace.create_log("a"))
    assert not getattr(sys, "_is_gil_enabled")()
