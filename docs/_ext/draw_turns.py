"""The kind `turns`: who does what, in which order.  A column for each who, time goes down.

The first line names the columns.  A column named `step`, or one of :values:, is plain text; every other one
is somebody, with a line of life.  `=== text ===` is something that comes from outside.
"""

from __future__ import annotations

import re

from canvas import CHAR, LINE, Canvas
from columns import cells, heads

GAP = 26
PAD = 9


def draw(text: str, values: tuple[str, ...] = ()) -> Canvas:
    """The drawing of a text."""
    canvas = Canvas()
    rows, names = parse(text)
    lives = [name not in ("step", *values) for name in names]
    widths = [max(len(name), *(len(shown(row[i])) for row in rows if row), 3) * CHAR + 2 * PAD
              for i, name in enumerate(names)]
    lefts = [sum(widths[:i]) + GAP * i for i in range(len(names))]
    height = 34 + sum(LINE + 4 if row else 10 for row in rows)
    life = 0
    for name, lives_on, left, width in zip(names, lives, lefts, widths):
        if lives_on:
            canvas.line(left + PAD, 26, left + PAD, height, f"life cpu{life % 4}")
            canvas.box(left, 1, len(name) * CHAR + 2 * PAD, 24, f"who cpu{life % 4}", 5)
            life += 1
        canvas.text(left + PAD, 18, name, "strong" if lives_on else "soft")
    y = 34.0
    for row in rows:
        life = 0
        for value, lives_on, left in zip(row, lives, lefts):
            if lives_on and shown(value):
                event = value.startswith("===")
                width = len(shown(value)) * CHAR + 2 * PAD
                canvas.box(left, y, width, LINE, "event" if event else f"act cpu{life % 4}", 4)
            canvas.text(left + PAD, y + 15, shown(value), "" if lives_on else "soft")
            life += lives_on
        y += LINE + 4 if row else 10
    return canvas


def describe(text: str) -> str:
    """One clause a step."""
    rows, names = parse(text)
    said = [f"{name}: {shown(value)}" if name != "step" else f"step {value}"
            for row in rows for name, value in zip(names, row) if value]
    return "In order. " + "; ".join(said) + "."


def parse(text: str) -> tuple[list[list[str]], list[str]]:
    """The rows, an empty one for a blank line, and the names of the columns."""
    first, *lines = text.splitlines()
    found = heads(first)
    starts = [start for start, _ in found]
    rows = [cells(line, starts) if line.strip() else [] for line in lines]
    return [row if any(map(shown, row)) else [] for row in rows], [name for _, name in found]


def shown(value: str) -> str:
    """Without the signs that mark an event, and dashes that fill a line."""
    return re.sub(r"^<?[=-]{3,}>? *| *<?[=-]{3,}>?$", "", value)
