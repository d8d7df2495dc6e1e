"""What holds in every case: acknowledged records are in the log, once, in order, and nothing else that was not appended."""

from __future__ import annotations

from dataclasses import dataclass, field

from dl import Dlsn

from .values import Step, Value, Wrong


@dataclass
class _Told:
    """What the processes of a case were told of a log."""

    appended: set[str] = field(default_factory=set)
    acknowledged: dict[Dlsn, str] = field(default_factory=dict)
    point: Dlsn = field(default_factory=lambda: Dlsn(0, 0, 0))


class Ledger:
    """What the processes of a case were told."""

    def __init__(self) -> None:
        self._logs: dict[str, _Told] = {}
        self.damaged = False

    def will(self, request: Step) -> None:
        """Notes what a call may do."""
        self._told(request).appended.update(_payloads(request))

    def did(self, request: Step, result: Value) -> None:
        """Notes what a call did."""
        do, log = request["do"], _log(request)
        if do == "delete_log":
            self._logs.pop(log, None)
        elif do == "rename_log" and log in self._logs:
            self._logs[request["to"].removeprefix("/")] = self._logs.pop(log)
        elif do in ("truncate", "apply_retention"):
            told = self._told(request)
            told.point = max(told.point, Dlsn.parse(result))
        self.acknowledged(request, result if isinstance(result, list) else [result])

    def acknowledged(self, request: Step, receipts: list[Value]) -> None:
        """Notes the receipts of the first records of a request."""
        for payload, receipt in zip(_payloads(request), receipts, strict=False):
            told, dlsn = self._told(request), Dlsn.parse(receipt["dlsn"])
            if dlsn in told.acknowledged:
                raise Wrong(f"{dlsn} was acknowledged twice")
            told.acknowledged[dlsn] = payload

    def logs(self) -> list[str]:
        """The logs with acknowledged records. Nothing is asked of a damaged namespace."""
        return [] if self.damaged else [log for log, told in self._logs.items() if told.acknowledged]

    def audit(self, log: str, records: list[Step]) -> None:
        """Compares with what a reader found, from the first readable record to the end."""
        told, found = self._logs[log], dict[Dlsn, str]()
        before: tuple[Dlsn, int, int | None] | None = None
        for record in records:
            dlsn, txid = Dlsn.parse(record["dlsn"]), record["txid"]
            number = None if record["sequence_id"] == "none" else record["sequence_id"]
            if before is not None:
                counted = before[2] is None or number is None or number == before[2] + 1
                if dlsn <= before[0] or txid < before[1] or not counted:
                    raise Wrong(f"{record} comes behind {before}")
            before = (dlsn, txid, number)
            if record["payload"] not in told.appended:
                raise Wrong(f"{record} was never appended")
            if dlsn < told.point:
                raise Wrong(f"{dlsn} is below the point of truncation, {told.point}")
            found[dlsn] = record["payload"]
        for dlsn, payload in told.acknowledged.items():
            if dlsn >= told.point and found.get(dlsn) != payload:
                raise Wrong(f"{dlsn} was acknowledged and is not there")

    def _told(self, request: Step) -> _Told:
        return self._logs.setdefault(_log(request), _Told())


def _log(request: Step) -> str:
    # A log has the same name with and without a leading slash.
    return str(request.get("log", "")).removeprefix("/")


def _payloads(request: Step) -> list[str]:
    records = request.get("records", [request["record"]] if "record" in request else [])
    return [record["payload"] for record in records]
