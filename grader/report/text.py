"""The report as a person reads it in a terminal."""

from __future__ import annotations

from typing import Any

from grader import sandbox, tell
from grader.report import failures, measured, table
from grader.report.style import Style, clean, join, labelled, sentence
from grader.verdict import NOT_WRITTEN

SHOWN = 6      # failures printed in full


def head(data: dict[str, Any]) -> list[str]:
    """What was graded: lab, seed, where the files came from, how much was done."""
    lab = data["lab"]
    course = data.get("course") or {}
    seed = "from your files: same files, same score"
    if data["seed_given"]:
        seed = "from course.toml" if course.get("seed") else "from SEED"
    lines = [f"grade lab{lab['number']} ({lab['title']}), seed {data['seed']} ({seed})"]
    if data.get("sandbox"):
        lines.append(sandbox_line(data["sandbox"]))
    lines += course_lines(course)
    parts = []
    for cell in data["cells"]:
        counts = ", ".join(f"{number} {clean(what)}" for what, number in cell["counts"].items())
        if counts:
            parts.append(f"{cell['name']} {counts}")
    line = ""
    for part in parts:
        if line and len(line) + len(part) + 3 > 80:
            lines.append(line)
            line = ""
        line += ("   " if line else "") + part
    return lines + ([line] if line else [])


def course_lines(course: dict[str, Any]) -> list[str]:
    """What course.toml changes in this report, if anything."""
    lines = []
    weights = course.get("weights", {})
    if len(set(weights.values())) > 1:
        parts = [f"{cell} {weight:g}" for cell, weight in weights.items()]
        lines.append(f"course.toml: the cells count {', '.join(parts)}")
    if course.get("bonus_cap") is not None:
        lines.append(f"course.toml: a bonus adds at most {course['bonus_cap']:g} points")
    told = tell.words(course.get("tell", ""))
    return lines + [told] if told else lines


def sandbox_line(kind: str) -> str:
    """What kept the code in."""
    return f"sandbox: {sandbox.WORDS.get(kind, clean(kind))}"


def request_lines(request: dict[str, Any] | None) -> list[str]:
    """What was graded of a pull request, and what was not."""
    if not request:
        return []
    lines = [f"pull request: head {clean(request['head'])[:12]} on base "
             f"{clean(request['base'])[:12]}, with the base's grader, kernel and tests"]
    for slug, names in request["taken"].items():
        lines.append(f"taken from labs/{clean(slug)}: {clean(', '.join(names)) or 'nothing'}")
    if request["new"]:
        lines.append(f"new: {clean(', '.join(request['new']))}")
    for number in request["also"]:
        lines.append(f"it also changes lab {number}: LAB={number} grades that")
    for path, why in request["left_out"].items():
        lines.append(f"not graded: {clean(path)} ({clean(why)})")
    if request["left_out_more"]:
        lines.append(f"not graded: {request['left_out_more']} more")
    if not request["complete"]:
        lines.append("not graded: more than git could list")
    return lines


def report(data: dict[str, Any], style: Style, as_text: bool = False) -> list[str]:
    """Table, failures, times, what is next, and what make's "Error" means."""
    graded = [cell["name"] for cell in data["cells"]]
    lines = [*head(data), ""]
    lines += table.sentences(data) if as_text else table.render(data, style)
    lines += table.left(data)
    lines += measured.sentences(data) if as_text else measured.lines(data)
    for group in data["failures"][:SHOWN]:
        lines.append("")
        lines += (failures.sentences(group, graded) if as_text
                  else failures.render(group, graded, style))
    if len(data["failures"]) > SHOWN:
        lines += ["", f"{len(data['failures']) - SHOWN} more: {failures.PAGE}"]
    for error in data["errors"][:5]:
        lines += ["", *labelled("GRADER ERROR", error, 13, 0)]
    return [*lines, "", *times(data), *closing(data)]


def times(data: dict[str, Any]) -> list[str]:
    """Where the seconds went."""
    spent = data["times"]
    if "run" not in spent:
        return []
    cells = "  ".join(f"{cell} {seconds:.1f}" for cell, seconds in spent.get("cells", {}).items())
    line = f"{spent.get('total', spent['run']):.1f} s: build {spent.get('build', 0):.1f}"
    lines = [f"{line}  {cells}".rstrip()]
    for what, cells in spent.get("rates", {}).items():
        rates = [f"{cell} {number / seconds:.0f}" for cell, (number, seconds) in cells.items()
                 if seconds]
        lines.append(f"{clean(what)} a second and processor: {'  '.join(rates)}")
    return lines


def next_steps(data: dict[str, Any]) -> list[str]:
    """The exercises to go on with: what fails first, then the first that is not written."""
    failing: list[str] = []
    unwritten: list[str] = []
    for exercise in data["exercises"]:
        for test in exercise["tests"]:
            reasons = {r["reason"] for r in test["results"].values() if r["verdict"] != "pass"}
            texts = {r["text"] for r in test["results"].values() if r["reason"] == NOT_WRITTEN}
            if reasons - {NOT_WRITTEN}:
                failing.append(test["id"])
            elif any(text.startswith("not written") for text in texts):
                if exercise["id"] not in unwritten:
                    unwritten.append(exercise["id"])
    return failing[:1] + unwritten[:1]


def closing(data: dict[str, Any]) -> list[str]:
    """The last lines, which also say what make prints below them."""
    if data["errors"]:
        return ["The grader itself failed: this says nothing about your code.",
                "(make's \"Error\" below means that.)"]
    if data["full"]:
        return [f"All of lab {data['lab']['number']} passes." if not data["selected"]
                else f"{data['selected']} passes."]
    steps = join(next_steps(data)).replace(" and ", ", then ")
    head_line = f"Next: {steps}.  " if steps else ""
    yet = "not 100 yet" if data["max"] or data["bonus_max"] else "not all right yet"
    return [f"{head_line}(make's \"Error\" below only means: {yet}.)"]


def first_failure(test: str, cell: str, failure: dict[str, Any], style: Style) -> list[str]:
    """The short form of the first failure, printed as soon as it is known."""
    said = failure["headline"] or failure["count"] or failure["reason"]
    lines = labelled("", f"{test} {cell}: {sentence(said)}", 5, 0)
    lines[0] = style.paint("bad", "FAIL") + lines[0][4:]
    for label, words in failures.facts(failure):
        lines += labelled(label, words, failures.TEXT)
    return lines
