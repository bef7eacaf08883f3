"""Exercises 4.2 and 4.7: levels, one CPU at a time."""

from grader.explore.lockcalls import CHECKED, CLOCK, DISPATCH, HIGH, PASSIVE, Locks
from grader.explore.registers import IF
from grader.explore.scene import Scene
from grader.explore.waiting import check_pauses, wait_for
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
        for interrupts in (False, True):
            locks.start(cpu, fn, *args, level=before, interrupts=interrupts)
            locks.inside(cpu)
            locks.check_level(cpu, inside, f"in a lock of level {inside}")
            check_flag(locks, cpu, interrupts, "in the lock")
            locks.to(cpu, "probe_after", "the lock is given back")
            locks.check_level(cpu, before, "after the lock")
            check_flag(locks, cpu, interrupts, "after the lock")
            locks.finish(cpu)


def check_flag(locks, cpu, wanted, when):
    seen = bool(locks.m.regs(cpu).flags & IF)
    if seen != wanted:
        raise Fail(WRONG, expected=f"IF {int(wanted)} {when}, as before", seen=f"IF {int(seen)}",
                   cause="what keeps interrupts away is the level; IF is the caller's.")


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


def test_waiting_level(cell):
    """A CPU that waits takes what its caller would take, an IPI among it; and IF stays as it was."""
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
    scene = Scene(cell)
    scene.m.call(0, "probe_spin_init", 0, CLOCK, 0)
    check_pauses(scene, wait_for(scene, "probe_spin_round", 0))
