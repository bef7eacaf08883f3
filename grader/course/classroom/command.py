"""`python3 -m grader class SUBMISSIONS --out DIR`: everybody's submission, each in its own sandbox.

The same command again goes on where it was left, whatever ended it.
"""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from pathlib import Path

from grader import hidden, processes, sandbox
from grader.course.classroom import evidence, marks, mistakes, page, roster, slurm
from grader.course.classroom.bar import Bar
from grader.course.classroom.intake import read_all
from grader.course.classroom.pool import Pool, jobs_here
from grader.course.classroom.record import Classroom, Record, Submission, grader_hash
from grader.course.classroom.regrade import Regrade
from grader.course.classroom.round import FAILED, Round
from grader.course.mutants import load_mutants
from grader.errors import GraderError
from grader.labs import Lab, choose, find_labs, select, stage
from grader.options import Options, arguments_of, parse
from grader.paths import ROOT, make_folder, write_text
from grader.runner import remove_stale_folders

# What belongs to a class: a later command need not say it again.
OF_THE_CLASS = ("lab", "arches", "emus", "test", "base", "seed", "cc", "opt", "cpus", "schedules",
                "as_text", "hidden", "sandbox")


def class_command(options: Options) -> int:
    """Grades a class; 0 done, 2 if somebody's grade is a grader error."""
    place = _places(options)
    options = _as_begun(place, options)
    people = roster.read(Path(options.roster).expanduser()) if options.roster else {}
    sandbox.use(options.sandbox)
    if options.on == "slurm":
        slurm.require()
    lab = hidden.extend(choose(options.lab, find_labs()), options.hidden)
    _check_tests(lab, options)
    room = Classroom(make_folder(place))
    with room.held():
        record = _record(room, lab, options)
        _check_closed(room, options)
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


def _places(options: Options) -> Path:
    """The folder of --out; GraderError if a folder is wrong or missing."""
    if not options.out:
        raise GraderError("say where the records of the class are kept: --out DIR")
    if not options.submissions and not options.regrade:
        raise GraderError("say where the submissions are: python3 -m grader class SUBMISSIONS/ --out "
                          "DIR")
    place = Path(options.out).expanduser().resolve()
    if options.submissions:
        source = Path(options.submissions).expanduser().resolve()
        if place.is_relative_to(source) or source.is_relative_to(place):
            raise GraderError(f"--out {options.out} and SUBMISSIONS={options.submissions} lie in each "
                              "other: choose a folder elsewhere")
        if not source.is_dir():
            raise GraderError(f"SUBMISSIONS={options.submissions} is no folder: it holds one folder, "
                              ".zip or .tar.gz for each student")
    if place.exists() and not place.is_dir():
        raise GraderError(f"--out {options.out} is a file: name a folder")
    if place.is_dir() and not (place / "class.json").exists() and (
            {path.name for path in place.iterdir()} - {"lock"}):
        raise GraderError(f"--out {options.out} holds other things, and no class: name a new folder")
    if options.regrade and not (place / "class.json").exists():
        raise GraderError(f"--out {options.out} holds no grades: grade the class first, without "
                          "--regrade")
    return place


def _check_tests(lab: Lab, options: Options) -> None:
    """A wrong TEST is said once, and not by everybody's grade."""
    for wanted in filter(None, (options.test, options.regrade)):
        tests = select(lab, wanted)
        if not any(cell in test.cells for test in tests for cell in options.cells):
            raise GraderError(f"{wanted} does not run in {', '.join(options.cells)}: {tests[0].why}")


def _check_closed(room: Classroom, options: Options) -> None:
    """Where the container is all that keeps code in, it must not be able to read these."""
    hidden.check_place(options.hidden)
    if options.sandbox != sandbox.CONTAINER:
        return
    for path in filter(None, (room.place, ROOT, options.submissions)):
        if sandbox.readable(Path(path)):
            raise GraderError(f"{path} can be read by the uid that compiles the code of others: "
                              f"chmod 700 {path}")


def _as_begun(place: Path, options: Options) -> Options:
    """The options with those of the class, if it was begun before: what is said must be the same."""
    hidden_place = str(Path(options.hidden).expanduser().resolve()) if options.hidden else ""
    base = {number: where if where in ("labs", "solutions") else
            str(Path(where).expanduser().resolve()) for number, where in options.base.items()}
    options = replace(options, hidden=hidden_place, base=base)
    known = Classroom(place).load()
    if known is None:
        return replace(options, sandbox=options.sandbox or sandbox.BWRAP,
                       seed=options.seed or secrets.token_hex(4))
    said = [word for word in arguments_of(options) if word not in arguments_of(Options())]
    if options.lab:
        said.append(f"LAB={choose(options.lab, find_labs()).number}")
    if set(said) - set(known.words):
        raise GraderError(f"{place} was begun with {' '.join(known.words)}: say the same or nothing, or "
                          "name another folder with --out")
    begun = parse(dict(word.split("=", 1) for word in known.words))
    return replace(options, **{each: getattr(begun, each) for each in OF_THE_CLASS})


def _record(room: Classroom, lab: Lab, options: Options) -> Record:
    """The class as it was begun, or a new one."""
    known = room.load()
    if known is None:
        known = Record(lab.number, [f"LAB={lab.number}", *arguments_of(options)], options.seed,
                       grader_hash())
        room.save(known)
    return known


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
    for path in room.place.glob("*/.new-*"):
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
        Pool(room, work, options.jobs or jobs_here(), listen).run(left)
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
