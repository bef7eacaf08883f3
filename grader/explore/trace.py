"""A path as a list of instructions."""

from __future__ import annotations

from typing import Iterable

from grader.machine.machine import Machine
from grader.machine.types import ADDRESS, MachineStopped, TraceStep

LIMIT = 4096                    # a longer path is too long to sweep


class TraceFailed(MachineStopped):
    """The path did not arrive; `steps` is how far it came."""

    def __init__(self, stop, steps: list[TraceStep]):
        super().__init__(stop, f"after {len(steps)} instructions")
        self.steps = steps


def trace(machine: Machine, cpu: int, until: Iterable[int | str] | int | str,
          limit: int = LIMIT) -> list[TraceStep]:
    """Steps one CPU to one of the addresses; gives its state before each instruction on the way.

    The machine then stands at that address.  Raises TraceFailed if it stops elsewhere, or has not
    come there after `limit` instructions.
    """
    steps, stop = machine.walk(cpu, until, limit)
    if stop.reason != ADDRESS:
        raise TraceFailed(stop, steps)
    return steps
