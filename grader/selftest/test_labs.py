"""Labs are found by new files only, and checked."""

import pytest

from grader.errors import GraderError
from grader.labs import choose, find_labs, select, stage


def test_toy_lab_is_found(toy_lab):
    assert toy_lab.slug == "lab8-toy" and [t.id for t in toy_lab.tests] == [
        "8.1a", "8.1b", "8.2a", "8.3a"]
    assert stage(toy_lab, find_labs())[-1] is not None


def test_choose(toy_lab):
    labs = {8: toy_lab}
    assert choose("8", labs) is choose("lab8", labs) is choose("toy", labs) is toy_lab
    with pytest.raises(GraderError, match=r"LAB=9 is unknown: the labs are 8 \(toy\)"):
        choose("9", labs)


@pytest.mark.parametrize("wanted, ids", [
    ("8.1", ["8.1a", "8.1b"]), ("8.1b", ["8.1b"]), ("second", ["8.2a"]),
    ("test_toy.py", ["8.1a", "8.1b", "8.2a", "8.3a"]), ("", ["8.1a", "8.1b", "8.2a", "8.3a"]),
])
def test_select(toy_lab, wanted, ids):
    assert [t.id for t in select(toy_lab, wanted)] == ids


def test_select_unknown(toy_lab):
    with pytest.raises(GraderError, match="its tests 8.1a, 8.1b"):
        select(toy_lab, "8.9")


@pytest.mark.parametrize("old, new, said", [
    ("points = 3\n  test", "points = 2\n  test", "the exercise 5"),
    ('id = "8.1b"', 'id = "8.1a"', "defined twice"),
    ("test_toy.py::test_second", "test_none.py::test_second", "is not in"),
    ('why = "the toy says so"', "", "must say the reason"),
    ('"i386/bochs"]', '"i386/box"]', "cells are"),
    ("number = 8", "number = true", "number is missing"),
    ("[[exercise]]", "[[exercise", "cannot be read"),
])
def test_bad_lab_toml(toy, old, new, said):
    path = toy / "grader/tests/lab8/lab.toml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(GraderError, match=said):
        find_labs([toy])


def test_missing_lab_below(toy):
    path = toy / "grader/tests/lab8/lab.toml"
    path.write_text(path.read_text().replace("needs = []", "needs = [7]"))
    labs = find_labs([toy])
    with pytest.raises(GraderError, match="needs lab 7"):
        stage(labs[8], labs)
