"""Exercise 4.5: a lock that checks its users."""

from grader.explore.access import touches
from grader.explore.explore import explore
from grader.explore.lockcalls import CHECKED, PATIENCE, ROUND, STUCK_TICKS, Locks
from grader.explore.locks import lock_region
from grader.explore.scene import CLOCK, DISPATCH, PASSIVE, Scene
from grader.machine.types import ADDRESS, BUDGET
from grader.verdict import WRONG, Fail

DEVICE = 0x55       # a vector, at level 5
OFTEN = 256         # acquisitions
WALKED = 120        # instructions of a CPU that waits, which are more than a turn of its loop


def prepared(cell, flags=CHECKED):
    locks = Locks(cell)
    locks.m.write("probe_spin", cell.random.randbytes(128))
    for which, level in enumerate((DISPATCH, CLOCK)):
        locks.m.call(0, "probe_spin_init", which, level, flags)
    return locks


def no_report(locks, cpu, fn, *args, **flags):
    """A legal call."""
    locks.start(cpu, fn, *args, **flags)
    stop = locks.m.run(cpu, ("probe_returned", "spin_report"), 20_000)
    if stop.reason != "address":
        raise locks.failed(stop, f"{fn}() returns")
    if stop.pc == locks.m.elf.address("spin_report"):
        raise Fail(WRONG, expected=f"no report from {fn}(), which is legal", seen="one")


def test_recursion(cell):
    """A CPU waits for what it has; another one, and two locks, are no mistake."""
    for cpu in range(cell.machine.cpus):
        locks = prepared(cell)
        no_report(locks, cpu, "probe_spin_nested")
        locks.start(cpu, "probe_spin_round", 0)
        locks.inside(cpu)
        other = 1 - cpu if cpu < 2 else 0
        locks.start(other, "probe_spin_round", 0)
        locks.waits(other)
        locks.finish(cpu)
        locks.inside(other)
        locks.finish(other)
        again(locks, cpu)
        cell.park()
        waits_in_a_nest(prepared(cell), cpu, other)
        cell.park()
    handler_waits_too(prepared(cell))
    cell.park()


def waits_in_a_nest(locks, cpu, other):
    """A CPU that has one lock waits for another lock: no mistake."""
    taken(locks, other, 1)
    locks.start(cpu, "probe_spin_nested")
    check_waits(locks, cpu,
                why=f"CPU {cpu} has lock 0 and waits for lock 1, which is no mistake")
    locks.start(other, "probe_spin_give", 1, level=CLOCK)
    locks.finish(other)
    locks.inside(cpu)
    locks.finish(cpu)


def handler_waits_too(locks):
    """CPU 1 waits, and the handler of an interrupt there wants the same lock: no mistake, CPU 0 has it."""
    taken(locks, 0, 1)
    locks.start(1, "probe_spin_round", 1, interrupts=True)
    locks.waits(1)
    interrupted(locks, 1, "CPU 1 waits for a lock that CPU 0 has, and so does a handler there")
    locks.start(0, "probe_spin_give", 1, level=CLOCK)
    locks.finish(0)
    for who in ("the handler", "what it interrupted"):
        stop = locks.m.run(1, ("probe_after", "spin_report"), 20_000)
        if stop.pc != locks.m.elf.address("probe_after"):
            raise Fail(WRONG, expected=f"no report: {who} waited for a lock that CPU 0 had",
                       seen="one") if stop.reason == "address" else \
                locks.failed(stop, f"{who} takes the lock, which is free")


def interrupted(locks, which, why):
    """CPU 1 waits; a device interrupts it, whose handler waits for this lock."""
    locks.m.write_ptr("probe_lock_in_interrupt", 1 + which)
    locks.m.interrupt(1, DEVICE)
    locks.to(1, "probe_spin_round", "an interrupt comes to a CPU that waits")
    check_waits(locks, 1, why=why)


def again(locks, cpu):
    """The CPU has it from one call, and wants it in another."""
    taken(locks, cpu, 0)
    locks.start(cpu, "probe_spin_round", 0, level=DISPATCH)
    seen = locks.report(cpu, "SPIN_RECURSION reported")
    locks.check_report(seen, "SPIN_RECURSION", cpu, "probe_spin_round", cpu,
                       owner_caller="probe_spin_take")


