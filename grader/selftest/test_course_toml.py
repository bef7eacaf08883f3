"""course.toml: each knob changes what it says, and a bad value is one sentence."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest

from grader import evaluate, knobs, score, tell
from grader.build import Build
from grader.cells import CELLS
from grader.errors import GraderError
from grader.evaluate import Grade
from grader.grade import write_report
from grader.labs import choose, find_labs, used
from grader.options import Options, parse
from grader.paths import ROOT
from grader.progress import Progress
from grader.report import github, model, results, style, text
from grader.selftest.invented import grade
from grader.verdict import Failure, Schedule, Step


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Writes a course.toml and makes it the one that counts."""
    def write(words: str):
        path = tmp_path / "course.toml"
        path.write_text(words)
        monkeypatch.setenv("CORRAL_COURSE", str(path))
        return path
    return write


# ---- bad values ----

@pytest.mark.parametrize("words, said", [
    ('weigths = 1', "weigths is no knob: the knobs are labs, widths, cells, points"),
    ('[cells]\n"arm/qemu" = 1', "[cells] arm/qemu is no knob: the knobs there are x86_64/qemu"),
    ('[tell]\nclass = "full"', "[tell] class is no knob: the knobs there are laptop, record"),
    ('[tell]\nrecord = "nothing"', "tell.record = nothing is not possible: it is one of full"),
    ('tell = "full"', "tell = full is not possible: it is a table, [tell]"),
    ('widths = ["arm"]', "widths = arm is not possible: it is one of x86_64, i386"),
    ('widths = []', "widths = [] is not possible: it is a list of one or more of x86_64"),
    ('widths = "i386"', "widths = i386 is not possible"),
    ('widths = [["i386"]]', "widths = ['i386'] is not possible"),
    ('[cells]\n"i386/qemu" = -1', "it is a number from 0 to 100"),
    ('[cells]\n"i386/qemu" = nan', "it is a number from 0 to 100"),
    ('[cells]\n"i386/qemu" = true', "it is a number from 0 to 100"),
    ('widths = ["x86_64"]\n[cells]\n"i386/qemu" = 1', "`widths` leaves this width out"),
    ("[cells]\n" + "\n".join(f'"{cell}" = 0' for cell in CELLS), "every cell the weight 0"),
    ('bonus_cap = "ten"', "bonus_cap = ten is not possible: it is a number from 0 to 1000"),
    ('base = "mine"', "base = mine is not possible: it is one of labs, solutions"),
    ('seed = "xyz"', "up to 16 hexadecimal digits"),
    ('seed = 7', "up to 16 hexadecimal digits"),
    ('labs = 3', "it is a list of different numbers"),
    ('labs = [1, 1]', "it is a list of different numbers"),
    ('labs = [99]', "labs names lab 99, which is not here: the labs are"),
    ('[points]\n"1.1a" = 6', "points.1.1a = 6 is not possible: it is a number from 0 to 5"),
    ('[points]\n"1.1z" = 1', "points.1.1z is no test: the tests of lab 1 are 1.1a"),
    ('[points]\n"1.1" = 1', "points.1.1 is an exercise, and points are for its tests: 1.1a, 1.1b"),
    ('[points]\n"99.1a" = 1', "points.99.1a is no test: it is a test such as "),
    ('labs = [1', "course.toml cannot be read"),
    ('labs = ' + "[" * 5000, "course.toml cannot be read"),
])
def test_a_bad_value_is_one_sentence(course, words, said):
    path = course(words)
    done = subprocess.run([sys.executable, "-m", "grader", "grade", "LAB=1"], cwd=ROOT, text=True,
                          capture_output=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "CORRAL_BUILD": str(path.parent / "build")})
    assert done.returncode == 2 and said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr


def test_a_file_that_is_named_and_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CORRAL_COURSE", str(tmp_path / "none.toml"))
    with pytest.raises(GraderError, match="is not there: name a file like course.toml"):
        knobs.load()


def test_without_a_file_everything_is_as_the_labs_have_it(tmp_path, monkeypatch):
    monkeypatch.delenv("CORRAL_COURSE", raising=False)
    monkeypatch.setattr(knobs, "ROOT", tmp_path)
    assert knobs.load() == knobs.Knobs() and parse({}, knobs.load()) == parse({})


