"""The progress bar: how far it is, how long it takes, and only where it can be redrawn."""

from __future__ import annotations

import io

from grader.course.classroom.bar import Bar, minutes


def bar(on_terminal=True):
    out = io.StringIO()
    result = Bar(on_terminal, out)
    result.begin("grading", 0, 60)
    return result, out


def test_what_it_says():
    result, _ = bar()
    result.done, result.started = 15, 100.0
    line = result.line(700.0, ["ann", "bob"])
    assert line == "grading [######------------------] 15/60  10 min, about 30 min left  ann, bob"
    result.done = 60
    assert result.line(700.0, []) == "grading [########################] 60/60  10 min"


def test_one_line_that_is_drawn_over():
    result, out = bar()
    result.at(1, ["x" * 200])
    assert out.getvalue().startswith("\r\033[Kgrading [") and len(out.getvalue()) <= 79 + 4
    result.erase()
    assert out.getvalue().endswith("\r\033[K") and "\n" not in out.getvalue()


def test_nothing_where_nobody_watches():
    result, out = bar(on_terminal=False)
    result.at(1, ["ann"])
    result.erase()
    assert out.getvalue() == ""


def test_minutes():
    assert [minutes(n) for n in (0.4, 89, 90, 3600)] == ["0 s", "89 s", "2 min", "60 min"]
