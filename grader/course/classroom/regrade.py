"""--regrade TEST: one test run again for all who have a grade, and the scores that moved.

The new verdicts are a round of their own in regrades/N/.  When all are there, each is put into the
grade's record; the old record stays beside it as before-regrade-N.json.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from grader.course.classroom.record import Classroom, Record, Submission, read_json
from grader.course.classroom.round import GRADED, Round
from grader.errors import GraderError
from grader.paths import write_text
from grader.report import junit, model, page
from grader.verdict import PASS

UNDER_WAY, DONE = "under way", "done"


class Regrade:
    """One regrade: begun, or taken up again where it was left."""

    def __init__(self, room: Classroom, record: Record, test: str, grader: str):
        self.room, self.record, self.test = room, record, test
        place, state = self._last()
        if state.get("state") == UNDER_WAY and state["test"] != test:
            raise GraderError(f"the regrade of {state['test']} is not at its end: "
                              f"--regrade {state['test']} takes it up again")
        self.fresh = state.get("state") != UNDER_WAY
        if self.fresh:
            place = room.place / "regrades" / str(int(place.name) + 1 if place else 1)
            write_text(place / "regrade.json", json.dumps(
                {"state": UNDER_WAY, "test": test, "grader": grader}) + "\n")
        assert place is not None
        self.place, self.grader = place, grader
        self.number = int(place.name)
        words = [word for word in record.words if not word.startswith("TEST=")]
        self.work = Round(place, (*words, f"TEST={test}"))

    def _last(self) -> tuple[Path | None, dict]:
        found = sorted((int(path.parent.name), path.parent) for path in
                       (self.room.place / "regrades").glob("*/regrade.json"))
        if not found:
            return None, {}
        return found[-1][1], read_json(found[-1][1] / "regrade.json")

    def submissions(self, graded: Round) -> list[Submission]:
        """Those who have a grade."""
        return [each for each in self.record.submissions.values() if each.digest and
                (graded.outcome(each.id, each.digest) or {}).get("state") == GRADED]

    def finish(self, submissions: list[Submission]) -> tuple[list[str], list[str]]:
        """Puts the verdicts into the records; (a line for each score that moved, and for each
        submission whose test could not be run)."""
        moved, failed = [], []
        for each in submissions:
            outcome = self.work.outcome(each.id, each.digest)
            if outcome is None or outcome["state"] != GRADED:
                why = outcome["sentence"] if outcome else "it was not run"
                failed.append(f"{each.id}: grader error: {why}; its old verdict stays")
                continue
            before, after = self._merge(each.id)
            words = difference(before, after)
            if words:
                moved.append(f"{each.id}: {words}")
        write_text(self.place / "regrade.json", json.dumps(
            {"state": DONE, "test": self.test, "grader": self.grader}) + "\n")
        return moved, failed

    def _merge(self, ident: str) -> tuple[dict, dict]:
        """The record before and after; done once, however often this is called."""
        folder = self.room.grades / ident
        now = read_json(folder / "grade.json")
        kept = folder / f"before-regrade-{self.number}.json"
        if any(each["number"] == self.number for each in now.get("regraded", [])):
            return read_json(kept), now
        merged = merge(now, read_json(self.work.folder / ident / "grade.json"))
        merged["regraded"] = [*now.get("regraded", []), {
            "number": self.number, "test": self.test, "grader": self.grader}]
        write_text(kept, json.dumps(now, indent=1, ensure_ascii=False) + "\n")
        write_text(folder / "index.html", page.convert(merged))
        write_text(folder / "junit.xml", junit.convert(merged))
        write_text(folder / "grade.json", json.dumps(merged, indent=1, ensure_ascii=False) + "\n")
        return now, merged


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old report with the tests of the new one in the place of the same ones."""
    data = copy.deepcopy(old)
    exercises = {each["id"]: each for each in data["exercises"]}
    for exercise in new["exercises"]:
        target = exercises.get(exercise["id"])
        if target is None:
            raise GraderError(f"exercise {exercise['id']} is not in the old grades: grade the class "
                              "anew, with another --out")
        for test in exercise["tests"]:
            _replace(data, target, test)
    tests = {test["id"] for exercise in new["exercises"] for test in exercise["tests"]}
    data["failures"] = [*_without(old["failures"], tests), *new["failures"]]
    for bonus, names in ((False, ("score", "max")), (True, ("bonus", "bonus_max"))):
        for name, what in zip(names, ("score", "max")):
            data[name] = _total(old, data, name, what, bonus)
    kind = ("score", "max") if data["max"] else ("bonus", "bonus_max")
    data["full"] = not data["errors"] and data[kind[0]] == data[kind[1]]
    return data


def _total(old: dict, new: dict, name: str, what: str, bonus: bool) -> int | float:
    """The sum over the exercises; where the old total was below that, it was capped, and still is."""
    was, now = (sum(each[what] for each in data["exercises"] if each["bonus"] == bonus)
                for data in (old, new))
    return model.number(min(now, old[name]) if old[name] < was - 0.05 else now)


def _replace(data: dict, exercise: dict, test: dict) -> None:
    """Puts one test into its exercise; the sums of the exercise and of the cells follow."""
    index = next((n for n, each in enumerate(exercise["tests"]) if each["id"] == test["id"]), None)
    if index is None:
        raise GraderError(f"test {test['id']} is not in the old grades: grade the class anew, with "
                          "another --out")
    was = exercise["tests"][index]
    exercise["tests"][index] = test
    for what in ("score", "max"):
        exercise[what] = model.number(exercise[what] + test[what] - was[what])
    for cell in data["cells"] if not exercise["bonus"] else []:
        for each, sign in ((was, -1), (test, 1)):
            result = each["results"].get(cell["name"])
            if result:
                cell["max"] = model.number(cell["max"] + sign * each["max"])
                if result["verdict"] == PASS:
                    cell["score"] = model.number(cell["score"] + sign * each["max"])


def _without(groups: list[dict], tests: set[str]) -> list[dict]:
    """The failures of the other tests."""
    kept = []
    for group in groups:
        rest = [test for test in group["tests"] if test not in tests]
        if rest:
            kept.append(group | {"tests": rest, "also": {
                test: cells for test, cells in group["also"].items() if test in rest[1:]}})
    return kept


def difference(before: dict, after: dict) -> str:
    """"20 -> 25", "" if nothing moved."""
    words = []
    for what, name in (("score", ""), ("bonus", "bonus ")):
        if before[what] != after[what]:
            words.append(f"{name}{before[what]:g} -> {after[what]:g}")
    return ", ".join(words)
