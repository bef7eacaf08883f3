"""grade.json: the schema corral/grade/v1.

Everything but the part "times" is the same for the same files, seed and tools.
"""

from __future__ import annotations

import json
from typing import Any

from grader import score, tell
from grader.evaluate import LEFT, Grade
from grader.labs import Exercise, Test, lab_in
from grader.options import Options
from grader.paths import report_dir, write_text
from grader.report import cases as case_table
from grader.report.groups import Group, group_failures
from grader.verdict import ERROR, Failure

SCHEMA = "corral/grade/v1"


def number(value) -> int | float:
    """A Fraction as JSON's number, rounded to two decimals."""
    rounded = round(float(value), 2)
    return int(rounded) if rounded == int(rounded) else rounded


def assemble(grade: Grade) -> dict[str, Any]:
    """The whole report as plain data."""
    table = case_table.number_cases(grade)
    points, maximum = score.totals(grade, bonus=False)
    bonus, bonus_max = score.totals(grade, bonus=True)
    options = grade.options
    return {
        "schema": SCHEMA,
        "lab": {"number": grade.lab.number, "name": grade.lab.name, "title": grade.lab.title},
        "from": options.source,
        "base": {str(n): place for n, place in sorted(options.base.items())},
        "cc": options.cc, "opt": options.opt, "seed": grade.seed, "seed_given": bool(options.seed),
        "selected": options.test, "sandbox": options.sandbox,
        "course": _course(options),
        "score": number(points), "max": number(maximum),
        "bonus": number(bonus), "bonus_max": number(bonus_max),
        "full": score.full_marks(grade),
        "expected": grade.expected, "got": len(grade.results),
        "cells": [_cell(grade, cell) for cell in grade.cells],
        "builds": {arch: _build(tell.build(build, options.tell))
                   for arch, build in grade.builds.items()},
        "exercises": [_exercise(grade, exercise, table) for exercise in grade.lab.exercises
                      if score.chosen(grade, exercise)],
        "measurements": {test: {cell: each[cell] for cell in grade.cells if cell in each}
                         for test, each in sorted(grade.measurements.items())},
        "failures": [_group(group, table) for group in group_failures(grade)],
        "errors": list(grade.errors),
        "times": _times(grade),
    }


def _course(options: Options) -> dict[str, Any]:
    """What course.toml had to do with it; the hash is empty where there is none."""
    knobs = options.knobs
    return {"hash": knobs.hash, "tell": options.tell,
            "weights": {cell: number(weight) for cell, weight in knobs.weights.items()},
            "bonus_cap": None if knobs.bonus_cap is None else number(knobs.bonus_cap),
            "seed": bool(knobs.seed) and options.seed == knobs.seed}


def _cell(grade: Grade, cell: str) -> dict[str, Any]:
    points, maximum = score.cell_total(grade, cell)
    return {"name": cell, "score": number(points), "max": number(maximum),
            "counts": dict(sorted(grade.counts.get(cell, {}).items()))}


def _build(build) -> dict[str, Any]:
    holes = [{"exercise": h.exercise, "place": h.place, "what": h.what} for h in build.holes]
    return {"problem": build.problem, "details": build.details, "warnings": build.warnings,
            "notes": build.notes, "holes": holes}


def _exercise(grade: Grade, exercise: Exercise, table: dict) -> dict[str, Any]:
    tests = score.chosen(grade, exercise)
    return {
        "id": exercise.id, "title": exercise.title, "bonus": exercise.bonus,
        "score": number(sum(score.test_score(grade, test) for test in tests)),
        "max": number(sum(score.test_max(grade, test) for test in tests)),
        "tests": [_test(grade, test, table) for test in tests],
    }


def _test(grade: Grade, test: Test, table: dict) -> dict[str, Any]:
    results = {}
    for cell in grade.cells:
        result = grade.results.get((test.id, cell))
        if result is not None:
            results[cell] = {"verdict": result.verdict, "reason": result.reason,
                             "text": "" if result.verdict == ERROR else result.text}
    left = [cell for cell in grade.cells if (test.id, cell) in grade.left]
    return {
        "id": test.id, "title": test.title, "node": test.node,
        "why": test.why or (LEFT if left else ""), "left": left,
        "hidden": test.hidden,
        "score": number(score.test_score(grade, test)),
        "max": number(score.test_max(grade, test)), "results": results,
        "cases": [ident for ident, entry in table.items() if entry["test"] == test.id],
    }


def _group(group: Group, table: dict) -> dict[str, Any]:
    first = case_table.ids_in(table, group.test, group.cell)
    listed = {ident: table[ident]["text"] for cell in group.cells
              for ident in case_table.ids_in(table, group.test, cell)}
    failure = group.failure.as_json()
    failure.pop("cases")
    return {
        "tests": group.tests, "cell": group.cell, "cells": group.cells, "failure": failure,
        "counts": {cell: f.count for cell, f in group.members[group.test].items()},
        "also": {test: list(cells) for test, cells in group.members.items() if test != group.test},
        "case": first[0] if first else "", "cases": listed, "lies_in": _lab_of(group.failure),
    }


def _lab_of(failure: Failure) -> int:
    """The number of the lab in whose file the damage was done; 0 if that is not known."""
    return lab_in(failure.went_wrong.line) if failure.went_wrong else 0



def _times(grade: Grade) -> dict[str, Any]:
    tests: dict[str, dict[str, float]] = {}
    for (test, cell), result in sorted(grade.results.items()):
        if result.seconds:
            tests.setdefault(cell, {})[test] = round(result.seconds, 3)
    return {**{key: _rounded(value) for key, value in grade.times.items()}, "tests": tests}


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return round(value, 2) if isinstance(value, float) else value


def save(data: dict[str, Any]) -> None:
    """Writes build/report/grade.json."""
    write_text(report_dir() / "grade.json", json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def without_times(data: dict[str, Any]) -> dict[str, Any]:
    """The part that must be equal in two runs."""
    return {key: value for key, value in data.items() if key != "times"}
