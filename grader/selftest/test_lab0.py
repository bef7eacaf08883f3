"""A lab without points: its table, its planted bug, its faults that depend on a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader import evaluate
from grader.course import skeleton, trials
from grader.course.mutants import load_alternates
from grader.errors import GraderError
from grader.labs import find_labs
from grader.machine import Cell, boot
from grader.options import Options
from grader.report import model, table
from grader.report.style import Style

FAULTS = range(1, 6)
BOCHS = Options(source="solutions", arches=("x86_64",), emus=("bochs",))


def lab0():
    return find_labs()[0]


def frames(options):
    """(vector, error code, CR2 of a page fault) of the five faults, as the machine makes them."""
    build = evaluate.prepare(lab0(), [], options).builds["x86_64"]
    found = []
    with boot(Cell("x86_64", "bochs"), build.elf, build.iso) as m:
        parked = m.snapshot()
        for number in FAULTS:
            m.restore(parked)
            m.start(0, "fault_make", number)
            assert m.run(0, "trap_common", 10_000).reason == "address"
            sp = m.regs(0).sp
            vector = m.u64(sp)
            found.append((vector, m.u64(sp + 8), m.regs(0).cr2 if vector == 14 else 0))
            assert m.run(0, "probe_returned", 10_000).reason == "address"    # it comes back
    return found


def test_each_number_has_its_own_faults():
    mine = frames(BOCHS)
    theirs = frames(replace(BOCHS, source=str(load_alternates(lab0())[0].folder)))
    assert {vector for vector, *_ in mine} == {vector for vector, *_ in theirs} == {0, 3, 6, 13, 14}
    assert mine != theirs
    assert [vector for vector, *_ in mine] != [vector for vector, *_ in theirs]


def test_the_skeleton_has_a_bug_and_no_hole_there():
    files = skeleton.generate(lab0())
    assert b"HOLE" in files["me.c"] and b"HOLE" not in files["line.c"]
    assert b"LINE_SIZE - 1" not in files["line.c"]


def test_a_planted_exercise_has_no_hole(tmp_path):
    lab = lab0()
    exercises = tuple(replace(e, planted=e.id in ("0.1", "0.7")) for e in lab.exercises)
    with pytest.raises(GraderError, match="0.1 has a HOLE"):
        skeleton.generate(replace(lab, exercises=exercises))


def test_a_planted_bug_that_no_test_finds_fails_the_trial(monkeypatch):
    trial = trials.Trial("skeleton", 0, "x")
    lab = lab0()
    options = replace(BOCHS, arches=("x86_64",))
    sources = trials._skeleton_sources(lab, options, frozenset({"0.7"}))
    monkeypatch.setattr(trials, "_skeleton_sources", lambda *_: sources)
    trials._skeleton(trial, lab, options)
    assert any("does not find the bug" in problem for problem in trial.problems)


def test_the_table_has_no_points():
    grade = evaluate.whole(lab0(), BOCHS, listener=lambda *_: None)
    data = model.assemble(grade)
    lines = table.render(data, Style(False))
    assert lines[-1].startswith("RIGHT  7 of 7")
    assert not any("points" in line for line in lines[:-1]) and "SCORE" not in "\n".join(lines)
    assert table.sentences(data)[-1] == "Right: 7 of 7. There are no points."
    assert data["full"] is True
