"""Runs the cells: one worker process each, as many at once as there are processors.

The parent reads the workers' records as they come and hands them to a listener, which prints.
"""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from grader import processes
from grader.job import Job

SILENCE = 300           # seconds without a record after which a worker counts as dead
WORTH = 8.0             # seconds that a cell needs yet, by its tests so far, that are worth a second worker
MAX_LINE = 64 << 20     # a worker that sends more without an end of line is broken
PREFIX = "corral-"


@dataclass
class CellRun:
    """One cell while it runs and after."""

    cell: str
    job: Job
    part: str = ""                                           # "1 of 2", if several share the cell
    helped: bool = False                                     # others share it: no more do
    results: dict[str, dict] = field(default_factory=dict)   # test id -> record
    crash: str = ""                                          # why records may be missing
    log: str = ""                                            # what the worker printed
    current: str = ""                                        # the test that runs now
    done_of: tuple[int, int] = (0, 0)                        # its own progress
    boot_seconds: float = 0.0
    seconds: float = 0.0
    state: str = "waiting"                                   # waiting, running, done
    process: subprocess.Popen | None = None
    started: float = 0.0
    heard: float = 0.0
    ended: bool = False                                      # the worker said that it is through
    buffer: bytes = b""

    @property
    def name(self) -> str:
        """"x86_64/qemu", or "x86_64/qemu 1 of 2"."""
        return f"{self.cell} {self.part}".rstrip()

    @property
    def file_name(self) -> str:
        return self.name.replace("/", "-").replace(" ", "-")


Listener = Callable[[str, CellRun, dict], None]


def run_cells(runs: list[CellRun], listener: Listener, keep: Path | None = None,
              share: bool = False) -> None:
    """Runs every cell to its end.  listener(kind, run, record) hears of each record and, with
    kind "tick", every 0.2 s.  Worker logs are copied to `keep`.  With `share`, processors that no cell
    waits for help with one that has much to do: what they run is added to `runs`."""
    remove_stale_folders()
    scratch = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    waiting = list(runs)
    selector = selectors.DefaultSelector()
    running: list[CellRun] = []
    try:
        while waiting or running:
            while len(running) < workers():
                if share and not waiting and (helper := _helper(running)):
                    waiting.append(helper)
                    runs.append(helper)
                if not waiting:
                    break
                run = waiting.pop(0)
                _start(run, scratch, selector)
                running.append(run)
            for key, _ in selector.select(timeout=0.2):
                if not _read(key.data, key.fd, listener):
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    _finish(key.data, keep)
                    running.remove(key.data)
                    listener("finished", key.data, {})
            for run in running:
                if time.monotonic() - run.heard > SILENCE and run.process:
                    run.crash = f"{run.name} said nothing for {SILENCE} s and was stopped"
                    processes.kill(run.process)
            listener("tick", (running or runs)[0], {})
    finally:
        for run in running:
            if run.process:
                processes.kill(run.process)
        selector.close()
        shutil.rmtree(scratch, ignore_errors=True)


def workers() -> int:
    """How many cells run at once."""
    return max(1, len(os.sched_getaffinity(0)))


def _helper(running: list[CellRun]) -> CellRun | None:
    """A second worker for the cell that has most left to do, if that is worth one."""
    def left(run: CellRun) -> float:
        done, tests = len(run.results), len(run.job.tests)
        return (time.monotonic() - run.started) * (tests - done) / done if 0 < done < tests - 1 else -1.0

    alone = [run for run in running if not run.helped]
    run = max(alone, key=left, default=None)
    if run is None or left(run) < WORTH:
        return None
    run.helped = True
    return CellRun(run.cell, replace(run.job, backwards=True), f"{run.part} too".lstrip(), helped=True)


def _start(run: CellRun, scratch: Path, selector: selectors.BaseSelector) -> None:
    """Starts the worker of a cell."""
    name = run.file_name
    workdir = scratch / f"{name}.dir"
    workdir.mkdir()
    run.job.workdir = str(workdir)
    share = scratch / run.cell.replace("/", "-")
    share.mkdir(exist_ok=True)
    run.job.share = str(share)
    run.job.parent = os.getpid()
    run.job.host_cpu = processes.take_cpu()
    job = scratch / f"{name}.json"
    run.job.save(job)
    reader, writer = os.pipe()
    run.log = str(scratch / f"{name}.log")
    try:
        with open(run.log, "wb") as log:
            run.process = processes.start(
                [sys.executable, "-I", str(Path(__file__).with_name("worker.py")), str(job),
                 str(writer)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                pass_fds=(writer,), cwd=workdir,
                env=processes.clean_environment(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"))
    finally:
        os.close(writer)
    os.set_blocking(reader, False)
    run.state, run.started = "running", time.monotonic()
    run.heard = run.started
    selector.register(reader, selectors.EVENT_READ, run)


def _read(run: CellRun, descriptor: int, listener: Listener) -> bool:
    """Handles what a worker sent; False at its end."""
    try:
        data = os.read(descriptor, 1 << 20)
    except BlockingIOError:
        return True
    if not data:
        return False
    run.heard = time.monotonic()
    *lines, run.buffer = (run.buffer + data).split(b"\n")
    if len(run.buffer) > MAX_LINE and run.process:
        run.crash = f"{run.name} sent a record without an end"
        processes.kill(run.process)
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            run.crash = f"{run.name} sent a record that cannot be read"
            continue
        _take(run, record)
        listener(record["type"], run, record)
    return True


def _take(run: CellRun, record: dict) -> None:
    kind = record["type"]
    if kind == "start":
        run.current, run.done_of = record["test"], (0, 0)
    elif kind == "progress":
        run.done_of = (record["done"], record["of"])
    elif kind == "result":
        if record["test"] in run.results:
            run.crash = f"{run.name} gave two verdicts for {record['test']}"
        run.results[record["test"]] = record
    elif kind == "booted":
        run.boot_seconds = record["seconds"]
    elif kind == "crash":
        run.crash = record["text"]
    elif kind == "end":
        run.ended = True
        if record["code"] not in (0, 1):
            run.crash = run.crash or f"pytest ended with code {record['code']} in {run.name}"


def _finish(run: CellRun, keep: Path | None) -> None:
    """Waits for the worker and keeps its log."""
    assert run.process is not None
    try:
        run.process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        run.crash = run.crash or f"the worker of {run.name} did not end"
    processes.kill(run.process)
    processes.give_back_cpu(run.job.host_cpu)
    run.state, run.current = "done", ""
    run.seconds = time.monotonic() - run.started
    if not run.ended and not run.crash:
        run.crash = f"the worker of {run.name} died (exit code {run.process.returncode})"
    if keep is not None:
        target = keep / f"{run.file_name}.log"
        keep.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.log, target)
        run.log = str(target)


def remove_stale_folders() -> None:
    """Removes scratch folders whose process is gone (it was killed)."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        try:
            if pid.isdigit() and folder.stat().st_uid == os.getuid() and not _alive(int(pid)):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
