"""The schedule on the site's first page is what the grader finds."""

from __future__ import annotations

import json

import pytest

from grader.course.recording import PLACE, record
from grader.paths import ROOT


@pytest.mark.skipif(not (ROOT / "solutions").is_dir(), reason="this tree has no solutions")
def test_the_recorded_schedule_is_found_again():
    """If it is not: python3 -m grader schedule."""
    assert record() == json.loads(PLACE.read_text(encoding="utf-8"))


def test_it_is_one_that_fails():
    steps = json.loads(PLACE.read_text(encoding="utf-8"))["schedule"]["steps"]
    assert steps[-1]["shown"] == ["0 1"], "in the end both CPUs are inside"
    assert sum(step["decides"] for step in steps) == 1
