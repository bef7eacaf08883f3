"""The variables of a command: read from the environment, where make puts them, or as NAME=value.

Each bad value is a GraderError that lists the right ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.cells import ARCHES, CELLS, EMUS, WIDTH
from grader.errors import GraderError
from grader.knobs import Knobs

COMPILERS = ("gcc", "clang")
OPTIMISE = ("-O0", "-O2")
SANDBOXES = ("", "bwrap", "container")
PLACES = ("here", "slurm")
# What can also be written with two dashes: --base REV, --base=REV.
FLAGS = {"--base": "BASE_REV", "--head": "HEAD_REV", "--out": "OUT", "--jobs": "JOBS", "--on": "ON",
         "--roster": "ROSTER", "--regrade": "REGRADE"}
# What a command's one word without a name is.
LOOSE = {"class": "SUBMISSIONS"}
# Common words, which mean something else in many an environment: only that command reads them there.
OF_CLASS = ("SUBMISSIONS", "OUT", "JOBS", "ON", "ROSTER", "REGRADE")
CPUS = (1, 2, 3, 4, 5, 6, 7, 8)
NAMES = (
    "LAB", "ARCH", "EMU", "TEST", "FROM", "BASE", "SEED", "CC", "OPT", "CPUS", "CASE", "AS",
    "FORCE", "SCREEN", "RUNS", "STAGE", "SCHEDULES", "SANDBOX", "HIDDEN", "BASE_REV", "HEAD_REV",
    "ARTIFACT", "DEST", "WITH_BASE", "BUNDLE", "SAVE", *OF_CLASS,
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What a person asked for; an empty value means the default."""

    lab: str = ""                      # a number or a name; checked by labs.choose()
    arches: tuple[str, ...] = ARCHES   # the widths to build and grade
    emus: tuple[str, ...] = EMUS
    test: str = ""                     # an exercise, a test id or a test's name
    source: str = "labs"               # FROM: labs, solutions or a folder
    base: dict[int, str] = field(default_factory=dict)   # BASE per lab; 0 is "all the others"
    seed: str = ""                     # hexadecimal; empty: from the student's files
    cc: str = "gcc"
    opt: str = "-O2"
    schedules: int = 0            # of each region, at least; 0: what its test says
    cpus: int = 0                 # 0: as many as the lab wants
    case: str = ""
    as_text: bool = False
    force: bool = False
    screen: bool = False               # run: the VGA screen instead of the serial line
    runs: int = 20                     # soak: how many
    save: bool = False                 # bench: writes the committed figures anew
    stage: str = ""                    # grade: a later lab, whose kernel the tests run on

    sandbox: str = ""                  # how code of others is kept in; pr: bwrap if empty
    hidden: str = ""                   # a folder of tests that the tree does not hold
    base_rev: str = ""                 # pr: the revision that is trusted, ..
    head_rev: str = ""                 # .. and the one that is graded
    artifact: str = ""                 # publish: the report of another job
    dest: str = ""                     # release: the folder that is written
    with_base: int = 0                 # release: labs up to this one go along, compiled
    bundle: str = ""                   # replay: a case that another machine packed
    knobs: Knobs = field(default_factory=Knobs)     # course.toml
    submissions: str = ""              # class: the folder of what was handed in, ..
    out: str = ""                      # .. where all records of the class are kept, ..
    jobs: int = 0                      # .. how many are graded at once; 0: one on each processor
    on: str = "here"                   # .. on this machine, or as a Slurm job array
    roster: str = ""                   # .. a CSV of who is in the class
    regrade: str = ""                  # .. the test that is run again for all

    @property
    def cells(self) -> list[str]:
        """The cells asked for that the course grades, in the order of the report."""
        return [f"{arch}/{emu}" for arch in ARCHES if arch in self.arches
                for emu in EMUS if emu in self.emus
                and f"{arch}/{emu}" in self.knobs.weights]  # fmt: skip

    @property
    def tell(self) -> str:
        """How much a failure tells.  A run that sandboxes the code of others is one of record."""
        return self.knobs.record if self.sandbox else self.knobs.laptop


def gather(arguments: list[str], environment: Mapping[str, str] = os.environ,
           loose: str = "") -> dict[str, str]:
    """The variables of the environment, overruled by NAME=value arguments.

    `loose` is the variable that a word without a name stands for, if the command has one.
    """
    values = {name: environment[name] for name in NAMES
              if environment.get(name) and (loose or name not in OF_CLASS)}
    words = iter(arguments)
    for argument in words:
        name, equals, value = argument.partition("=")
        if name in FLAGS:
            name, value, equals = FLAGS[name], value if equals else next(words, ""), "="
        elif loose and not argument.startswith("-") and name not in NAMES:
            name, value, equals, loose = loose, argument, "=", ""
        if not equals or name not in NAMES:
            raise GraderError(
                f"{argument!r} is not understood: the variables are {', '.join(NAMES)}, "
                "written NAME=value")
        values[name] = value
    return values


