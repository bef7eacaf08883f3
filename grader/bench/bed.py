"""A parked machine to measure on: what one CPU executes from here to there."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from grader.errors import GraderError
from grader.explore.scene import Scene
from grader.machine.machine import Machine
from grader.machine.types import ADDRESS, BUDGET, Snap

LIMIT = 200_000         # instructions; a path that needs more is not one of these
SEED = 1                # of the registers of ring 3, which cost nothing


@dataclass
class Bed:
    """Takes the place of a test's cell: `machine`, `random` and `subject` are what a Scene wants."""

    machine: Machine
    parked: Snap
    subject: int = 0
    replay: Any = None
    random: random.Random = random.Random(SEED)

    @property
    def width(self) -> int:
        return self.machine.width

    def again(self) -> None:
        """The parked state, and the same random numbers."""
        self.machine.restore(self.parked)
        self.random = random.Random(SEED)

    def scene(self, kind: type[Scene] = Scene) -> Scene:
        """A scene on the parked state."""
        self.again()
        return kind(self)


def steps_to(machine: Machine, cpu: int, until: int | str) -> int:
    """How many instructions one CPU executes from where it stands to an address."""
    stop = machine.run(cpu, until, LIMIT)
    if stop.reason != ADDRESS:
        raise GraderError(f"a measurement did not arrive: {stop}")
    return stop.steps


def to_entry(machine: Machine, cpu: int, fn: str, *args: int, flags: int = 0) -> int:
    """Brings a parked CPU to the first instruction of a function; gives the return address."""
    machine.start(cpu, fn, *args, flags=flags)
    steps_to(machine, cpu, fn)
    return machine.ptr(machine.regs(cpu).sp, cpu)


def call_cost(machine: Machine, cpu: int, fn: str, *args: int, flags: int = 0) -> int:
    """The instructions of a function, from its first to its RET."""
    return steps_to(machine, cpu, to_entry(machine, cpu, fn, *args, flags=flags))


def turn(machine: Machine, cpu: int, until: int, most: int) -> tuple[int, bool]:
    """At most so many instructions of one CPU: how many, and whether it came to the address."""
    stop = machine.run(cpu, until, most)
    if stop.reason not in (ADDRESS, BUDGET):
        raise GraderError(f"a measurement did not arrive: {stop}")
    return stop.steps, stop.reason == ADDRESS
