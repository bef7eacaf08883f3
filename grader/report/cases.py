"""CASE ids: 1.2c-1 names a place of test 1.2c, the same in every cell that has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.evaluate import Grade, Result
from grader.knobs import VERDICT
from grader.paths import report_dir, write_text
from grader.verdict import FAIL, NOT_BUILT, NOT_WRITTEN, PASS

SCHEMA = "corral/cases/v1"


def number_cases(grade: Grade) -> dict[str, dict[str, Any]]:
    """id -> {test, text, failed, cells: {cell: data}}, in the order of lab.toml and the cells."""
    table: dict[str, dict[str, Any]] = {}
    if grade.options.tell == VERDICT:       # where a case stops is more than is told
        return table
    for test in grade.tests:
        known: dict[str, str] = {}
        for cell in grade.cells:
            result = grade.results.get((test.id, cell))
            if result is None:
                continue
            for data, text, failed in _cases(result):
                key = json.dumps(data, sort_keys=True)
                if key not in known:
                    known[key] = f"{test.id}-{len(known) + 1}"
                    table[known[key]] = {"test": test.id, "text": text, "failed": failed,
                                         "cells": {}}
                entry = table[known[key]]
                entry["cells"][cell] = data
                entry["failed"] = entry["failed"] or failed
    return table


def _cases(result: Result) -> list[tuple[dict, str, bool]]:
    """The cases of one result; a test without its own is one case."""
    if result.verdict == FAIL and result.reason in (NOT_BUILT, NOT_WRITTEN):
        return []
    if result.verdict == FAIL and result.failure:
        found = [(case.data, case.text, True) for case in result.failure.cases]
        return found or [({}, "", True)]
    if result.verdict == PASS:
        return [(c["data"], c["text"], False) for c in result.cases] or [({}, "", False)]
    return []


def ids_in(table: dict[str, dict[str, Any]], test: str, cell: str,
           failed: bool = True) -> list[str]:
    """The ids of a test's cases in one cell."""
    return [ident for ident, entry in table.items()
            if entry["test"] == test and cell in entry["cells"] and entry["failed"] == failed]


def save(grade: Grade, table: dict[str, dict[str, Any]]) -> None:
    """Writes build/report/cases.json, which `make replay` reads."""
    options = grade.options
    settings = {"lab": grade.lab.number, "from": options.source, "cc": options.cc,
                "base": {str(n): place for n, place in options.base.items()},
                "opt": options.opt, "seed": grade.seed, "cpus": grade.cpus}
    data = {"schema": SCHEMA, "settings": settings, "cases": table}
    write_text(report_dir() / "cases.json", json.dumps(data, indent=1) + "\n")


def load() -> dict[str, Any]:
    """The cases of the last report."""
    path: Path = report_dir() / "cases.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GraderError("nothing was graded yet: run `make grade` first") from None
    except (OSError, ValueError) as error:
        raise GraderError("the last report cannot be read: run `make grade` again") from error
    if data.get("schema") != SCHEMA:
        raise GraderError("the last report is of another version: run `make grade` again")
    return data
