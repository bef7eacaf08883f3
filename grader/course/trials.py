"""The grader on trial: references 100, skeletons 0, mutants dead, alternates 100, forgers 0."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from grader import build as building
from grader import evaluate, processes
from grader.cells import ARCHES
from grader.course import mutanttable
from grader.course.mutants import Mutant, apply, load_alternates, load_mutants
from grader.course.skeleton import generate
from grader.errors import GraderError
from grader.evaluate import Grade
from grader.labs import Lab, choose, find_labs, stage, used
from grader.options import Options
from grader.paths import report_dir, shown, write_text
from grader.progress import Progress
from grader.report import style
from grader.runner import CellRun, workers
from grader.sources import Source
from grader.verdict import ERROR, FAIL, NOT_BUILT, NOT_WRITTEN, PASS

FILE_NAME = str.maketrans(" /:'", "----")
KILLED, ALIVE, BROKEN = "killed", "ALIVE", "BROKEN"


@dataclass
class Trial:
    """One thing that was tried: `problems` is empty if it went as it must."""

    kind: str                     # reference, skeleton, first exercise, alternate, forger, mutant
    lab: int
    name: str
    beside: bool = False          # others are tried at the same time
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    outcomes: dict[str, dict[str, str]] = field(default_factory=dict)   # test -> cell -> outcome

    @property
    def good(self) -> bool:
        return not self.problems

    @property
    def logs(self) -> Path:
        """Where the workers' logs are while it runs, and if it did not go well."""
        name = f"lab{self.lab}-{self.kind}-{self.name}".translate(FILE_NAME)
        return report_dir() / "trials" / name

    def line(self) -> str:
        """"ok    lab1 mutant 1.2    3.1 s"."""
        mark = "ok    " if self.good else "FAILED"
        return f"{mark} lab{self.lab} {self.kind} {self.name}".ljust(66) + f"{self.seconds:6.1f} s"


class Job(NamedTuple):
    """A trial that has not begun."""

    kind: str
    name: str
    run: Callable[[Trial, Options], None]
    arches: tuple[str, ...] = ARCHES            # where it is worth a trial


def labs_of(options: Options) -> list[Lab]:
    """LAB, or every lab that has a reference."""
    labs = find_labs()
    if options.lab:
        return [choose(options.lab, labs)]
    return [lab for lab in used(labs).values() if (lab.root / "solutions" / lab.slug).is_dir()]


def reference_options(options: Options) -> Options:
    """The same, with the reference as source."""
    return replace(options, source="solutions", base={}, test="")


def run_all(lab: Lab, options: Options, kinds: tuple[str, ...], one_cell: bool = False,
            seeds: list[str] | None = None) -> Iterator[Trial]:
    """Runs the trials of the kinds asked for.  Wrong answers, which need few tests, are tried side by
    side, one on each processor; all else one after the other, each on all processors.

    With `one_cell` all but the reference and the skeleton are tried side by side and in one cell each.
    They take turns, so each of them always has the same.  And only so many wrong answers that each test
    that catches one has caught one, and what is later above the references alone.
    With `seeds` a wrong answer must be caught with each of them.
    """
    wanted = options.test
    options = reference_options(options)
    if "reference" in kinds:
        yield _timed(Job("reference", "100 points", lambda t, o: _reference(t, lab, o)), lab, options)
    if "skeleton" in kinds:
        for cc in ("gcc", "clang"):
            yield _timed(Job("skeleton", f"0 points, {cc} without a warning",
                             lambda t, o: _skeleton(t, lab, o)), lab, replace(options, cc=cc))
    mutants: list[Job] = []
    others: list[Job] = []
    if "first exercise" in kinds:
        others.append(Job("first exercise", "alone gives its points",
                          lambda t, o: _first_exercise(t, lab, o)))
    if "alternate" in kinds:
        others += [Job("alternate", each.name, lambda t, o, e=each: _reference(
                    t, lab, replace(o, source=str(e.folder), base=e.base), e.without), each.arches)
                   for each in load_alternates(lab) if wanted in ("", each.name)]
    if "later" in kinds and not wanted:
        others += _later(lab, one_cell)
    for number, mutant in enumerate(_each_test_once(lab, options) if one_cell else load_mutants(lab)):
        if wanted and wanted not in (mutant.id, *mutant.killed_by):
            continue
        if mutant.forger and "forger" in kinds:
            others.append(Job("forger", mutant.id, lambda t, o, m=mutant: _forger(t, lab, m, o)))
        elif not mutant.forger and "mutant" in kinds:
            mutant = _in_one_cell(mutant, options, number) if one_cell else mutant
            mutants.append(Job("mutant", mutant.id,
                               lambda t, o, m=mutant: _mutant(t, lab, m, o, seeds)))
    beside = [(mutant, options) for mutant in mutants]
    if one_cell:
        beside = [(job, _in_turn(options, number, job.arches)) for number, job in enumerate(others)] + beside
    else:
        for job in others:
            yield _timed(job, lab, options)
    yield from _side_by_side(lab, beside)


