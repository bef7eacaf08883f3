"""A round as a Slurm job array: one task for each submission, on whatever nodes there are.

The tree and the folder of --out must be on a file system that all nodes share.  What sbatch is told
beyond this comes from its own variables, SBATCH_PARTITION and the like.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shlex import quote

from grader.course.classroom.record import Classroom, Record, Submission
from grader.course.classroom.round import FAILED, Round
from grader.errors import GraderError
from grader.paths import ROOT, write_text

TOOLS = ("sbatch", "squeue", "scancel")
MOST_TASKS = 1000           # of one array; Slurm allows 1001 unless it is told otherwise
SECONDS = 60                # that Slurm may take to answer
EVERY = 1.0
LATE = 5.0                  # seconds
PATIENCE = 10               # silent answers of squeue in a row
SCRIPT = """\
#!/bin/sh
cd {tree} && exec {python} -m grader class-task OUT={out}
"""


def require() -> None:
    """GraderError if there is no Slurm to talk to."""
    for tool in TOOLS:
        if shutil.which(tool) is None:
            raise GraderError(f"{tool} is not installed: --on slurm wants a machine that submits to "
                              "a Slurm cluster (Debian: apt-get install slurm-client)")
    _ask(["squeue", "--noheader", "--name", "corral-none"])


def name_of(record: Record) -> str:
    """The name of the class's jobs, by which they are found again."""
    return f"corral-{record.token}"


def queued(record: Record) -> int:
    """How many tasks of this class wait or run."""
    out = _ask(["squeue", "--noheader", "--array", "--format", "%i", "--name", name_of(record)])
    return len(out.split())


def submit(room: Classroom, record: Record, work: Round, submissions: list[Submission],
           jobs: int) -> None:
    """One array over these submissions, at most `jobs` tasks at a time if that is not 0."""
    place = room.place / "slurm"
    tasks = min(len(submissions), MOST_TASKS)
    shares = [[each.id for each in submissions[n::tasks]] for n in range(tasks)]
    write_text(place / "tasks.json", json.dumps(
        {"folder": str(work.folder), "words": work.words, "shares": shares}) + "\n")
    script = place / "task.sh"
    write_text(script, SCRIPT.format(tree=quote(str(ROOT)), python=quote(sys.executable),
                                     out=quote(str(room.place))))
    at_once = f"%{jobs}" if jobs else ""
    _ask(["sbatch", "--parsable", f"--array=0-{tasks - 1}{at_once}", "--job-name", name_of(record),
          "--ntasks=1", "--no-requeue", "--input=/dev/null", f"--chdir={room.place}",
          f"--output={place}/task-%a.log", str(script)])


def run(room: Classroom, record: Record, work: Round, submissions: list[Submission], jobs: int,
        listener: Callable[[str, list[str]], None]) -> None:
    """Until each has an outcome.  A submission whose task ends without one is given to another."""
    wait(record, listener)              # tasks of a command that was killed go on by themselves
    try:
        while True:
            left = [each for each in submissions if not work.outcome(each.id, each.digest)]
            if not left:
                return
            submit(room, record, work, left, jobs)
            wait(record, listener)
            settle(work, left)
            for each in left:
                if not work.outcome(each.id, each.digest):
                    sentence = "its Slurm task ended without a verdict"
                    if work.lose(each.id, each.digest, sentence):
                        work.finish(each.id, each.digest, FAILED, sentence, 0, {})
    except KeyboardInterrupt:
        _ask(["scancel", "--name", name_of(record)])
        raise


def wait(record: Record, listener: Callable[[str, list[str]], None]) -> None:
    """Until no task of this class waits or runs."""
    silent = 0
    while True:
        try:
            count = queued(record)
            silent = 0
        except GraderError:             # a controller may be away for a while
            silent += 1
            if silent >= PATIENCE:
                raise
            count = 1
        if not count:
            return
        for _ in range(10):
            listener("tick", [f"{count} in Slurm's queue"])
            time.sleep(EVERY / 10)


def settle(work: Round, submissions: list[Submission]) -> None:
    """A file system of several machines may show late what another one wrote."""
    deadline = time.monotonic() + LATE
    while time.monotonic() < deadline:
        os.listdir(work.folder)
        if all(work.outcome(each.id, each.digest) for each in submissions):
            return
        time.sleep(EVERY / 10)


def share_of_task(room: Classroom) -> tuple[Round, list[str]]:
    """What the task that this process is has to grade."""
    try:
        data = json.loads((room.place / "slurm" / "tasks.json").read_text(encoding="utf-8"))
        number = int(os.environ["SLURM_ARRAY_TASK_ID"])
        return Round(Path(data["folder"]), tuple(data["words"])), data["shares"][number]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise GraderError("class-task is what `class --on slurm` starts as a task of its job array, "
                          f"and not a command for people ({type(error).__name__})") from None


def stay_on_own_cpus() -> None:
    """Where Slurm does not bind a task to its processors, it takes as many as it was given."""
    allowed = sorted(os.sched_getaffinity(0))
    given = int(os.environ.get("SLURM_CPUS_ON_NODE") or len(allowed))
    if 0 < given < len(allowed):
        first = int(os.environ.get("SLURM_ARRAY_TASK_ID") or 0) * given
        os.sched_setaffinity(0, {allowed[(first + n) % len(allowed)] for n in range(given)})


def _ask(argv: list[str]) -> str:
    """What a command of Slurm prints; a GraderError with its own words if it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, errors="replace",
                              timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GraderError(f"{argv[0]} does not answer ({type(error).__name__}): is Slurm's "
                          "controller up?") from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1]
        raise GraderError(f"{argv[0]} failed ({said[:200]}): `sinfo` says whether the cluster is up, "
                          "and sbatch takes SBATCH_PARTITION, SBATCH_ACCOUNT and the like from the "
                          "environment")
    return done.stdout
