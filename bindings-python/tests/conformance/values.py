"""Variables, lists that repeat, and payloads: from what a case says to plain values."""

from __future__ import annotations

import re
from typing import Any

Value = Any
Step = dict[str, Any]

_PIECES = re.compile(r"\$\$|\$(\w+(?:\.\w+)*)")


class Wrong(Exception):
    """The case is not in the language, or something is not as it says."""


class Variables:
    """What a case has bound so far."""

    def __init__(self, bound: dict[str, Value] | None = None) -> None:
        self.bound: dict[str, Value] = dict(bound or {})

    def counting(self, i: int) -> Variables:
        """The same, with `$i` bound to a number."""
        return Variables({**self.bound, "i": i})

    def resolve(self, value: Value) -> Value:
        """The value with all its variables replaced and its lists written out."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            items: list[Value] = []
            for item in value:
                items += self._item(item)
            return items
        if isinstance(value, dict):
            return {name: self.resolve(field) for name, field in value.items()}
        return value

    def _item(self, item: Value) -> list[Value]:
        if not isinstance(item, dict) or "repeat" not in item:
            return [self.resolve(item)]
        rest = {name: field for name, field in item.items() if name not in ("repeat", "first")}
        first = item.get("first", 0)
        return [self.counting(i).resolve(rest) for i in range(first, first + item["repeat"])]

    def _text(self, text: str) -> Value:
        whole = _PIECES.fullmatch(text)
        if whole and whole[1]:
            value, rest = self._look_up(whole[1])
            if not rest:
                return value

        def replaced(piece: re.Match[str]) -> str:
            if piece[1] is None:
                return "$"
            value, rest = self._look_up(piece[1])
            return f"{value}{rest}"

        return _PIECES.sub(replaced, text)

    def _look_up(self, path: str) -> tuple[Value, str]:
        """The value, and what is left of the path since a text or a number has no fields."""
        name, *fields = path.split(".")
        if name not in self.bound:
            raise Wrong(f"nothing is bound to ${name}")
        value = self.bound[name]
        while fields:
            if not isinstance(value, (dict, list)):
                return value, "".join(f".{field}" for field in fields)
            field = fields.pop(0)
            try:
                if isinstance(value, dict):
                    value = value[field]
                else:
                    value = value[-1 if field == "last" else int(field)]
            except (KeyError, IndexError, ValueError):
                raise Wrong(f"${path}: there is no {field!r} in {value}") from None
        return value, ""


def payload(value: Value) -> str | None:
    """The payload that a text or a table stands for, in hexadecimal; None if the table speaks of none."""
    if isinstance(value, str):
        return value.encode().hex()
    if "text" in value:
        return str(value["text"]).encode().hex()
    if "hex" in value:
        return bytes.fromhex(value["hex"]).hex()
    if "bytes" in value:
        return _generated(int(value["bytes"]), int(value.get("seed", 0))).hex()
    return None


def _generated(count: int, seed: int) -> bytes:
    """Byte `j` of a generated payload is `(seed + 131 j + j // 256) % 256`."""
    return bytes((seed + 131 * j + (j >> 8)) & 255 for j in range(count))


def new_record(value: Value) -> Step:
    """A record to append, as agents take it."""
    data = payload(value)
    if data is None or (isinstance(value, dict) and set(value) - {"text", "hex", "bytes", "seed", "txid"}):
        raise Wrong(f"{value} is no record to append")
    record: Step = {"payload": data}
    if isinstance(value, dict) and "txid" in value:
        record["txid"] = value["txid"]
    return record