def test_owner_and_level(cell):
    for owner, other in ((0, 1), (1, 0)):
        locks = prepared(cell)
        locks.start(other, "probe_spin_give", 0, level=DISPATCH)      # nobody has it
        locks.check_report(locks.report(other, "SPIN_OWNER reported"), "SPIN_OWNER", other,
                           "probe_spin_give", -1)
        cell.park()
        locks = prepared(cell)
        taken(locks, owner, 0)
        locks.start(other, "probe_spin_give", 0, level=DISPATCH)      # somebody else has it
        locks.check_report(locks.report(other, "SPIN_OWNER reported"), "SPIN_OWNER", other,
                           "probe_spin_give", owner, owner_caller="probe_spin_take")
        still_taken(locks, 0)
        cell.park()
        locks = prepared(cell)
        taken(locks, owner, 0)
        locks.start(owner, "probe_spin_give", 0, level=DISPATCH)
        locks.finish(owner)
        locks.start(owner, "probe_spin_give", 0, level=DISPATCH)      # nobody has it any more
        locks.check_report(locks.report(owner, "SPIN_OWNER reported"), "SPIN_OWNER", owner,
                           "probe_spin_give", -1)
        cell.park()
        locks = prepared(cell)
        taken(locks, owner, 1)
        locks.start(owner, "probe_spin_give", 1, level=PASSIVE)       # from below its level
        locks.check_report(locks.report(owner, "SPIN_LEVEL reported"), "SPIN_LEVEL", owner,
                           "probe_spin_give", owner, which=1)
        still_taken(locks, 1)
        cell.park()
        locks = prepared(cell)
        locks.start(owner, "probe_spin_take", 0, level=CLOCK)         # from above its level
        locks.check_report(locks.report(owner, "SPIN_LEVEL reported"), "SPIN_LEVEL", owner,
                           "probe_spin_take", -1)
        cell.park()
    no_false_alarm(cell)


def still_taken(locks, which):
    """A mistake is reported before anything is given away: a third CPU waits."""
    locks.start(2, "probe_spin_round", which)
    locks.waits(2, "the lock still taken when the mistake is reported")


def no_false_alarm(cell):
    """Two CPUs that do nothing wrong, in every schedule: no report.  CPU 0 has had the lock before, so
    what is left of it there is its own."""
    scene = Scene(cell)
    scene.m.call(0, "probe_spin_init", 0, CLOCK, CHECKED)
    scene.m.call(0, "probe_spin_round", 0)
    scene.m.write_u32("probe_shared", 0)
    explore(lock_region(scene, "spin", (0, 1), name="two CPUs, one lock that checks them"),
            most=300, pct=4, walks=4)


def taken(locks, cpu, which):
    """The CPU has the lock, and its call is over."""
    locks.start(cpu, "probe_spin_take", which)
    locks.to(cpu, "probe_returned", "the call returns")


def clock(locks, ticks):
    locks.m.write_u32("probe_clock", ticks & 0xFFFF_FFFF)


def test_stuck(cell):
    """By the clock, not by turns; and only if the same acquisition had it all the time."""
    for start in (1000, 0xFFFF_FFF0):       # the clock wraps
        stuck(prepared(cell), start)
        cell.park()
        late(prepared(cell), start)
        cell.park()
    for one in (changes_hands, changes_hands_often, holder_takes, two_wait, waits_twice):
        one(prepared(cell), 1000)
        cell.park()
    unchecked(prepared(cell, 0), 1000)


def takes_again(locks):
    """CPU 0 gives the lock back and wants it again; which of the two has it now, and who waits.  Most locks
    of this kind may be taken twice in a row; one that keeps its order gives it to CPU 1."""
    locks.finish(0)
    locks.start(0, "probe_spin_round", 0)
    if locks.m.run(0, "probe_inside", PATIENCE).reason == ADDRESS:
        return 0, 1
    locks.inside(1)
    return 1, 0


def one_waits(locks, start):
    """At this time CPU 0 has the lock, and CPU 1 waits for it."""
    clock(locks, start)
    locks.start(0, "probe_spin_round", 0)
    locks.inside(0)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)


def stuck(locks, start):
    one_waits(locks, start)
    check_waits(locks, 1, 30_000, "many turns have passed, but no tick of spin_clock()")
    clock(locks, start + STUCK_TICKS - 1)
    check_waits(locks, 1)
    owner, other = takes_again(locks)
    clock(locks, start + STUCK_TICKS + 1)
    check_waits(locks, other)                   # the second acquisition is young
    clock(locks, start + 2 * STUCK_TICKS + 2)
    seen = locks.report(other, "SPIN_STUCK reported")
    locks.check_report(seen, "SPIN_STUCK", other, "probe_spin_round", owner,
                       owner_caller="probe_spin_round")


def unchecked(locks, start):
    """The same of a lock without SPIN_CHECKED: CPU 1 waits, however long that is."""
    clock(locks, start)
    taken(locks, 0, 0)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)
    clock(locks, start + 2 * STUCK_TICKS)
    check_waits(locks, 1, why="it is a lock without SPIN_CHECKED")


def late(locks, start):
    """The lock has been taken for long when somebody comes: that one has not waited for long."""
    clock(locks, start)
    locks.start(0, "probe_spin_round", 0)
    locks.inside(0)
    clock(locks, start + STUCK_TICKS - 10)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)
    clock(locks, start + STUCK_TICKS + 10)
    check_waits(locks, 1, why="CPU 1 has waited for 20 ticks")
    # That is when it has; one tick more, since some of the first one had gone by.
    clock(locks, start + 2 * STUCK_TICKS - 10 + 1)
    locks.check_report(locks.report(1, "SPIN_STUCK reported"), "SPIN_STUCK", 1, "probe_spin_round", 0,
                       owner_caller="probe_spin_round")