def parse(values: Mapping[str, str], knobs: Knobs | None = None) -> Options:
    """Checks each value; LAB, TEST and CASE are checked where the labs are known.

    `knobs` fill in what nobody says.
    """
    knobs = knobs or Knobs()
    sandbox = _one("SANDBOX", values.get("SANDBOX", ""), SANDBOXES)
    options = Options(
        lab=values.get("LAB", ""),
        arches=_subset("ARCH", values.get("ARCH", ""), ARCHES),
        emus=_subset("EMU", values.get("EMU", ""), EMUS),
        test=values.get("TEST", ""),
        source=values.get("FROM") or "labs",
        base=_base(values.get("BASE", ""), knobs.base),
        seed=_seed(values.get("SEED", "")) or (knobs.seed if sandbox else ""),
        cc=_one("CC", values.get("CC") or "gcc", COMPILERS),
        opt=_one("OPT", values.get("OPT") or "-O2", OPTIMISE),
        cpus=_number("CPUS", values["CPUS"], CPUS) if values.get("CPUS") else 0,
        case=values.get("CASE", ""),
        as_text=_one("AS", values.get("AS", ""), ("", "text")) == "text",
        force=_one("FORCE", values.get("FORCE", ""), ("", "0", "1")) == "1",
        screen=_one("SCREEN", values.get("SCREEN", ""), ("", "0", "1")) == "1",
        save=_one("SAVE", values.get("SAVE", ""), ("", "0", "1")) == "1",
        stage=values.get("STAGE", ""),
        sandbox=sandbox,
        hidden=values.get("HIDDEN", ""),
        base_rev=values.get("BASE_REV", ""),
        head_rev=values.get("HEAD_REV", ""),
        artifact=values.get("ARTIFACT", ""),
        submissions=values.get("SUBMISSIONS", ""),
        out=values.get("OUT", ""),
        jobs=_number("JOBS", values["JOBS"], range(1, 1001)) if values.get("JOBS") else 0,
        on=_one("ON", values.get("ON") or "here", PLACES),
        roster=values.get("ROSTER", ""),
        regrade=values.get("REGRADE", ""),
        schedules=_number("SCHEDULES", values.get("SCHEDULES") or "0", range(0, 1_000_000)),
        runs=_number("RUNS", values.get("RUNS") or "20", range(1, 1001)),
        dest=values.get("DEST", ""),
        with_base=_number("WITH_BASE", values.get("WITH_BASE") or "0", range(0, 100)),
        bundle=values.get("BUNDLE", ""),
        knobs=knobs,
    )
    if not options.cells:
        raise GraderError(f"{' '.join(_asked(values))} is not graded in this course: "
                          f"course.toml has {', '.join(knobs.weights)}")
    return options


def _asked(values: Mapping[str, str]) -> list[str]:
    return [f"{name}={values[name]}" for name in ("ARCH", "EMU") if values.get(name)]


def arguments_of(options: Options) -> list[str]:
    """What makes another grader grade the same: the NAME=value words that are not the default."""
    base = ",".join(f"{number}:{place}" if number else place
                    for number, place in options.base.items())
    values = {
        "ARCH": options.arches[0] if len(options.arches) == 1 else "",
        "EMU": options.emus[0] if len(options.emus) == 1 else "",
        "TEST": options.test, "BASE": base, "SEED": options.seed, "CC": options.cc,
        "OPT": options.opt, "CPUS": options.cpus or "", "SCHEDULES": options.schedules or "",
        "AS": "text" if options.as_text else "", "HIDDEN": options.hidden,
        "SANDBOX": options.sandbox,
    }  # fmt: skip
    return [f"{name}={value}" for name, value in values.items() if value]


def _one(name: str, value: str, allowed) -> str:
    if value not in allowed:
        raise GraderError(f"{name}={value} is unknown: {_choices(allowed)}")
    return value


def _subset(name: str, value: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        return allowed
    return (_one(name, value, allowed),)


def _number(name: str, value: str, allowed) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", value) or int(value) not in allowed:
        raise GraderError(f"{name}={value} is not possible: {allowed[0]} to {allowed[-1]}")
    return int(value)


def _seed(value: str) -> str:
    if value and not re.fullmatch(r"[0-9a-fA-F]{1,16}", value):
        raise GraderError(f"SEED={value} is not a seed: up to 16 hexadecimal digits, such as 7c1e")
    return value.lower()


def _base(value: str, policy: str) -> dict[int, str]:
    """"solutions" -> {0: "solutions"}; "1:labs,2:solutions" -> {1: ..., 2: ...}.

    `policy` is for the labs that the value does not name.
    """
    result: dict[int, str] = {}
    for part in filter(None, value.split(",")):
        number, colon, place = part.rpartition(":")
        if colon and not number.isdigit() or not place:
            raise GraderError(
                f"BASE={value} is not understood: labs, solutions, or one a lab such as "
                "1:labs,2:solutions")
        result[int(number) if colon else 0] = place
    if policy == "solutions":
        result.setdefault(0, policy)
    return result


def _choices(allowed) -> str:
    words = [value or "nothing" for value in map(str, allowed)]
    return "it is " + " or ".join(words) if len(words) < 3 else "it is one of " + ", ".join(words)
