"""From a request to the calls of the library that it names, on either face.

A call of `dl` answers at once, one of `dl.aio` is awaited: `given` does what fits, so that each call stands here once. A
coroutine of these over handles of `dl` never suspends.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import dl
import dl.aio

from .values import Step, Value, Wrong


async def given(answer: Any) -> Any:
    """What a call answers."""
    return await answer if inspect.isawaitable(answer) else answer


class Handles:
    """What a process has open."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.namespace: Any = None
        self.by_name: dict[str, Any] = {}

    def call(self, request: Step) -> Coroutine[Any, Any, Value]:
        """The call that a request names, as a coroutine."""
        do = request["do"]
        if do == "open":
            return self._open(request)
        if "on" not in request:
            if self.namespace is None:
                raise Wrong("the process has not opened the namespace")
            return self._on_namespace(request)
        if request["on"] not in self.by_name:
            raise Wrong(f"there is no handle {request['on']!r}")
        if do == "drop":
            return self._drop(request["on"])
        handle = self.by_name[request["on"]]
        return _ON[type(handle).__name__](self, request, handle)

    async def _open(self, request: Step) -> Value:
        self.namespace = await given(self.library.open(request["uri"], **request.get("options", {})))
        return {}

    async def _drop(self, name: str) -> Value:
        del self.by_name[name]
        return {}

    async def _on_namespace(self, request: Step) -> Value:
        namespace, log = self.namespace, request.get("log", "a")
        match request["do"]:
            case "close":
                return _nothing(await given(namespace.close()))
            case "list_logs":
                bounds = {name: request[name] for name in ("after", "limit") if name in request}
                return await given(namespace.list_logs(request.get("prefix", ""), **bounds))
            case "watch_logs":
                self.by_name[request["as"]] = namespace.watch_logs(request.get("prefix", ""))
                return {}
            case "parse_dlsn":
                return str(dl.Dlsn.parse(request["text"]))
            case "create_log":
                return _nothing(await given(namespace.create_log(log)))
            case "log_exists":
                return await given(namespace.log_exists(log))
            case "delete_log":
                return _nothing(await given(namespace.delete_log(log)))
            case "rename_log":
                return _nothing(await given(namespace.rename_log(log, request["to"])))
            case "open_log":
                self.by_name[request["as"]] = await given(namespace.open_log(log))
                return {}
            case _:
                return await self._on_log(request, namespace.log(log))

    async def _on_log(self, request: Step, log: Any) -> Value:
        do, options = request["do"], request.get("options", {})
        match do:
            case "open_writer" | "open_reader" | "open_byte_writer" | "open_byte_reader":
                handle = await given(getattr(log, do)(**options))
                if "as" in request:
                    self.by_name[request["as"]] = handle
                return {}
            case "read":
                return await self._read(await given(log.open_reader(**options)))
            case "first_record" | "last_record":
                record = await given(getattr(log, do)())
                return "none" if record is None else _record(record)
            case "info":
                return _info(await given(log.info()))
            case "segments":
                return [_segment(segment) for segment in await given(log.segments())]
            case "watch_segments":
                self.by_name[request["as"]] = log.watch_segments()
                return {}
            case "truncate":
                return str(await given(log.truncate(request["before"])))
            case "dlsn_at_txid":
                return _or_none(await given(log.dlsn_at_txid(request["txid"])))
            case "count":
                return await given(log.count(from_=request.get("from"), until=request.get("until")))
            case "recover":
                return _nothing(await given(log.recover()))
            case "apply_retention":
                return str(await given(log.apply_retention()))
            case "log_options":
                return await given(log.options())
            case "set_log_options":
                return _nothing(await given(log.set_options(**options)))
            case "open_cursor":
                self.by_name[request["as"]] = await given(log.cursor(request["name"]))
                return {}
            case "cursors":
                cursors = await given(log.cursors())
                return [
                    {"name": info.name, "position": _or_none(info.position), "owner": info.owner or "none"}
                    for info in cursors
                ]
            case "user_metadata":
                return bytes(await given(log.user_metadata())).hex()
            case "set_user_metadata":
                return _nothing(await given(log.set_user_metadata(bytes.fromhex(request["data"]))))
            case _:
                raise Wrong(f"{do} is nothing that a log does")

    async def _read(self, reader: Any) -> Value:
        records: list[Value] = []
        while (record := await given(reader.next())) is not None:
            records.append(_record(record))
        end = reader.end
        await given(reader.close())
        return {"records": records, "end": end}

    async def _on_writer(self, request: Step, writer: Any) -> Value:
        condition = {"if_last": request["if_last"]} if "if_last" in request else {}
        if condition.get("if_last") == "none":
            condition["if_last"] = "empty"
        match request["do"]:
            case "append":
                return _receipt(await given(writer.append(*_new(request["record"]), **_txid(request), **condition)))
            case "try_append":
                ticket = writer.try_append(*_new(request["record"]), **_txid(request))
                return _receipt(ticket.result() if isinstance(ticket, dl.Ticket) else await ticket)
            case "append_many":
                records = [(bytes.fromhex(record["payload"]), record.get("txid")) for record in request["records"]]
                return [_receipt(receipt) for receipt in await given(writer.append_many(records))]
            case "append_batch":
                records = [(bytes.fromhex(record["payload"]), record.get("txid")) for record in request["records"]]
                return [_receipt(receipt) for receipt in await given(writer.append_batch(records, **condition))]
            case "append_record_set":
                payloads = [bytes.fromhex(record["payload"]) for record in request["records"]]
                options = {name: request[name] for name in ("txid", "compression") if name in request}
                receipts = await given(writer.append_record_set(payloads, **options, **condition))
                return [_receipt(receipt) for receipt in receipts]
            case "flush" | "seal" | "close" | "abort" as do:
                return _nothing(await given(getattr(writer, do)()))
            case "truncate":
                return str(await given(writer.truncate(request["before"])))
            case "last_dlsn":
                return _or_none(writer.last_dlsn)
            case "last_txid":
                return "none" if writer.last_txid is None else writer.last_txid
            case "fenced":
                raise await given(writer.fenced())
            case do:
                raise Wrong(f"{do} is nothing that a writer does")

    async def _on_reader(self, request: Step, reader: Any) -> Value:
        match request["do"]:
            case "next":
                record = await given(reader.next())
                return {"end": reader.end or "none"} if record is None else _record(record)
            case "next_batch":
                records = await given(reader.next_batch(request["max"], request["wait_ms"] / 1_000))
                return {"records": [_record(record) for record in records], "end": reader.end or "none"}
            case "position":
                return str(reader.position)
            case "end":
                return reader.end or "none"
            case "close":
                return _nothing(await given(reader.close()))
            case "advance":
                return str(await given(reader.advance(request["to"])))
            case "reset":
                return _nothing(await given(reader.reset(request["to"])))
            case do:
                raise Wrong(f"{do} is nothing that a reader does")

    async def _on_cursor(self, request: Step, cursor: Any) -> Value:
        match request["do"]:
            case "position":
                return _or_none(await given(cursor.position()))
            case "advance":
                return str(await given(cursor.advance(request["to"])))
            case "reset":
                return _nothing(await given(cursor.reset(request["to"])))
            case "delete":
                return _nothing(await given(cursor.delete()))
            case do:
                raise Wrong(f"{do} is nothing that a cursor does")

    async def _on_byte_writer(self, request: Step, writer: Any) -> Value:
        match request["do"]:
            case "write":
                return await given(writer.write(bytes.fromhex(request["data"])))
            case "position":
                return writer.position
            case "flush" | "seal" | "close" | "abort" as do:
                return _nothing(await given(getattr(writer, do)()))
            case "fenced":
                raise await given(writer.fenced())
            case do:
                raise Wrong(f"{do} is nothing that a byte writer does")

    async def _on_byte_reader(self, request: Step, reader: Any) -> Value:
        match request["do"]:
            case "read_bytes":
                data = await given(reader.read(request["max"]))
                return {"payload": data.hex(), "end": reader.end or "none"}
            case "next_chunk":
                chunk = await given(reader.next_chunk())
                return {"end": reader.end or "none"} if chunk is None else {"payload": bytes(chunk).hex()}
            case "seek":
                return _nothing(await given(reader.seek(request["offset"])))
            case "position":
                return reader.position
            case "end":
                return reader.end or "none"
            case "close":
                return _nothing(await given(reader.close()))
            case do:
                raise Wrong(f"{do} is nothing that a byte reader does")

    async def _on_logs(self, request: Step, watcher: Any) -> Value:
        change = await given(watcher.next())
        return {"listed": True} if change.kind == "listed" else {change.kind: change.log}

    async def _on_segments(self, request: Step, watcher: Any) -> Value:
        return [_segment(segment) for segment in await given(watcher.next())]


