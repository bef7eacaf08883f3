"""The pytest plugin of graded tests: the `cell` fixture, and verdicts out of outcomes.

A test takes `cell` and finds the machine parked:

    def test_fields(cell):
        m = cell.machine
        token = cell.random.getrandbits(32)
        ...
        raise Fail(WRONG, expected="...", seen="...")

One boot serves all tests of the cell: before each test the machine is back in the parked state.
"""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader import tell
from grader.errors import GraderError
from grader.job import Job, JobTest
from grader.options import WIDTH
from grader.stops import failure_of
from grader.verdict import (ERROR, FAIL, INCONCLUSIVE, PASS, Case, Fail, Failure,
                            Inconclusive, ReplayStop)

PATIENCE = 3     # after so many grader errors in a cell the rest of its tests are not tried


class Cell:
    """What a test sees of its cell."""

    def __init__(self, plugin: Plugin, test: JobTest):
        self._plugin = plugin
        self.test = test.id
        self.name = plugin.job.cell                       # "x86_64/qemu"
        self.arch, self.emu = self.name.split("/")        # "x86_64", "qemu"
        self.width = WIDTH[self.arch]                     # 64 or 32
        self.seed = plugin.seed
        self.random = random.Random(f"{self.seed}/{test.id}")   # the same in every cell
        self.replay: dict[str, Any] | None = plugin.job.replay  # the case to stop in, or None
        self.schedules = plugin.job.schedules             # that a region explores at least
        self.quick = plugin.job.quick                     # a sweep may stop at its first failure
        self.subject = 0                                  # the CPU that a replay's debugger shows
        self.counts: dict[str, int] = {}
        self.spent: dict[str, list[float]] = {}
        self.measurement: dict[str, Any] | None = None
        self.cases: list[Case] = []

    @property
    def machine(self) -> Any:
        """The booted machine, parked at the start of the test."""
        return self._plugin.machine()

    def store(self, name: str, make: Callable[[], Any]) -> Any:
        """What the tests of this cell share: made by make() when it is first asked for."""
        if name not in self._plugin.shared:
            self._plugin.shared[name] = make()
        return self._plugin.shared[name]

    def park(self) -> None:
        """Takes the machine back to the parked state, as before each test."""
        self.machine.restore(self._plugin.parked)

    def use(self, cpus: int) -> None:
        """From here to its end the test has a machine with so many CPUs, parked."""
        self._plugin.use(cpus)

    def count(self, what: str, number: int) -> None:
        """Adds to a figure of the report: count("interrupts", 418)."""
        self.counts[what] = self.counts.get(what, 0) + number

    def rate(self, what: str, number: int, seconds: float) -> None:
        """Notes how long some of what is counted took: rate("NMIs", 217, 0.8)."""
        spent = self.spent.setdefault(what, [0, 0.0])
        spent[0] += number
        spent[1] += seconds

    def measured(self, what: str, at: Sequence[int], curves: dict[str, Sequence[float]],
                 notes: Sequence[str] = ()) -> None:
        """Gives the report a table and a plot, which decide nothing: a value at each `at`."""
        self.measurement = {
            "what": what, "at": list(at), "notes": list(notes),
            "curves": {name: [round(value, 1) for value in values]
                       for name, values in curves.items()}}

    def progress(self, done: int, of: int) -> None:
        """Tells the person who waits how far a long test is."""
        self._plugin.progress(self.test, done, of)

    def case(self, data: dict[str, Any], text: str = "") -> None:
        """Notes a case that can be replayed though it passed."""
        self.cases.append(Case(data, text))


