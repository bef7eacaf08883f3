"""What a test has measured, which decides nothing: a table in the terminal, a plot on the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from typing import Any

from grader.report.style import clean, labelled, sentence

COLUMNS = 7         # of a table in the terminal
NAME, VALUE = 26, 7
WIDE, HIGH = 460, 240                   # the plot
LEFT, RIGHT, TOP, BOTTOM = 52, 190, 12, 40
LINE = 15           # between two names at the right
DASHES = ("", "7 3", "2 3", "9 3 2 3", "1 5", "12 4")


def each(data: dict[str, Any], one_a_width: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(test, cell, measurement); with one_a_width the first cell of each width only."""
    for test, cells in data.get("measurements", {}).items():
        seen: set[str] = set()
        for cell, measurement in cells.items():
            arch = cell.split("/")[0]
            if not one_a_width or arch not in seen:
                yield test, cell, measurement
            seen.add(arch)


def _columns(count: int) -> list[int]:
    """The places that a narrow table shows: evenly, the last one among them."""
    step = max(1, math.ceil((count - 1) / (COLUMNS - 1)))
    return sorted(range(count - 1, -1, -step))


def _show(value: float) -> str:
    return f"{value:.0f}"


def lines(data: dict[str, Any]) -> list[str]:
    """The tables, each after an empty line."""
    found: list[str] = []
    for test, cell, measurement in each(data, one_a_width=True):
        shown = _columns(len(measurement["at"]))
        found += ["", f"MEASURED {test}, {cell}", *labelled("", measurement["what"], 2, 0)]
        found.append(" " * NAME + "".join(str(measurement["at"][i]).rjust(VALUE) for i in shown))
        for name, values in measurement["curves"].items():
            found.append("  " + clean(name)[:NAME - 3].ljust(NAME - 2)
                         + "".join(_show(values[i]).rjust(VALUE) for i in shown))
        found += [line for note in measurement["notes"] for line in labelled("-", note, 4)]
    return found


def sentences(data: dict[str, Any]) -> list[str]:
    """The same for AS=text."""
    found: list[str] = []
    for test, cell, measurement in each(data, one_a_width=True):
        at = measurement["at"]
        found += ["", sentence(f"Measured by {test} in {cell}: {measurement['what']}")]
        for name, values in measurement["curves"].items():
            some = ", ".join(f"{_show(values[i])} at {at[i]}" for i in _columns(len(at)))
            found.append(sentence(f"{name}: {some}"))
        found += [sentence(note) for note in measurement["notes"]]
    return found


def sections(data: dict[str, Any]) -> list[str]:
    """Every cell's plot for index.html."""
    found = []
    for test, cell, measurement in each(data, one_a_width=False):
        notes = "".join(f"<li>{escape(clean(note))}</li>" for note in measurement["notes"])
        found += [f'<section class="card"><h2>Measured: {escape(test)}, {escape(cell)}</h2>'
                  f'<figure>{_plot(measurement)}<figcaption>{escape(clean(measurement["what"]))}'
                  f"</figcaption></figure><ul>{notes}</ul>{_table(measurement)}</section>"]
    return found


def _table(measurement: dict[str, Any]) -> str:
    head = "".join(f'<th scope="col">{at}</th>' for at in measurement["at"])
    rows = "".join(f'<tr><th scope="row">{escape(clean(name))}</th>'
                   + "".join(f"<td>{value:g}</td>" for value in values) + "</tr>"
                   for name, values in measurement["curves"].items())
    return (f'<details><summary>all numbers</summary><div class="scroll"><table><thead><tr>'
            f"<td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>")


class _Scale:
    """A logarithmic axis: from the smallest to the largest value, on so many pixels."""

    def __init__(self, values: list[float], start: float, end: float):
        positive = [value for value in values if value > 0] or [1.0]
        self.low, self.high = min(positive), max(positive)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 1)


def _plot(measurement: dict[str, Any]) -> str:
    """One line a curve, told apart by its dashes and by its name at the right end."""
    curves = measurement["curves"]
    x = _Scale(measurement["at"], LEFT, LEFT + WIDE)
    y = _Scale([value for values in curves.values() for value in values], TOP + HIGH, TOP)
    bottom, right = TOP + HIGH, LEFT + WIDE
    parts = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" class="axis"/>']
    for at in measurement["at"]:
        parts.append(f'<text x="{x(at)}" y="{bottom + 18}" text-anchor="middle">{at}</text>')
    for value in _ticks(y.low, y.high):
        parts.append(f'<path d="M{LEFT} {y(value)}H{right}" class="grid"/>'
                     f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:g}</text>')
    names = []
    for (name, values), dash in zip(curves.items(), DASHES * len(curves)):
        points = " ".join(f"{x(at)},{y(value)}" for at, value in zip(measurement["at"], values))
        parts.append(f'<polyline points="{points}" stroke-dasharray="{dash}"/>')
        names.append((y(values[-1]), f"{clean(name)}, {_show(values[-1])}"))
    below = -LINE
    for height, name in sorted(names):
        below = max(height, below + LINE)
        parts.append(f'<text x="{right + 8}" y="{below + 4}">{escape(name)}</text>')
    return (f'<svg class="plot" viewBox="0 0 {right + RIGHT} {bottom + BOTTOM}" role="img" '
            f'aria-label="{escape(clean(measurement["what"]), quote=True)}">'
            f'{"".join(parts)}</svg>')


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 times each power of ten that lies between."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10 ** power for power in powers for digit in (1, 2, 5)
            if low <= digit * 10 ** power <= high]
