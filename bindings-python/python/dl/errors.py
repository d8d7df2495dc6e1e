"""What can go wrong: one class for each kind of error, all of them below `Error`.

Names, numbers and meanings of the kinds are the same in every language of dl.
"""

from __future__ import annotations

# Checkers take it for true. Importing typing would take as long as all of dl.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar, Final

    from dl._dl import Dlsn, Receipt

__all__ = [
    "AlreadyExists",
    "Busy",
    "Cancelled",
    "Closed",
    "ConditionFailed",
    "Corrupt",
    "Error",
    "Fenced",
    "ForkedProcess",
    "Internal",
    "InvalidArgument",
    "Locked",
    "NotFound",
    "PermissionDenied",
    "QuotaExceeded",
    "Sealed",
    "StorageFull",
    "Timeout",
    "TooLarge",
    "Truncated",
    "Unauthenticated",
    "Unavailable",
    "Unsupported",
]


class Error(Exception):
    """What every error of dl is. It says what happened, to what, and what the caller may do next."""

    kind: ClassVar[str] = "internal"
    """The name of the kind, such as `fenced`."""

    code: int
    """The number of the kind; or the one that was received, if this version does not know it."""

    message: str
    """What happened and what to do next, without kind and context."""

    operation: str | None
    """The call that failed, such as `append`."""

    context: dict[str, str]
    """What it was about: `log`, `segment`, `file`, `owner`, and so on."""

    dlsn: Dlsn | None
    """The position it speaks of: the first readable one of `Truncated`, the actual last one of `ConditionFailed`."""

    retryable: bool
    """Whether the same call may succeed later."""

    may_have_taken_effect: bool
    """Whether the call could have taken effect although it failed."""

    receipts: Sequence[Receipt]
    """Of `Writer.append_many`: the receipts of the records in front of the one that failed."""

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        operation: str | None = None,
        context: Mapping[str, str] | None = None,
        dlsn: Dlsn | None = None,
        retryable: bool = False,
        may_have_taken_effect: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = _CODES[type(self).kind] if code is None else code
        self.operation = operation
        self.context = dict(context or {})
        self.dlsn = dlsn
        self.retryable = retryable
        self.may_have_taken_effect = may_have_taken_effect
        self.receipts = []
        self._text: str | None = None

    @property
    def log(self) -> str | None:
        """The log it was about."""
        return self.context.get("log")

    @property
    def owner(self) -> str | None:
        """The writer that holds the log, or the reader that holds the cursor, of `Fenced` and `Locked`."""
        return self.context.get("owner")

    def __str__(self) -> str:
        if self._text is not None:
            return self._text
        text = f"{self.kind}: {self.message}"
        if self.operation is not None:
            text = f"{self.kind} ({self.operation}): {self.message}"
        about = [f"{key}: {value}" for key, value in self.context.items()]
        if self.dlsn is not None:
            about.append(f"dlsn: {self.dlsn}")
        return f"{text} [{', '.join(about)}]" if about else text

    def __reduce__(self) -> tuple[Any, ...]:
        # Receipts stay with the process that got them.
        return type(self), (self.message,), {**self.__dict__, "receipts": []}

    @staticmethod
    def _of_kind(
        code: int,
        message: str,
        operation: str | None,
        context: dict[str, str],
        dlsn: Dlsn | None,
        retryable: bool,
        may_have_taken_effect: bool,
        causes: Sequence[str],
        text: str | None = None,
    ) -> Error:
        """An error of the core."""
        forked = context.pop("forked", None) is not None
        kind = ForkedProcess if forked else _CLASSES.get(code, Internal)
        error = kind(
            message,
            code=code,
            operation=operation,
            context=context,
            dlsn=dlsn,
            retryable=retryable,
            may_have_taken_effect=may_have_taken_effect,
        )
        # In it long values of the context are cut.
        error._text = None if forked else text
        for cause in causes:
            error.add_note(f"caused by: {cause}")
        return error


class InvalidArgument(Error, ValueError):
    """An argument cannot be right, whatever the state of the log."""

    kind = "invalid-argument"


class NotFound(Error):
    """The namespace, log, segment or cursor does not exist."""

    kind = "not-found"


class AlreadyExists(Error):
    """It exists already."""

    kind = "already-exists"


class Fenced(Error):
    """A later writer owns the log, or a later locked reader the cursor; this one is cut off for good."""

    kind = "fenced"


class Sealed(Error):
    """The log was sealed: it accepts no appends, ever."""

    kind = "sealed"


class Truncated(Error):
    """The position lies below the point to which the log was truncated."""

    kind = "truncated"


class ConditionFailed(Error):
    """The condition of a conditional append does not hold; `dlsn` is what the last position is."""

    kind = "condition-failed"


class TooLarge(Error):
    """A record, batch or name is over its limit."""

    kind = "too-large"


class Closed(Error):
    """The handle was closed or aborted."""

    kind = "closed"


class ForkedProcess(Closed):
    """The handle belongs to the parent of this forked process."""


class Cancelled(Error):
    """The caller cancelled the call."""

    kind = "cancelled"


class Timeout(Error):
    """The time the caller gave ran out."""

    kind = "timeout"


class Unavailable(Error):
    """Something that is needed does not answer now."""

    kind = "unavailable"


class StorageFull(Error):
    """The disk or the quota of the file system is full."""

    kind = "storage-full"


class Corrupt(Error):
    """Stored bytes are not what was written."""

    kind = "corrupt"


class PermissionDenied(Error):
    """The operating system or an access rule forbids it."""

    kind = "permission-denied"


class Unauthenticated(Error):
    """The caller has not proved who it is."""

    kind = "unauthenticated"


class QuotaExceeded(Error):
    """A limit set by the operator is used up."""

    kind = "quota-exceeded"


class Unsupported(Error):
    """This build, driver or directory cannot do it."""

    kind = "unsupported"


class Locked(Error):
    """Another holds the lock and the caller asked not to take it."""

    kind = "locked"


class Internal(Error):
    """A bug of dl, or an error number that this version does not know."""

    kind = "internal"


class Busy(Error):
    """It would have to wait and the caller asked not to."""

    kind = "busy"


_CLASSES: Final[dict[int, type[Error]]] = dict(
    enumerate(
        [
            InvalidArgument,
            NotFound,
            AlreadyExists,
            Fenced,
            Sealed,
            Truncated,
            ConditionFailed,
            TooLarge,
            Closed,
            Cancelled,
            Timeout,
            Unavailable,
            StorageFull,
            Corrupt,
            PermissionDenied,
            Unauthenticated,
            QuotaExceeded,
            Unsupported,
            Locked,
            Internal,
            Busy,
        ],
        start=1,
    )
)
_CODES: Final[dict[str, int]] = {kind.kind: code for code, kind in _CLASSES.items()}
