"""The kind `lanes`: what the CPU's state is along a path.  A column for each thing, time goes down.

The first line names the columns; the first is the step.  A value that stays is one bar.  `=== text ===` is an
event.  Behind the last column ## or | shades a row: a window in which something is not as it should be; the
letters behind it say what.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from canvas import CHAR, LINE, Canvas
from columns import cells, heads

PAD = 8
GAP = 10
ROW = LINE + 4


@dataclass
class Row:
    """One step: its name, the values, what is marked.  An event has no values."""

    step: str
    values: list[str] = field(default_factory=list)
    marked: bool = False
    letters: str = ""


def draw(text: str) -> Canvas:
    """The drawing of a text."""
    canvas = Canvas()
    rows, names = parse(text)
    steps = [row for row in rows if row.values]
    first = max(len(row.step) + (0 if row.values else 4) for row in rows) * CHAR + 2 * PAD
    widths = [max(len(names[i + 1]), *(len(row.values[i]) for row in steps)) * CHAR + 2 * PAD
              for i in range(len(names) - 1)]
    lefts = [first + sum(widths[:i]) + GAP * i for i in range(len(widths))]
    right = lefts[-1] + widths[-1] + PAD
    tail = max((len(row.letters) for row in rows), default=0) * CHAR
    for name, left in zip(names, [0, *lefts]):
        canvas.text(left + PAD, 16, name, "soft")
    top = 26
    for index, row in enumerate(rows):
        y = top + index * ROW
        if row.marked:
            canvas.box(0, y, right + tail + PAD, ROW, "window")
        canvas.text(right, y + 17, row.letters, "bad strong")
    for column, (left, width) in enumerate(zip(lefts, widths)):
        _bars(canvas, rows, column, left, width, top)
    for index, row in enumerate(rows):
        y = top + index * ROW
        canvas.text(PAD, y + 17, row.step, "" if row.values else "event strong")
        if not row.values:
            canvas.line(0, y + ROW - 2, first - PAD, y + ROW - 2, "pulse")
    canvas.box(0, top, right + tail + PAD, len(rows) * ROW, "frame", 6)
    return canvas


def _bars(canvas: Canvas, rows: list[Row], column: int, left: float, width: float, top: float) -> None:
    """One bar for each run of rows with one value; an event does not end it if the value stays.

    A value has one colour wherever it comes back.
    """
    index, known = 0, list[str]()
    while index < len(rows):
        if not rows[index].values:
            index += 1
            continue
        value, end = rows[index].values[column], index + 1
        while end < len(rows) and (not rows[end].values or rows[end].values[column] == value):
            end += 1
        while not rows[end - 1].values:
            end -= 1
        if value:
            known += [] if value in known else [value]
            y = top + index * ROW + 3
            canvas.box(left, y, width, (end - index) * ROW - 6, f"bar bar{known.index(value) % 3}", 4)
            canvas.text(left + PAD, y + 14, value)
        index = end


def describe(text: str) -> str:
    """One sentence a step, with what has changed."""
    rows, names = parse(text)
    said, before = [], [""] * (len(names) - 1)
    for row in rows:
        changed = [f"{name} is {value}" for name, value, old in zip(names[1:], row.values, before)
                   if value and value != old]
        window = f", in window {row.letters}" if row.letters else ", in a window" if row.marked else ""
        said.append(f"{row.step}{': ' if changed else ''}{', '.join(changed)}{window}.")
        before = row.values or before
    return " ".join(said)


def parse(text: str) -> tuple[list[Row], list[str]]:
    """The steps and the names of the columns."""
    first, *lines = [line for line in text.splitlines() if line.strip()]
    found = [(start, name) for start, name in heads(first) if name != "windows"]
    starts = [start for start, _ in found]
    rows = []
    for line in lines:
        if match := re.match(r"\s*=== (.*) ===$", line):
            rows.append(Row(match[1]))
            continue
        step, *values = cells(line, starts, exact=False)
        marked = re.search(r"(?:^|\s+)(?:##|\|)\s*([A-Z ]*)$|\s{3,}([A-Z])$", values[-1])
        letters = ""
        if marked:
            values[-1] = values[-1][:marked.start()].strip()
            letters = re.sub(r"\s+", " ", (marked[1] or marked[2] or "").strip())
        rows.append(Row(step, values, bool(marked) and not marked[2], letters))
    return rows, [name for _, name in found]
