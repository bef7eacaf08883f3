"""A failing schedule as HTML: a table that can be read as it is, and stepped through with a script.

The report's page and the site's front page both show it.  What it looks like and what its buttons do is in
assets/stepper.css and stepper.js.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from grader.report import schedule as schedules
from grader.report.style import clean, sentence

ASSETS = Path(__file__).resolve().parent / "assets"
COLOURS = 4         # --cpu0 to --cpu3
DECIDES = '<b class="verdict">this decides it</b>'


def e(value: object) -> str:
    """Escaped, without control characters."""
    return escape(clean(str(value)), quote=True)


def asset(name: str) -> str:
    """The text of a file in assets/."""
    return (ASSETS / name).read_text(encoding="utf-8")


def html(schedule: dict[str, Any], label: str, before: str = "", start: str = "all") -> str:
    """The figure.  `before` is the state in which the schedule begins, `start` is "first" or "all"."""
    state = sentence(before or "Nothing has happened yet")
    state = state[:1].upper() + state[1:]
    return (f'<figure class="stepper" data-start="{e(start)}" data-before="{e(state)}" '
            f'aria-label="{e(label)}"><div class="stepper-scroll">{table(schedule)}</div></figure>')


def table(schedule: dict[str, Any]) -> str:
    """One column a CPU, one row a step; each row has its sentence."""
    heads = "".join(
        ['<th scope="col">step</th>']
        + [f'<th scope="col" class="who {_colour(i)}">CPU {e(cpu)}</th>'
           for i, cpu in enumerate(schedule["cpus"])]
        + [f'<th scope="col">{e(head)}</th>' for head in schedule["columns"]])
    rows, count = [], 0
    for step, said in zip(schedule["steps"], schedules.sentences(schedule)):
        count += step["cpu"] >= 0
        rows.append(_row(schedule, step, count, said))
    return f'<table class="schedule"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _row(schedule: dict[str, Any], step: dict[str, Any], count: int, said: str) -> str:
    decides = f" {DECIDES}" if step["decides"] else ""
    kinds = ("turn" if step["cpu"] < 0 else "") + (" decides" if step["decides"] else "")
    head = f'<tr class="{kinds.strip()}" data-said="{e(said)}">'
    if step["cpu"] < 0:
        span = len(schedule["cpus"]) + len(schedule["columns"]) + 1
        return f'{head}<td colspan="{span}"><span>{e(step["text"])}{decides}</span></td></tr>'
    cells = "".join(_cell(step, index, cpu, decides) for index, cpu in enumerate(schedule["cpus"]))
    values = "".join(f'<td class="value" data-name="{e(name)}"><span>{e(value)}</span></td>'
                     for name, value in zip(schedule["columns"], step["shown"]))
    return f'{head}<th scope="row"><span>{count}</span></th>{cells}{values}</tr>'


def _cell(step: dict[str, Any], index: int, cpu: int, decides: str) -> str:
    if cpu != step["cpu"]:
        return '<td class="idle"></td>'
    line = f'<span class="line">{e(step["line"])}</span> ' if step["line"] else ""
    return (f'<td class="act {_colour(index)}" data-cpu="CPU {e(cpu)}">'
            f'<span>{line}{e(step["text"])}{decides}</span></td>')


def _colour(index: int) -> str:
    return f"cpu{index % COLOURS}"
