"""Exercises 4.1 and 4.3: one CPU waits for the other."""

from grader.explore.locks import Locks, alone, order, waits
from grader.verdict import WRONG, Fail

WATCHED = 300           # instructions of a CPU that waits
MANY = 300              # more than fit in a byte


def test_tas_alone(cell):
    alone(cell, "probe_tas_round")


def test_tas_waits(cell):
    waits(cell, "probe_tas_round")


def test_tas_reads(cell):
    """While the lock is taken, a CPU that waits does not write to memory, and says that it waits."""
    locks = Locks(cell)
    m = locks.m
    locks.start(0, "probe_tas_round")
    locks.inside(0)
    locks.start(1, "probe_tas_round")
    locks.waits(1)
    path, _ = m.walk(1, "probe_inside", WATCHED)
    seen = [m.elf.instruction(step.pc).text for step in path]
    for text in seen:
        if text.startswith("lock ") or text.startswith("xchg") and "ptr [" in text:
            raise Fail(WRONG, expected="a CPU that waits only reads", seen=text,
                       cause="each such instruction takes the cache line away from the others, the "
                             "holder among them.")
    if "pause" not in seen:
        raise Fail(WRONG, expected="PAUSE in the loop that waits", seen="none in "
                   f"{len(seen)} instructions")


def test_ticket_many(cell):
    alone(cell, "probe_ticket_round", times=MANY // cell.machine.cpus + 1)


def test_ticket_waits(cell):
    waits(cell, "probe_ticket_round")


def test_ticket_order(cell):
    order(cell, "probe_ticket_round")
