"""Exercises 4.2 and 4.7: levels, one CPU at a time."""

from grader.explore.lockcalls import CHECKED, PATIENCE, Locks
from grader.explore.scene import CLOCK, DISPATCH, HIGH, PASSIVE, Scene
from grader.explore.waiting import check_pauses, wait_for
from grader.machine.types import ADDRESS
from grader.verdict import WRONG, Fail

LEVELS = (DISPATCH, 7, CLOCK, HIGH)
LINE = 64               # bytes of a lock, and of a handle
HANDLES = 2 * LINE * 8
VECTOR = 0x55           # a device's, at level 5
LOW = 0x2E              # one at DISPATCH_LEVEL
LOOKS = range(2, 80, 3) # instructions of a CPU that waits, since the lock is free


def prepared(cell, level, which=0, flags=0):
    locks = Locks(cell)
    # spin_init() makes a free lock of any memory.  All ones: of a word that is odd, or a flag.
    locks.m.write("probe_spin", b"\xFF" * 128 if flags else cell.random.randbytes(128))
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
            locks.check_flag(cpu, interrupts, "in the lock")
            if fn == "probe_spin_nested":
                locks.to(cpu, "probe_between", "the inner lock is given back")
                locks.check_level(cpu, level, "in the outer lock again")
            locks.to(cpu, "probe_after", "the lock is given back")
            locks.check_level(cpu, before, "after the lock")
            locks.check_flag(cpu, interrupts, "after the lock")
            locks.finish(cpu)


def alternate(cell):
    """Two CPUs from two levels: each goes back to its own."""
    for first, second in ((0, 1), (1, 0)):
        locks = prepared(cell, CLOCK)
        locks.m.write("probe_handle", cell.random.randbytes(HANDLES))
        before = beside(locks)
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
        if beside(locks) != before:
            raise Fail(WRONG, expected="what lies beside a lock and a handle stays as it was",
                       seen="it was written over", cause=f"each has {LINE} bytes, LOCK_SIZE.")
        cell.park()


def beside(locks):
    """What lies behind lock 0, and behind the handles that CPUs 0 and 1 have for it."""
    m = locks.m
    handles = [m.elf.address("probe_handle") + (2 * cpu + 1) * LINE for cpu in (0, 1)]
    return [m.read(at, LINE) for at in (m.elf.address("probe_spin") + LINE, *handles)]


def test_waiting_level(cell):
    """A CPU that waits takes what its caller would take, an IPI among it; and IF stays as it was."""
    for vector, level, before in ((VECTOR, CLOCK, PASSIVE), (LOW, CLOCK, PASSIVE), (0x65, HIGH, 5),
                                  (0x75, 7, DISPATCH)):
        locks = prepared(cell, level)
        locks.start(0, "probe_spin_round", 0)
        locks.inside(0)
        locks.start(1, "probe_spin_round", 0, level=before, interrupts=True)
        locks.waits(1)
        takes(locks, vector, before)
        if before >= VECTOR >> 4:       # its caller would not take this one
            refuses(locks, VECTOR, f"while CPU 1 waits, called at level {before}")
        locks.finish(0)
        locks.inside(1)
        locks.check_level(1, level, "in the lock")
        locks.finish(1)
        cell.park()
    interrupts_off(cell)
    loses_again(cell)
    scene = Scene(cell)
    scene.m.call(0, "probe_spin_init", 0, CLOCK, 0)
    check_pauses(scene, wait_for(scene, "probe_spin_round", 0))


def taken(locks, vector):
    """How often CPU 1's handler ran, after it was sent one more."""
    count = locks.m.elf.address("probe_count") + 4 * vector
    before = locks.m.u32(count)
    locks.m.interrupt(1, vector)
    locks.waits(1)
    return locks.m.u32(count) - before


def takes(locks, vector, level):
    times = taken(locks, vector)
    if times != 1:
        raise Fail(WRONG, expected=f"vector {vector:#x} is taken while CPU 1 waits, called at "
                   f"level {level}", seen=f"its handler ran {times} times",
                   cause="a CPU that waits with everything masked keeps others waiting: the one "
                         "who has the lock may need its answer.")


def refuses(locks, vector, when):
    times = taken(locks, vector)
    if times:
        raise Fail(WRONG, expected=f"vector {vector:#x} is not taken {when}",
                   seen=f"its handler ran {times} times",
                   cause="who waits is at its caller's level, not below, and IF is the caller's.")


def interrupts_off(cell):
    """The caller has IF = 0: nothing comes by itself, so the loop has to ask."""
    locks = prepared(cell, CLOCK)
    locks.start(0, "probe_spin_round", 0)
    locks.inside(0)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)
    stop = locks.m.run(1, ("ipi_poll", "probe_inside"), PATIENCE)
    if stop.pc != locks.m.elf.address("ipi_poll"):
        raise Fail(WRONG, expected="spin_relax() in each turn of the wait, which answers IPIs",
                   seen=f"{PATIENCE} instructions without it", went_wrong=locks.m.place(stop.pc),
                   cause="with IF = 0 no IPI comes by itself, and whoever has the lock may wait for the "
                         "answer.")
    refuses(locks, 0x65, "while CPU 1 waits with IF = 0")
    locks.finish(0)
    locks.inside(1)
    locks.check_flag(1, False, "in the lock")
    cell.park()


def loses_again(cell):
    """The lock is free, CPU 1 looks, and CPU 2 is faster: CPU 1 waits as it did before."""
    for steps in LOOKS:
        locks = prepared(cell, CLOCK)
        locks.start(0, "probe_spin_round", 0)
        locks.inside(0)
        locks.start(1, "probe_spin_round", 0, interrupts=True)
        locks.waits(1)
        locks.finish(0)
        first = locks.m.run(1, "probe_inside", steps)
        locks.start(2, "probe_spin_round", 0)
        second = locks.m.run(2, "probe_inside", PATIENCE)
        lost = first.reason != ADDRESS and second.reason == ADDRESS
        if lost:
            takes(locks, VECTOR, PASSIVE)
            locks.finish(2)
            locks.inside(1)
        cell.park()
        if not lost:        # CPU 1 has it, or it is kept for CPU 1
            break