_ON: dict[str, Callable[[Handles, Step, Any], Coroutine[Any, Any, Value]]] = {
    "Log": Handles._on_log,
    "Writer": Handles._on_writer,
    "Reader": Handles._on_reader,
    "Cursor": Handles._on_cursor,
    "ByteWriter": Handles._on_byte_writer,
    "ByteReader": Handles._on_byte_reader,
    "LogWatcher": Handles._on_logs,
    "SegmentWatcher": Handles._on_segments,
}


def _new(record: Step) -> tuple[bytes]:
    return (bytes.fromhex(record["payload"]),)


def _txid(request: Step) -> dict[str, int]:
    record = request["record"]
    return {"txid": record["txid"]} if "txid" in record else {}


def _nothing(_: object) -> Value:
    return {}


def _or_none(dlsn: dl.Dlsn | None) -> str:
    return "none" if dlsn is None else str(dlsn)


def _receipt(receipt: dl.Receipt) -> Value:
    return {
        "dlsn": str(receipt.dlsn),
        "txid": receipt.txid,
        "sequence_id": "none" if receipt.sequence_id is None else receipt.sequence_id,
        "durability": receipt.durability,
        "duplicate": receipt.duplicate,
    }


def _record(record: dl.Record) -> Value:
    return {
        "dlsn": str(record.dlsn),
        "txid": record.txid,
        "sequence_id": "none" if record.sequence_id is None else record.sequence_id,
        "payload": bytes(record.payload).hex(),
        "record_set": record.record_set,
    }


