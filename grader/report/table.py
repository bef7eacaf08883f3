"""The score table: exercises down, cells across."""

from __future__ import annotations

import textwrap
from typing import Any

from grader.options import ARCHES, EMUS, WIDTH
from grader.report.style import Style, clean, join
from grader.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_WRITTEN, PASS

LABEL = 38      # columns of the exercise's name
POINTS = 63     # where the points start
WORDS = {PASS: "pass", FAIL: "FAIL", INCONCLUSIVE: "?", ERROR: "ERR"}


def plain_number(value: float) -> str:
    return f"{value:g}"


class Row:
    """One line: an exercise whose tests agree, or one test."""

    def __init__(self, ident: str, title: str, score: float, maximum: float,
                 results: dict[str, dict]):
        self.idents = [ident]
        self.title = title
        self.score = score
        self.max = maximum
        self.results = results

    @property
    def waiting(self) -> dict[str, str]:
        """cell -> text, where it is not written."""
        return {cell: r["text"] for cell, r in self.results.items() if r["reason"] == NOT_WRITTEN}

    @property
    def all_waiting(self) -> bool:
        return bool(self.results) and len(self.waiting) == len(self.results)

    @property
    def label(self) -> str:
        if len(self.idents) > 1:
            return ", ".join(self.idents)
        return f"{self.idents[0]:<4} {self.title}"


def rows_of(data: dict[str, Any]) -> list[Row]:
    """An exercise is one row if its tests agree in every cell, else one row a test.  One that is left to
    Bochs agrees in QEMU with the others."""
    rows: list[Row] = []
    for exercise in data["exercises"]:
        title = exercise["title"] + (" (bonus)" if exercise["bonus"] else "")
        results: dict[str, dict] = {}
        agree = len({frozenset([*t["results"], *t.get("left", [])]) for t in exercise["tests"]}) == 1
        for cell, result in (each for t in exercise["tests"] for each in t["results"].items()):
            first = results.setdefault(cell, result)
            agree = agree and (first["verdict"], first["text"]) == (result["verdict"], result["text"])
        if agree:
            rows.append(Row(exercise["id"], title, exercise["score"], exercise["max"], results))
            continue
        rows += [Row(t["id"], t["title"], t["score"], t["max"], t["results"])
                 for t in exercise["tests"]]
    return _merge(rows)


def _merge(rows: list[Row]) -> list[Row]:
    """Neighbours that wait for the same exercise become one row."""
    merged: list[Row] = []
    for row in rows:
        before = merged[-1] if merged else None
        texts = set(row.waiting.values())
        if (before and before.all_waiting and row.all_waiting and len(texts) == 1
                and set(before.waiting.values()) == texts
                and next(iter(texts)).startswith("waits for")):
            before.idents += row.idents
            before.score += row.score
            before.max += row.max
        else:
            merged.append(row)
    return merged


def render(data: dict[str, Any], style: Style) -> list[str]:
    """The lines of the table."""
    cells = [cell["name"] for cell in data["cells"]]
    lines = _heading(cells)
    for row in rows_of(data):
        lines += _render_row(row, cells, style)
    if not data["max"] and not data["bonus_max"]:
        return _without_points(lines, data, style)
    total = "SCORE" if not data["selected"] else f"SCORE of {data['selected']}"
    by_cell = _columns({c["name"]: share(c, data["max"]) for c in data["cells"]}, cells)
    line = (total.ljust(LABEL) + "".join(by_cell)).ljust(POINTS)
    lines.append(style.paint("bold", line + _points(data["score"], data["max"])))
    if data["bonus_max"]:
        lines.append("BONUS".ljust(POINTS) + _points(data["bonus"], data["bonus_max"]))
    return lines


def _without_points(lines: list[str], data: dict[str, Any], style: Style) -> list[str]:
    """The table of what gives no points: how many tests are right, and no column for points."""
    nothing = _points(0, 0)
    kept = [line.removesuffix(nothing).rstrip() for line in lines]
    kept[1] = kept[1].removesuffix("points").rstrip()
    right, tests = right_of(data)
    return [*kept, style.paint("bold", f"RIGHT  {right} of {tests}") + "  (no points)"]


def right_of(data: dict[str, Any]) -> tuple[int, int]:
    """How many tests pass in every cell in which they run, and how many there are."""
    tests = [test["results"] for exercise in data["exercises"] for test in exercise["tests"]
             if test["results"]]
    return (sum(all(r["verdict"] == PASS for r in results.values()) for results in tests),
            len(tests))


def left(data: dict[str, Any]) -> list[str]:
    """What QEMU did not run: a sentence, in lines."""
    tests = [test["id"] for exercise in data["exercises"] for test in exercise["tests"] if test.get("left")]
    if not tests:
        return []
    words = (f"In Bochs alone, which is several times as fast: {join(tests)}. Where one fails there, QEMU "
             "runs it too. EMU=qemu runs them all in QEMU.")
    return textwrap.wrap(words, 80)


def share(cell: dict[str, Any], maximum: float) -> str:
    """A cell's score as if every test ran in it: some say why they do not."""
    if not cell["max"]:
        return "-"
    return plain_number(round(cell["score"] * maximum / cell["max"], 1))


