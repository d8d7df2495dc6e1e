"""Whether a result is what a case expects."""

from __future__ import annotations

import operator
from typing import Any

from dl import Dlsn, InvalidArgument

from .values import Value, Wrong, payload

_ORDERS: dict[str, Any] = {
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_OF_PAYLOADS = {"text", "hex", "bytes", "seed", "maybe"}


def match(expected: Value, actual: Value, place: str = "") -> None:
    """Compares; of tables, the fields that the expectation names. `Wrong` says where they differ."""
    if isinstance(expected, dict):
        verdict = _compared(expected, actual, place)
        if verdict is not None:
            _require(verdict, expected, actual, place)
            return
        if isinstance(actual, str):
            _require(payload(expected) == actual, expected, actual, place)
            return
    if isinstance(actual, dict) and "payload" in actual and isinstance(expected, (str, dict)):
        wanted = payload(expected)
        _require(wanted is None or wanted == actual["payload"], expected, actual, place)
        if isinstance(expected, dict):
            _match_fields({name: field for name, field in expected.items() if name not in _OF_PAYLOADS}, actual, place)
    elif isinstance(expected, dict) and isinstance(actual, dict):
        _match_fields(expected, actual, place)
    elif isinstance(expected, list) and isinstance(actual, list):
        _match_lists(expected, actual, place)
    else:
        _require(type(expected) is type(actual) and expected == actual, expected, actual, place)


def matches(expected: Value, actual: Value) -> bool:
    """Whether it does."""
    try:
        match(expected, actual)
    except Wrong:
        return False
    return True


def _require(holds: bool, expected: Value, actual: Value, place: str) -> None:
    if not holds:
        raise Wrong(f"{place}: expected {brief(expected)}, got {brief(actual)}")


def _match_fields(expected: dict[str, Value], actual: dict[str, Value], place: str) -> None:
    for name, value in expected.items():
        if name not in actual:
            raise Wrong(f"{place}.{name}: there is no such field in {brief(actual)}")
        match(value, actual[name], f"{place}.{name}")


def _match_lists(expected: list[Value], actual: list[Value], place: str) -> None:
    """Items marked `maybe` may be missing from some point of their run on: what is there of the run is a prefix of it."""
    at, run_ended = 0, False
    for item in expected:
        maybe = isinstance(item, dict) and "maybe" in item
        run_ended = run_ended and maybe
        if run_ended:
            continue
        try:
            if at == len(actual):
                raise Wrong(f"{place}[{at}]: expected {brief(item)}, but there is no more")
            match(item, actual[at], f"{place}[{at}]")
            at += 1
        except Wrong:
            if not maybe:
                raise
            run_ended = True
    if at < len(actual):
        raise Wrong(f"{place}: {len(actual) - at} more than expected, the first {brief(actual[at])}")


def _compared(expected: dict[str, Value], actual: Value, place: str) -> bool | None:
    """The verdict of a table that compares; None if it is a table of fields."""
    if len(expected) != 1:
        return None
    ((name, operand),) = expected.items()
    if name in _ORDERS:
        try:
            if isinstance(actual, str):
                return bool(_ORDERS[name](Dlsn.parse(actual), Dlsn.parse(operand)))
            return bool(_ORDERS[name](actual, operand))
        except (TypeError, InvalidArgument):
            raise Wrong(f"{place}: {brief(actual)} and {brief(operand)} have no order") from None
    if name == "ne":
        return not matches(operand, actual)
    if name == "any":
        return any(matches(choice, actual) for choice in operand)
    if name == "len":
        return isinstance(actual, list) and len(actual) == operand
    return None


def brief(value: Value) -> str:
    """A value for people."""
    text = str(value)
    return text if len(text) <= 1_500 else f"{text[:1_500]}…"