def _side_by_side(lab: Lab, jobs: list[tuple[Job, Options]]) -> Iterator[Trial]:
    """Runs trials, as many at once as there are processors; gives them in their order."""
    pool = ThreadPoolExecutor(max_workers=workers())
    try:
        for future in [pool.submit(_timed, job, lab, options, True) for job, options in jobs]:
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_turn(options: Options, number: int, arches: tuple[str, ...]) -> Options:
    """The same in one cell, of these widths where there are any: the one whose turn it is."""
    cells = [cell for cell in options.cells if cell.split("/")[0] in arches] or options.cells
    arch, emu = cells[number % len(cells)].split("/")
    return replace(options, arches=(arch,), emus=(emu,))


def _later(lab: Lab, one_cell: bool) -> list[Job]:
    """On the kernel of this lab's stage: the tests of each earlier lab, for its reference and for its
    alternates; and this lab's own tests, with each of those alternates below it.  With `one_cell` only
    references, and only of labs whose tests are short.
    """
    jobs: list[Job] = []
    for earlier in stage(lab, find_labs())[:-1]:
        if one_cell and earlier.explores:
            continue
        jobs.append(Job("later", f"lab{earlier.number} reference: its own tests",
                        lambda t, o, e=earlier: _reference(t, e, o, at=lab)))
        for each in () if one_cell else load_alternates(earlier):
            jobs.append(Job("later", f"lab{earlier.number} {each.name}: its own tests",
                            lambda t, o, e=earlier, a=each: _reference(
                                t, e, replace(o, source=str(a.folder), base=a.base), a.without,
                                at=lab)))
            jobs.append(Job("later", f"lab{earlier.number} {each.name}: lab{lab.number}'s tests",
                            lambda t, o, e=earlier, a=each: _reference(t, lab, replace(
                                o, base={e.number: str(a.folder)},
                                arches=o.arches[:1] if lab.explores else o.arches))))
    return jobs


def _each_test_once(lab: Lab, options: Options) -> list[Mutant]:
    """The forgers, and few wrong answers of which each test that catches one, in these cells, catches
    one: always the one next that most of the other tests catch."""
    mutants = load_mutants(lab)
    left = [mutant for mutant in mutants
            if not mutant.forger and set(mutant.cells) & set(options.cells)]
    missing = {test for mutant in left for test in mutant.killed_by}
    chosen = set()
    while missing:
        best = max(left, key=lambda mutant: len(missing & set(mutant.killed_by)))
        chosen.add(best.id)
        missing -= set(best.killed_by)
    return [mutant for mutant in mutants if mutant.forger or mutant.id in chosen]


def _in_one_cell(mutant: Mutant, options: Options, number: int) -> Mutant:
    """The same, to be killed in one of its cells: the one whose turn it is."""
    cells = [cell for cell in options.cells if cell in mutant.cells]
    return replace(mutant, cells=(cells[number % len(cells)],)) if cells else mutant


