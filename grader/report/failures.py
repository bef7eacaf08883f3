"""A failure in words: what was expected and seen, the instruction, the stack, what to do next."""

from __future__ import annotations

import re
from typing import Any

from grader.options import ARCHES, EMUS, WIDTH
from grader.report import schedule as schedules
from grader.report.style import Style, clean, join, labelled, sentence
from grader.report.style import WIDTH as COLUMNS
from grader.verdict import NOT_BUILT

TEXT = 19      # where the text of a labelled line starts
SHORT = 10     # the same for cause, gdb, read
NAMED = 4      # tests named in the first line
PAGE = "build/report/index.html"


def where(cells: list[str], graded: list[str]) -> str:
    """"64-bit", "64-bit and 32-bit", "x86_64/qemu": the cells in the fewest words."""
    whole = []
    rest = []
    for arch in ARCHES:
        of_arch = [c for c in graded if c.startswith(f"{arch}/")]
        failing = [c for c in of_arch if c in cells]
        if failing and failing == of_arch and len(of_arch) == len(EMUS):
            whole.append(f"{WIDTH[arch]}-bit")
        else:
            rest += failing
    return join(whole + rest)


def twins(group: dict[str, Any]) -> str:
    """"same 7 in Bochs": what the other emulator of the first cell's width says."""
    arch, emu = group["cell"].split("/")
    other = next((c for c in group["cells"] if c.startswith(f"{arch}/") and c != group["cell"]), "")
    if not other:
        return ""
    name = {"qemu": "QEMU", "bochs": "Bochs"}[other.split("/")[1]]
    mine, theirs = group["counts"].get(group["cell"], ""), group["counts"].get(other, "")
    number = re.match(r"\d+", mine)
    if mine == theirs:
        return f"same {number[0]} in {name}" if number else f"same in {name}"
    return f"{theirs} in {name}" if theirs else f"same in {name}"


def facts(failure: dict[str, Any]) -> list[tuple[str, str]]:
    """What was expected and seen, where the headline does not say it already."""
    return [(label, failure[label]) for label in ("expected", "seen")
            if failure[label] and not failure["headline"].endswith(failure[label])]


def headline(group: dict[str, Any], graded: list[str]) -> str:
    """The first line of a failure, without FAIL."""
    failure = group["failure"]
    tests = ", ".join(group["tests"][:NAMED]) + (", .." if len(group["tests"]) > NAMED else "")
    head = f"{tests}, {where(group['cells'], graded)}: "
    same = twins(group)
    if failure["reason"] == NOT_BUILT:
        return f"{where(group['cells'], graded)}: does not build"
    if failure["count"]:
        return head + f"{failure['count']} fail, one cause{', ' + same if same else ''}. The first:"
    said = clean(failure["headline"]) or failure["reason"]
    return head + said + (f" ({same})" if same else "")


def render(group: dict[str, Any], graded: list[str], style: Style) -> list[str]:
    """The lines of one failure."""
    failure = group["failure"]
    first, *more = labelled("", headline(group, graded), 5, 0)
    lines = [style.paint("bad", "FAIL") + first[4:], *more]
    if failure["count"] and failure["headline"]:
        lines += labelled("", failure["headline"], 2)
    places = [(place["label"] or label, place) for label, place in
              (("interrupt came at", failure["at"]), ("went wrong at", failure["went_wrong"]))
              if place]
    column = max([TEXT, *(len(label) + 4 for label, _ in places)])
    for label, place in places:
        lines += _place(label, place, column)
    for label, words in facts(failure):
        lines += labelled(label, words, column)
    if failure["start"]:
        lines += labelled("start", failure["start"], column)
    if failure["stack"]:
        lines += ["", *_stack(failure["stack"])]
    if failure["schedule"]:
        lines += ["", *schedules.table(failure["schedule"], style)]
    if failure["extra"]:
        lines += ["", *("  " + clean(line)[:100] for line in failure["extra"])]
    tail = _tail(group)
    if tail and (failure["stack"] or failure["extra"]):
        lines.append("")
    return lines + tail


