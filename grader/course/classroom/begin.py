"""What is asked for, checked before anything is read: folders, tests, and what the class was begun with."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from grader import hidden, sandbox
from grader.course.classroom.record import Classroom, Record, grader_hash
from grader.errors import GraderError
from grader.labs import Lab, choose, find_labs, select
from grader.options import Options, arguments_of, parse
from grader.paths import ROOT

# What belongs to a class: a later command need not say it again.
OF_THE_CLASS = ("lab", "arches", "emus", "test", "base", "seed", "cc", "opt", "cpus", "schedules",
                "as_text", "hidden", "sandbox")


def places(options: Options) -> Path:
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


def check_tests(lab: Lab, options: Options) -> None:
    """A wrong TEST is said once, and not by everybody's grade."""
    for wanted in filter(None, (options.test, options.regrade)):
        tests = select(lab, wanted)
        if not any(cell in test.cells for test in tests for cell in options.cells):
            raise GraderError(f"{wanted} does not run in {', '.join(options.cells)}: {tests[0].why}")


def check_closed(room: Classroom, options: Options) -> None:
    """Where the container is all that keeps code in, it must not be able to read these."""
    hidden.check_place(options.hidden)
    if options.sandbox != sandbox.CONTAINER:
        return
    for path in filter(None, (room.place, ROOT, options.submissions)):
        if sandbox.readable(Path(path)):
            raise GraderError(f"{path} can be read by the uid that compiles the code of others: "
                              f"chmod 700 {path}")


def as_begun(place: Path, options: Options) -> Options:
    """The options with those of the class, if it was begun before: what is said must be the same."""
    hidden_place = str(Path(options.hidden).expanduser().resolve()) if options.hidden else ""
    base = {number: where if where in ("labs", "solutions") else
            str(Path(where).expanduser().resolve()) for number, where in options.base.items()}
    options = replace(options, hidden=hidden_place, base=base)
    known = Classroom(place).load()
    if known is None:
        return replace(options, sandbox=options.sandbox or sandbox.BWRAP,
                       seed=options.seed or options.knobs.seed or secrets.token_hex(4))
    said = [word for word in arguments_of(options) if word not in arguments_of(Options())]
    if options.lab:
        said.append(f"LAB={choose(options.lab, find_labs()).number}")
    if set(said) - set(known.words):
        raise GraderError(f"{place} was begun with {' '.join(known.words)}: say the same or nothing, or "
                          "name another folder with --out")
    begun = parse(dict(word.split("=", 1) for word in known.words))
    return replace(options, **{each: getattr(begun, each) for each in OF_THE_CLASS})


def record_of(room: Classroom, lab: Lab, options: Options) -> Record:
    """The class as it was begun, or a new one."""
    known = room.load()
    if known is None:
        known = Record(lab.number, [f"LAB={lab.number}", *arguments_of(options)], options.seed,
                       grader_hash())
        room.save(known)
    return known