class _Watch(Progress):
    """A sign of life that disappears when a trial is over."""

    def __call__(self, kind: str, run: CellRun, record: dict) -> None:
        super().__call__(kind, run, record)
        if kind == "finished":
            self.erase()


def watch() -> Progress:
    """What the person who waits for a trial sees."""
    return _Watch(processes.on_terminal(), style.for_terminal(), announce=False, every=20.0)


def _timed(job: Job, lab: Lab, options: Options, beside: bool = False) -> Trial:
    trial = Trial(job.kind, lab.number, job.name, beside)
    started = time.monotonic()
    try:
        job.run(trial, options)
    except GraderError as error:
        trial.problems.append(str(error))
    trial.seconds = time.monotonic() - started
    if not trial.problems:
        shutil.rmtree(trial.logs, ignore_errors=True)
    return trial


def _grade(trial: Trial, lab: Lab, options: Options, **how) -> Grade:
    """Grades all tests of a lab.  Beside others with one worker a cell, and without a word."""
    grade = evaluate.whole(lab, options, listener=evaluate.silent if trial.beside else watch(),
                           logs=trial.logs, split=not trial.beside, **how)
    trial.problems += grade.errors
    return grade


def _reference(trial: Trial, lab: Lab, options: Options, without: tuple[str, ...] = (),
               at: Lab | None = None) -> None:
    """Every test passes in every cell, and nothing warns.

    The exercises in `without` are a bonus that the design cannot earn: each must fail somewhere.
    """
    grade = _grade(trial, lab, options, at=at)
    trial.problems += [f"warning: {w}" for b in grade.builds.values() for w in b.warnings]
    missing = set(without)
    for (test, cell), result in grade.results.items():
        exercise = lab.test(test).exercise
        if result.verdict == FAIL and exercise in without:
            missing.discard(exercise)
        elif result.verdict == FAIL:
            trial.problems.append(f"{test} fails in {cell}: {result.text or result.reason}")
    trial.problems += [f"{ident} passes everywhere, though `without` names it" for ident in missing]


def _skeleton_sources(lab: Lab, options: Options, written: frozenset[str]) -> list[Source]:
    """The reference's earlier labs and this lab's skeleton."""
    *earlier, own = evaluate.gather_sources(lab, options)
    files = {name: data for name, data in generate(lab, written).items() if name in own.files}
    return [*earlier, Source(lab, f"labs/{lab.slug}", f"labs/{lab.slug}", files, ())]


def _skeleton(trial: Trial, lab: Lab, options: Options) -> None:
    """No point anywhere, no emulator started, every test says what is missing and where.  Where a bug
    is planted, every test finds it."""
    grade = _grade(trial, lab, options, sources=_skeleton_sources(lab, options, frozenset()))
    for arch, build in grade.builds.items():
        trial.problems += [f"{arch}: {w}" for w in [build.problem, *build.warnings] if w]
    for (test, cell), result in grade.results.items():
        if lab.exercise(lab.test(test).exercise).planted:
            if _outcome(result) != KILLED:
                trial.problems.append(f"{test} in {cell} does not find the bug that is planted")
        elif result.reason != NOT_WRITTEN:
            trial.problems.append(f"{test} in {cell} is {result.verdict} {result.reason}, "
                                  "not `not written yet`")


def _first_exercise(trial: Trial, lab: Lab, options: Options) -> None:
    """With the first exercise written and nothing else, its points are given."""
    first = lab.exercises[0]
    sources = _skeleton_sources(lab, options, frozenset([first.id]))
    grade = _grade(trial, lab, options, sources=sources)
    for test in first.tests:
        for cell in grade.cells:
            result = grade.results.get((test.id, cell))
            if result and result.verdict != PASS:
                trial.problems.append(f"{test.id} in {cell}: {result.text or result.reason}")


def mutated(lab: Lab, mutant: Mutant, options: Options) -> list[Source]:
    """The reference with a wrong answer in it."""
    *earlier, own = evaluate.gather_sources(lab, options)
    return [*earlier, apply(mutant, own)]