def _heading(cells: list[str]) -> list[str]:
    groups, names = "", ""
    for arch in ARCHES:
        emus = [emu for emu in EMUS if f"{arch}/{emu}" in cells]
        if emus:
            part = " ".join(f"{emu:<5}" for emu in emus)
            groups += f"{WIDTH[arch]}-bit".center(len(part)).ljust(len(part) + 2)
            names += part + "  "
    first = " " * LABEL + groups.rstrip()
    second = ("exercise".ljust(LABEL) + names).ljust(POINTS + 2) + "points"
    return [first, second]


def _points(score: float, maximum: float) -> str:
    return f"{plain_number(score):>5} /{plain_number(maximum):>4}"


def _render_row(row: Row, cells: list[str], style: Style) -> list[str]:
    points = _points(row.score, row.max)
    waiting = row.waiting
    if row.all_waiting:
        texts = _by_width(waiting)
        if len(texts) == 1:
            text = texts[0][1]
            if len(row.idents) > 1:
                text = text.replace("waits", "wait", 1)
            room = POINTS - len(text) - 1
            if room >= 20 or len(row.label) < room:
                return [_cut(row.label, room).ljust(room + 1) + style.paint("dim", text) + points]
        return [row.label[:POINTS].ljust(POINTS) + points,
                *("     " + style.paint("dim", _with_width(texts, w, t)) for w, t in texts)]
    marks = "".join(_marks(row, cells, style))
    plain = "".join(_marks(row, cells, Style(False)))
    first, *more = textwrap.wrap(clean(row.label), LABEL - 1, subsequent_indent="     ")
    line = first.ljust(LABEL) + marks + " " * (POINTS - LABEL - len(plain)) + points
    texts = _by_width(waiting)
    return [line, *more, *("     " + style.paint("dim", f"{w}: {t}") for w, t in texts)]


def _with_width(texts: list[tuple[str, str]], width: str, text: str) -> str:
    return text if len(texts) == 1 else f"{width}: {text}"


def _by_width(waiting: dict[str, str]) -> list[tuple[str, str]]:
    """("64-bit", text) pairs; one pair if all the texts are equal."""
    texts: dict[str, str] = {}
    for cell, text in waiting.items():
        texts.setdefault(f"{WIDTH[cell.split('/')[0]]}-bit", clean(text))
    if len(set(texts.values())) == 1 and texts:
        width, text = next(iter(texts.items()))
        return [(width, text)]
    return list(texts.items())


def _marks(row: Row, cells: list[str], style: Style) -> list[str]:
    """The words of a row's cells, in their columns."""
    words = {}
    for cell in cells:
        result = row.results.get(cell)
        words[cell] = "-"
        if result:
            words[cell] = ("todo" if result["reason"] == NOT_WRITTEN
                           else WORDS[result["verdict"]])
    return _columns(words, cells, style)


def _columns(words: dict[str, str], cells: list[str], style: Style = Style(False)) -> list[str]:
    """One word a cell, five columns each; a gap between the widths."""
    parts = []
    for arch in ARCHES:
        emus = [emu for emu in EMUS if f"{arch}/{emu}" in cells]
        for index, emu in enumerate(emus):
            word = words[f"{arch}/{emu}"]
            kind = {"pass": "good", "FAIL": "bad", "ERR": "bad", "-": "dim", "?": "dim",
                    "todo": "dim"}.get(word, "")
            gap = " " * (5 - len(word)) + (" " if index < len(emus) - 1 else "")
            parts.append((style.paint(kind, word) if kind else word) + gap)
        if emus:
            parts.append("  ")
    return parts


def _cut(text: str, width: int) -> str:
    text = clean(text)
    return text if len(text) <= width else text[:max(0, width - 2)] + ".."


def sentences(data: dict[str, Any]) -> list[str]:
    """The table as sentences, for AS=text."""
    lines = []
    for row in rows_of(data):
        outcomes: dict[str, list[str]] = {}
        for cell, result in row.results.items():
            word = result["text"] if result["reason"] == NOT_WRITTEN else {
                PASS: "passes", FAIL: "fails", INCONCLUSIVE: "cannot tell",
                ERROR: "has no verdict, the grader failed"}[result["verdict"]]
            outcomes.setdefault(clean(word), []).append(cell)
        said = "; ".join(word if len(outcomes) == 1 else f"{word} in {', '.join(where)}"
                         for word, where in outcomes.items())
        points = (f" {plain_number(row.score)} of {plain_number(row.max)} points:"
                  if data["max"] or data["bonus_max"] else "")
        lines.append(f"{row.label.strip()}:{points} {said or 'does not run here'}.")
    if not data["max"] and not data["bonus_max"]:
        right, tests = right_of(data)
        return [*lines, f"Right: {right} of {tests}. There are no points."]
    lines.append(f"Score: {plain_number(data['score'])} of {plain_number(data['max'])}.")
    if data["bonus_max"]:
        lines.append(f"Bonus: {plain_number(data['bonus'])} of {plain_number(data['bonus_max'])}.")
    return lines
