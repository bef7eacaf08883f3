"""From a lab and its sources to a verdict for every test in every cell.  Prints nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from grader import build as building
from grader import emulators, processes, tell
from grader.build import Build
from grader.errors import GraderError
from grader.holes import missing_for
from grader.job import Job, JobTest
from grader.labs import Lab, Test, find_labs, stage
from grader.options import Options
from grader.paths import shown
from grader.runner import CellRun, Listener, run_cells, workers
from grader.sources import Refused, Source, collect, seed_of
from grader.verdict import ERROR, FAIL, NOT_BUILT, NOT_WRITTEN, PASS, Failure


REAL = "grader.machine"
LEFT = ("takes several times as long in QEMU as in Bochs: where both are graded, it runs in QEMU only after "
        "Bochs has seen it fail")
FEWEST = 4              # tests that are worth a worker of their own


@dataclass
class Result:
    """The verdict of one test in one cell."""

    verdict: str
    reason: str = ""
    text: str = ""                       # one line for the table or an error
    failure: Failure | None = None
    cases: list[dict] = field(default_factory=list)   # of a test that passed
    seconds: float = 0.0


@dataclass
class Grade:
    """Everything that a report needs."""

    lab: Lab
    options: Options
    cells: list[str]
    tests: list[Test]
    seed: str
    sources: list[Source] = field(default_factory=list)
    builds: dict[str, Build] = field(default_factory=dict)           # by width
    results: dict[tuple[str, str], Result] = field(default_factory=dict)   # (test, cell)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # cell -> what -> number
    measurements: dict[str, dict[str, dict]] = field(default_factory=dict)  # test -> cell -> it
    errors: list[str] = field(default_factory=list)                  # of the grader itself
    times: dict = field(default_factory=dict)
    expected: int = 0                    # verdicts that there must be
    left: set[tuple[str, str]] = field(default_factory=set)     # (test, cell in QEMU) that Bochs answers for

    @property
    def cpus(self) -> int:
        """How many CPUs the machines have."""
        return self.options.cpus or self.lab.cpus

    def cells_of(self, test: Test) -> list[str]:
        """The cells graded in which a test has a verdict."""
        return [cell for cell in self.cells if cell in test.cells and (test.id, cell) not in self.left]


def gather_sources(lab: Lab, options: Options, at: Lab | None = None) -> list[Source]:
    """The files of the lab and of those it stands on, or of those that the stage `at` has.

    Raises Refused or GraderError.
    """
    return [collect(each, lab, options) for each in stage(at or lab, find_labs())]


def build_all(lab: Lab, sources: list[Source], options: Options,
              arches: tuple[str, ...]) -> dict[str, Build]:
    """Builds the widths side by side."""
    building.check_tools(options)
    with ThreadPoolExecutor(max_workers=len(arches)) as pool:
        try:
            futures = {arch: pool.submit(building.build, lab, arch, sources, options)
                       for arch in arches}
            return {arch: future.result() for arch, future in futures.items()}
        except BaseException:
            processes.kill_all()
            raise


def prepare(lab: Lab, tests: list[Test], options: Options, sources: list[Source] | None = None,
            at: Lab | None = None) -> Grade:
    """Reads (or takes the sources given) and builds.  Mistakes of the student are in the builds.

    `at` is the lab whose stage is built, if it is a later one than that of the tests.
    """
    grade = Grade(lab, options, options.cells, tests, options.seed)
    arches = tuple(dict.fromkeys(cell.split("/")[0] for cell in grade.cells))
    started = time.monotonic()
    try:
        grade.sources = sources or gather_sources(lab, options, at)
        grade.seed = options.seed or seed_of(grade.sources)
        grade.builds = build_all(at or lab, grade.sources, options, arches)
    except Refused as error:
        grade.seed = options.seed or "0"
        grade.builds = {arch: building.refused(lab, arch, error) for arch in arches}
    grade.times["build"] = time.monotonic() - started
    return grade


def run(grade: Grade, listener: Listener, *, first: dict[str, list[str]] | None = None,
        logs: Path | None = None, quick: bool = False, machine: str = REAL,
        seeds: list[str] | None = None, split: bool = True, everywhere: bool = False) -> None:
    """Fills grade.results.  `first` names by cell the tests to start with; with `quick` a test may
    stop at its first failure; with `seeds` it runs with each until it does not fail with one; without
    `split` a cell has one worker, and leaves the other processors to others; with `everywhere` no test is
    left to Bochs."""
    if grade.cpus < 2:
        raise GraderError("CPUS=1 cannot be graded: CPU 1 answers while CPU 0 stands still; "
                          "choose 2 to 8 (`make run CPUS=1` boots one)")
    started = time.monotonic()
    todo = {cell: [test for test in grade.tests if cell in test.cells
                   and not _settled(grade, test, cell, grade.builds[cell.split("/")[0]])]
            for cell in grade.cells}
    later = {} if everywhere else left_to_bochs(grade, todo)

    def work(tests: dict[str, list[Test]], again: bool = False) -> None:
        runs: list[CellRun] = []
        for cell, chosen in tests.items():
            build = grade.builds[cell.split("/")[0]]
            held.enter_context(building.locked(build.folder, shared=True))
            early = (first or {}).get(cell, [])
            chosen.sort(key=lambda test: test.id not in early)
            if machine == REAL:
                emulators.require(cell)
            parts = (["again"] if again else
                     _parts(len(chosen), len(grade.cells)) if split else [""])
            for number, part in enumerate(parts):
                job = job_for(grade, cell, build, chosen, machine)
                job.quick, job.seeds, job.backwards = quick, seeds or [], number % 2 == 1
                runs.append(CellRun(cell, job, part, helped=len(parts) > 1))
        run_cells(runs, listener, logs, share=split)
        for each in _joined(runs):
            _take(grade, each)

    with ExitStack() as held:
        work({cell: now for cell, tests in todo.items()
              if (now := [test for test in tests if test not in later.get(cell, [])])})
        failed = {cell: again for cell, tests in later.items()
                  if (again := [test for test in tests
                                if grade.results[test.id, _bochs(cell)].verdict != PASS])}
        if failed:
            work(failed, again=True)
    grade.left = {(test.id, cell) for cell, tests in later.items() for test in tests} - set(grade.results)
    grade.expected = sum(len(grade.cells_of(test)) for test in grade.tests)
    if len(grade.results) != grade.expected:
        grade.errors.append(f"{grade.expected} verdicts were expected, {len(grade.results)} came")
    grade.times["run"] = time.monotonic() - started


def left_to_bochs(grade: Grade, todo: dict[str, list[Test]]) -> dict[str, list[Test]]:
    """By cell in QEMU, the tests that take long there and that Bochs does in the same width: the same
    schedules, so what passes there is not run again.  None where a test, or a number of schedules, was
    asked for by name."""
    if grade.options.test or grade.options.schedules:
        return {}
    return {cell: [test for test in tests if test.long and test in todo[_bochs(cell)]]
            for cell, tests in todo.items() if _bochs(cell) != cell and _bochs(cell) in todo}


def _bochs(cell: str) -> str:
    """The cell of the same width in Bochs."""
    return f"{cell.split('/')[0]}/bochs"


def _parts(tests: int, cells: int) -> list[str]:
    """The workers of a cell: several, each with an emulator of its own, where fewer cells are
    graded than there are processors.  Each takes the next test that nobody has taken; every other one
    begins with the last, since tests that stand side by side need the same machines.  A test does not
    know of the others, so none can tell."""
    number = min(workers() // cells, tests // FEWEST) or 1
    return [f"{n + 1} of {number}" for n in range(number)] if number > 1 else [""]


def _joined(runs: list[CellRun]) -> list[CellRun]:
    """The runs of the workers that share a cell as one."""
    found: dict[str, CellRun] = {}
    for run in runs:
        first = found.setdefault(run.cell, run)
        if first is not run:
            first.results |= run.results
            first.crash = first.crash or run.crash
            first.seconds = max(first.seconds, run.seconds)
            first.boot_seconds = max(first.boot_seconds, run.boot_seconds)
    return list(found.values())


def _settled(grade: Grade, test: Test, cell: str, build: Build) -> bool:
    """Gives the verdict of a test that needs no emulator; False if it has to run."""
    if build.problem:
        failure = tell.failure(
            Failure(reason=NOT_BUILT, headline=f"does not build: {build.problem}",
                    extra=list(build.details)), grade.options.tell)
        grade.results[test.id, cell] = Result(FAIL, NOT_BUILT, "does not build", failure)
        return True
    hole = missing_for(test, build.holes)
    if hole is None:
        return False
    if hole.exercise == test.exercise:
        text = f"not written yet: {hole.place}"
    else:
        text = f"waits for {hole.exercise}"
    text = tell.not_written(text, grade.options.tell)
    grade.results[test.id, cell] = Result(FAIL, NOT_WRITTEN, text)
    return True


def job_for(grade: Grade, cell: str, build: Build, tests: list[Test],
            machine: str = REAL) -> Job:
    """What the worker of a cell is told; the runner fills in its folder and parent."""
    return Job(
        cell=cell, elf=str(build.elf), iso=str(build.iso), tree=str(build.folder / "tree"),
        tests_dir=str(grade.lab.tests_dir), seed=grade.seed, workdir="", cpus=grade.cpus,
        schedules=grade.options.schedules, sandbox=grade.options.sandbox,
        tests=[JobTest(test.id, test.node, test.points > 0, test.folder) for test in tests],
        machine=machine, tell=grade.options.tell)


def _take(grade: Grade, run: CellRun) -> None:
    """Turns a cell's records into results; what is missing is the grader's error."""
    crash = run.crash
    errors: dict[str, list[str]] = {}
    for what, seconds in (("cells", run.seconds), ("boot", run.boot_seconds)):
        spent = grade.times.setdefault(what, {})
        spent[run.cell] = spent.get(run.cell, 0.0) + seconds
    for entry in run.job.tests:
        record = run.results.get(entry.id)
        if record is None:
            crash = crash or f"no verdict for {entry.id} in {run.cell}"
            grade.results[entry.id, run.cell] = Result(ERROR, text=crash)
            continue
        failure = Failure.from_json(record["failure"]) if record["failure"] else None
        grade.results[entry.id, run.cell] = Result(
            record["verdict"], failure.reason if failure else "", record["text"], failure,
            record["cases"], record["seconds"])
        for what, number in record["counts"].items():
            cell = grade.counts.setdefault(run.cell, {})
            cell[what] = cell.get(what, 0) + number
        if record.get("measurement"):
            grade.measurements.setdefault(entry.id, {})[run.cell] = record["measurement"]
        for what, (number, seconds) in record["spent"].items():
            sums = grade.times.setdefault("rates", {}).setdefault(what, {}).setdefault(
                run.cell, [0, 0.0])
            sums[0] += number
            sums[1] += seconds
        if record["verdict"] == ERROR:
            errors.setdefault(record["text"], []).append(entry.id)
    if crash:
        errors[crash] = []
    log = f" (see {shown(Path(run.log))})" if run.log else ""
    for text, tests in errors.items():
        which = ", ".join(tests[:3]) + (f" and {len(tests) - 3} more" if len(tests) > 3 else "")
        grade.errors.append(f"{which} in {run.cell}: {text}{log}" if which else f"{text}{log}")


def silent(kind: str, run: CellRun, record: dict) -> None:
    """A listener that prints nothing."""


def whole(lab: Lab, options: Options, tests: list[Test] | None = None,
          sources: list[Source] | None = None, listener: Listener = silent,
          logs: Path | None = None, at: Lab | None = None, quick: bool = False,
          split: bool = True) -> Grade:
    """Builds and runs: what the trials use."""
    grade = prepare(lab, tests if tests is not None else lab.tests, options, sources, at)
    run(grade, listener, logs=logs, quick=quick, split=split)
    return grade
