"""Events of namespaces in `logging`, where nobody asked for them otherwise."""

from __future__ import annotations

import logging

from dl.types import Event

__all__ = ["log"]

_LEVELS = {"info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}

# A library prints nothing unless it is asked to.
logging.getLogger("dl").addHandler(logging.NullHandler())


def log(event: Event) -> None:
    """Puts an event into the logger `dl` and its target, such as `dl.writer.fenced`."""
    text = event.text.partition(": ")[2]
    logging.getLogger(f"dl.{event.target}").log(_LEVELS.get(event.level, logging.ERROR), "%s", text)