class Plugin:
    """One run of a cell."""

    def __init__(self, job: Job, send: Callable[[dict], None]):
        self.job = job
        self.send = send
        self.seed = job.seed
        self.record: dict = {}                        # of the last test
        self.order = {str(entry.node): index for index, entry in enumerate(job.tests)}
        self.cpus = job.cpus                          # how many the present machine has
        self.machines: dict[int, tuple[Any, Any]] = {}    # by that: the machine, its parked state
        self.boot_failure: BaseException | None = None
        self.outcome: BaseException | None = None     # what ended the last test
        self.cell: Cell | None = None
        self.troubles = 0                             # tests that the grader itself failed
        self.shared: dict[str, Any] = {}              # Cell.store()
        self.started = 0.0
        self.last_progress = 0.0

    # ---- the machine ----

    @property
    def booted(self) -> Any:
        """The present machine, or None before it is asked for."""
        return self.machines.get(self.cpus, (None, None))[0]

    @property
    def parked(self) -> Any:
        """Its parked state."""
        return self.machines[self.cpus][1]

    def machine(self) -> Any:
        """Boots once; a kernel that does not reach the parked state fails each test alike."""
        if self.boot_failure is not None:
            raise self.boot_failure
        if self.booted is None:
            try:
                module = importlib.import_module(self.job.machine)
                cell = module.Cell(*self.job.cell.split("/"))
                made = module.boot(cell, self.job.elf, self.job.iso, cpus=self.cpus,
                                   workdir=self.job.workdir)
                self.machines[self.cpus] = made, made.snapshot()
            except Exception as error:
                if self.cpus == self.job.cpus:
                    self.boot_failure = error
                raise
            self.send({"type": "booted", "seconds": time.monotonic() - self.started})
        return self.booted

    def use(self, cpus: int) -> None:
        """Makes the machine with so many CPUs the present one."""
        self.cpus = cpus
        if self.booted is not None and self.booted.dead:
            self.close()
        if self.booted is not None:
            self.booted.restore(self.parked)

    def progress(self, test: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self.last_progress > 0.2:
            self.last_progress = now
            self.send({"type": "progress", "test": test, "done": done, "of": of})

    # ---- pytest's hooks ----

    @pytest.fixture(name="cell")
    def fixture_cell(self, request) -> Iterator[Cell]:
        """The cell, its machine parked."""
        self.use(self.job.cpus)
        self.cell = Cell(self, self.entry(request.node))
        yield self.cell

    def entry(self, item) -> JobTest:
        """The test's entry in lab.toml."""
        node = f"{item.path.name}::{item.nodeid.partition('::')[2]}"
        return self.job.tests[self.order[node]]

    def pytest_collection_modifyitems(self, items: list) -> None:
        """Last time's failures run first: the order is the job's."""
        items.sort(key=lambda item: self.order[
            f"{item.path.name}::{item.nodeid.partition('::')[2]}"])

    def pytest_runtestloop(self, session) -> bool | None:
        """Where several workers share a cell, each test is run by the one that comes to it first."""
        if session.testsfailed:
            return None
        for item in reversed(session.items) if self.job.backwards else session.items:
            if not self.job.share or self.takes(item):
                self.run(item)
        return True

    def run(self, item) -> None:
        """Runs a test, with each of the job's seeds if it has some, until it does not fail with one."""
        for self.seed in self.job.seeds or [self.job.seed]:
            if self.job.seeds:
                self.shared.clear()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            if self.job.seeds and self.record.get("verdict") != FAIL:
                self.record["text"] = f"{self.record['text'] or 'it passes'} (seed {self.seed})"
                break
        if self.record:
            self.send(self.record)
            self.record = {}

    def takes(self, item) -> bool:
        """Whether no other worker has taken this test; then it is this one's."""
        try:
            Path(self.job.share, self.entry(item).id).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item) -> None:
        self.cell = None
        self.started = time.monotonic()
        self.send({"type": "start", "test": self.entry(item).id})

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """One verdict for each test: from the call, or from a set-up that broke."""
        yield
        broke = call.excinfo is not None
        if call.when == "call" or call.when == "setup" and broke:
            self.record = self.verdict(self.entry(item), call.excinfo.value if broke else None)
        elif call.when == "teardown" and broke:
            self.send({"type": "crash", "text": f"after {self.entry(item).id}: {call.excinfo}"})

    def pytest_unconfigure(self) -> None:
        if self.job.replay is None:
            self.close()

    def close(self) -> None:
        """Ends the machine; a replay does so itself, after the debugger."""
        for machine, _ in self.machines.values():
            machine.close()
        self.machines.clear()

    # ---- verdicts ----

    def verdict(self, test: JobTest, error: BaseException | None) -> dict:
        """The record of one test."""
        self.outcome = error
        result, failure, text = classify(error)
        if result == ERROR and self.job.replay is None:
            self.close()      # the next test finds a fresh machine, not this one's trouble
            self.troubles += 1
            if self.troubles >= PATIENCE and self.boot_failure is None:
                self.boot_failure = GraderError(text)
        if result == INCONCLUSIVE and test.scored:
            result, text = ERROR, f"a test with points ended inconclusive: {text}"
        if test.folder and self.job.sandbox:
            return self.kept_back(test, result, failure)
        return tell.record(self.whole(test, result, failure, text), self.job.tell)

    def whole(self, test: JobTest, result: str, failure: Failure | None, text: str) -> dict:
        """The record with all that is known."""
        counts = self.cell.counts if self.cell else {}
        cases = [] if failure else (self.cell.cases if self.cell else [])
        return {"type": "result", "test": test.id, "verdict": result, "text": text,
                "failure": failure.as_json() if failure else None, "counts": counts,
                "spent": self.cell.spent if self.cell else {},
                "measurement": self.cell.measurement if self.cell else None,
                "cases": [{"data": case.data, "text": case.text} for case in cases],
                "seconds": time.monotonic() - self.started}

    def kept_back(self, test: JobTest, result: str, failure: Failure | None) -> dict:
        """The record of a hidden test about code of others: the verdict, and nothing that helps
        its author to learn what the test does, not even how long it took."""
        told, text = None, ""
        if failure:
            text = "a hidden test"
            told = Failure(reason=failure.reason, headline=text).as_json()
        elif result == ERROR:
            text = "a hidden test broke: make grade HIDDEN=.. tells more where the code is yours"
        return {"type": "result", "test": test.id, "verdict": result, "text": text,
                "failure": told, "counts": {}, "spent": {}, "cases": [], "seconds": 0.0}


def classify(error: BaseException | None) -> tuple[str, Failure | None, str]:
    """Verdict, failure and text of the exception that ended a test."""
    if error is None:
        return PASS, None, ""
    if isinstance(error, Fail):
        return FAIL, error.failure, str(error)
    if isinstance(error, Inconclusive):
        return INCONCLUSIVE, None, str(error)
    if isinstance(error, ReplayStop):
        return PASS, None, "stopped at the case"
    if isinstance(error, GraderError):
        return ERROR, None, str(error)
    failure = failure_of(error)
    if failure is not None:
        return FAIL, failure, failure.headline
    return ERROR, None, f"{type(error).__name__}: {error}"
