"""A lab is added by new files only: the example of the docs is built and graded for real."""

from __future__ import annotations

from grader.paths import ROOT
from grader.selftest.test_hostile import grade

EXAMPLE = ROOT / "docs/examples/lab8"


def test_the_example_lab_is_found_built_and_graded(tmp_path):
    status, output, report = grade("solutions", tmp_path / "build", LAB="8", LABS_PATH=str(EXAMPLE))
    assert status == 0, output
    assert report["lab"]["number"] == 8 and report["full"]
    assert len(report["cells"]) == 4


def test_its_skeleton_scores_nothing(tmp_path):
    status, output, report = grade("labs", tmp_path / "build", LAB="8", LABS_PATH=str(EXAMPLE),
                                   BASE="1:solutions")
    assert status == 1, output
    assert report["score"] == 0 and "not written yet" in output
