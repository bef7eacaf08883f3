"""Exercises 4.2 and 4.7: a lock for any level."""

from grader.explore.locks import (CHECKED, CLOCK, DISPATCH, HIGH, PASSIVE, ROUND, Locks, steps,
                                  waits)
from grader.verdict import WRONG, Fail

LEVELS = (DISPATCH, 7, CLOCK, HIGH)
VECTOR = 0x55           # a device's, at level 5


def prepared(cell, level, which=0, flags=0):
    locks = Locks(cell)
    locks.m.call(0, "probe_spin_init", which, level, flags)
    return locks


def test_levels(cell):
    """From each level up to the lock's: inside at the lock's, afterwards at the old one; nested."""
    for flags in (0, CHECKED):
        for level in LEVELS:
            locks = prepared(cell, level, 0, flags)
            locks.m.call(0, "probe_spin_init", 1, HIGH, flags)
            for before in {PASSIVE, DISPATCH, level}:
                for cpu in range(locks.m.cpus):
                    levels(locks, cpu, level, before)
            cell.park()
    alternate(cell)


def levels(locks, cpu, level, before):
    for fn, args, inside in (("probe_spin_round", (0,), level), ("probe_spin_nested", (), HIGH)):
        locks.start(cpu, fn, *args, level=before)
        locks.inside(cpu)
        locks.check_level(cpu, inside, f"in a lock of level {inside}")
        locks.to(cpu, "probe_after", "the lock is given back")
        locks.check_level(cpu, before, "after the lock")
        locks.finish(cpu)


def alternate(cell):
    """Two CPUs from two levels: each goes back to its own."""
    for first, second in ((0, 1), (1, 0)):
        locks = prepared(cell, CLOCK)
        own = {first: PASSIVE, second: 5}
        locks.start(first, "probe_spin_round", 0, level=own[first])
        locks.inside(first)
        locks.start(second, "probe_spin_round", 0, level=own[second])
        locks.waits(second)
        locks.to(first, "probe_after", "the lock is given back")
        locks.check_level(first, own[first], "after the lock")
        locks.inside(second)
        locks.check_level(second, CLOCK, "in the lock")
        locks.to(second, "probe_after", "the lock is given back")
        locks.check_level(second, own[second], "after the lock")
        cell.park()


def test_waits(cell):
    waits(cell, "probe_spin_round", 0, before=("probe_spin_init", 0, CLOCK, CHECKED))


def test_interrupt(cell):
    """A device's interrupt, before each instruction of a round, takes the same lock."""
    for flags in (0, CHECKED):
        locks = prepared(cell, CLOCK, 0, flags)
        m = locks.m
        locks.start(0, "probe_spin_round", 0, interrupts=True)
        locks.to(0, "probe_spin_round", "the round begins")
        m.write_ptr("probe_lock_in_interrupt", 1)
        start = m.snapshot()
        count = 0
        while True:
            m.restore(start)
            if not steps(locks, 0, count, "probe_after"):
                break
            place = m.place(m.pc(0))
            m.interrupt(0, VECTOR)
            stop = m.run(0, "probe_returned", ROUND)
            if stop.reason != "address":
                raise locks.failed(stop, "the interrupt and the round both get the lock")
            if m.u32("probe_shared") != 2:
                raise Fail(WRONG, expected="both have been inside",
                           seen=f"probe_shared is {m.u32('probe_shared')}", at=place)
            count += 1
        cell.park()


def test_waiting_level(cell):
    """A CPU that waits takes the interrupts that its caller would take."""
    for vector, level, before in ((VECTOR, CLOCK, PASSIVE), (0x65, HIGH, 5), (0x75, 7, DISPATCH)):
        locks = prepared(cell, level)
        m = locks.m
        locks.start(0, "probe_spin_round", 0)
        locks.inside(0)
        locks.start(1, "probe_spin_round", 0, level=before, interrupts=True)
        locks.waits(1)
        m.interrupt(1, vector)
        locks.waits(1)
        times = m.u32(m.elf.address("probe_count") + 4 * vector)
        if times != 1:
            raise Fail(WRONG, expected=f"vector {vector:#x} is taken while CPU 1 waits, called at "
                       f"level {before}", seen=f"its handler ran {times} times",
                       cause="a CPU that waits with everything masked keeps others waiting: the one "
                             "who has the lock may need its answer.")
        locks.finish(0)
        locks.inside(1)
        locks.check_level(1, level, "in the lock")
        locks.finish(1)
        cell.park()
