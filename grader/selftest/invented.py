"""An invented grade for the report's tests: two exercises, four cells, one cause."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from grader.build import Build
from grader.evaluate import Grade, Result
from grader.holes import Hole
from grader.labs import Exercise, Lab, Test
from grader.options import ARCHES, CELLS, Options
from grader.verdict import FAIL, NOT_WRITTEN, PASS, WRONG, Case, Failure, Place, Stack, StackRow


def lab() -> Lab:
    """Lab 3 with an exercise that passes, one that fails in part, one that is not written."""
    def test(ident: str, title: str, points: int, cells=CELLS) -> Test:
        return Test(ident, title, Fraction(points), f"test_nmi.py::test_{ident[-1]}",
                    ident[:-1], (ident[:-1],), tuple(cells), "" if cells == CELLS else "no way")

    return Lab(3, "nmi", "Non-maskable", Path("/none"), (), (), 2, False, (
        Exercise("3.1", "own stacks", Fraction(5), False, (test("3.1a", "own stacks", 5),)),
        Exercise("3.2", "the NMI", Fraction(10), False, (
            test("3.2a", "NMI from ring 3", 5),
            test("3.2b", "NMI in the entry, exit windows", 5))),
        Exercise("3.3", "deferred work", Fraction(5), False, (test("3.3a", "deferred", 5),)),
        Exercise("3.4", "nested NMI", Fraction(5), False, (test("3.4a", "nested", 5),)),
        Exercise("3.5", "beyond", Fraction(5), True, (test("3.5a", "beyond", 5, CELLS[1:2]),))))


def failure() -> Failure:
    """The failure of the handout."""
    return Failure(
        reason=WRONG, expected="%gs:0x18 inside CPU 0's per-CPU block",
        seen="page fault at 00007f3a50000018, an address of ring 3\x1b[2J",
        at=Place("syscall_entry+0", "swapgs", "labs/lab2-percpu-gs/entry64.S:22",
                 "this line is right; it had not run yet", "NMI came before"),
        went_wrong=Place("nmi_entry+9", "incl %gs:0x18", "labs/lab3-nmi/nmi64.S:15"),
        stack=Stack("NMI stack of CPU 0 (IST 2)", [
            StackRow("+32", "SS", "0010"),
            StackRow("+24", "RSP", "00007ffe00000f30", "still the stack of ring 3")]),
        cause="SYSCALL changes CS; GS changes one instruction later. Between the two, CS says "
              '"kernel" while GS is still <the user\'s>.',
        read="handout 3, section 3", count="7 of 418 places",
        cases=[Case({"function": "syscall_entry", "n": n}, f"syscall_entry+{n}")
               for n in range(7)])


def grade() -> Grade:
    """The grade; nothing is built or run."""
    the_lab = lab()
    result = Grade(the_lab, Options(), list(CELLS), the_lab.tests, "7c1e", expected=17)
    hole = Hole("3.3", "labs/lab3-nmi/defer.c", 31, "queue the work")
    for arch in ARCHES:
        result.builds[arch] = Build("lab3", arch, Path("/none"), holes=[hole])
    for cell in CELLS:
        good = Result(PASS, cases=[{"data": {"path": "x"}, "text": "the first"}], seconds=0.5)
        result.results["3.1a", cell] = good
        result.results["3.2a", cell] = Result(PASS)
        wrong = cell.startswith("x86_64")
        result.results["3.2b", cell] = (
            Result(FAIL, WRONG, "7 of 418", failure()) if wrong else Result(PASS))
        result.results["3.3a", cell] = Result(FAIL, NOT_WRITTEN, f"not written yet: {hole.place}")
        result.results["3.4a", cell] = Result(FAIL, NOT_WRITTEN, "waits for 3.3")
        result.counts[cell] = {"NMIs": 418 if wrong else 391}
    result.results["3.5a", CELLS[1]] = Result(PASS)
    result.times = {"build": 1.4, "run": 20.0, "total": 21.5,
                    "cells": {cell: 5.0 for cell in CELLS}}
    return result
