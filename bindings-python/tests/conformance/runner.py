"""Runs a case in a world, step by step."""

from __future__ import annotations

import tomllib
from pathlib import Path

from .audit import Ledger
from .matching import brief, match
from .values import Step, Value, Variables, Wrong, new_record, payload
from .world import PATIENCE_MS, World

CASES = Path(__file__).resolve().parents[3] / "dl-core/testdata/conformance"

OPENERS = {
    "open_log",
    "open_writer",
    "open_reader",
    "open_byte_writer",
    "open_byte_reader",
    "open_cursor",
    "watch_logs",
    "watch_segments",
}
HAPPENINGS = {
    "crash",
    "freeze",
    "wake",
    "power_loss",
    "stall",
    "resume",
    "fill",
    "free",
    "fail_sync",
    "damage",
    "pass_time",
    "step_clock",
}
OF_THE_RUNNER = {"about", "repeat", "expect", "expect_error", "or_error"}
# What has no log of its own to be about.
WITHOUT_LOG = {"open", "close", "list_logs", "watch_logs", "parse_dlsn"}


def cases() -> list[Step]:
    """All cases, in the order of their files."""
    found: list[Step] = []
    for path in sorted(CASES.glob("*.toml")):
        found += tomllib.loads(path.read_text())["case"]
    return found


def run(world: World, case: Step) -> None:
    """Runs a case. `Wrong` says at which step what was not as expected."""
    runner = _Runner(world)
    if case.get("opens", True):
        runner.step({"do": "open"})
    for number, step in enumerate(case["steps"], start=1):
        try:
            runner.step(step)
        except Wrong as wrong:
            raise Wrong(f"step {number} ({step['do']}): {wrong}") from None
    if runner.calls:
        raise Wrong(f"never awaited: {sorted(runner.calls)}")
    if case.get("audit", True):
        runner.audit()


