"""A schedule as a table of 80 columns, and as sentences."""

from __future__ import annotations

import textwrap
from typing import Any

from grader.report.style import WIDTH, Style, clean, sentence

DECIDES = "THIS DECIDES IT"
BANNER = " >>>>   "
STEP = 6            # columns of the step's number
NARROWEST = 15      # columns of a CPU


def table(schedule: dict[str, Any], style: Style) -> list[str]:
    """One column a CPU, one row a step; the switch that decides is marked."""
    columns = schedule["columns"]
    extra = [max(len(title), *(len(s["shown"][n]) for s in schedule["steps"] if s["shown"]), 2)
             if any(s["shown"] for s in schedule["steps"]) else len(title)
             for n, title in enumerate(columns)]
    number = max(1, len(schedule["cpus"]))
    room = max(NARROWEST, (WIDTH - STEP - sum(n + 3 for n in extra)) // number - 3)
    heads = [f"CPU {cpu}".ljust(room) for cpu in schedule["cpus"]]
    titles = [title.ljust(n) for title, n in zip(columns, extra)]
    lines = [" step | " + " | ".join([*heads, *titles]).rstrip(), _rule(room, number, extra)]
    count = 0
    for step in schedule["steps"]:
        if step["cpu"] < 0:
            lines += _banner(step, style)
            continue
        count += 1
        lines += _rows(step, count, schedule["cpus"], room, extra, style)
    return [*lines, _rule(room, number, extra)]


def _rule(room: int, number: int, extra: list[int]) -> str:
    return "-" * STEP + "".join("+" + "-" * (room + 2) for _ in range(number)) \
        + "".join("+" + "-" * (n + 2) for n in extra)


def _banner(step: dict[str, Any], style: Style) -> list[str]:
    mark = DECIDES if step["decides"] else ""
    room = WIDTH - len(mark) - bool(mark)
    first, *more = textwrap.wrap(clean(step["text"]), room, initial_indent=BANNER,
                                 subsequent_indent=" " * len(BANNER))
    rows = [first.ljust(WIDTH - len(mark)) + mark if mark else first, *more]
    return [style.paint("bold", row) for row in rows] if mark else rows


def _rows(step: dict[str, Any], count: int, cpus: list[int], room: int, extra: list[int],
          style: Style) -> list[str]:
    """The lines of one step: its text is wrapped in its CPU's column."""
    line = clean(step["line"])
    hanging = " " * min(len(line) + 2, room // 2) if line else ""
    words = f"{line}  {clean(step['text'])}" if line else clean(step["text"])
    cell = textwrap.wrap(words, room, subsequent_indent=hanging, break_long_words=True) or [""]
    if step["decides"]:
        cell.append(DECIDES[:room])
    shown = [value.ljust(n) for value, n in zip(step["shown"], extra)] or [" " * n for n in extra]
    rows = []
    for index, part in enumerate(cell):
        cells = [(part if cpu == step["cpu"] else "").ljust(room) for cpu in cpus]
        values = shown if index == 0 else [" " * n for n in extra]
        head = f"{count:>4}  " if index == 0 else " " * STEP
        row = head + "| " + " | ".join([*cells, *values]).rstrip()
        rows.append(style.paint("bold", row) if step["decides"] else row)
    return rows


def sentences(schedule: dict[str, Any]) -> list[str]:
    """One sentence a step."""
    lines, count = [], 0
    for step in schedule["steps"]:
        if step["cpu"] < 0:
            text = clean(step["text"])
        else:
            count += 1
            where = f" at {clean(step['line'])}" if step["line"] else ""
            text = f"Step {count}: CPU {step['cpu']}{where} {clean(step['text'])}"
            values = [f"{title} is {value}" for title, value in
                      zip(schedule["columns"], step["shown"]) if value]
            text += f"; {', '.join(values)}" if values else ""
        text = text[:1].upper() + text[1:]
        lines.append(sentence(text + (f"; {DECIDES.lower()}" if step["decides"] else "")))
    return lines
