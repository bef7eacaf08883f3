"""course.toml: what an instructor may set, in one file at the top of the tree.

Without the file everything is as the labs have it.  A knob that is unknown, or a value that is not
possible, is a GraderError of one sentence that names the right ones.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from grader.cells import ARCHES, CELLS
from grader.errors import GraderError
from grader.paths import ROOT

NAME = "course.toml"
FULL, PLACE, VERDICT = "full", "place", "verdict"
LEVELS = (FULL, PLACE, VERDICT)
BASES = ("labs", "solutions")
READERS = ("laptop", "record")
MOST_WEIGHT = 100
MOST_POINTS = 5         # of one test, as in lab.toml
MOST_BONUS = 1000
MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Knobs:
    """What the file says; the defaults are what holds without it."""

    labs: tuple[int, ...] = ()               # the labs of this course; empty: all
    weights: dict[str, Fraction] = field(    # of the cells that are graded, in the report's order
        default_factory=lambda: dict.fromkeys(CELLS, Fraction(1)))
    points: dict[str, Fraction] = field(default_factory=dict)    # of a test, over lab.toml's
    bonus_cap: Fraction | None = None        # the most that bonuses add to one lab
    laptop: str = FULL                       # how much a failure tells a student ..
    record: str = FULL                       # .. and the files that marks are taken from
    base: str = "labs"                       # what BASE is, if nobody says
    seed: str = ""                           # of runs of record
    hash: str = ""                           # SHA-256 of the file; empty: there is none

    @property
    def arches(self) -> tuple[str, ...]:
        """The widths in which something is graded."""
        return tuple(arch for arch in ARCHES
                     if any(cell.startswith(f"{arch}/") for cell in self.weights))

    def uses(self, number: int) -> bool:
        """Whether a lab is part of the course."""
        return not self.labs or number in self.labs


def place() -> Path:
    """Where the file is.  CORRAL_COURSE names another, such as one that students do not have."""
    return Path(os.environ.get("CORRAL_COURSE") or ROOT / NAME).expanduser()


def load(path: Path | None = None) -> Knobs:
    """The knobs of the file; the defaults if there is none."""
    named = path or os.environ.get("CORRAL_COURSE")
    path = path or place()
    try:
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES)
        table = tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError:
        if named:
            raise GraderError(f"CORRAL_COURSE={path} is not there: name a file like {NAME}"
                              ) from None
        return Knobs()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise GraderError(f"{path.name} cannot be read: {words}") from None
    return _checked(table, path.name, hashlib.sha256(data).hexdigest())


def _checked(table: dict[str, Any], name: str, digest: str) -> Knobs:
    """The table as knobs."""
    reader = _Reader(name)
    reader.known(table, "", ("labs", "widths", "cells", "points", "bonus_cap", "tell", "base",
                             "seed"))
    tell = reader.table(table, "tell")
    reader.known(tell, "tell", READERS)
    return Knobs(
        labs=reader.labs(table.get("labs", [])),
        weights=reader.weights(table),
        points={test: reader.number(f"points.{test}", value, MOST_POINTS)
                for test, value in reader.table(table, "points").items()},
        bonus_cap=reader.number("bonus_cap", table["bonus_cap"], MOST_BONUS)
        if "bonus_cap" in table else None,
        laptop=reader.one("tell.laptop", tell.get("laptop", FULL), LEVELS),
        record=reader.one("tell.record", tell.get("record", FULL), LEVELS),
        base=reader.one("base", table.get("base", "labs"), BASES),
        seed=reader.seed(table.get("seed", "")), hash=digest)


class _Reader:
    """Takes values out of the file; says which knob is wrong and what it may be."""

    def __init__(self, name: str):
        self.name = name

    def fail(self, knob: str, value: Any, right: str):
        raise GraderError(f"{self.name}: {knob} = {_shown(value)} is not possible: {right}")

    def known(self, table: dict[str, Any], inside: str, names: tuple[str, ...]) -> None:
        for key in table:
            if key not in names:
                where = f"[{inside}] " if inside else ""
                raise GraderError(f"{self.name}: {where}{_shown(key)} is no knob: the knobs "
                                  f"{'there ' if inside else ''}are {', '.join(names)}")

    def table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            self.fail(key, value, f"it is a table, [{key}]")
        return value

    def one(self, knob: str, value: Any, allowed: tuple[str, ...]) -> str:
        if value not in allowed or not isinstance(value, str):
            self.fail(knob, value, f"it is one of {', '.join(allowed)}")
        return value

    def number(self, knob: str, value: Any, most: int) -> Fraction:
        right = f"it is a number from 0 to {most}"
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
            self.fail(knob, value, right)
        return Fraction(str(value))

    def labs(self, value: Any) -> tuple[int, ...]:
        if not isinstance(value, list) or not all(type(each) is int for each in value) \
                or len(set(value)) != len(value):
            self.fail("labs", value, "it is a list of different numbers, such as [1, 2, 3]")
        return tuple(sorted(value))

    def seed(self, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9a-fA-F]{0,16}", value):
            self.fail("seed", value, 'it is up to 16 hexadecimal digits in quotes, such as "7c1e"')
        return value.lower()

    def weights(self, table: dict[str, Any]) -> dict[str, Fraction]:
        """Of the cells that are graded: those of `widths`, without those of weight 0."""
        widths = table.get("widths", list(ARCHES))
        if not isinstance(widths, list) or not widths:
            self.fail("widths", widths, f"it is a list of one or more of {', '.join(ARCHES)}")
        for width in widths:
            self.one("widths", width, ARCHES)
        given = self.table(table, "cells")
        self.known(given, "cells", CELLS)
        for cell, value in given.items():
            if cell.split("/")[0] not in widths:
                self.fail(f'cells."{cell}"', value, "`widths` leaves this width out")
        found = {cell: self.number(f'cells."{cell}"', given.get(cell, 1), MOST_WEIGHT)
                 for cell in CELLS if cell.split("/")[0] in widths}
        if not any(found.values()):
            raise GraderError(f"{self.name}: [cells] gives every cell the weight 0: give one of "
                              f"{', '.join(found)} more")
        return {cell: weight for cell, weight in found.items() if weight}


def _shown(value: Any) -> str:
    """A value as one short line."""
    text = "".join(c if c.isprintable() else "?" for c in
                   (value if isinstance(value, str) else repr(value)))
    return text if len(text) <= 60 else text[:58] + ".."
