"""The table, the marks, the roster and the page, from invented grades."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest

from grader.course.classroom import marks, mistakes, page, roster
from grader.course.classroom.evidence import Evidence
from grader.course.classroom.record import Classroom, Record, Submission
from grader.course.classroom.round import FAILED, GRADED, Round
from grader.course.mutants import Mutant
from grader.errors import GraderError
from grader.report import model
from grader.selftest import invented

EVIL = "=HYPERLINK(\"http://x\")<script>alert(1)</script>"


def report(**changes):
    return model.assemble(invented.grade()) | changes


@pytest.fixture
def room(tmp_path):
    """Graded, a grader error, refused, not graded yet."""
    place = Classroom(tmp_path)
    work = Round(place.grades, ())
    record = Record(3, ["LAB=3"], "7c1e", "feed")
    for ident in ("ann", "err", "late", "none"):
        record.submissions[ident] = Submission(ident, f"digest-{ident}")
    record.submissions["bad"] = Submission("bad", problem=EVIL)
    record.submissions["ann"].refused = {"evil.h": "a symbolic link"}
    data = json.dumps(report()).encode()
    work.finish("ann", "digest-ann", GRADED, "", 1, {"grade.json": data})
    work.finish("err", "digest-err", FAILED, "the grader was killed by signal 9", 1, {})
    zero = report(score=0, max=25, failures=[], builds={
        "x86_64": {"problem": "labs/lab3-nmi/nmi64.S:3: no such instruction", "details": [],
                   "warnings": [], "notes": [], "holes": []}})
    for exercise in zero["exercises"]:
        for test in exercise["tests"]:
            for result in test["results"].values():
                result |= {"verdict": "fail", "reason": "does not build", "text": "does not build"}
    work.finish("none", "digest-none", GRADED, "", 1, {"grade.json": json.dumps(zero).encode()})
    return place, record, work


def found(room, people=None):
    return marks.rows(*room, people or {})


def by_id(room, people=None):
    return {row.id: row for row in found(room, people)}


def test_a_reason_for_each_zero(room):
    rows = by_id(room, {"ann": "Ann", "gone": "Guy"})
    assert {row.id: (row.state, row.score) for row in rows.values()} == {
        "ann": ("graded", 12.5), "err": ("grader error", None), "late": ("waiting", None),
        "none": ("graded", 0), "bad": ("not graded", 0), "gone": ("no submission", 0)}
    assert all(row.reason for row in rows.values())
    assert rows["none"].reason == "does not build: labs/lab3-nmi/nmi64.S:3: no such instruction"
    assert rows["ann"].reason.startswith("fails 3.2b; 3.2b: wrong result: expected %gs:0x18")
    assert rows["err"].reason == "grader error: the grader was killed by signal 9"
    assert rows["ann"].notes == ["not taken: evil.h (a symbolic link)"]
    assert rows["none"].notes == ["not on the roster"]


def test_the_table_is_80_columns_wide(room):
    lines = marks.table(found(room))
    assert max(map(len, lines)) <= 80 and "\x1b" not in "".join(lines)
    assert any(line.startswith("err") and " - / 25" in line for line in lines)


def test_marks_are_no_formulas(room):
    room[1].submissions["-ann"] = room[1].submissions.pop("bad")
    room[1].submissions["-ann"].id = "-ann"
    text = marks.marks_csv(found(room, {"ann": "@SUM(A1)", "eve": "\t=1+1"}))
    for row in csv.DictReader(io.StringIO(text)):
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t")), row
    table = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    assert table["ann"]["name"] == "'@SUM(A1)" and table["ann"]["score"] == "12.5"
    assert table["err"]["score"] == "" and table["'-ann"]["reason"].startswith("'=HYPERLINK")


@pytest.mark.parametrize("text, people", [
    ("id,name\nann,Ann A\nbob,\n", {"ann": "Ann A", "bob": ""}),
    ("ann,Ann A\n\nbob\n", {"ann": "Ann A", "bob": ""}),
    ("\ufeffname;ID\n\"A, Ann\";ann\n", {"ann": "A, Ann"}),
    ("Id\tName\r\nann\tA\r\n", {"ann": "A"})])
def test_rosters(tmp_path, text, people):
    (tmp_path / "r.csv").write_bytes(text.encode())
    assert roster.read(tmp_path / "r.csv") == people


@pytest.mark.parametrize("data, said", [
    (b"", "names nobody"), (b"id,name\n", "names nobody"), (b"id,name\nann,A\nann,B\n", "line 3: ann"),
    (b"id,name\n,A\n", "line 2: there is no id"), (b"id,name\nann,\xe4\n", "not in UTF-8"),
    (b'id,name\n"ann,A\n', "is no CSV"), (None, "cannot be read")])
def test_rosters_that_are_none(tmp_path, data, said):
    if data is not None:
        (tmp_path / "r.csv").write_bytes(data)
    with pytest.raises(GraderError, match=said):
        roster.read(tmp_path / "r.csv")


def mutant(ident, *tests, cells=("x86_64/qemu",)):
    return Mutant(ident, f"story of {ident}", tests, cells, {}, False, ())


def test_which_wrong_answers_a_class_is_like(room):
    wrong = [mutant("m1", "3.2b"), mutant("m2", "3.2b", "3.2a"), mutant("m3", "3.1a"),
             mutant("m4", "3.2b", cells=()), mutant("m5", "3.2b", "9.9")]
    told = mistakes.mistakes(found(room), wrong)
    # m5's second test was not run; m4 cannot be seen in these cells; m2 would fail 3.2a as well.
    assert [(m.mutant, m.same, m.like) for m in told] == [("m1", ["ann"], []), ("m5", ["ann"], [])]
    assert not mistakes.closest({"3.2b"}, {"3.2b", "a", "b"}, [mutant("m", "3.2b", "a", "b")])
    failing = mistakes.failing(invented.lab(), found(room), wrong[:4])
    assert [(f.test, f.who, [ident for ident, _ in f.stories]) for f in failing] == [
        ("3.2b", ["ann"], ["m1", "m2", "m4"])]


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]


def test_the_page_needs_nothing_and_runs_nothing(room):
    rows = found(room, {"ann": EVIL})
    wrong = [mutant("m1", "3.2b")]
    text = page.convert(invented.lab(), room[1], rows, mistakes.failing(invented.lab(), rows, wrong),
                        mistakes.mistakes(rows, wrong), Evidence([], [], [["ann", "bob"]]))
    reader = Reader()
    reader.feed(text)
    assert "script" not in reader.tags and "link" not in reader.tags and "img" not in reader.tags
    assert reader.links == ["grades/ann/index.html", "grades/none/index.html"]
    assert "story of m1" in text and "ann = bob" in text and "does not build: labs/lab3" in text