def changes_hands(locks, start):
    """Before each access of a wait the lock changes hands, and time goes by: what the CPU has read before
    says nothing of what it reads then."""
    one_waits(locks, start)
    here = locks.m.snapshot()
    for steps, place in accesses(locks, 1):
        locks.m.restore(here)
        if steps:
            locks.m.step(1, steps)
        clock(locks, start + STUCK_TICKS + 1)
        if takes_again(locks) != (0, 1):
            break
        check_waits(locks, 1, why="the lock has changed hands just now.  CPU 1, which waits, was at "
                    f"{locks.m.elf.where(place)} then")


def changes_hands_often(locks, start):
    """While CPU 1 does not look, CPU 0 has the lock so many times more, which is none to one who counts
    them in a byte."""
    one_waits(locks, start)
    clock(locks, start + STUCK_TICKS + 1)
    if takes_again(locks) != (0, 1):
        return
    locks.finish(0)
    locks.start(0, "probe_rounds", locks.m.elf.address("probe_spin_round"), OFTEN - 2)
    if locks.m.run(0, "probe_returned", OFTEN * ROUND).reason != ADDRESS:
        return                      # it is CPU 1's turn, after some of them
    locks.start(0, "probe_spin_round", 0)
    if locks.m.run(0, "probe_inside", ROUND).reason == ADDRESS:
        check_waits(locks, 1, why=f"CPU 0 has had the lock {OFTEN} times more, since CPU 1 looked")


def holder_takes(locks, start):
    """CPU 0 has given the lock back, and takes it again.  At each of its accesses CPU 1 looks, which has
    waited for long: what it sees there is no old acquisition."""
    one_waits(locks, start)
    clock(locks, start + STUCK_TICKS + 1)
    locks.finish(0)
    locks.start(0, "probe_spin_round", 0)
    here = locks.m.snapshot()
    for steps, place in accesses(locks, 0):
        locks.m.restore(here)
        locks.m.step(0, steps + 1)
        stop = locks.m.run(1, ("probe_inside", "spin_report"), PATIENCE)
        if stop.pc == locks.m.elf.address("spin_report"):
            raise Fail(WRONG, expected="no report: CPU 0 has given the lock back and takes it again.  It was "
                       f"behind {locks.m.elf.where(place)} when CPU 1 looked, which had waited for long",
                       seen="one")
        if stop.reason not in (ADDRESS, BUDGET):
            raise locks.failed(stop, "CPU 1 goes on")


def accesses(locks, cpu):
    """Where a CPU touches memory on its way to have the lock, and after how many instructions it comes there
    first; of one that waits, the way has no end."""
    steps, _ = locks.m.walk(cpu, "probe_inside", WALKED)
    first = {}
    for number, step in enumerate(steps):
        first.setdefault(step.pc, number)
    return [(number, pc) for pc, number in first.items() if touches(locks.m.elf, pc)]


def two_wait(locks, start):
    """CPU 1 has waited long enough, and CPU 2 for ten ticks: each has its own time.  And CPU 1 has not
    looked for long."""
    clock(locks, start)
    taken(locks, 0, 0)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)
    clock(locks, start + STUCK_TICKS)
    locks.start(2, "probe_spin_take", 0)
    check_waits(locks, 2, why="CPU 2 has just come")
    clock(locks, start + STUCK_TICKS + 10)
    check_waits(locks, 2, why="CPU 2 has waited for 10 ticks")
    clock(locks, start + (1 << 16) + STUCK_TICKS // 2)      # of 8 or 16 bits only half would be left
    seen = locks.report(1, "SPIN_STUCK reported: CPU 1 has waited long enough, whoever waits as well")
    locks.check_report(seen, "SPIN_STUCK", 1, "probe_spin_round", 0, owner_caller="probe_spin_take")


def waits_twice(locks, start):
    """CPU 1 waits for one lock, and the handler of an interrupt for another one, and gets it."""
    clock(locks, start)
    taken(locks, 0, 0)
    taken(locks, 2, 1)
    locks.start(1, "probe_spin_take", 0, interrupts=True)
    locks.waits(1)
    clock(locks, start + STUCK_TICKS - 50)
    interrupted(locks, 1, "the handler of an interrupt has just begun to wait")
    locks.start(2, "probe_spin_give", 1, level=CLOCK)
    locks.finish(2)
    locks.to(1, "probe_after", "the handler takes the lock, which is free")
    check_waits(locks, 1, why=f"nobody has had the lock for {STUCK_TICKS} ticks")
    clock(locks, start + STUCK_TICKS + 1)
    seen = locks.report(1, "SPIN_STUCK reported, though a handler has waited for another lock")
    locks.check_report(seen, "SPIN_STUCK", 1, "probe_spin_take", 0, owner_caller="probe_spin_take")


def check_waits(locks, cpu, turns=PATIENCE, why=f"nobody has had the lock for {STUCK_TICKS} ticks of "
                "spin_clock()"):
    stop = locks.m.run(cpu, ("probe_inside", "spin_report"), turns)
    if stop.reason == "address":
        raise Fail(WRONG, expected=f"no report: {why}", seen=locks.m.elf.where(stop.pc))
    if stop.reason != "budget":
        raise locks.failed(stop, f"CPU {cpu} waits")
