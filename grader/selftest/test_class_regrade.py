"""One test run again: what moves is said, what was is kept, and a kill in between does no harm."""

from __future__ import annotations

import copy
import json

import pytest

from grader.course.classroom.record import Classroom, Record, Submission, read_json
from grader.course.classroom.regrade import Regrade, merge
from grader.course.classroom.round import FAILED, GRADED, Round
from grader.errors import GraderError
from grader.report import model
from grader.selftest import invented


def old():
    return model.assemble(invented.grade())


def only(test, verdict="pass", title="mended"):
    """The report of a run with TEST=test, in which it has this verdict everywhere."""
    grade = invented.grade()
    grade.tests = [each for each in grade.lab.tests if each.id == test]
    grade.results = {key: result for key, result in grade.results.items() if key[0] == test}
    data = model.assemble(grade)
    (exercise,) = data["exercises"]
    (entry,) = exercise["tests"]
    for result in entry["results"].values():
        result |= {"verdict": verdict, "reason": "" if verdict == "pass" else "hang", "text": ""}
    entry["title"] = title
    entry["score"] = exercise["score"] = entry["max"] if verdict == "pass" else 0
    if verdict == "pass":
        data["failures"] = []
    return data


def test_the_sums_follow():
    data = merge(old(), only("3.2b"))
    assert (old()["score"], data["score"], data["max"]) == (12.5, 15, 25)
    exercise = data["exercises"][1]
    assert exercise["score"] == 10 and exercise["tests"][1]["title"] == "mended"
    assert [cell["score"] for cell in data["cells"]] == [15, 15, 15, 15]
    assert not any("3.2b" in group["tests"] for group in data["failures"])
    worse = merge(old(), only("3.1a", "fail"))
    assert worse["score"] == 7.5 and [cell["score"] for cell in worse["cells"]] == [5, 5, 10, 10]
    assert merge(data, old()) | {"times": 0} == old() | {"times": 0}


def test_a_bonus_counts_apart_and_keeps_its_cap():
    data = merge(old(), only("3.5a", "fail"))
    assert (data["score"], data["bonus"], data["bonus_max"]) == (12.5, 0, 5)
    capped = old() | {"bonus": 2, "bonus_max": 2}
    assert merge(capped, only("3.5a"))["bonus"] == 2 and merge(capped, only("3.2b"))["bonus"] == 2


def test_a_test_that_the_old_grades_do_not_have():
    new = only("3.2b")
    new["exercises"][0]["tests"][0]["id"] = "3.2z"
    with pytest.raises(GraderError, match="3.2z is not in the old grades"):
        merge(old(), new)


@pytest.fixture
def room(tmp_path):
    place = Classroom(tmp_path)
    record = Record(3, ["LAB=3", "TEST=3.2", "SEED=7c1e"], "7c1e", "feed")
    for ident in ("ann", "bob", "eve", "none"):
        record.submissions[ident] = Submission(ident, "d" if ident != "none" else "")
        if ident != "none":
            Round(place.grades, ()).finish(ident, "d", GRADED, "", 1, {
                "grade.json": json.dumps(old()).encode()})
    return place, record, Round(place.grades, ())


def test_what_moved_and_what_was(room, monkeypatch):
    place, record, work = room
    regrade = Regrade(place, record, "3.2b", "beef")
    assert regrade.work.words == ("LAB=3", "SEED=7c1e", "TEST=3.2b")
    chosen = regrade.submissions(work)
    assert [each.id for each in chosen] == ["ann", "bob", "eve"]
    results = {"ann": (GRADED, only("3.2b")), "bob": (GRADED, only_as_it_was()), "eve": (FAILED, {})}
    for ident, (state, data) in results.items():
        regrade.work.finish(ident, "d", state, "it died", 1, {"grade.json": json.dumps(data).encode()})

    # Killed after the first record was changed: the second start says the same.
    count = iter(range(1))
    real = Regrade._merge
    monkeypatch.setattr(Regrade, "_merge", lambda self, ident: (next(count), real(self, ident))[1])
    with pytest.raises(StopIteration):
        regrade.finish(chosen)
    monkeypatch.setattr(Regrade, "_merge", real)
    assert read_json(place.grades / "ann/grade.json")["score"] == 15
    again = Regrade(place, record, "3.2b", "beef")
    assert again.place == regrade.place and not again.fresh
    moved, failed = again.finish(chosen)
    assert moved == ["ann: 12.5 -> 15"]
    assert failed == ["eve: grader error: it died; its old verdict stays"]
    data = read_json(place.grades / "ann/grade.json")
    assert data["regraded"] == [{"number": 1, "test": "3.2b", "grader": "beef"}]
    assert read_json(place.grades / "ann/before-regrade-1.json") == old()
    assert "15</b> / 25" in (place.grades / "ann/index.html").read_text()
    assert read_json(place.grades / "eve/grade.json") == old()


def only_as_it_was():
    """The run again, with the same verdicts as before."""
    grade = invented.grade()
    grade.tests = [each for each in grade.lab.tests if each.id == "3.2b"]
    grade.results = {key: result for key, result in grade.results.items() if key[0] == "3.2b"}
    return copy.deepcopy(model.assemble(grade))


def test_one_regrade_after_the_other(room):
    place, record, work = room
    first = Regrade(place, record, "3.2b", "beef")
    with pytest.raises(GraderError, match="the regrade of 3.2b is not at its end"):
        Regrade(place, record, "3.1a", "beef")
    first.finish([])
    assert Regrade(place, record, "3.1a", "beef").number == 2