class _Runner:
    def __init__(self, world: World) -> None:
        self.world = world
        self.variables = Variables({"uri": world.uri, "durability": world.durability})
        self.owners: dict[str, str] = {}
        self.logs: dict[str, str] = {}
        # The process and the requests of each call in flight.
        self.calls: dict[str, tuple[str, list[Step]]] = {}
        self.ledger = Ledger()

    def step(self, step: Step) -> None:
        results: list[Value] = []
        for i in range(step.get("repeat", 1)):
            if step["do"] in HAPPENINGS:
                self._happen(self.variables.counting(i).resolve(step))
            else:
                results.append(self._call(step, i))
        if "as" in step and step["do"] not in OPENERS:
            self.variables.bound[step["as"]] = results if "repeat" in step else results[0]

    def _happen(self, step: Step) -> None:
        if step["do"] == "crash":
            self.calls = {name: call for name, call in self.calls.items() if call[0] != step["process"]}
        self.ledger.damaged |= step["do"] == "damage"
        self.world.happen(step)

    def _call(self, step: Step, i: int) -> Value:
        if step["do"] in ("await", "retry"):
            return self._await(step)
        if step["do"] in ("cancel", "still_pending"):
            return self._ask(step)
        request = self.variables.counting(i).resolve(
            {name: field for name, field in step.items() if name not in OF_THE_RUNNER}
        )
        process = self._prepare(request)
        if "start" in request:
            return self._start(process, request)
        if request["do"] == "open" and not self.world.is_running(process):
            self.world.start(process)
        self.ledger.will(request)
        return self._checked(step, i, request, self.world.call(process, request))

    def _prepare(self, request: Step) -> str:
        """Brings a request into the form agents take; answers the process that is to have it."""
        do = request["do"]
        process: str = request.pop("process", "p")
        if "on" in request:
            if request["on"] not in self.owners:
                raise Wrong(f"there is no handle {request['on']!r}")
            process = self.owners[request["on"]]
            # For the ledger; an agent knows.
            request["log"] = self.logs[request["on"]]
        elif do not in WITHOUT_LOG:
            request.setdefault("log", "a")
        if do in OPENERS and "as" in request:
            self.owners[request["as"]] = process
            self.logs[request["as"]] = request.get("log", "")
        if do == "open":
            request.setdefault("uri", self.world.uri)
            request["options"] = {"client_id": process, "journal_bytes": "4MiB", **request.get("options", {})}
        elif do in ("append", "try_append"):
            request["record"] = new_record(request["record"])
        elif do in ("append_many", "append_batch", "append_record_set"):
            request["records"] = [new_record(record) for record in request["records"]]
        elif do in ("set_user_metadata", "write"):
            request["data"] = payload(request["data"])
        return process

    def _start(self, process: str, request: Step) -> Value:
        name = request["start"]
        requests = self.calls.setdefault(name, (process, []))[1]
        request["start"] = f"{name}/{len(requests)}"
        requests.append(request)
        self.ledger.will(request)
        reply = self.world.call(process, request)
        if "ok" not in reply:
            raise Wrong(f"it could not be started: {reply}")
        return reply["ok"]

    def _await(self, step: Step) -> Value:
        process, requests = self._in_flight(step)
        del self.calls[step["call"]]
        results: list[Value] = []
        for i, request in enumerate(requests):
            again = {name: field for name, field in request.items() if name != "start"}
            reply = self.world.call(process, {"do": step["do"], "call": request["start"], "again": again})
            results.append(self._checked(step, i, request, reply))
        return results[0] if len(results) == 1 else results

    def _ask(self, step: Step) -> Value:
        process, requests = self._in_flight(step)
        if step["do"] == "cancel":
            del self.calls[step["call"]]
        for i, request in enumerate(requests):
            ask = {"do": step["do"], "call": request["start"], "patience_ms": PATIENCE_MS}
            reply = self.world.call(process, ask)
            if "ok" not in reply or (step["do"] == "still_pending" and reply["ok"] is not True):
                raise Wrong(f"call {i}: {reply}")
        return {}

    def _in_flight(self, step: Step) -> tuple[str, list[Step]]:
        if step["call"] not in self.calls:
            raise Wrong(f"no call {step['call']!r} is in flight")
        return self.calls[step["call"]]

    def _checked(self, step: Step, i: int, request: Step, reply: Step) -> Value:
        """The result, if it is as expected; of an error, the error."""
        variables = self.variables.counting(i)
        if "ok" in reply:
            self.ledger.did(request, reply["ok"])
            if "expect_error" in step:
                raise Wrong(f"expected the error {step['expect_error']}, got {brief(reply['ok'])}")
            if "expect" in step:
                match(variables.resolve(step["expect"]), reply["ok"])
            return reply["ok"]
        if "error" not in reply:
            raise Wrong(f"{reply}")
        self.ledger.acknowledged(request, reply["error"].get("receipts", []))
        expected = step.get("expect_error", step.get("or_error"))
        if expected is None:
            raise Wrong(f"it failed: {brief(reply['error'])}")
        expected = variables.resolve(expected)
        match({"kind": expected} if isinstance(expected, str) else expected, reply["error"])
        return reply["error"]

    def audit(self) -> None:
        """Looks for what was acknowledged."""
        known = {*self.owners.values(), "p"}
        if "persistent" not in self.world.capabilities and not any(map(self.world.is_running, known)):
            return
        logs = self.ledger.logs()
        if not logs:
            return
        self.step({"do": "open", "process": "auditor"})
        for log in logs:
            reply = self.world.call("auditor", {"do": "read", "log": log, "options": {"on_truncated": "skip"}})
            if "ok" not in reply:
                raise Wrong(f"audit: log {log} cannot be read: {reply}")
            try:
                self.ledger.audit(log, reply["ok"]["records"])
            except Wrong as wrong:
                raise Wrong(f"audit: log {log}: {wrong}") from None