def _place(label: str, place: dict[str, str], column: int) -> list[str]:
    """An instruction; its source line stands beside it where there is room, else below."""
    text = f"{clean(place['where'])}  {clean(place['insn'])}".strip()
    lines = [f"  {label}".ljust(column) + text]
    if place["line"]:
        joined = f"{lines[0]}  {clean(place['line'])}"
        lines = [joined] if len(joined) <= COLUMNS else [lines[0], " " * column
                                                         + clean(place["line"])]
    if place["note"]:
        lines += labelled("", f"({place['note']})", column)
    return [line.rstrip() for line in lines]


def _stack(stack: dict[str, Any]) -> list[str]:
    rows = [{k: clean(v) for k, v in row.items()} for row in stack["rows"]]
    offset = max((len(r["offset"]) for r in rows), default=0)
    name = max((len(r["name"]) for r in rows), default=0)
    value = max((len(r["value"]) for r in rows), default=0)
    lines = [f"  {clean(stack['title'])}"] if stack["title"] else []
    for row in rows:
        lines.append(f"    {row['offset']:<{offset}}  {row['name']:<{name}}  "
                     f"{row['value']:<{value}}   {row['note']}".rstrip())
    return lines


def _tail(group: dict[str, Any]) -> list[str]:
    failure = group["failure"]
    lines: list[str] = []
    if failure["cause"]:
        lines += labelled("cause", failure["cause"], SHORT)
    if group["case"]:
        gdb = f"make replay CASE={group['case']}"
        if len(group["cases"]) > 1:
            gdb += f"      all {len(group['cases'])}: {PAGE}#{group['tests'][0]}"
        lines += labelled("gdb", gdb, SHORT)
    if failure["read"]:
        lines += labelled("read", failure["read"], SHORT)
    if group["lies_in"] and not group["tests"][0].startswith(f"{group['lies_in']}."):
        lines += labelled("lab", f"it went wrong in a file of lab {group['lies_in']}", SHORT)
    rest = group["tests"][NAMED:]
    if rest and failure["reason"] != NOT_BUILT:
        lines += labelled("also", f"{join(rest)} for the same reason", SHORT)
    return lines


def sentences(group: dict[str, Any], graded: list[str]) -> list[str]:
    """The same without columns: one sentence for each thing."""
    failure = group["failure"]
    lines = [sentence(f"FAIL {headline(group, graded)}")]
    for label, key in (("The interrupt came at", "at"), ("It went wrong at", "went_wrong")):
        place = failure[key]
        if place:
            words = f"{place['label'] or label} {place['where']} {place['insn']}".strip()
            words += f", {place['line']}" if place["line"] else ""
            words += f" ({place['note']})" if place["note"] else ""
            lines.append(sentence(words))
    for label, words in [*facts(failure), ("cause", failure["cause"])]:
        if words:
            lines.append(sentence(f"{label.capitalize()}: {words}"))
    if failure["stack"]:
        lines.append(sentence(f"The stack: {failure['stack']['title'] or 'highest address first'}"))
        for row in failure["stack"]["rows"]:
            note = f": {row['note']}" if row["note"] else ""
            lines.append(sentence(f"At {row['offset'].replace(' ', '')} {row['name']} is "
                                  f"{row['value']}{note}"))
    if failure["start"]:
        lines.append(sentence(f"Start: {failure['start']}"))
    if failure["schedule"]:
        lines += schedules.sentences(failure["schedule"])
    lines += [clean(line) for line in failure["extra"]]
    if group["case"]:
        lines.append(f"To stop there in the debugger: make replay CASE={group['case']}")
    if failure["read"]:
        lines.append(sentence(f"Read {failure['read']}"))
    if len(group["tests"]) > NAMED and failure["reason"] != NOT_BUILT:
        lines.append(sentence(f"{join(group['tests'][NAMED:])} failed for the same reason"))
    return lines
