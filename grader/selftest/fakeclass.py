"""A class whose graders are a few lines: for the tests of who is graded when.

Started as `python -m grader.selftest.fakeclass DIR JOBS`.  Each grader appends "begun ID" to DIR/log,
and what it then does depends on the id.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.course.classroom import pool
from grader.course.classroom.record import Classroom, Record, Submission, digest_of
from grader.course.classroom.round import Round

GRADER = """
import json, os, signal, sys, time
place, ident = sys.argv[1:]
def told(word):
    with open(place + "/log", "a") as log:
        log.write(word + " " + ident + "\\n")
told("begun")
before = sum(line == "begun " + ident + "\\n" for line in open(place + "/log"))
if ident.startswith("killer") or ident.startswith("once") and before == 1:
    os.kill(os.getpid(), signal.SIGKILL)
time.sleep(float(os.environ.get("PACE", "0.15")))
failed = ["the emulator is gone"] if ident.startswith("failing") else []
data = {"schema": "corral/grade/v1", "score": 5, "max": 10, "bonus": 0, "errors": failed}
if not ident.startswith("mute"):
    open(os.environ["CORRAL_REPORT"] + "/grade.json", "w").write(json.dumps(data))
told("done")
print("corral: no such luck" if ident.startswith("mute") else "fine")
sys.exit(2 if failed or ident.startswith("mute") else 1)
"""


def room_of(place: Path, idents: list[str]) -> tuple[Classroom, Record]:
    """A class that was read already."""
    room = Classroom(place)
    record = room.load() or Record(1, ["LAB=1"], "7c1e", "grader", "feed")
    for ident in idents:
        files = {"lab1-x": {"a.c": f"/* {ident} */\n".encode()}}
        record.submissions[ident] = Submission(ident, digest_of(files))
        room.keep_files(record.submissions[ident], files)
    room.save(record)
    return room, record


def use_fake_graders(place: Path) -> None:
    """From now on this process starts fake ones."""
    pool.command = lambda room, submission, words: [
        sys.executable, "-I", "-c", GRADER, str(place), submission.id]


def grade(place: Path, jobs: int) -> None:
    """Grades whom the record names."""
    room = Classroom(place)
    record = room.load()
    assert record is not None
    use_fake_graders(place)
    pool.Pool(room, Round(room.grades, ()), jobs, lambda kind, names: None).run(
        record.submissions.values())


if __name__ == "__main__":
    grade(Path(sys.argv[1]), int(sys.argv[2]))