def test_the_file_of_this_tree_says_what_holds_without_it():
    assert replace(knobs.load(ROOT / knobs.NAME), hash="") == knobs.Knobs()


# ---- what each knob does ----

def test_labs(course):
    course("labs = [1, 3]")
    assert list(used(find_labs())) == [1, 3]
    with pytest.raises(GraderError, match=r"LAB=2 is not part of this course: course.toml uses 1 "):
        choose("2", find_labs())
    assert choose("3", find_labs()).number == 3


def test_widths(course):
    course('widths = ["x86_64"]')
    options = parse({}, knobs.load())
    assert options.cells == ["x86_64/qemu", "x86_64/bochs"]
    with pytest.raises(GraderError, match="ARCH=i386 is not graded in this course: course.toml "
                                          "has x86_64/qemu, x86_64/bochs"):
        parse({"ARCH": "i386"}, knobs.load())


def test_a_cell_without_weight_is_not_graded(course):
    course('[cells]\n"i386/qemu" = 0')
    assert parse({}, knobs.load()).cells == ["x86_64/qemu", "x86_64/bochs", "i386/bochs"]


def test_weights_of_cells(course):
    """3.2b fails in both cells of 64 bits, which count three quarters here."""
    course('[cells]\n"x86_64/qemu" = 3\n"x86_64/bochs" = 3')
    made = grade()
    test = made.lab.test("3.2b")
    assert score.test_score(made, test) == Fraction(5, 2)
    made.options = parse({}, knobs.load())
    assert score.test_score(made, test) == Fraction(5, 4)
    assert "x86_64/qemu 3" in "\n".join(text.head(model.assemble(made)))


def test_points(course):
    before = find_labs()[1]
    course('[points]\n"1.1a" = 2.5')
    lab = find_labs()[1]
    assert lab.test("1.1a").points == Fraction(5, 2)
    assert lab.exercise("1.1").points == before.exercise("1.1").points - Fraction(5, 2)
    assert lab.exercises[1:] == before.exercises[1:]


def test_bonus_cap(course):
    made = grade()
    assert score.totals(made, bonus=True) == (5, 5)
    course("bonus_cap = 2")
    made.options = parse({}, knobs.load())
    data = model.assemble(made)
    assert (data["bonus"], data["bonus_max"]) == (2, 2) and data["course"]["bonus_cap"] == 2


def test_base(course):
    course('base = "solutions"')
    assert parse({}, knobs.load()).base == {0: "solutions"}
    assert parse({"BASE": "labs"}, knobs.load()).base == {0: "labs"}
    assert parse({"BASE": "1:labs"}, knobs.load()).base == {1: "labs", 0: "solutions"}


def test_the_seed_is_that_of_runs_of_record(course):
    course('seed = "7C1E"')
    assert parse({}, knobs.load()).seed == ""
    assert parse({"SANDBOX": "bwrap"}, knobs.load()).seed == "7c1e"
    assert parse({"SANDBOX": "bwrap", "SEED": "8"}, knobs.load()).seed == "8"


