"""`python3 -m grader publish`: a commit status out of a report that another job uploaded.

The report is data of somebody else.  Whose it is comes from the caller, numbers are checked, and
no text of it goes on.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from grader.course.pullrequest.objects import Repository
from grader.options import Options
from grader.paths import report_dir, shown, write_text
from grader.report.model import SCHEMA

MOST = 8 << 20              # bytes of a report
MOST_POINTS = 1000
WORKFLOWS = b".github"
CONTEXT = "corral/grade"


class Unfit(Exception):
    """The report is not published; the text says why, in words of this file only."""


def publish_command(options: Options) -> int:
    """Writes build/report/status.json for GitHub's statuses; 0 also where there is no score."""
    repository = Repository.around(Path.cwd())
    base = repository.commit("base", options.base_rev)
    head = repository.commit("head", options.head_rev)
    try:
        refuse_changed_workflow(repository, base, head)
        status = status_of(read(Path(options.artifact), head))
    except Unfit as error:
        status = {"state": "error", "description": f"no score: {error}", "context": CONTEXT}
    write_text(report_dir() / "status.json", json.dumps(status) + "\n")
    print(f"{status['state']}: {status['description']}")
    print(f"written: {shown(report_dir() / 'status.json')}")
    return 0


def refuse_changed_workflow(repository: Repository, base: str, head: str) -> None:
    """The run that uploaded the report was the pull request's to define if it changed this."""
    changes, complete = repository.changes(repository.fork_point(base, head), head)
    if not complete or any(change.path.split(b"/")[0] == WORKFLOWS for change in changes):
        raise Unfit("it changes .github, so an instructor has to grade it")


def read(path: Path, head: str) -> dict[str, Any]:
    """The report, checked: it is about this commit, and its numbers are possible."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        raise Unfit("the run wrote no report") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unfit("the report is no file")
    with os.fdopen(descriptor, "rb") as stream:
        text = stream.read(MOST + 1)
    if len(text) > MOST:
        raise Unfit("the report is too large")
    try:
        data = json.loads(text)
        check(data, head)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unfit("the report is not one of this grader") from None
    return data


def check(data: dict[str, Any], head: str) -> None:
    """Raises Unfit or one of the errors that read() catches."""
    if data["schema"] != SCHEMA or data["pull_request"]["head"] != head:
        raise Unfit("the report is about another commit or of another grader")
    if data["sandbox"] not in ("bwrap", "container") or data["selected"] != "":
        raise Unfit("the report is not one of a whole lab in a sandbox")
    if type(data["lab"]["number"]) is not int or not 0 < data["lab"]["number"] < 100:
        raise ValueError("lab")
    sums = {False: 0.0, True: 0.0}
    for exercise in data["exercises"]:
        for test in exercise["tests"]:
            _points(test["score"], test["max"])
            sums[bool(exercise["bonus"])] += test["score"]
    for bonus, (score, most) in ((False, ("score", "max")), (True, ("bonus", "bonus_max"))):
        _points(data[score], data[most])
        if abs(data[score] - min(sums[bonus], data[most])) > 0.5:     # a bonus may have a cap
            raise ValueError("the sum")
    if data["expected"] != data["got"] or type(data["errors"]) is not list:
        raise ValueError("verdicts")


def _points(score: Any, most: Any) -> None:
    for value in (score, most):
        if type(value) not in (int, float) or not math.isfinite(value):
            raise ValueError("points")
    if not 0 <= score <= most <= MOST_POINTS:
        raise ValueError("points")


def status_of(data: dict[str, Any]) -> dict[str, str]:
    """The body of a request for a commit status: numbers, and words of this file."""
    points = f"lab {data['lab']['number']}: {data['score']:g} / {data['max']:g}"
    if data["bonus_max"]:
        points += f", bonus {data['bonus']:g} / {data['bonus_max']:g}"
    if data["errors"]:
        return {"state": "error", "context": CONTEXT,
                "description": f"{points}, and the grader itself failed"}
    full = data["score"] == data["max"]
    return {"state": "success" if full else "failure", "description": points, "context": CONTEXT}
