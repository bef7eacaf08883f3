"""The report for GitHub Actions: step summary and annotations, and a fence around other text.

A runner obeys lines of its log that begin with `::` or hold `##[`.  What a student's code or files
can put there is printed between `::stop-commands::TOKEN` and `::TOKEN::`, and is made harmless as
well, for logs that are read elsewhere.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from grader.errors import GraderError
from grader.report import failures
from grader.report.style import clean
from grader.report.summary import summary

MOST = 10               # annotations of a kind that GitHub takes from one step
LONGEST = 4000          # characters of one message
PLACE = re.compile(r"(labs/[A-Za-z0-9_-]+/[A-Za-z0-9_.-]+):(\d{1,7})\b")


def on_github() -> bool:
    """Whether a runner of GitHub Actions reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


@contextmanager
def fence() -> Iterator[None]:
    """Within, no line that is printed is a command to the runner.  The token is new each time, and
    no code of a student ever sees it."""
    if not on_github():
        yield
        return
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"\n::{token}::", flush=True)


def defused(line: str) -> str:
    """A line without control characters and without a command to a runner."""
    return re.sub(r"^(\s*):(?=:)", r"\1: ", clean(line)).replace("##[", "## [")


def data_of(text: str) -> str:
    """The text as the message of a command."""
    text = "\n".join(clean(line) for line in str(text).splitlines())[:LONGEST]
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def property_of(text: str) -> str:
    """The text as a property of a command."""
    return data_of(text).replace(":", "%3A").replace(",", "%2C")


def annotation(kind: str, title: str, text: str, where: str = "") -> str:
    """One command.  `where` may name a file of a lab and a line."""
    words = []
    place = PLACE.search(where)
    if place:
        words += [f"file={property_of(place[1])}", f"line={place[2]}"]
    words.append(f"title={property_of(title)}")
    return f"::{kind} {','.join(words)}::{data_of(text)}"


def annotations(data: dict[str, Any]) -> list[str]:
    """Failures as errors, the compiler's warnings as warnings, what was left out as notices."""
    graded = [cell["name"] for cell in data["cells"]]
    errors = [("the grader itself failed", text, "") for text in data["errors"]]
    for group in data["failures"]:
        spot = group["failure"]["went_wrong"] or {}
        where = f"{spot.get('line', '')} {group['failure']['headline']}"
        errors.append((failures.headline(group, graded),
                       "\n".join(failures.sentences(group, graded)), where))
    warnings = [("warning", text, text) for text in dict.fromkeys(
        w for build in data["builds"].values() for w in build["notes"] + build["warnings"])]
    left_out = data.get("pull_request", {}).get("left_out", {})
    notices = [("not graded", f"{path}: {why}", "") for path, why in left_out.items()]
    return [*_few("error", errors), *_few("warning", warnings), *_few("notice", notices)]


def _few(kind: str, entries: list[tuple[str, str, str]]) -> list[str]:
    """At most as many as GitHub shows; the last one says that there are more."""
    if len(entries) > MOST:
        more = len(entries) - MOST + 1
        entries = [*entries[:MOST - 1], 
                   ("more", f"{more} more: the summary of this run has them", "")]
    return [annotation(kind, *entry) for entry in entries]


def announce(data: dict[str, Any]) -> None:
    """On a runner, writes the step summary and prints the annotations; elsewhere nothing."""
    if not on_github():
        return
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if place:
        try:
            with Path(place).open("a", encoding="utf-8") as stream:
                stream.write(summary(data))
        except OSError as error:
            raise GraderError(f"the step summary cannot be written ({error.strerror})") from None
    for line in annotations(data):
        print(line, flush=True)
