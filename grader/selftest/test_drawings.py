"""The drawings of the handout of lab 3 are what a fresh trace of the reference gives."""

from __future__ import annotations

import pytest

from grader import evaluate
from grader.course.drawings import DRAWINGS, PLACE, drawings, shape
from grader.labs import find_labs
from grader.machine import CELLS, boot
from grader.options import Options
from grader.paths import ROOT

needs_reference = pytest.mark.skipif(not (ROOT / "solutions" / "lab3-nmi").is_dir(),
                                     reason="this tree has no solutions")


@needs_reference
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_drawings_are_those_of_a_fresh_trace(cell):
    """Names and their order; addresses, and how many words C code has, are the compiler's."""
    lab = find_labs()[3]
    grade = evaluate.prepare(lab, lab.tests, Options(source="solutions", arches=(cell.arch,)))
    build = grade.builds[cell.arch]
    assert not build.problem
    with boot(cell, build.elf, build.iso) as machine:
        found = drawings(machine)
    assert len(found) == len(DRAWINGS)
    for name, text in found.items():
        assert shape(text) == shape((PLACE / name).read_text()), name
