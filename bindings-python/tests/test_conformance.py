"""The cases of dl-core/testdata/conformance, on both faces and every driver.

`DL_CASE=name` runs one case; `DL_MATRIX=folder` writes how each went into that folder. With `DL_CLUSTER`, the folder of a
cluster that `ci/bookkeeper/cluster` runs, they run on that and nowhere else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.runner import cases, run
from conformance.values import Step, Wrong
from conformance.world import DRIVERS, MOUNTS, Pool

FACES = {"python": "dl", "python-asyncio": "dl.aio"}
ONLY = os.environ.get("DL_CASE")
ALL = [case for case in cases() if ONLY in (None, case["name"])]


def lacks(language: str, driver: str, case: Step) -> str | None:
    """The capability that a case needs and does not get."""
    for need in case.get("needs", []):
        if need not in DRIVERS[driver].capabilities:
            return str(need)
    cancels = any(step["do"] in ("cancel", "retry") for step in case["steps"])
    # A thread that waits is woken by what it waits for, or by Ctrl-C, but cannot be cancelled by another.
    return "cancel" if cancels and language == "python" else None


COLUMNS = [(language, driver) for language in FACES for driver in DRIVERS]
RUNS = [
    pytest.param(language, driver, case, id=f"{language}-{driver}-{case['name']}")
    for language, driver in COLUMNS
    for case in ALL
    if lacks(language, driver, case) is None
]


@pytest.fixture(scope="module")
def pools() -> Iterator[dict[str, Pool]]:
    made = {language: Pool(face) for language, face in FACES.items()}
    yield made
    for pool in made.values():
        pool.close()


@pytest.fixture(scope="module")
def verdicts() -> Iterator[dict[tuple[str, str, str], str]]:
    """How each case went. Written when all have."""
    known: dict[tuple[str, str, str], str] = {}
    yield known
    folder = os.environ.get("DL_MATRIX")
    if folder is None or ONLY is not None:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for language, driver in COLUMNS:
        with (Path(folder) / f"{language}-{driver}.jsonl").open("w") as file:
            for case in ALL:
                cell = {"case": case["name"], "language": language, "driver": driver}
                capability = lacks(language, driver, case)
                if capability is not None:
                    cell |= {"result": "skipped", "capability": capability}
                elif (language, driver, case["name"]) in known:
                    cell["result"] = known[language, driver, case["name"]]
                else:
                    continue
                file.write(json.dumps(cell) + "\n")


@pytest.mark.parametrize(("language", "driver", "case"), RUNS)
def test_case(
    language: str,
    driver: str,
    case: Step,
    pools: dict[str, Pool],
    verdicts: dict[tuple[str, str, str], str],
    tmp_path: Path,
) -> None:
    key = (language, driver, case["name"])
    verdicts[key] = "failed"
    world = DRIVERS[driver](pools[language], tmp_path)
    world.needs(frozenset(case.get("needs", ())))
    try:
        run(world, case)
    except Wrong as wrong:
        pytest.fail(f"{wrong}\n{case.get('about', '')}", pytrace=False)
    finally:
        world.end()
    verdicts[key] = "passed"


def test_every_promise_is_shown_or_cannot_be() -> None:
    if ONLY is not None:
        # One case, asked for by hand, cannot show every promise.
        pytest.skip(f"only {ONLY} runs")
    cannot = {"memory": {"P15", "P16"}, "file": set() if MOUNTS else {"P16"}, "bookkeeper": {"P15", "P16"}}
    for language, driver in COLUMNS:
        shown = {promise for case in ALL if lacks(language, driver, case) is None for promise in case["promises"]}
        every = {promise for case in ALL for promise in case["promises"]}
        assert every - shown == cannot[driver], (language, driver)
