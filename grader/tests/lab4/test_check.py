"""Exercise 4.5: a lock that checks its users."""

from grader.explore.explore import explore
from grader.explore.lockcalls import CHECKED, STUCK_TICKS, Locks
from grader.explore.locks import lock_region
from grader.explore.scene import CLOCK, DISPATCH, PASSIVE, Scene
from grader.verdict import WRONG, Fail


def prepared(cell, flags=CHECKED):
    locks = Locks(cell)
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


def waits_in_a_nest(locks, cpu, other):
    """A CPU that has one lock waits for another lock: no mistake."""
    taken(locks, other, 1)
    locks.start(cpu, "probe_spin_nested")
    check_waits(locks, cpu, 3000,
                f"CPU {cpu} has lock 0 and waits for lock 1, which is no mistake")
    locks.start(other, "probe_spin_give", 1, level=CLOCK)
    locks.finish(other)
    locks.inside(cpu)
    locks.finish(cpu)


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


def stuck(locks, start):
    clock(locks, start)
    locks.start(0, "probe_spin_round", 0)
    locks.inside(0)
    locks.start(1, "probe_spin_round", 0)
    locks.waits(1)
    check_waits(locks, 1, 30_000, "many turns have passed, but no tick of spin_clock()")
    clock(locks, start + STUCK_TICKS - 1)
    check_waits(locks, 1)
    locks.finish(0)
    locks.start(0, "probe_spin_round", 0)       # this kind of lock may be taken twice in a row
    locks.inside(0)
    clock(locks, start + STUCK_TICKS + 1)
    check_waits(locks, 1)                       # the second acquisition is young
    clock(locks, start + 2 * STUCK_TICKS + 2)
    seen = locks.report(1, "SPIN_STUCK reported")
    locks.check_report(seen, "SPIN_STUCK", 1, "probe_spin_round", 0,
                       owner_caller="probe_spin_round")


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
    clock(locks, start + 2 * STUCK_TICKS)
    locks.check_report(locks.report(1, "SPIN_STUCK reported"), "SPIN_STUCK", 1, "probe_spin_round", 0,
                       owner_caller="probe_spin_round")


def check_waits(locks, cpu, turns=600, why=f"nobody has had the lock for {STUCK_TICKS} ticks of "
                "spin_clock()"):
    stop = locks.m.run(cpu, ("probe_inside", "spin_report"), turns)
    if stop.reason == "address":
        raise Fail(WRONG, expected=f"no report: {why}", seen=locks.m.elf.where(stop.pc))
    if stop.reason != "budget":
        raise locks.failed(stop, f"CPU {cpu} waits")
