"""Grades submissions side by side: each by a grader of its own, which this process watches.

A grader that dies, or says that it failed, has its submission graded once more, and then the
outcome is a grader error.  All of them die with this process.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from grader import knobs, processes
from grader.course.classroom.record import Classroom, Submission, digest_on_disk
from grader.course.classroom.round import FAILED, GRADED, Round
from grader.course.pullrequest.command import START
from grader.paths import ROOT, given_dir, lab_roots
from grader.report import model
from grader.runner import PREFIX

REPORT = ("grade.json", "index.html", "junit.xml", "cases.json")
MOST_REPORT = 32 << 20      # bytes of one of these
MOST_SAID = 64 << 10        # bytes kept of what a grader printed
MOST_SECONDS = 4 * 3600     # of one grade; no honest one comes near
FATAL = "corral: "          # how the grader's last sentence begins


@dataclass
class Running:
    """One submission while it is graded."""

    submission: Submission
    claim: IO
    slot: int
    place: Path
    process: subprocess.Popen
    started: float = field(default_factory=time.monotonic)


Listener = Callable[[str, list[str]], None]      # "done", "lost", "tick"; who is being graded


def command(room: Classroom, submission: Submission, words: Iterable[str]) -> list[str]:
    """The grader of one submission; `grade` again sandboxes what it compiles and runs."""
    return [sys.executable, "-I", "-c", START, str(ROOT), "grade",
            f"FROM={room.taken(submission.id)}", *words]


class Pool:
    """`jobs` submissions at a time."""

    def __init__(self, room: Classroom, work: Round, jobs: int, listener: Listener):
        self.room, self.work, self.jobs, self.listener = room, work, jobs, listener
        self.running: list[Running] = []
        self.cpus = sorted(os.sched_getaffinity(0))

    def run(self, submissions: Iterable[Submission]) -> None:
        """Until each has an outcome, or another process grades it."""
        waiting = deque(submissions)
        try:
            while waiting or self.running:
                while waiting and len(self.running) < self.jobs:
                    self._start(waiting.popleft())
                for each in [r for r in self.running if self._over(r)]:
                    self.running.remove(each)
                    again = self._end(each)
                    if again:
                        waiting.append(each.submission)
                    self.listener("lost" if again else "done", self.names())
                self.listener("tick", self.names())
                if self.running:
                    time.sleep(0.05)
        finally:
            for each in self.running:
                processes.kill(each.process)
                each.claim.close()
                shutil.rmtree(each.place, ignore_errors=True)
            self.running.clear()

    def names(self) -> list[str]:
        return [each.submission.id for each in self.running]

    def _start(self, submission: Submission) -> None:
        """Starts a grader, unless another process has this submission or is through with it."""
        claim = self.work.claim(submission.id)
        if claim is None:
            return
        if self.work.outcome(submission.id, submission.digest):
            claim.close()
            return
        if digest_on_disk(self.room.taken(submission.id)) != submission.digest:
            self.work.finish(submission.id, submission.digest, FAILED, "its files in taken/ are not "
                             "those that were read: start the same command again", 0, {})
            claim.close()
            return
        slot = min(set(range(self.jobs)) - {each.slot for each in self.running})
        place = scratch()
        with open(place / "said", "wb") as said:
            process = processes.start(
                ["taskset", "-c", ",".join(map(str, self._cpus_of(slot))),
                 *command(self.room, submission, self.work.words)],
                cwd=place, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                env=environment(place))
        claim.write(f"{os.uname().nodename} {os.getpid()}\n")
        claim.flush()
        self.running.append(Running(submission, claim, slot, place, process))

    def _cpus_of(self, slot: int) -> list[int]:
        """The processors of a slot: its share, so that graders do not crowd each other's."""
        share = max(1, len(self.cpus) // self.jobs)
        return [self.cpus[(slot * share + n) % len(self.cpus)] for n in range(share)]

    def _over(self, each: Running) -> bool:
        if time.monotonic() - each.started > MOST_SECONDS:
            processes.kill(each.process)
        return each.process.poll() is not None

    def _end(self, each: Running) -> bool:
        """Publishes what came out; True if it must be graded again."""
        processes.kill(each.process)        # whatever it left in its session
        submission, seconds = each.submission, time.monotonic() - each.started
        try:
            report = read_report(each.place)
            sentence = verdict_lost(each.process.returncode, report, each.place / "said")
            state = FAILED if sentence else GRADED
            if sentence and not self.work.lose(submission.id, submission.digest, sentence):
                return True
            self.work.finish(submission.id, submission.digest, state, sentence, seconds, report)
            return False
        finally:
            each.claim.close()
            shutil.rmtree(each.place, ignore_errors=True)


def scratch() -> Path:
    """A folder that the sandbox's user can walk through; runner.remove_stale_folders() knows the
    name."""
    place = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-class", dir="/tmp"))
    place.chmod(0o711)
    (place / "report").mkdir(mode=0o700)
    (place / "build").mkdir(mode=0o711)
    return place


def environment(place: Path) -> dict[str, str]:
    """Each grade has its own builds and its own report."""
    more = {"LABS_PATH": ":".join(map(str, lab_roots()[1:]))}
    if os.environ.get("CORRAL_COURSE"):
        more["CORRAL_COURSE"] = str(knobs.place().resolve())
    return processes.clean_environment(
        CORRAL_BUILD=str(place / "build"), CORRAL_GIVEN=str(given_dir()),
        CORRAL_REPORT=str(place / "report"), NO_COLOR="1", **more)


def read_report(place: Path) -> dict[str, bytes]:
    """The files of the report and the end of what was printed."""
    report = {}
    for name in REPORT:
        path = place / "report" / name
        if path.is_file() and path.stat().st_size <= MOST_REPORT:
            report[name] = path.read_bytes()
    for path in sorted((place / "report").glob("*.log")):
        report[path.name] = path.read_bytes()[-MOST_SAID:]
    report["said.txt"] = (place / "said").read_bytes()[-MOST_SAID:]
    return report


def verdict_lost(code: int, report: dict[str, bytes], said: Path) -> str:
    """Why there is no verdict, in a sentence; "" if there is one."""
    if code < 0:
        return f"the grader was killed by signal {-code}"
    try:
        data = json.loads(report.get("grade.json", b""))
        errors = data["errors"]
        known = data["schema"] == model.SCHEMA and type(data["score"]) in (int, float)
    except (ValueError, KeyError, TypeError):
        known, errors = False, []
    if not known:
        last = said.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or [""]
        return last[0].removeprefix(FATAL)[:300] or f"the grader ended with code {code}"
    if errors:
        return str(errors[0])[:300]
    return "" if code in (0, 1) else f"the grader ended with code {code}"
