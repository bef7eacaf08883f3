"""results.json of Gradescope.

Every test is visible, also those of HIDDEN, whose result is all that is told of them: Gradescope
hides the total from a student as soon as one test is hidden.

Where there is no verdict the score is 0 and the text says that the grader failed.  Without the
file Gradescope shows its own message, which blames the submission and names no cause; with it the
staff finds these submissions by `extra_data.grader_error`, and reruns them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grader.paths import write_text
from grader.report import failures, table, text
from grader.report.style import NO_PAINT, clean
from grader.verdict import PASS

MOST_TEXT = 20_000      # characters of one test's output


def convert(data: dict[str, Any]) -> dict[str, Any]:
    """The report as Gradescope wants it."""
    lines = [*text.head(data), *text.request_lines(data.get("pull_request")), "",
             *table.render(data, NO_PAINT)]
    if data["errors"]:
        lines += ["", "The grader itself failed, so points may be missing that are yours.  This "
                  "says nothing about your code: ask the staff to run it again.",
                  *data["errors"][:5]]
    return _whole(data["score"] + data["bonus"], "\n".join(map(clean, lines)),
                  [_test(data, exercise, test) for exercise in data["exercises"]
                   for test in exercise["tests"]],
                  {"grader_error": bool(data["errors"]), "seed": data["seed"],
                   "lab": data["lab"]["number"]}, data["times"].get("total", 0))


def no_verdict(sentence: str) -> dict[str, Any]:
    """What is written when there is no report."""
    words = ("The grader itself failed.  This says nothing about your code, and 0 is not its "
             f"score: ask the staff to run it again.\n{clean(sentence)}")
    return _whole(0, words, [], {"grader_error": True}, 0)


def _whole(score: float, output: str, tests: list[dict], extra: dict, seconds: float) -> dict:
    return {"score": score, "execution_time": round(seconds), "output": output[:MOST_TEXT],
            "output_format": "text", "test_output_format": "text", "test_name_format": "text",
            "visibility": "visible", "stdout_visibility": "hidden", "tests": tests,
            "extra_data": extra}


def _test(data: dict[str, Any], exercise: dict, test: dict) -> dict[str, Any]:
    verdicts = [result["verdict"] for result in test["results"].values()]
    lines = [f"{cell}: {result['verdict']} {result['text'] or result['reason']}".rstrip()
             for cell, result in test["results"].items()]
    graded = [cell["name"] for cell in data["cells"]]
    for group in data["failures"]:
        if test["id"] in group["tests"]:
            lines += ["", *failures.sentences(group, graded)]
    return {"name": f"{test['id']} {test['title']}", "number": test["id"], "score": test["score"],
            "max_score": test["max"], "status": "passed" if all(v == PASS for v in verdicts)
            and verdicts else "failed", "output": "\n".join(map(clean, lines))[:MOST_TEXT],
            "output_format": "text", "visibility": "visible", "tags": [exercise["id"]]}


def save(data: dict[str, Any], path: Path) -> None:
    """Writes results.json, whole or not at all."""
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
