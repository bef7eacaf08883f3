"""What the converters make of hostile text, and of more than a page holds."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest

from grader.report import github, gradescope, junit, model, page, results, stepper, summary, text
from grader.selftest.invented import grade

EVIL = ("\x1b[31mred\x1b[0m\n::error file=a::owned\n::add-mask::x\n##[error]owned\n"
        "<script>alert(1)</script><img src=x onerror=y> | `x` [a](http://e) @everyone "
        "%0A::error::y")


@pytest.fixture
def evil():
    """A report in which every text that a student can choose is hostile."""
    data = model.assemble(grade())
    for group in data["failures"]:
        for key in ("headline", "expected", "seen", "cause", "start"):
            group["failure"][key] = EVIL
        group["failure"]["extra"] = [EVIL]
        group["failure"]["went_wrong"] = {"where": EVIL, "insn": EVIL, "note": EVIL, "label": "",
                                          "line": "labs/lab1-stack-switch/tss.c:7"}
    for build in data["builds"].values():
        build["warnings"] = [EVIL]
    data["pull_request"] = {
        "base": "b" * 40, "head": "c" * 40, "grader": "b" * 40, "taken": {"lab8-toy": ["toy.c"]},
        "new": [], "left_out": {"Makefile": EVIL}, "left_out_more": 3, "complete": False,
        "also": [2]}
    assert data["failures"]
    return data


def commands(lines):
    """The lines that a runner would obey."""
    return [line for line in "\n".join(lines).splitlines()
            if line.lstrip().startswith("::") or "##[" in line]


def test_annotations_are_one_line_each(evil):
    lines = github.annotations(evil)
    assert lines == commands(lines) and len(lines) == len("\n".join(lines).splitlines())
    for line in lines:
        assert re.match(r"::(error|warning|notice) (file=labs/[\w./-]+,line=\d+,)?"
                        r"title=[^:,\n]*::", line)
        assert "\x1b" not in line and "\n" not in line
    assert any("file=labs/lab1-stack-switch/tss.c,line=7," in line for line in lines)


def test_no_more_annotations_than_github_shows(evil):
    evil["failures"] = evil["failures"] * 40
    evil["pull_request"]["left_out"] = {f"f{n}": "x" for n in range(40)}
    lines = github.annotations(evil)
    for kind in ("error", "warning", "notice"):
        assert 0 < sum(line.startswith(f"::{kind} ") for line in lines) <= 10
    assert sum("more: the summary" in line for line in lines) == 2


def test_a_place_outside_the_labs_is_not_annotated():
    assert github.annotation("error", "t", "m", "../../etc/passwd:1") == "::error title=t::m"
    assert "file=" not in github.annotation("error", "t", "m", "/labs:1,file=x:2")


def test_the_fence_is_new_each_time(monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    tokens = set()
    for _ in range(2):
        with pytest.raises(ValueError), github.fence():
            print("::error::x")
            raise ValueError
        first, inside, *_, last = capsys.readouterr().out.splitlines()
        assert inside == "::error::x" and last == f"::{first.removeprefix('::stop-commands::')}::"
        tokens.add(last)
    assert len(tokens) == 2 and all(len(token) == 36 for token in tokens)


@pytest.mark.parametrize("line", ["::error::x", "  ::add-mask::x", "a ##[error]x",
                                  "\x1b]0;t\x07::x", "\r::error::x", ":::error::x"])
def test_a_line_is_made_harmless(line):
    assert not commands([github.defused(line)]) and "\x1b" not in github.defused(line)


def test_no_converter_passes_on_what_is_not_text(evil):
    outputs = {
        "page": page.convert(evil), "junit": junit.convert(evil), "summary": summary.summary(evil),
        "gradescope": json.dumps(gradescope.convert(evil)),
        "terminal": "\n".join(text.report(evil, text_style())),
        "head": "\n".join(results.pull_request_lines(evil["pull_request"], "bwrap"))}
    for name, output in outputs.items():
        assert "\x1b" not in output and "\\u001b" not in output, name
    own = f"<script>{stepper.asset('stepper.js')}</script>"
    assert outputs["page"].count(own) == 1
    outputs["page"] = outputs["page"].replace(own, "")
    for name in ("page", "summary", "junit"):
        assert "<script" not in outputs[name] and "<img" not in outputs[name], name
    marked_up = re.sub("(?s)<pre>.*?</pre>", "", outputs["summary"])
    assert "@everyone" not in outputs["summary"] and "](http" not in marked_up
    assert "&#91;a&#93;" in marked_up
    ElementTree.fromstring(outputs["junit"])


def text_style():
    from grader.report.style import NO_PAINT
    return NO_PAINT


def test_a_table_of_the_summary_keeps_its_columns(evil):
    for exercise in evil["exercises"]:
        for test in exercise["tests"]:
            test["title"] = EVIL
    rows = [line for line in summary.summary(evil).splitlines() if line.startswith("|")]
    assert len(rows) > 3 and len({row.count("|") for row in rows}) == 1


def test_the_summary_has_an_end(evil):
    evil["failures"] = evil["failures"] * 4000
    page_text = summary.summary(evil)
    assert 500_000 < len(page_text.encode()) <= 1_000_000 and page_text.endswith(summary.CUT)


def test_the_summary_is_written_where_the_runner_says(evil, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "s.md"))
    github.announce(evil)
    assert (tmp_path / "s.md").read_text() == summary.summary(evil)
    assert capsys.readouterr().out.startswith("::error ")
    monkeypatch.delenv("GITHUB_ACTIONS")
    github.announce(evil)
    assert capsys.readouterr().out == ""


def test_the_report_says_what_was_graded(evil):
    lines = text.request_lines(evil["pull_request"])
    assert any("cccccccccccc on base bbbbbbbbbbbb" in line for line in lines)
    assert "it also changes lab 2: LAB=2 grades that" in lines and "not graded: 3 more" in lines
    assert any(line.startswith("not graded: Makefile") for line in lines)
    for output in (page.convert(evil), summary.summary(evil), gradescope.convert(evil)["output"]):
        assert "Makefile" in output and "cccccccccccc" in output


def test_gradescope(evil):
    told = gradescope.convert(evil)
    assert told["score"] == evil["score"] + evil["bonus"] and told["visibility"] == "visible"
    assert sum(test["score"] for test in told["tests"]) == pytest.approx(told["score"], abs=0.05)
    assert {test["output_format"] for test in told["tests"]} == {"text"}
    for test in told["tests"]:
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
    assert told["extra_data"]["grader_error"] is False


def test_gradescope_when_the_grader_fails(evil):
    evil["errors"] = ["no QEMU here"]
    told = gradescope.convert(evil)
    assert told["extra_data"]["grader_error"] and "no QEMU here" in told["output"]
    nothing = gradescope.no_verdict("the sandbox cannot be had")
    assert nothing["score"] == 0 and nothing["tests"] == []
    assert "says nothing about your code" in nothing["output"] and "sandbox" in nothing["output"]
