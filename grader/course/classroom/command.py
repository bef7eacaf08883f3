"""`python3 -m grader class SUBMISSIONS --out DIR`: everybody's submission, each in its own sandbox.

The same command again goes on where it was left, whatever ended it.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from grader import hidden, processes, sandbox
from grader.build import friendly_errors
from grader.course.classroom import evidence, marks, mistakes, page, roster, slurm
from grader.course.classroom.bar import Bar
from grader.course.classroom.begin import (
    as_begun, check_closed, check_tests, places, record_of)
from grader.course.classroom.intake import read_all
from grader.course.classroom.pool import Pool
from grader.course.classroom.record import Classroom, Record, Submission, grader_hash
from grader.course.classroom.regrade import Regrade
from grader.course.classroom.round import FAILED, Round
from grader.course.mutants import load_mutants
from grader.errors import GraderError
from grader.labs import Lab, choose, find_labs, stage
from grader.options import Options
from grader.paths import make_folder, write_text
from grader.runner import remove_stale_folders, workers


def class_command(options: Options) -> int:
    """Grades a class; 0 done, 2 if somebody's grade is a grader error."""
    place = places(options)
    options = as_begun(place, options)
    people = roster.read(Path(options.roster).expanduser()) if options.roster else {}
    sandbox.use(options.sandbox)
    if options.on == "slurm":
        slurm.require()
    lab = hidden.extend(choose(options.lab, find_labs()), options.hidden)
    check_tests(lab, options)
    with friendly_errors(place):
        room = Classroom(make_folder(place))
        return _on(room, lab, people, options)


def _on(room: Classroom, lab: Lab, people: dict[str, str], options: Options) -> int:
    """Works on a class that nobody else works on."""
    with room.held():
        record = record_of(room, lab, options)
        check_closed(room, options)
        work = Round(room.grades, tuple(record.words))
        bar = Bar(processes.on_terminal())
        try:
            _wait_for_tasks(room, record, bar)
            left = _intake(room, record, lab, options, bar)
            if options.regrade:
                return _regrade(room, record, work, lab, people, options, bar)
            _grade_all(room, record, work, options, bar)
        except KeyboardInterrupt:
            bar.erase()
            done = sum(1 for each in _gradable(record) if work.outcome(each.id, each.digest))
            print(f"stopped: {done} of {len(_gradable(record))} are graded; the same command goes "
                  "on from here", flush=True)
            raise
        finally:
            bar.erase()
        return _report(room, record, work, lab, people, left)


def task_command(options: Options) -> int:
    """One task of a Slurm job array: grades its share."""
    room = Classroom(Path(options.out))
    record = room.load()
    if record is None:
        raise GraderError("class-task is what `class --on slurm` starts, and not a command for people")
    work, idents = slurm.share_of_task(room)
    sandbox.use(_word(record, "SANDBOX"))
    slurm.stay_on_own_cpus()
    remove_stale_folders()
    Pool(room, work, 1, lambda kind, names: None).run(record.submissions[i] for i in idents)
    return 0


def _word(record: Record, name: str) -> str:
    """The value of a variable of the class, or ""."""
    return next((word.partition("=")[2] for word in record.words if word.startswith(f"{name}=")), "")


def _wait_for_tasks(room: Classroom, record: Record, bar: Bar) -> None:
    """The tasks of a command that was killed grade on: nothing is read or begun meanwhile."""
    if not (room.place / "slurm").is_dir() or any(shutil.which(t) is None for t in slurm.TOOLS):
        return
    try:
        running = slurm.queued(record)
    except GraderError:
        return
    if running:
        print("tasks of this class are still in Slurm's queue: waits for them", flush=True)
        bar.begin("waiting", 0, running)
        slurm.wait(record, lambda kind, names: bar.at(0, names))


def _intake(room: Classroom, record: Record, lab: Lab, options: Options, bar: Bar) -> dict[str, str]:
    """Reads what was handed in; grades of files that have changed are put aside."""
    remove_stale_folders()
    for pattern in ("*/.new-*", "*/*/.new-*"):      # what a kill left half written
        for path in room.place.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)
    if not options.submissions:
        return {}
    every = find_labs()
    labs = [each for each in stage(lab, every) if each.number == lab.number or
            (options.base.get(each.number) or options.base.get(0, "labs")) == "labs"]
    source = Path(options.submissions).expanduser().resolve()
    bar.begin("reading", 0, 0)

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.at(done)

    fresh, left = read_all(room, source, labs, every, progress)
    bar.erase()
    for ident, each in record.submissions.items():
        fresh.setdefault(ident, replace(each, gone=True))
    record.submissions = dict(sorted(fresh.items()))
    for each in record.submissions.values():
        if (room.grades / each.id).exists() and not Round(room.grades, ()).outcome(
                each.id, each.digest):
            room.supersede(each.id)
    room.save(record)
    for name, why in left.items():
        print(f"no submission: {name} ({why})", flush=True)
    return left