def _forger(trial: Trial, lab: Lab, mutant: Mutant, options: Options) -> None:
    """No test passes anywhere."""
    grade = _grade(trial, lab, options, sources=mutated(lab, mutant, options), quick=True)
    trial.problems += [build.problem for build in grade.builds.values() if build.problem]
    for (test, cell), result in grade.results.items():
        if result.verdict == PASS and lab.test(test).points:
            trial.problems.append(f"{test} passes in {cell}")
    _forget(grade)


def _mutant(trial: Trial, lab: Lab, mutant: Mutant, options: Options,
            seeds: list[str] | None = None) -> None:
    """Each test that it names fails, in each cell that it names, and with each seed."""
    tests = [test for test in lab.tests if test.id in mutant.killed_by]
    for cell, reason in mutant.not_shown.items():
        for test in tests:
            trial.outcomes.setdefault(test.id, {})[cell] = f"not shown: {reason}"
    cells = [cell for cell in options.cells if cell in mutant.cells]
    if not cells:
        return
    grade = evaluate.prepare(lab, tests, options, mutated(lab, mutant, options))
    grade.cells = cells
    evaluate.run(grade, evaluate.silent, logs=trial.logs, quick=True, seeds=seeds, everywhere=True)
    for test in tests:
        for cell in cells:
            result = grade.results.get((test.id, cell))
            if result is None:
                continue
            outcome = _outcome(result)
            trial.outcomes.setdefault(test.id, {})[cell] = outcome
            if outcome != KILLED:
                said = result.text or result.reason or "it passes"
                trial.problems.append(f"{test.id} in {cell}: {outcome}: {said}")
    trial.problems += grade.errors
    _forget(grade)


def _outcome(result: evaluate.Result) -> str:
    if result.verdict == FAIL and result.reason not in (NOT_BUILT, NOT_WRITTEN):
        return KILLED
    return BROKEN if result.verdict in (ERROR, FAIL) else ALIVE


def _forget(grade: Grade) -> None:
    """Removes the build folders of a mutant: there are many."""
    for build in grade.builds.values():
        if build.folder.is_dir():
            with building.locked(build.folder):     # another trial may be copying it
                shutil.rmtree(build.folder, ignore_errors=True)


def mutants_command(options: Options) -> int:
    """Every mutant, forger and alternate; prints the table and writes it for the docs."""
    good = True
    for lab in labs_of(options):
        trials: list[Trial] = []
        for trial in run_all(lab, options, ("mutant", "forger", "alternate")):
            print_trial(trial)
            trials.append(trial)
        mutants = {mutant.id: mutant for mutant in load_mutants(lab)}
        lines = mutanttable.table(lab, mutants, trials)
        print("\n".join(lines), flush=True)
        save(lab, mutants, trials)
        good = good and all(trial.good for trial in trials)
    return 0 if good else 1


def print_trial(trial: Trial) -> None:
    """One line, and the first problems below it."""
    print(trial.line().rstrip(), flush=True)
    for problem in trial.problems[:4]:
        print(f"         {problem}", flush=True)


def save(lab: Lab, mutants: dict[str, Mutant], trials: list[Trial]) -> None:
    """Writes build/report/mutants.json and the docs' fragment, mutants-labN.rst."""
    data = {"schema": "corral/mutants/v1", "lab": lab.number, "mutants": [
        {"id": t.name, "kind": t.kind, "good": t.good, "problems": t.problems,
         "story": mutants[t.name].story if t.name in mutants else "", "outcomes": t.outcomes}
        for t in trials]}
    write_text(report_dir() / "mutants.json", json.dumps(data, indent=1) + "\n")
    page = report_dir() / f"mutants-lab{lab.number}.rst"
    write_text(page, mutanttable.fragment(lab, mutants, trials))
    print(f"written: {shown(report_dir() / 'mutants.json')}, {shown(page)}")