def _info(info: dl.LogInfo) -> Value:
    return {
        "name": info.name,
        "incarnation": info.incarnation,
        "segments": info.segments,
        "in_progress": info.in_progress,
        "sealed": info.sealed,
        "first_readable": str(info.first_readable),
        "max_txid": "none" if info.max_txid is None else info.max_txid,
        "owner": info.owner or "none",
    }


def _segment(segment: dl.SegmentInfo) -> Value:
    completed = segment.completed
    return {
        "number": segment.number,
        "id": segment.id,
        "truncation": "whole" if segment.truncated else _or_none(segment.truncated_below),
        "first_txid": segment.first_txid,
        "first_sequence_id": "none" if segment.first_sequence_id is None else segment.first_sequence_id,
        "completed": "none"
        if completed is None
        else {
            "records": completed.records,
            "last_txid": completed.last_txid,
            "last_dlsn": _or_none(completed.last_dlsn),
            "completed_ms": completed.completed_ms,
        },
    }


def error(error: dl.Error) -> Value:
    """An error of the library, as cases speak of it."""
    receipts = getattr(error, "receipts", None)
    return {
        **({} if receipts is None else {"receipts": [_receipt(receipt) for receipt in receipts]}),
        "kind": error.kind,
        "number": error.code,
        "message": error.message,
        "operation": error.operation or "none",
        "context": error.context,
        "dlsn": _or_none(error.dlsn),
        "owner": error.owner or "none",
        "retryable": error.retryable,
        "may_have_taken_effect": error.may_have_taken_effect,
    }
