"""Mutants: read, checked, applied; and what counts as killed."""

import pytest

from grader.course import mutants, mutanttable, trials
from grader.course.alltests import counts_of
from grader.errors import GraderError
from grader.evaluate import Result
from grader.options import CELLS, Options
from grader.sources import collect
from grader.verdict import ERROR, FAIL, PASS

TOML = """\
[[mutant]]
id = "8.1"
story = "says eight"
killed_by = ["8.1a"]
not_shown = { "i386/qemu" = "it cannot count" }
[[mutant.edit]]
file = "toy.c"
find = "return 7;"
replace = "return 8;"
"""


@pytest.fixture
def written(toy):
    def write(text=TOML, name="mutants.toml"):
        (toy / "solutions/lab8-toy" / name).write_text(text)
    write()
    return write


def test_read(written, toy_lab):
    mutant, = mutants.load_mutants(toy_lab)
    assert mutant.cells == tuple(c for c in CELLS if c != "i386/qemu") and not mutant.forger


def test_applied_once(written, toy_lab):
    mutant, = mutants.load_mutants(toy_lab)
    reference = collect(toy_lab, toy_lab, Options(source="solutions"))
    assert b"return 8;" in mutants.apply(mutant, reference).files["toy.c"]
    written(TOML.replace('"return 7;"', '"return"'))
    mutant, = mutants.load_mutants(toy_lab)
    with pytest.raises(GraderError, match="'return' is 2 times in"):
        mutants.apply(mutant, reference)


@pytest.mark.parametrize("old, new, said", [
    ('["8.1a"]', '["8.9"]', "has no test 8.9"), ('["8.1a"]', "[]", "killed_by names no test"),
    ("i386/qemu", "i386/box", "is no cell"), ('story = "says eight"', "", "'story' is missing"),
    ("[[mutant]]", "[[mutant", "cannot be read"),
])
def test_wrong_entries(written, toy_lab, old, new, said):
    written(TOML.replace(old, new))
    with pytest.raises(GraderError, match=said):
        mutants.load_mutants(toy_lab)


def test_a_forger_needs_no_test(written, toy_lab):
    written(TOML.replace('id = "8.1"', 'id = "f1"').replace('killed_by = ["8.1a"]\n', ""),
            "forgers.toml")
    assert [m.forger for m in mutants.load_mutants(toy_lab)] == [False, True]


def test_an_alternate_is_tried_where_it_is_another_design(toy, toy_lab):
    folder = toy / "solutions/lab8-toy/alternates/other"
    folder.mkdir(parents=True)
    (folder / "alternate.toml").write_text('arches = ["i386"]\n')
    other, = mutants.load_alternates(toy_lab)
    for number in range(4):
        cell, = trials._in_turn(Options(), number, other.arches).cells
        assert cell == ("i386/qemu", "i386/bochs")[number % 2]
    (folder / "alternate.toml").write_text('arches = ["arm"]\n')
    with pytest.raises(GraderError, match="must be of"):
        mutants.load_alternates(toy_lab)


@pytest.mark.parametrize("result, outcome", [
    (Result(FAIL, "wrong result"), trials.KILLED), (Result(FAIL, "hang"), trials.KILLED),
    (Result(FAIL, "does not build"), trials.BROKEN), (Result(ERROR), trials.BROKEN),
    (Result(FAIL, "not implemented"), trials.BROKEN), (Result(PASS), trials.ALIVE),
])
def test_only_a_verdict_kills(result, outcome):
    assert trials._outcome(result) == outcome


def test_tables(written, toy_lab):
    known = {m.id: m for m in mutants.load_mutants(toy_lab)}
    trial = trials.Trial("mutant", 8, "8.1", outcomes={"8.1a": {
        "x86_64/qemu": "killed", "i386/qemu": "not shown: it cannot count"}})
    lines = mutanttable.table(toy_lab, known, [trial])
    row = ["8.1", "8.1a", "killed", "-", "not", "shown", "-"]
    assert row in [line.split() for line in lines]
    assert lines[-1] == "lab 8: 1 of 1 mutants killed where they can be seen"
    assert "   * - 8.1" in mutanttable.fragment(toy_lab, known, [trial])


@pytest.mark.parametrize("output, code, counts", [
    ("....\n4 passed in 0.1s\n", 0, (4, 0)), ("F.\n1 failed, 1 passed in 0.1s\n", 1, (1, 1)),
    ("1 passed, 2 errors in 1s", 1, (1, 2)), ("crash", 3, (0, 1)),
])
def test_pytests_summary(output, code, counts):
    assert counts_of(output, code) == counts
