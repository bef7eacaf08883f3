"""A class is graded, killed and taken up again: nothing is lost, nothing is graded twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from grader.course.classroom import command, pool
from grader.course.classroom.bar import Bar
from grader.course.classroom.record import publish
from grader.course.classroom.round import FAILED, GRADED, Round
from grader.errors import GraderError
from grader.options import Options
from grader.paths import ROOT
from grader.selftest import fakeclass


@pytest.fixture
def quiet(monkeypatch):
    monkeypatch.setattr(pool, "command", pool.command)      # put back afterwards


def outcomes(place):
    return {path.parent.name: json.loads(path.read_text())
            for path in (place / "grades").glob("[!.]*/outcome.json")}


def log(place):
    return Counter((place / "log").read_text().splitlines())


def start(place, jobs=2, pace="0.15"):
    return subprocess.Popen([sys.executable, "-m", "grader.selftest.fakeclass", str(place),
                             str(jobs)], cwd=ROOT, env=os.environ | {"PACE": pace},
                            start_new_session=True)


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_killed_again_and_again(tmp_path):
    """kill -9 after one outcome more each time; what was there before stays as it was."""
    idents = [f"s{n:02}" for n in range(12)]
    fakeclass.room_of(tmp_path, idents)
    for wanted in (1, 3, 6):
        before = {p: p.stat().st_mtime_ns for p in (tmp_path / "grades").glob("*/outcome.json")}
        process = start(tmp_path)
        until(lambda: len(outcomes(tmp_path)) >= wanted)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for path, stamp in before.items():
            assert path.stat().st_mtime_ns == stamp
    assert start(tmp_path).wait(timeout=120) == 0
    found = outcomes(tmp_path)
    assert sorted(found) == idents and {o["state"] for o in found.values()} == {GRADED}
    assert all(not o["lost"] for o in found.values()), "a kill from outside is nobody's fault"
    begun = log(tmp_path)
    # Twice begun was only what ran when the kill came: two at a time, three kills.
    assert sum(begun[f"begun {ident}"] - 1 for ident in idents) <= 6


def test_the_graders_die_with_it(tmp_path):
    """A grader that outlived the kill would grade beside the next one."""
    fakeclass.room_of(tmp_path, ["slow"])
    process = start(tmp_path, pace="30")
    until(lambda: (tmp_path / "log").exists())
    work = Round(tmp_path / "grades", ())
    assert not work.free("slow")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: work.free("slow"))
    until(lambda: not _alive(str(tmp_path)))


def _alive(words):
    out = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in out.splitlines() if words in line and "fakeclass" not in line]


def test_a_submission_that_kills_its_grader(tmp_path, quiet):
    fakeclass.room_of(tmp_path, ["killer", "once", "failing", "mute", "good"])
    fakeclass.grade(tmp_path, 2)
    found = outcomes(tmp_path)
    assert {ident: o["state"] for ident, o in found.items()} == {
        "killer": FAILED, "failing": FAILED, "mute": FAILED, "once": GRADED, "good": GRADED}
    assert found["killer"]["sentence"] == "the grader was killed by signal 9"
    assert found["mute"]["sentence"] == "no such luck"
    assert found["failing"]["sentence"] == "the emulator is gone"
    assert found["once"]["lost"] == ["the grader was killed by signal 9"]
    begun = log(tmp_path)
    assert [begun[f"begun {ident}"] for ident in ("killer", "once", "failing", "mute", "good")] == [
        2, 2, 2, 2, 1]
    fakeclass.grade(tmp_path, 2)
    assert log(tmp_path) == begun, "an outcome is an outcome"


def test_two_at_once_share_the_work(tmp_path):
    """Two supervisors over one folder, as tasks of a cluster are: each submission once."""
    idents = [f"s{n:02}" for n in range(10)]
    fakeclass.room_of(tmp_path, idents)
    both = [start(tmp_path, 1), start(tmp_path, 1)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    begun = log(tmp_path)
    assert sorted(outcomes(tmp_path)) == idents
    assert all(begun[f"begun {ident}"] == begun[f"done {ident}"] == 1 for ident in idents)


def test_the_second_result_is_not_taken(tmp_path):
    work = Round(tmp_path, ())
    assert work.finish("ann", "d1", GRADED, "", 1.0, {"grade.json": b"first"})
    assert not work.finish("ann", "d1", GRADED, "", 1.0, {"grade.json": b"second"})
    assert (tmp_path / "ann/grade.json").read_bytes() == b"first"
    assert [p.name for p in tmp_path.iterdir()] == ["ann"]
    with pytest.raises(OSError):
        publish(tmp_path / "not there", tmp_path / "nor this")


def test_files_that_changed_after_they_were_read(tmp_path, quiet):
    room, _ = fakeclass.room_of(tmp_path, ["ann"])
    (room.taken("ann") / "labs/lab1-x/a.c").write_text("other")
    fakeclass.grade(tmp_path, 1)
    assert "not those that were read" in outcomes(tmp_path)["ann"]["sentence"]
    assert not (tmp_path / "log").exists()


def test_an_interrupt_ends_the_graders_and_lets_go(tmp_path, quiet):
    room, record = fakeclass.room_of(tmp_path, ["a", "b", "c"])
    fakeclass.use_fake_graders(tmp_path)
    work = Round(room.grades, ())

    def listen(kind, names):
        if kind == "done":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.Pool(room, work, 1, listen).run(record.submissions.values())
    assert len(outcomes(tmp_path)) == 1 and work.free("b")
    assert threading.active_count() == 1
    fakeclass.grade(tmp_path, 1)
    assert len(outcomes(tmp_path)) == 3 and max(log(tmp_path).values()) == 1


def test_a_changed_grader_does_not_go_on_with_anothers_class(tmp_path, quiet):
    """Half of a class by one grader and half by another would not be one class."""
    room, record = fakeclass.room_of(tmp_path, ["ann", "bob"])
    fakeclass.grade(tmp_path, 1)
    work, bar = Round(room.grades, ()), Bar(on_terminal=False)
    command._grade_all(room, record, work, Options(), bar)      # nothing is left to grade
    fakeclass.room_of(tmp_path, ["eve"])
    with pytest.raises(GraderError, match="has changed since .* and 1 are not graded yet"):
        command._grade_all(room, room.load(), work, Options(), bar)
    assert sorted(outcomes(tmp_path)) == ["ann", "bob"]
