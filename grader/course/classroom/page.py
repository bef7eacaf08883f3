"""The page of a class: one file that needs nothing else; each grade's own page lies beside it."""

from __future__ import annotations

from urllib.parse import quote

from grader.course.classroom.evidence import MOST_SHOWN, Evidence
from grader.course.classroom.marks import Row, summary
from grader.course.classroom.mistakes import Failing, Mistake
from grader.course.classroom.record import Record
from grader.course.classroom.similarity import Pair
from grader.labs import Lab
from grader.report.page import e
from grader.report.page_css import CSS
from grader.report.table import plain_number

MORE_CSS = """
.bar { display: inline-block; height: .7em; background: var(--accent); min-width: 2px }
td.wide { min-width: 9rem } td, tbody th { vertical-align: top } details { margin: 0 }
h2, h3 { margin: 2.2rem 0 .4rem } h3 { font-size: 1rem } td ul { margin: 0; padding-left: 1.1rem }
.bar { vertical-align: baseline } small { display: block }
"""
MOST_STORIES = 6


def convert(lab: Lab, record: Record, rows: list[Row], failing: list[Failing],
            mistakes: list[Mistake], evidence: Evidence) -> str:
    """The whole page."""
    title = f"Lab {lab.number}, a class: {lab.title}"
    graded = sum(1 for row in rows if row.data)
    body = [f"<h1>{e(title)}</h1>", f'<p class="about">{e(summary(rows))}<br>seed '
            f"{e(record.seed)}; grader {e(record.grader)}; {e(' '.join(record.words))}</p>",
            *_scores(rows), *_failing(failing, graded), *_mistakes(mistakes, graded),
            *_evidence(evidence)]
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="color-scheme" content="light dark">'
            f"<title>{e(title)}</title><style>{CSS}{MORE_CSS}</style></head>\n<body><main>\n"
            + "\n".join(body) + "\n</main></body></html>\n")


def _table(heads: list[str], rows: list[str]) -> list[str]:
    cells = "".join(f'<th scope="col">{e(head)}</th>' for head in heads)
    return [f'<div class="scroll"><table><thead><tr>{cells}</tr></thead><tbody>', *rows,
            "</tbody></table></div>"]


def _bar(number: int, of: int) -> str:
    share = 100 * number / of if of else 0
    return f'<td class="wide">{number} <span class="bar" style="width: {share * .7:.0f}%"></span></td>'


def _scores(rows: list[Row]) -> list[str]:
    lines = []
    for row in rows:
        name = e(row.id)
        if row.data:
            name = f'<a href="grades/{quote(row.id)}/index.html">{name}</a>'
        points = "-" if row.score is None else plain_number(row.score)
        most = "" if row.max is None else f" / {plain_number(row.max)}"
        bonus = f" +{plain_number(row.bonus)}" if row.bonus else ""
        notes = "".join(f"<small>{e(note)}</small>" for note in row.notes)
        lines.append(f'<tr><th scope="row">{name}</th><td>{e(row.name)}</td><td class="points">'
                     f"{points}{most}{bonus}</td><td>{e(row.state)}</td>"
                     f"<td>{e(row.reason)}{notes}</td></tr>")
    return ["<h2>Scores</h2>",
            *_table(["id", "name", "points", "state", "why points are missing"], lines)]


def _failing(failing: list[Failing], graded: int) -> list[str]:
    lines = [f'<tr><th scope="row">{e(each.test)}</th><td>{e(each.title)}</td>'
             f"{_bar(len(each.who), graded)}<td>{_who(each.who)}</td>"
             f"<td>{_stories(each.stories)}</td></tr>" for each in failing]
    if not lines:
        return ["<h2>Tests that failed most</h2><p>None.</p>"]
    return ["<h2>Tests that failed most</h2>", '<p class="about">Of the tests that ran: code that is '
            "not written, or does not build, is not counted here. On the right: the wrong answers of "
            "mutants.toml that a test is there to catch.</p>",
            *_table(["test", "what it asks", "fail it", "who", "wrong answers it catches"], lines)]


def _stories(stories: list[tuple[str, str]]) -> str:
    items = [f"<li>{e(ident)}: {e(story)}</li>" for ident, story in stories]
    if len(items) <= MOST_STORIES:
        return f"<ul>{''.join(items)}</ul>" if items else ""
    return (f"<details><summary>{len(items)} wrong answers</summary><ul>{''.join(items)}</ul>"
            "</details>")


def _mistakes(mistakes: list[Mistake], graded: int) -> list[str]:
    lines = [f'<tr><th scope="row">{e(each.mutant)}</th><td>{e(each.story)}</td>'
             f"<td>{e(', '.join(each.tests))}</td>{_bar(len(each.same), graded)}"
             f"<td>{_who(each.same)}</td><td>{_who(each.like)}</td></tr>" for each in mistakes]
    if not lines:
        return []
    return ["<h2>Mistakes that the class may have made</h2>", '<p class="about">The wrong answers of '
            "mutants.toml whose tests are most like those that a submission fails: the same ones, or "
            "most of them. It says where to look. Different mistakes can fail the same tests.</p>",
            *_table(["wrong answer", "its story", "caught by", "the same tests fail", "for whom",
                     "most of them fail, for"], lines)]


def _who(ids: list[str]) -> str:
    if len(ids) <= 8:
        return e(", ".join(ids))
    return f"<details><summary>{len(ids)} of them</summary>{e(', '.join(ids))}</details>"


def _evidence(evidence: Evidence) -> list[str]:
    lines = ["<h2>Similar code</h2>", '<p class="about">How much of the smaller one is in the other, '
             "by fingerprints of tokens; names, spaces and comments make no difference, and what the "
             "skeletons and the kernel hold is left out. Rare is what few of the class have, which "
             "says more. This is a reason to look at both, and no "
             "more: short code is often alike, right code even more so. It changes no score.</p>"]
    if evidence.equal:
        lines.append("<p>The same files to the last byte: "
                     + "; ".join(e(" = ".join(ids)) for ids in evidence.equal) + "</p>")
    lines += _pairs("Pairs of submissions", evidence.each_other)
    lines += _pairs("Submissions and the reference or an alternate", evidence.ours)
    return lines


def _pairs(title: str, found: list[Pair]) -> list[str]:
    if not found:
        return [f"<h3>{e(title)}</h3><p>Nothing in common that is long enough to say.</p>"]
    lines = []
    for pair in found[:MOST_SHOWN]:
        places = "".join(f"<li><code>{e(one)}</code> and <code>{e(other)}</code></li>"
                         for one, other in pair.places)
        lines.append(f"<tr><td>{e(pair.one)}</td><td>{e(pair.other)}</td>"
                     f'<td class="points">{pair.share:.0%}</td><td class="points">{pair.count}</td>'
                     f'<td class="points">{pair.rare}</td>'
                     f"<td><ul>{places}</ul></td></tr>")
    more = (f'<p class="about">{len(found) - MOST_SHOWN} more pairs share less.</p>'
            if len(found) > MOST_SHOWN else "")
    return [f"<h3>{e(title)}</h3>",
            *_table(["one", "the other", "share", "fingerprints", "rare ones",
                     "where, the longest first"], lines),
            more]
