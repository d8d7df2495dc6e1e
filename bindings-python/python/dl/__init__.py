"""A durable, strictly ordered log with exactly one writer at a time and many readers.

A `Namespace` holds logs; a `Log` is an ordered run of records. Its one `Writer` appends, any number of `Reader`s read and
follow, in this process or in others.

    import dl

    with dl.open("file:///var/lib/orders") as namespace:
        log = namespace.create_log("orders")
        with log.open_writer() as writer:
            receipt = writer.append(b"first")       # durable when it returns
        with log.open_reader() as reader:
            for record in reader:
                print(record.dlsn, record.payload.decode())

Calls wait on the calling thread and let other threads run meanwhile; handles may be shared between threads. `dl.aio` has the
same for asyncio, with the same names. Errors are below `Error`, one class for each kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from dl import _dl
from dl._dl import (
    ByteReader,
    ByteWriter,
    Cursor,
    Dlsn,
    Log,
    LogWatcher,
    Namespace,
    Payload,
    Reader,
    Receipt,
    Receipts,
    Record,
    Records,
    SegmentWatcher,
    Ticket,
    Writer,
    file_uri,
)
from dl.errors import (
    AlreadyExists,
    Busy,
    Cancelled,
    Closed,
    ConditionFailed,
    Corrupt,
    Error,
    Fenced,
    ForkedProcess,
    Internal,
    InvalidArgument,
    Locked,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    Sealed,
    StorageFull,
    Timeout,
    TooLarge,
    Truncated,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from dl.types import (
    CursorInfo,
    Event,
    Finding,
    FormatInfo,
    InProgress,
    LogChange,
    LogInfo,
    Metric,
    NamespaceInfo,
    ProcessInfo,
    SegmentEnd,
    SegmentInfo,
    Verification,
)

# Checkers take it for true. Importing typing would take as long as all of dl.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from dl.options import NamespaceOptions

__all__ = [
    "AlreadyExists",
    "Busy",
    "ByteReader",
    "ByteWriter",
    "Cancelled",
    "Closed",
    "ConditionFailed",
    "Corrupt",
    "Cursor",
    "CursorInfo",
    "Dlsn",
    "Error",
    "Event",
    "Fenced",
    "Finding",
    "ForkedProcess",
    "FormatInfo",
    "InProgress",
    "Internal",
    "InvalidArgument",
    "Locked",
    "Log",
    "LogChange",
    "LogInfo",
    "LogWatcher",
    "Metric",
    "Namespace",
    "NamespaceInfo",
    "NotFound",
    "Payload",
    "PermissionDenied",
    "ProcessInfo",
    "QuotaExceeded",
    "Reader",
    "Receipt",
    "Receipts",
    "Record",
    "Records",
    "Sealed",
    "SegmentEnd",
    "SegmentInfo",
    "SegmentWatcher",
    "StorageFull",
    "Ticket",
    "Timeout",
    "TooLarge",
    "Truncated",
    "Unauthenticated",
    "Unavailable",
    "Unsupported",
    "Verification",
    "Writer",
    "file_uri",
    "inspect",
    "open",
    "verify",
]

for _batch in (Records, Receipts):
    # An abstract class has it, though the stubs of this one do not say so.
    getattr(Sequence, "register")(_batch)


def open(
    uri: str, *, on_event: Callable[[Event], object] | None = None, **options: Unpack[NamespaceOptions]
) -> Namespace:
    """Opens the namespace at this URI: `memory:name`, `file:///path` or `distributedlog://zookeeper:2181/path`. Options in its query win over
    `options`.

    What an operator wants to hear of, such as a writer that was cut off or a sync that failed, goes into `logging`, below the
    logger `dl`; or to `on_event`, which is called for one event after another, on a thread of dl. It must not close the
    namespace. `Namespace.close` returns after everything was told.
    """
    return _dl.open(uri, options, on_event=on_event)


def verify(uri: str, *, log: str | None = None, **options: Unpack[NamespaceOptions]) -> Verification:
    """Reads every byte that belongs to the namespace (to `log`, if it is given) and says what is not as it was written.

    It changes nothing, and works beside processes that write, and where `open` fails.
    """
    return _dl.verify(uri, log, options)


def inspect(uri: str, **options: Unpack[NamespaceOptions]) -> NamespaceInfo:
    """What the namespace is: its format, how much it holds, and who has it open. Opens and changes nothing."""
    return _dl.inspect(uri, options)