def _gradable(record: Record) -> list[Submission]:
    return [each for each in record.submissions.values() if each.digest]


def _grade_all(room: Classroom, record: Record, work: Round, options: Options, bar: Bar) -> None:
    """Grades who has no grade yet; with FORCE=1 also those whose grade is a grader error."""
    if options.force:
        for each in _gradable(record):
            outcome = work.outcome(each.id, each.digest)
            if outcome and outcome["state"] == FAILED:
                room.supersede(each.id)
                work.forget_lost(each.id)
    left = [each for each in _gradable(record) if not work.outcome(each.id, each.digest)]
    if left and record.grader != grader_hash():
        if len(left) < len(_gradable(record)):
            raise GraderError(f"the grader or the kernel has changed since {room.place} was begun, and "
                              f"{len(left)} are not graded yet: go back to that tree, or grade all "
                              "with another --out")
        record.grader = grader_hash()
        room.save(record)
    print(f"class: lab {record.lab}, {len(record.submissions)} submissions, "
          f"{len(left)} to grade, seed {record.seed}", flush=True)
    _run(room, record, work, left, options, bar, "grading")


def _run(room: Classroom, record: Record, work: Round, left: list[Submission], options: Options,
         bar: Bar, what: str) -> None:
    """Grades these, here or through Slurm."""
    if not left:
        return
    work.folder.mkdir(parents=True, exist_ok=True)
    bar.begin(what, 0, len(left))

    def listen(kind: str, names: list[str]) -> None:
        done = bar.done
        if kind != "tick" or options.on == "slurm":
            done = sum(1 for each in left if (work.folder / each.id).exists())
        bar.at(done, names)

    if options.on == "slurm":
        slurm.run(room, record, work, left, options.jobs, listen)
    else:
        Pool(room, work, options.jobs or workers(), listen).run(left)
    bar.erase()


def _regrade(room: Classroom, record: Record, work: Round, lab: Lab, people: dict[str, str],
             options: Options, bar: Bar) -> int:
    """Runs one test again for all, and prints the scores that moved."""
    regrade = Regrade(room, record, options.regrade, grader_hash())
    chosen = regrade.submissions(work)
    left = [each for each in chosen if not regrade.work.outcome(each.id, each.digest)]
    print(f"regrade: {options.regrade} of lab {record.lab}, {len(chosen)} with a grade, {len(left)} "
          f"to run, seed {record.seed}", flush=True)
    _run(room, record, regrade.work, left, options, bar, "regrading")
    moved, failed = regrade.finish(chosen)
    for line in [*moved, *failed]:
        print(line)
    print(f"{len(moved)} of {len(chosen)} scores moved")
    _write(room, record, work, lab, people)
    return 2 if failed else 0


def _report(room: Classroom, record: Record, work: Round, lab: Lab, people: dict[str, str],
            left: dict[str, str]) -> int:
    """Writes marks.csv, table.txt and index.html; prints the table."""
    rows = _write(room, record, work, lab, people)
    print("\n".join(["", *marks.table(rows), "", marks.summary(rows)]))
    if people:
        strangers = [row.id for row in rows if row.id not in people]
        if strangers:
            print(f"not on the roster: {', '.join(strangers)}")
    print(f"written: {room.place}/index.html, marks.csv, table.txt")
    failed = [row.id for row in rows if row.state in (FAILED, marks.WAITING)]
    if failed:
        print(f"no verdict for {', '.join(failed)}: the same command with FORCE=1 grades them again")
    return 2 if failed else 0


def _write(room: Classroom, record: Record, work: Round, lab: Lab,
           people: dict[str, str]) -> list[marks.Row]:
    rows = marks.rows(room, record, work, people)
    wrong = [m for m in load_mutants(lab) if not m.forger]
    text = page.convert(lab, record, rows, mistakes.failing(lab, rows, wrong),
                        mistakes.mistakes(rows, wrong), evidence.gather(room, record, lab))
    write_text(room.place / "index.html", text)
    write_text(room.place / "marks.csv", marks.marks_csv(rows))
    write_text(room.place / "table.txt", "\n".join([*marks.table(rows), "", marks.summary(rows), ""]))
    return rows
