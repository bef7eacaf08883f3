"""The table of scores: a row for each person, with the reason where points are missing."""

from __future__ import annotations

import csv
import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

from grader.course.classroom.record import Classroom, Record, Submission, read_json
from grader.course.classroom.round import FAILED, GRADED, Round
from grader.report.style import clean
from grader.report.table import plain_number
from grader.verdict import FAIL, NOT_BUILT, NOT_WRITTEN

NONE, REFUSED, WAITING = "no submission", "not graded", "waiting"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")   # what a spreadsheet runs
MOST_REASON = 300


@dataclass
class Row:
    """One person."""

    id: str
    name: str = ""
    state: str = NONE               # graded, grader error, not graded, no submission, waiting
    score: float | None = 0         # None: it is not known
    max: float | None = None
    bonus: float = 0
    reason: str = ""                # why points are missing
    notes: list[str] = field(default_factory=list)
    data: dict[str, Any] | None = None      # grade.json
    submission: Submission | None = None


def rows(room: Classroom, record: Record, work: Round, roster: dict[str, str]) -> list[Row]:
    """The roster's people in its order, then those who are not on it."""
    found = []
    for ident in [*roster, *sorted(record.submissions.keys() - roster.keys())]:
        row = Row(ident, roster.get(ident, ""))
        submission = record.submissions.get(ident)
        if submission is not None:
            _fill(row, room, work, submission)
            if roster and ident not in roster:
                row.notes.append("not on the roster")
        else:
            row.reason = NONE
        found.append(row)
    most = max((row.max for row in found if row.max is not None), default=None)
    for row in found:
        row.max = most if row.max is None else row.max
    return found


def _fill(row: Row, room: Classroom, work: Round, submission: Submission) -> None:
    row.submission = submission
    if submission.gone:
        row.notes.append("no longer among the submissions")
    if submission.problem:
        row.state, row.reason = REFUSED, clean(submission.problem)
        return
    outcome = work.outcome(submission.id, submission.digest)
    if outcome is None:
        row.state, row.score, row.reason = WAITING, None, "not graded yet"
        return
    row.state = outcome["state"]
    if row.state == FAILED:
        row.score, row.reason = None, f"grader error: {clean(outcome['sentence'])}"
        return
    row.data = read_json(work.folder / submission.id / "grade.json")
    row.score, row.max, row.bonus = row.data["score"], row.data["max"], row.data["bonus"]
    row.reason = reason(row.data).replace(f"{room.taken(submission.id)}/", "")
    if submission.new:
        row.notes.append(f"new files: {', '.join(submission.new)}")
    if submission.refused:
        path, why = next(iter(submission.refused.items()))
        more = f", and {len(submission.refused) - 1} more" if len(submission.refused) > 1 else ""
        row.notes.append(f"not taken: {path} ({why}){more}")


def reason(data: dict[str, Any]) -> str:
    """Why points are missing; "" if none are."""
    results = [(test, result) for exercise in data["exercises"] if not exercise["bonus"]
               for test in exercise["tests"] for result in test["results"].values()]
    missing = [(test, result) for test, result in results if result["verdict"] != "pass"]
    if data["score"] >= data["max"] or not missing:
        return ""
    kinds = {result["reason"] for _, result in missing}
    if kinds == {NOT_BUILT}:
        problem = next((b["problem"] for b in data["builds"].values() if b["problem"]), "")
        return clean(f"does not build: {problem.partition(': `')[0]}")[:MOST_REASON]
    if kinds == {NOT_WRITTEN}:
        first = next(result["text"] for _, result in missing).removeprefix("not written yet: ")
        what = "nothing is written yet" if len(missing) == len(results) else "not all is written yet"
        return clean(f"{what}: {first}")[:MOST_REASON]
    failing = list(dict.fromkeys(t["id"] for t, r in missing if r["reason"] != NOT_WRITTEN))
    words = f"fails {', '.join(failing[:6])}" + (f" and {len(failing) - 6} more"
                                                 if len(failing) > 6 else "")
    return clean(words + _first_failure(data))[:MOST_REASON]


def _first_failure(data: dict[str, Any]) -> str:
    for group in data["failures"]:
        failure = group["failure"]
        what = failure["headline"] or (f"expected {failure['expected']}, seen {failure['seen']}"
                                       if failure["expected"] else failure["seen"])
        if failure["reason"] not in (NOT_WRITTEN,):
            words = f"{failure['reason']}: {what}" if what else failure["reason"]
            return f"; {group['tests'][0]}: {' '.join(words.split())}"
    return ""


def failing_tests(data: dict[str, Any]) -> set[str]:
    """The tests that ran and failed in some cell."""
    return {test["id"] for exercise in data["exercises"] for test in exercise["tests"]
            for result in test["results"].values()
            if result["verdict"] == FAIL and result["reason"] not in (NOT_WRITTEN, NOT_BUILT)}


def table(found: list[Row]) -> list[str]:
    """The table for a terminal, 80 columns."""
    width = min(20, max([4, *(len(row.id) for row in found)]))
    lines = [f"{'id':<{width}}  {'score':>12}  why points are missing"]
    indent = width + 16
    for row in found:
        score = "-" if row.score is None else plain_number(row.score)
        points = f"{score} / {plain_number(row.max)}" if row.max is not None else score
        if row.bonus:
            points += f" +{plain_number(row.bonus)}"
        words = "; ".join(filter(None, [row.reason, *row.notes]))
        text = textwrap.wrap(clean(words), 80 - indent, break_on_hyphens=False) or [""]
        name = clean(row.id)
        head = name if len(name) <= width else name[:width - 1] + "~"
        lines.append(f"{head:<{width}}  {points:>12}  {text[0]}".rstrip())
        lines += [" " * indent + line for line in text[1:]]
    return lines


def summary(found: list[Row]) -> str:
    """"60 people: 41 graded, 2 grader error, .."."""
    count: dict[str, int] = {}
    for row in found:
        count[row.state] = count.get(row.state, 0) + 1
    order = (GRADED, REFUSED, NONE, FAILED, WAITING)
    parts = [f"{count[state]} {state}" for state in order if state in count]
    full = sum(1 for row in found if row.state == GRADED and row.score == row.max)
    zero = sum(1 for row in found if row.score == 0)
    return f"{len(found)} rows: {', '.join(parts)}; {full} with all points, {zero} with none"


def marks_csv(found: list[Row]) -> str:
    """For a spreadsheet or another system.  A score that is not known is empty, not 0."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "name", "score", "max", "bonus", "state", "reason"])
    for row in found:
        number = ["" if value is None else plain_number(value)
                  for value in (row.score, row.max, row.bonus)]
        words = "; ".join(filter(None, [row.reason, *row.notes]))
        writer.writerow([safe(row.id), safe(row.name), *number, row.state, safe(words)])
    return out.getvalue()


def safe(text: str) -> str:
    """One line that no spreadsheet takes for a formula."""
    line = " ".join(clean(text).split())
    return f"'{line}" if line.startswith(FORMULA) else line
