"""Jobs in a log. Workers share a cursor: one works at a time, and the next goes on where it stopped.

`python work_queue.py [file:///tmp/jobs]`
"""

import sys
from itertools import islice

import dl


def main(uri: str) -> None:
    with dl.open(uri) as namespace:
        log = namespace.create_log("jobs")
        with log.open_writer() as writer:
            writer.append_many([b"resize", b"rotate", b"upload", b"notify"])

        anna = start(log)
        work(anna, "anna", most=2)

        # Another worker takes the queue over, as one does when the first has hung: it starts behind the last job that was
        # noted as done, and the first one is told.
        with start(log) as bert:
            try:
                anna.next()
            except dl.Fenced as error:
                print("anna:", error.kind)
            work(bert, "bert", most=10)

        namespace.delete_log("jobs")


def start(log: dl.Log) -> dl.Reader:
    """A reader that starts behind the cursor and is the only one of it."""
    return log.open_reader(cursor="workers", locked=True)


def work(reader: dl.Reader, who: str, most: int) -> None:
    """Does at most `most` jobs. One that is done and not yet noted when a worker dies is done again: at least once."""
    for job in islice(reader, most):
        print(f"{who}:", job.payload.decode())
        reader.advance(job.dlsn)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "memory:example")
