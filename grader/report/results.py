"""Everything that is written from one grade.json."""

from __future__ import annotations

from typing import Any

from grader.paths import report_dir, write_text
from grader.report import gradescope, junit, model, page, text
from grader.report.summary import summary


def save(data: dict[str, Any], cases: str) -> None:
    """Writes the report of a pull request, in every form, into build/report/."""
    folder = report_dir()
    model.save(data)
    junit.save(data)
    page.save(data)
    if cases:
        write_text(folder / "cases.json", cases)
    write_text(folder / "summary.md", summary(data))
    gradescope.save(gradescope.convert(data), folder / "results.json")


def pull_request_lines(request: dict[str, Any], kind: str) -> list[str]:
    """What is said before anything runs."""
    return [*text.request_lines(request), text.sandbox_line(kind)]
