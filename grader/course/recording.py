"""Records the failing schedule that the site's front page shows: docs/schedules/lock.json.

It is one that the grader has found: a wrong answer of lab 4 is graded, and what the report says of the
first schedule that fails is kept.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from grader import evaluate
from grader.course.mutants import load_mutants
from grader.course.trials import mutated
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import Options
from grader.paths import ROOT, shown, write_text
from grader.verdict import Failure

PLACE = ROOT / "docs" / "schedules" / "lock.json"
LAB, MUTANT, TEST = 4, "4.1", "4.1a"
CELL = "x86_64/bochs"
SEED = "c0ffee"
SCHEMA = "corral/schedule/v1"


def record() -> dict[str, Any]:
    """Grades the wrong answer in one cell; the data of the file."""
    lab = find_labs()[LAB]
    mutant = next((m for m in load_mutants(lab) if m.id == MUTANT), None)
    test = lab.test(TEST)
    if mutant is None or test is None:
        raise GraderError("this tree has no wrong answers to record: it needs solutions/")
    arch, emu = CELL.split("/")
    options = replace(Options(), source="solutions", arches=(arch,), emus=(emu,), seed=SEED)
    grade = evaluate.prepare(lab, [test], options, mutated(lab, mutant, options))
    evaluate.run(grade, evaluate.silent)
    result = grade.results.get((TEST, CELL))
    if result is None or result.failure is None or result.failure.schedule is None:
        raise GraderError(f"{TEST} gave no failing schedule: {'; '.join(grade.errors) or 'it passes'}")
    return data_of(result.failure, mutant.story)


def data_of(failure: Failure, story: str) -> dict[str, Any]:
    """What the site keeps of a failure."""
    found = failure.as_json()
    kept = ("headline", "expected", "seen", "start", "cause", "count", "schedule")
    return {"schema": SCHEMA, "lab": LAB, "test": TEST, "wrong_answer": MUTANT, "story": story,
            "cell": CELL, "seed": SEED, **{name: found[name] for name in kept}}


def schedule_command(options: Options) -> int:
    """Writes the file anew."""
    write_text(PLACE, json.dumps(record(), indent=1) + "\n")
    print(f"written: {shown(PLACE)}")
    return 0
