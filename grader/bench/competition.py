"""Locks, free and with four CPUs after them; the barrier of 1 to 8 CPUs.

The CPUs take turns of a few instructions each, so every run is the same.
"""

from __future__ import annotations

from grader.bench.bed import Bed, steps_to, to_entry, turn
from grader.errors import GraderError
from grader.explore.ipis import ON, Turns
from grader.explore.scene import DISPATCH

TURN = 7                # instructions; no divisor of a short loop that waits
WHO = range(4)          # CPUs that compete
ROUNDS = 8              # of each of them
MOST = 100_000          # turns
LOCKS = {"tas": "probe_tas_round", "ticket": "probe_ticket_round", "queued": "probe_queued_round",
         "spin": "probe_spin_round"}


def _prepared(bed: Bed) -> None:
    bed.again()
    bed.machine.call(0, "probe_spin_init", 0, DISPATCH, 0)


def free(bed: Bed, kind: str) -> int:
    """Take it, add 1 to a number, give it back; nobody else is there."""
    _prepared(bed)
    return steps_to(bed.machine, 0, to_entry(bed.machine, 0, LOCKS[kind], 0))


def contended(bed: Bed, kind: str) -> float:
    """The same for four CPUs: all their instructions, waiting too, for each round."""
    _prepared(bed)
    m = bed.machine
    back = {cpu: to_entry(m, cpu, LOCKS[kind], 0) for cpu in WHO}
    left = dict.fromkeys(WHO, ROUNDS)
    total = 0
    for _ in range(MOST):
        for cpu in [cpu for cpu in WHO if left[cpu]]:
            steps, done = turn(m, cpu, back[cpu], TURN)
            total += steps
            if done:
                left[cpu] -= 1
                if left[cpu]:
                    _next(m, cpu, kind)
        if not any(left.values()):
            return round(total / (len(WHO) * ROUNDS), 1)
    raise GraderError(f"the {kind} lock is not passed on while CPUs take turns")


def _next(machine, cpu: int, kind: str) -> None:
    """From the end of a round to the beginning of the next one; the others stand still."""
    steps_to(machine, cpu, "probe_returned")
    to_entry(machine, cpu, LOCKS[kind], 0)


def barrier(bed: Bed, cpus: int) -> int:
    """ipi_call() of CPU 0 while `cpus` are online: its own instructions, until it comes back."""
    scene = bed.scene(Turns)
    m = scene.m
    scene.without(*range(cpus, m.cpus))
    scene.rest(*scene.others)
    m.start(0, "probe_call", flags=ON)
    steps_to(m, 0, "probe_call")
    end = m.elf.address("probe_returned")
    total = 0
    for _ in range(MOST):
        steps, done = turn(m, 0, end, TURN)
        total += steps
        if done:
            return total
        for cpu in range(1, cpus):
            m.run(cpu, (), TURN)
    raise GraderError(f"a call of {cpus} CPUs does not come back")
