"""How much a failure tells: `full`, `place` or `verdict`, by course.toml.

    full      everything
    place     the instruction or line, and the verdict: no expected values, no drawing, no cause
    verdict   pass or fail, and the reason

What is not told is taken away where a verdict is made, before anything is printed or written.  So
no report, in whatever format, can hold it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from grader.knobs import FULL, PLACE, VERDICT
from grader.verdict import FAIL, INCONCLUSIVE, NOT_BUILT, Failure, Place, Schedule

WHERE = re.compile(r"[A-Za-z0-9_.$]+\+(0x)?[0-9a-f]+")      # "syscall_entry+4"


def record(result: dict[str, Any], level: str) -> dict[str, Any]:
    """A worker's record of one verdict, with what the level tells."""
    if level == FULL:
        return result
    told = dict(result)
    if result["failure"]:
        shown = failure(Failure.from_json(result["failure"]), level)
        told |= {"failure": shown.as_json(), "text": shown.reason}
    elif result["verdict"] in (FAIL, INCONCLUSIVE):
        told["text"] = ""
    told["cases"] = [] if level == VERDICT else [
        {"data": case["data"], "text": _where(case["text"])} for case in result["cases"]]
    if level == VERDICT:
        told["measurement"] = None
    return told


def failure(whole: Failure, level: str) -> Failure:
    """A failure with what the level tells."""
    if level == FULL:
        return whole
    if level == VERDICT:
        return Failure(reason=whole.reason)
    if whole.reason == NOT_BUILT:       # the compiler's words, which are about the code alone
        return whole
    wrong = _bare(whole.went_wrong)
    if wrong is None and whole.at is None:
        wrong = _decided(whole.schedule)
    return Failure(reason=whole.reason, at=_bare(whole.at), went_wrong=wrong, read=whole.read,
                   count=whole.count,
                   cases=[replace(case, text=_where(case.text)) for case in whole.cases])


def _bare(place: Place | None) -> Place | None:
    """The instruction and its line, without what was seen there."""
    return replace(place, note="") if place else None


def _decided(schedule: Schedule | None) -> Place | None:
    """Of a schedule the line of the step that decides."""
    line = ""
    for step in schedule.steps if schedule else []:
        line = step.line or line
        if step.decides and line:
            return Place(where=line)
    return Place(where=line) if line else None


def _where(text: str) -> str:
    """A case's text, if it is only a place."""
    return text if WHERE.fullmatch(text) else ""


def not_written(text: str, level: str) -> str:
    """What the table says of an exercise that is not written, or waits for another."""
    return text if level != VERDICT else text.partition(":")[0]


def build(made, level: str):
    """A build as the report shows it."""
    if level != VERDICT:
        return made
    return replace(made, problem=NOT_BUILT if made.problem else "", details=[], warnings=[],
                   notes=[], holes=[])


def words(level: str) -> str:
    """What a report says about itself; "" if it tells everything."""
    return {PLACE: "course.toml: a failure tells its place, and no more",
            VERDICT: "course.toml: a failure tells its reason, and no more"}.get(level, "")
