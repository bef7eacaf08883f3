"""index.html: the same content as the terminal, on one page that needs nothing else.

Without a script it is a static page.  The one script steps through schedules and copies command lines; the
page's policy lets no other run and nothing be loaded.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from grader.options import ARCHES, WIDTH
from grader.paths import report_dir, write_text
from grader.report import failures, measured, stepper, text
from grader.report.page_css import CSS
from grader.report.stepper import e
from grader.report.table import left, plain_number, share
from grader.verdict import ERROR, FAIL, INCONCLUSIVE, NOT_WRITTEN, PASS

MARKS = {PASS: ("pass", "pass"), FAIL: ("fail", "FAIL"), ERROR: ("fail", "grader error"),
         INCONCLUSIVE: ("none", "cannot tell")}


def policy(script: str) -> str:
    """What the page may do: run this script, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return ("default-src 'none'; style-src 'unsafe-inline'; "
            f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


def convert(data: dict[str, Any]) -> str:
    """The whole page."""
    lab, script = data["lab"], stepper.asset("stepper.js")
    title = f"Lab {lab['number']}: {lab['title']}"
    about = text.head(data) + text.request_lines(data.get("pull_request"))
    body = [
        f"<h1>{e(title)}</h1>",
        f'<p class="score"><b>{plain_number(data["score"])}</b> / {plain_number(data["max"])}'
        + (f' <span>bonus {plain_number(data["bonus"])} / {plain_number(data["bonus_max"])}</span>'
           if data["bonus_max"] else "") + "</p>",
        f"<p class=\"about\">{'<br>'.join(e(line) for line in about)}</p>",
        *_errors(data), *_table(data), *_failures(data), *measured.sections(data),
        *_builds(data),
        f'<p class="about">{"<br>".join(e(line) for line in text.times(data))}</p>',
    ]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta http-equiv="Content-Security-Policy" content="{e(policy(script))}">'
            f"<meta name=\"color-scheme\" content=\"light dark\">"
            f"<title>{e(title)}</title><style>{CSS}{stepper.asset('stepper.css')}</style></head>\n"
            "<body><main>\n" + "\n".join(body)
            + f"\n</main><script>{script}</script></body></html>\n")


def _errors(data: dict[str, Any]) -> list[str]:
    if not data["errors"]:
        return []
    items = "".join(f"<li>{e(error)}</li>" for error in data["errors"])
    return ['<section class="card bad"><h2>The grader itself failed</h2>'
            f"<ul>{items}</ul></section>"]


def _table(data: dict[str, Any]) -> list[str]:
    cells = [cell["name"] for cell in data["cells"]]
    spans = ""
    for arch in ARCHES:
        count = sum(cell.startswith(arch) for cell in cells)
        if count:
            spans += f'<th colspan="{count}" scope="colgroup">{WIDTH[arch]}-bit</th>'
    names = "".join(f'<th scope="col">{e(cell.split("/")[1])}</th>' for cell in cells)
    lines = ['<div class="scroll" tabindex="0" role="region" aria-label="score by exercise and cell">'
             '<table class="score-table">',
             f'<thead><tr><td colspan="2"></td>{spans}<td></td></tr>'
             f'<tr><th colspan="2" scope="col">exercise</th>{names}'
             '<th scope="col" class="points">points</th></tr></thead><tbody>']
    failing = {test for group in data["failures"] for test in group["tests"]}
    for exercise in data["exercises"]:
        bonus = " (bonus)" if exercise["bonus"] else ""
        lines.append(f'<tr class="exercise"><th scope="row">{e(exercise["id"])}</th>'
                     f'<td colspan="{len(cells) + 1}">{e(exercise["title"])}{bonus}</td>'
                     f'{_points(exercise)}</tr>')
        for test in exercise["tests"]:
            lines.append(_test_row(test, cells, test["id"] in failing))
    scores = "".join(f"<td>{share(cell, data['max'])}</td>" for cell in data["cells"])
    lines.append(f'</tbody><tfoot><tr><th colspan="2" scope="row">score</th>{scores}{_points(data)}</tr>'
                 "</tfoot></table></div>")
    if words := " ".join(left(data)):
        lines.append(f"<p>{e(words)}</p>")
    return lines


def _test_row(test: dict[str, Any], cells: list[str], failing: bool) -> str:
    name = e(test["id"])
    name = f'<a href="#{name}">{name}</a>' if failing else f'<span id="{name}">{name}</span>'
    marks = "".join(_mark(test["results"].get(cell), test["why"]) for cell in cells)
    return f'<tr><td>{name}</td><td>{e(test["title"])}</td>{marks}{_points(test)}</tr>'


