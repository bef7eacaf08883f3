"""What a class is begun with stays with it; what nobody says comes from course.toml."""

from __future__ import annotations

import pytest

from grader import knobs
from grader.course.classroom.begin import as_begun, record_of
from grader.course.classroom.pool import environment
from grader.course.classroom.record import Classroom, grader_hash
from grader.errors import GraderError
from grader.labs import find_labs
from grader.options import parse


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Another course.toml."""
    def write(text):
        (tmp_path / "my.toml").write_text(text)
        monkeypatch.setenv("CORRAL_COURSE", str(tmp_path / "my.toml"))
    return write


def begin(room, **values):
    options = as_begun(room, parse(values, knobs.load()))
    return options, record_of(Classroom(room), find_labs()[1], options)


def test_the_seed_of_record(tmp_path, course):
    course('seed = "7C1E"\n')
    assert begin(tmp_path, LAB="1")[1].seed == "7c1e"
    course("")
    assert begin(tmp_path)[1].seed == "7c1e", "a class keeps its seed"
    other = tmp_path / "other"
    other.mkdir()
    assert begin(other, LAB="1", SEED="8")[1].seed == "8"


def test_a_seed_is_drawn_once(tmp_path):
    first, again = begin(tmp_path, LAB="1")[1].seed, begin(tmp_path)[1].seed
    assert first == again and len(first) == 8


def test_words_are_said_once(tmp_path):
    begin(tmp_path, LAB="1", ARCH="i386", TEST="1.1", BASE="solutions")
    options, record = begin(tmp_path)
    assert (options.lab, options.arches, options.test, options.sandbox) == (
        "1", ("i386",), "1.1", "bwrap")
    assert begin(tmp_path, LAB="stack-switch", ARCH="i386")[1] == record
    for wrong in ({"ARCH": "x86_64"}, {"LAB": "2"}, {"TEST": "1.2"}, {"SEED": "1"}):
        with pytest.raises(GraderError, match="was begun with LAB=1"):
            begin(tmp_path, **wrong)


def test_other_points_are_another_grader(tmp_path, course):
    before = grader_hash()
    course('seed = "7c1e"\n')
    assert grader_hash() != before
    place = environment(tmp_path)["CORRAL_COURSE"]
    assert place == str((tmp_path / "my.toml").resolve())
