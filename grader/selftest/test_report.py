"""The report's converters, over invented results."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from xml.etree import ElementTree

from grader import score
from grader.report import cases, junit, model, page, text
from grader.report.style import Style
from grader.selftest import invented
from grader.verdict import ERROR, Failure

PLAIN = Style(False)
EXPECTED = """\
grade lab3 (Non-maskable), seed 7c1e (from your files: same files, same score)
x86_64/qemu 418 NMIs   x86_64/bochs 418 NMIs   i386/qemu 391 NMIs
i386/bochs 391 NMIs

                                         64-bit       32-bit
exercise                              qemu  bochs  qemu  bochs   points
3.1  own stacks                       pass  pass   pass  pass       5 /   5
3.2a NMI from ring 3                  pass  pass   pass  pass       5 /   5
3.2b NMI in the entry, exit windows   FAIL  FAIL   pass  pass     2.5 /   5
3.3  deferred work        not written yet: labs/lab3-nmi/defer.c:31    0 /   5
3.4  nested NMI                                  waits for 3.3     0 /   5
3.5  beyond (bonus)                   -     pass   -     -          5 /   5
SCORE                                 10    10     15    15     12.5 /  25
BONUS                                                               5 /   5

FAIL 3.2b, 64-bit: 7 of 418 places fail, one cause, same 7 in Bochs. The first:
  NMI came before  syscall_entry+0  swapgs  labs/lab2-percpu-gs/entry64.S:22
                   (this line is right; it had not run yet)
  went wrong at    nmi_entry+9  incl %gs:0x18  labs/lab3-nmi/nmi64.S:15
  expected         %gs:0x18 inside CPU 0's per-CPU block
  seen             page fault at 00007f3a50000018, an address of ring 3?[2J

  NMI stack of CPU 0 (IST 2)
    +32  SS   0010
    +24  RSP  00007ffe00000f30   still the stack of ring 3

  cause   SYSCALL changes CS; GS changes one instruction later. Between the two,
          CS says "kernel" while GS is still <the user's>.
  gdb     make replay CASE=3.2b-1      all 7: build/report/index.html#3.2b
  read    handout 3, section 3

21.5 s: build 1.4  x86_64/qemu 5.0  x86_64/bochs 5.0  i386/qemu 5.0  i386/bochs 5.0
Next: 3.2b, then 3.3.  (make's "Error" below only means: not 100 yet.)
"""


def squeezed(words: str) -> list[str]:
    """Lines with runs of blanks made one, so that a column may move."""
    return [re.sub(r" +", " ", line).strip() for line in words.strip().splitlines()]


def test_terminal():
    lines = text.report(model.assemble(invented.grade()), PLAIN)
    assert squeezed("\n".join(lines)) == squeezed(EXPECTED)
    assert all(len(line) <= 80 for line in lines if "index.html" not in line and " s: " not in line)


def test_text_has_no_columns():
    lines = text.report(model.assemble(invented.grade()), PLAIN, as_text=True)
    assert "3.1  own stacks: 5 of 5 points: passes." in lines
    assert "At +24 RSP is 00007ffe00000f30: still the stack of ring 3." in lines
    assert not any("   " in line for line in lines if "NMIs" not in line)


def test_colour_only_decorates():
    data = model.assemble(invented.grade())
    painted = "\n".join(text.report(data, Style(True)))
    assert "\033[" in painted
    assert re.sub(r"\033\[\d+m", "", painted) == "\n".join(text.report(data, PLAIN))


def test_score_is_the_mean_over_the_cells():
    grade = invented.grade()
    points, maximum = score.totals(grade, bonus=False)
    assert (float(points), maximum) == (12.5, 25)
    assert score.totals(grade, bonus=True) == (5, 5)
    assert score.cell_total(grade, "i386/qemu") == (15, 25)
    assert not score.full_marks(grade)


def test_a_bonus_alone_must_pass_to_pass():
    grade = invented.grade()
    grade.tests = [t for t in grade.tests if t.id == "3.5a"]
    assert score.full_marks(grade)
    grade.results["3.5a", "x86_64/bochs"].verdict = "fail"
    assert not score.full_marks(grade)
    grade.expected = 0
    grade.tests = []
    assert not score.full_marks(grade)


def test_what_gives_no_points_must_pass_to_pass():
    grade = invented.grade()
    free = replace(grade.lab.exercises[0].tests[0], points=Fraction(0))
    lab = replace(grade.lab, exercises=(replace(grade.lab.exercises[0], tests=(free,)),))
    grade.lab, grade.tests = lab, [free]
    assert score.totals(grade, bonus=False) == (0, 0) and score.full_marks(grade)
    grade.results[free.id, "i386/qemu"].verdict = "fail"
    assert not score.full_marks(grade)


def measured():
    """A grade with a measurement in three cells."""
    grade = invented.grade()
    each = {"what": "instructions for an item, by items in a batch", "at": [1, 2, 4, 8],
            "curves": {"calls": [400.0, 399.5, 399.0, 399.0],
                       "the <ring>": [600.4, 400.0, 300.0, 9.0]},
            "notes": ["the <ring> costs less than calls from 4 items on"]}
    grade.measurements["3.1a"] = {cell: each for cell in grade.cells[:3]}
    return model.assemble(grade)


def test_a_measurement_is_a_table_and_a_plot():
    lines = text.report(measured(), PLAIN)
    start = lines.index("MEASURED 3.1a, x86_64/qemu")
    assert squeezed("\n".join(lines[start + 1:start + 6])) == [
        "instructions for an item, by items in a batch", "1 2 4 8", "calls 400 400 399 399",
        "the <ring> 600 400 300 9", "- the <ring> costs less than calls from 4 items on"]
    assert [line for line in lines if line.startswith("MEASURED")] == [
        "MEASURED 3.1a, x86_64/qemu", "MEASURED 3.1a, i386/qemu"]      # one a width; the page: all
    assert "the <ring>: 600 at 1, 400 at 2, 300 at 4, 9 at 8." in text.report(
        measured(), PLAIN, as_text=True)
    html = page.convert(measured())
    assert html.count("<svg") == html.count("</svg>") == 3 and html.count("<polyline") == 6
    assert "the &lt;ring&gt;, 9" in html and "<ring>" not in html
    for svg in re.findall(r"<svg.*?</svg>", html, re.S):
        ElementTree.fromstring(svg)


def test_a_wide_measurement_shows_its_last_column():
    data = measured()
    for each in data["measurements"]["3.1a"].values():
        each["at"] = [1 << n for n in range(13)]
        each["curves"] = {"calls": [float(n) for n in range(13, 0, -1)]}
    lines = text.report(data, PLAIN)
    columns = lines[lines.index("MEASURED 3.1a, x86_64/qemu") + 2].split()
    assert columns == ["1", "4", "16", "64", "256", "1024", "4096"]


def test_json_is_the_same_but_for_times():
    first = model.assemble(invented.grade())
    grade = invented.grade()
    grade.times["total"] = 99.0
    second = model.assemble(grade)
    assert first != second and model.without_times(first) == model.without_times(second)
    assert first["schema"] == "corral/grade/v1"
    json.dumps(first)


def test_what_is_left_to_bochs_costs_no_line_and_no_point():
    grade = invented.grade()
    del grade.results["3.2a", "i386/qemu"]
    grade.left = {("3.2a", "i386/qemu")}
    for cell in grade.cells[:2]:
        grade.results["3.2b", cell] = grade.results["3.1a", cell]
    data = model.assemble(grade)
    lines = squeezed("\n".join(text.report(data, PLAIN)))
    assert "3.2 the NMI pass pass pass pass 10 / 10" in lines
    assert "SCORE 15 15 12.5 15 15 / 25" in lines
    assert any(line.startswith("In Bochs alone, which is several times as fast: 3.2a.") for line in lines)
    assert "In Bochs alone" in page.convert(data) and "several times as long in QEMU" in page.convert(data)
    assert "In Bochs alone" not in "\n".join(text.report(model.assemble(invented.grade()), PLAIN))


def test_cases():
    table = cases.number_cases(invented.grade())
    failing = [i for i, entry in table.items() if entry["failed"]]
    assert failing == [f"3.2b-{n}" for n in range(1, 8)]
    assert list(table["3.2b-1"]["cells"]) == ["x86_64/qemu", "x86_64/bochs"]
    assert table["3.1a-1"]["text"] == "the first" and "3.2a-1" in table and "3.3a-1" not in table


def test_one_report_for_one_cause():
    grade = invented.grade()
    panic = Failure(reason="panic", headline="panic: no stack")
    for cell in grade.cells:
        for test in ("3.1a", "3.2a"):
            grade.results[test, cell].verdict = "fail"
            grade.results[test, cell].failure = panic
    data = model.assemble(grade)
    assert [g["tests"] for g in data["failures"]] == [["3.1a", "3.2a"], ["3.2b"]]
    assert "FAIL 3.1a, 3.2a, 64-bit and 32-bit: panic: no stack (same in Bochs)" in text.report(
        data, PLAIN)


def test_a_failure_in_an_earlier_lab_says_so():
    grade = invented.grade()
    for cell in grade.cells[:2]:
        grade.results["3.2b", cell].failure.went_wrong.line = "labs/lab2-percpu-gs/entry64.S:22"
    lines = text.report(model.assemble(grade), PLAIN)
    assert "  lab     it went wrong in a file of lab 2" in lines


def test_junit():
    grade = invented.grade()
    grade.results["3.2a", "i386/qemu"].verdict = ERROR
    grade.errors.append("the emulator died")
    root = ElementTree.fromstring(junit.convert(model.assemble(grade)).encode())
    suites = {s.get("name"): s for s in root}
    assert suites["x86_64/qemu"].get("failures") == "3"
    assert suites["i386/qemu"].get("errors") == "1"
    assert suites["grader"].get("errors") == "1"
    message = suites["x86_64/qemu"].find("testcase[@name='3.2b NMI in the entry, exit windows']")
    assert "page fault" in message.find("failure").text


def test_page_is_escaped_and_has_anchors():
    html = page.convert(model.assemble(invented.grade()))
    assert '<a id="3.2b"></a>' in html and "&lt;the user&#x27;s&gt;" in html
    assert "<the user" not in html and "\x1b" not in html
    assert "http" not in html.replace("http-equiv", "")


def test_closing_of_a_grader_error():
    grade = invented.grade()
    grade.errors.append("QEMU died")
    lines = text.report(model.assemble(grade), PLAIN)
    assert "GRADER ERROR QEMU died" in lines and "says nothing about your code" in lines[-2]