def _mark(result: dict[str, Any] | None, why: str) -> str:
    if result is None:
        return f'<td class="none" title="{e(why)}">-</td>'
    if result["reason"] == NOT_WRITTEN:
        return f'<td class="none" title="{e(result["text"])}">to write</td>'
    kind, word = MARKS[result["verdict"]]
    return f'<td class="{kind}">{word}</td>'


def _points(entry: dict[str, Any]) -> str:
    return f'<td class="points">{plain_number(entry["score"])} / {plain_number(entry["max"])}</td>'


def _failures(data: dict[str, Any]) -> list[str]:
    graded = [cell["name"] for cell in data["cells"]]
    lines: list[str] = []
    for group in data["failures"]:
        anchors = "".join(f'<a id="{e(test)}"></a>' for test in group["tests"])
        lines.append(f'<section class="card bad">{anchors}<h2>FAIL '
                     f"{e(failures.headline(group, graded))}</h2>")
        lines += _facts(group)
        lines += _stack(group["failure"]["stack"])
        lines += _schedule(group)
        if group["failure"]["extra"]:
            lines.append("<pre>" + "\n".join(e(x) for x in group["failure"]["extra"]) + "</pre>")
        lines += _case_list(group)
        lines.append("</section>")
    return lines


def _facts(group: dict[str, Any]) -> list[str]:
    failure = group["failure"]
    rows = []
    for label, key in (("interrupt came at", "at"), ("went wrong at", "went_wrong")):
        place = failure[key]
        if place:
            note = f'<br><small>{e(place["note"])}</small>' if place["note"] else ""
            rows.append((place["label"] or label,
                         f'<code>{e(place["where"])}</code> <code>{e(place["insn"])}</code> '
                         f'<span class="line">{e(place["line"])}</span>{note}'))
    rows += [(label, e(words)) for label, words in failures.facts(failure)]
    rows += [(label, e(failure[label])) for label in ("start", "cause", "read") if failure[label]]
    if group["case"]:
        rows.append(("gdb", f'<code class="replay">make replay CASE={e(group["case"])}</code>'))
    if group["also"]:
        rows.append(("also", e(", ".join(group["also"])) + " for the same reason"))
    return ["<dl>", *(f"<dt>{e(label)}</dt><dd>{value}</dd>" for label, value in rows), "</dl>"]


def _stack(stack: dict[str, Any] | None) -> list[str]:
    """Highest address first; a row with a note is marked."""
    if not stack:
        return []
    rows = "".join(
        f'<tr class="{"marked" if row["note"] else ""}"><td>{e(row["offset"])}</td>'
        f'<th scope="row">{e(row["name"])}</th><td class="word"><code>{e(row["value"])}</code></td>'
        f'<td class="note">{e(row["note"])}</td></tr>'
        for row in stack["rows"])
    return [f'<div class="scroll"><table class="stack"><caption>{e(stack["title"])}</caption>'
            f"<tbody>{rows}</tbody></table></div>"]


def _schedule(group: dict[str, Any]) -> list[str]:
    """Who did what, to be stepped through."""
    failure = group["failure"]
    if not failure["schedule"]:
        return []
    return [stepper.html(failure["schedule"], f"schedule of {group['tests'][0]}", failure["start"])]


def _case_list(group: dict[str, Any]) -> list[str]:
    if len(group["cases"]) < 2:
        return []
    items = "".join(f'<li><code class="replay">make replay CASE={e(ident)}</code> {e(words)}</li>'
                    for ident, words in group["cases"].items())
    return [f"<details><summary>all {len(group['cases'])} places</summary><ul>{items}</ul>"
            "</details>"]


def _builds(data: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for arch, build in data["builds"].items():
        holes = [f'<li>{e(h["exercise"])}: {e(h["what"])} <span class="line">{e(h["place"])}</span>'
                 "</li>" for h in build["holes"]]
        words = [f"<li>warning: {e(w)}</li>" for w in build["notes"] + build["warnings"]]
        if holes or words:
            lines.append(f'<details class="card"><summary>{e(arch)}: '
                         f"{_number(holes, 'place')} to write, {_number(words, 'warning')}</summary>"
                         f"<ul>{''.join(holes + words)}</ul></details>")
    return lines


def _number(things: list[str], word: str) -> str:
    return f"{len(things)} {word}{'' if len(things) == 1 else 's'}"


def save(data: dict[str, Any]) -> None:
    """Writes build/report/index.html."""
    write_text(report_dir() / "index.html", convert(data))
