"""The report as Markdown, for a page of GitHub: only what is written here is markup."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from grader.report import failures, text
from grader.report.style import clean
from grader.report.table import plain_number
from grader.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_WRITTEN, PASS

MOST = 1_000_000        # bytes; GitHub takes 1 MiB of a step and drops what is larger
CUT = "\nThe rest is cut off here, because GitHub shows no more: grade.json has all of it.\n"
MARKS = {PASS: "pass", FAIL: "**FAIL**", ERROR: "grader error", INCONCLUSIVE: "cannot tell"}


def md(value: object) -> str:
    """Text that stays text in Markdown, HTML and tables: what could be markup is an entity, and no
    name behind an @ is called."""
    line = clean(str(value)).replace("\n", " ").replace("@", "@\u200b")
    return re.sub(r"[!-&*+:;<->\[-`{-~]", lambda match: f"&#{ord(match[0])};", line)


def summary(data: dict[str, Any]) -> str:
    """The whole page, at most MOST bytes; what is missing then is said."""
    parts = [_head(data), _errors(data), _request(data), _table(data), *_failures(data)]
    page, size = "", len(CUT)
    for part in parts:
        size += len(part.encode())
        if size > MOST:
            return page + CUT
        page += part
    return page


def _head(data: dict[str, Any]) -> str:
    lab = data["lab"]
    lines = [f"## Lab {md(lab['number'])}: {md(lab['title'])}", "",
             f"**{plain_number(data['score'])} / {plain_number(data['max'])}**"
             + (f", bonus {plain_number(data['bonus'])} / {plain_number(data['bonus_max'])}"
                if data["bonus_max"] else ""), ""]
    lines += [f"{md(line)}  " for line in text.head(data)]
    return "\n".join(lines) + "\n\n"


def _errors(data: dict[str, Any]) -> str:
    if not data["errors"]:
        return ""
    items = "".join(f"- {md(error)}\n" for error in data["errors"][:20])
    return f"The grader itself failed; this says nothing about the code:\n\n{items}\n"


def _request(data: dict[str, Any]) -> str:
    request = data.get("pull_request")
    if not request:
        return ""
    lines = [md(line) for line in text.request_lines(request)]
    return "\n".join(f"- {line}" for line in lines) + "\n\n"


def _table(data: dict[str, Any]) -> str:
    cells = [cell["name"] for cell in data["cells"]]
    lines = ["| test | | " + " | ".join(md(cell) for cell in cells) + " | points |",
             "|---|---|" + "---|" * len(cells) + "---:|"]
    for exercise in data["exercises"]:
        for test in exercise["tests"]:
            marks = [_mark(test["results"].get(cell)) for cell in cells]
            lines.append(f"| {md(test['id'])} | {md(test['title'])} | " + " | ".join(marks)
                         + f" | {plain_number(test['score'])} / {plain_number(test['max'])} |")
    return "\n".join(lines) + "\n\n"


def _mark(result: dict[str, Any] | None) -> str:
    if result is None:
        return "-"
    return "to write" if result["reason"] == NOT_WRITTEN else MARKS.get(result["verdict"], "?")


def _failures(data: dict[str, Any]) -> list[str]:
    graded = [cell["name"] for cell in data["cells"]]
    parts = []
    for group in data["failures"]:
        lines = "\n".join(escape(clean(line)).replace("@", "@\u200b")
                          for line in failures.sentences(group, graded))
        parts.append(f"### {md(failures.headline(group, graded))}\n\n<pre>\n{lines}\n</pre>\n\n")
    return parts
