"""The kind `stack`: words of memory, the highest address first.

With a head line that has a column `offset`: the column behind it is the word.  Without one the columns are
those of docs/drawings: four blanks, the place, the word, a note.  A line with two blanks in front names what
follows; `^ text` says where the stack pointer is.
"""

from __future__ import annotations

import re

from canvas import CHAR, LINE, Canvas
from columns import cells, heads

PAD = 9
COLUMNS = [(4, "offset"), (22, "word"), (42, "note")]     # of row() in grader/course/drawings.py
OWN, HEAVY = re.compile(r"C code|not used"), re.compile(r"^(SS|R?E?SP|R?E?FLAGS|CS|R?E?IP|error)$")


def draw(text: str) -> Canvas:
    """The drawing of a text."""
    canvas = Canvas()
    names, lines = parse(text)
    rows = [value for kind, value in lines if kind == "row"]
    widths = [max(len(name), *(len(row[i]) for row in rows if any(row[i + 1:]) or i + 1 == len(names)
                               or names[i - 1] == "offset")) * CHAR + 2 * PAD
              for i, name in enumerate(names)]
    lefts = [sum(widths[:i]) for i in range(len(names))]
    boxed = [i for i in range(1, len(names)) if names[i - 1] == "offset"]
    y = 4.0
    for kind, value in lines:
        if kind == "title":
            y += 10
            canvas.text(PAD if names[0] == "offset" else 0, y + 15, value, "strong")
        elif kind == "heads":
            for name, left in zip(names, lefts):
                canvas.text(left + PAD, y + 15, name, "soft")
        elif kind == "pointer":
            x = lefts[boxed[0]]
            canvas.line(x + PAD + 4, y + 1, x + PAD + 4, y + 12)
            canvas.head(x + PAD + 4, y + 1, "^")
            canvas.text(x + PAD + 16, y + 16, value, "soft")
        else:
            _row(canvas, value, names, lefts, widths, boxed, y)
        y += LINE if kind == "row" else LINE + 4
    return canvas


def _row(canvas: Canvas, row: list[str], names: list[str], lefts: list[float], widths: list[float],
         boxed: list[int], y: float) -> None:
    for index, (value, left, width) in enumerate(zip(row, lefts, widths)):
        if value.startswith("<-"):
            canvas.head(left + 2, y + 11, "<")
            canvas.line(left + 4, y + 11, left + 16, y + 11)
            canvas.text(left + 22, y + 15, value.removeprefix("<-").strip(), "soft")
            continue
        if index in boxed and value.strip("."):
            kind = "spare" if OWN.search(value) else "heavy" if HEAVY.match(value.split("  ")[0]) else ""
            canvas.box(left, y, width, LINE, f"word {kind}".strip())
        canvas.text(left + PAD, y + 15, value.strip("."), "" if index in boxed else "soft")


def describe(text: str) -> str:
    """Each word, from the highest address down."""
    names, lines = parse(text)
    said = []
    for kind, value in lines:
        if kind == "row":
            said.append(", ".join(v for v in value if v) + ".")
        elif kind in ("title", "pointer"):
            said.append(f"{value}.")
    return "Highest address first. " + " ".join(said)


def parse(text: str) -> tuple[list[str], list[tuple]]:
    """The names of the columns, and what each line is."""
    lines = [line for line in text.splitlines() if line.strip()]
    found, given = COLUMNS, [("row", line) for line in lines]
    if "offset" in lines[0]:
        found, given = heads(lines[0]), [("heads", "")] + given[1:]
    starts, result = [start for start, _ in found], []
    for kind, line in given:
        if kind == "heads":
            result.append((kind, ""))
        elif match := re.match(r"\s*\^ (.*)", line):
            result.append(("pointer", match[1]))
        elif found is COLUMNS and not line.startswith("    "):
            result.append(("title", line.strip()))
        else:
            result.append(("row", cells(line, starts, exact=False)))
    return [name for _, name in found], result