def test_the_hash_is_in_the_report(course):
    path = course('[tell]\nlaptop = "place"\n')
    made = grade()
    made.options = parse({}, knobs.load())
    data = model.assemble(made)["course"]
    assert data["hash"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert data["tell"] == "place"


# ---- how much a failure tells ----

FAILS = """\
from grader.verdict import HANG, WRONG, Fail


def test_answer(cell):
    raise Fail(WRONG, expected="SECRET-expected", seen="SECRET-seen", headline="SECRET-headline",
               at={"where": "PLACE_at+4", "insn": "nop", "note": "SECRET-note"},
               went_wrong={"where": "PLACE_wrong+8", "insn": "iretq",
                           "line": "labs/lab8-toy/toy.c:7"},
               stack=[{"title": "SECRET-stack", "offset": "+0", "value": "SECRET-value"}],
               extra=["SECRET-extra"], cause="SECRET-cause", count="7 of 9 places",
               case=[{"n": 1, "text": "SECRET-case"}, {"n": 2, "text": "PLACE_case+0"}])


def test_other(cell):
    print("SECRET-printed")
    raise Fail(HANG, seen="SECRET-other")


def test_second(cell):
    cell.case({"n": 1}, "SECRET-passed")


def test_bonus(cell):
    cell.measured("SECRET-what", [1, 2], {"curve": [1, 2]}, ["SECRET-measured"])
"""


def everything(toy, toy_lab, tmp_path, monkeypatch, level: str) -> str:
    """All that a run prints and writes: terminal, JSON, JUnit, pages, annotations, logs."""
    (toy / "grader/tests/lab8/test_toy.py").write_text(FAILS)
    monkeypatch.setenv("CORRAL_REPORT", str(tmp_path / "report"))
    made = Grade(toy_lab, Options(knobs=knobs.Knobs(laptop=level)), list(CELLS), toy_lab.tests, "7")
    for arch in ("x86_64", "i386"):
        made.builds[arch] = Build("lab8", arch, tmp_path / arch)
    printed = io.StringIO()
    evaluate.run(made, Progress(False, style.NO_PAINT, printed), logs=tmp_path / "report",
                 machine="grader.selftest.fakemachine")
    assert not made.errors
    data = write_report(made)
    results.save(data, (tmp_path / "report/cases.json").read_text())
    parts = [printed.getvalue(), *text.report(data, style.NO_PAINT),
             *text.report(data, style.NO_PAINT, as_text=True), *github.annotations(data)]
    files = sorted(path for path in (tmp_path / "report").iterdir() if path.is_file())
    assert {"grade.json", "cases.json", "junit.xml", "index.html", "summary.md",
            "results.json"} <= {path.name for path in files}
    return "\n".join([*parts, *(path.read_text() for path in files)])


@pytest.mark.parametrize("level, secret, place", [
    ("full", True, True), ("place", False, True), ("verdict", False, False)])
def test_no_output_tells_more_than_the_level(toy, toy_lab, tmp_path, monkeypatch, level, secret,
                                             place):
    said = everything(toy, toy_lab, tmp_path, monkeypatch, level)
    assert ("SECRET" in said.replace("SECRET-w", "").replace("SECRET-measured", "")) == secret
    assert ("PLACE" in said) == place and ("toy.c:7" in said) == place
    assert ("SECRET-measured" in said) == (level != "verdict")      # no failure, no expected value
    assert "wrong result" in said and "hang" in said


def test_what_is_of_record_is_what_runs_in_a_sandbox(course):
    course('[tell]\nlaptop = "place"\nrecord = "verdict"')
    assert parse({}, knobs.load()).tell == "place"
    assert parse({"SANDBOX": "bwrap"}, knobs.load()).tell == "verdict"


def test_the_place_of_a_schedule_is_the_line_that_decides():
    schedule = Schedule([0, 1], [], [Step(0, "tas.c:40", "reads"), Step(-1, "", "switch", [], True),
                                     Step(1, "tas.c:42", "writes")])
    told = tell.failure(Failure(schedule=schedule, start="a state"), "place")
    assert told.went_wrong.where == "tas.c:40" and not told.schedule and not told.start


def test_the_compilers_words_are_kept_but_for_a_verdict():
    made = grade()
    made.options = Options(knobs=knobs.Knobs(laptop="verdict"))
    made.builds["x86_64"].problem = "labs/lab3-nmi/nmi.c:3: oops"
    build = model.assemble(made)["builds"]["x86_64"]
    assert build["problem"] == "does not build" and not build["holes"]
    made.options = Options(knobs=knobs.Knobs(laptop="place"))
    assert model.assemble(made)["builds"]["x86_64"]["problem"].endswith("oops")


def test_grade_json_is_json(toy, toy_lab, tmp_path, monkeypatch):
    everything(toy, toy_lab, tmp_path, monkeypatch, "verdict")
    data = json.loads((tmp_path / "report/grade.json").read_text())
    assert data["course"]["tell"] == "verdict"
    assert all(not group["case"] and not group["cases"] for group in data["failures"])
