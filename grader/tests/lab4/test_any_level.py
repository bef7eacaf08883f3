"""Exercise 4.2: a lock for any level, taken by several CPUs and by interrupts."""

from grader.explore.explore import explore
from grader.explore.lockcalls import Locks
from grader.explore.locks import counted, lock_region
from grader.explore.scene import BUDGET, DISPATCH, INTERRUPTS_ON, PASSIVE, Scene, flags_for
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.explore.waiting import SETTLED
from grader.verdict import HANG, WRONG, Fail

ABOVE_DEVICES = 12      # a level
DEVICES = (0x50, 0x80)
BELOW = ("the handler waits for the lock that the kernel on this same CPU has: it must not be interrupted "
         "while it has it.")
BEHIND = ("the handler waits for what it has interrupted: the kernel on this same CPU has the lock by then, or "
          "a place before the handler's.")


def make(scene, level, which=0, flags=0):
    """A free lock of this level."""
    scene.m.call(0, "probe_spin_init", which, level, flags)


def check_levels(levels):
    """At the end each CPU is back at its own level."""
    def check(run):
        counted(run)
        for cpu, level in levels.items():
            seen = run.m.u32(run.m.elf.address("probe_level") + 4 * cpu)
            if seen != level:
                raise Fail(WRONG, expected=f"CPU {cpu} at level {level} again, as before",
                           seen=f"level {seen}",
                           cause="the level to go back to was kept where another CPU writes.")
    return check


def test_two(cell):
    """Two CPUs take it, at two levels; afterwards each is back at its own."""
    scene = Scene(cell)
    make(scene, ABOVE_DEVICES)
    levels = {0: PASSIVE, 1: DISPATCH}
    explore(lock_region(scene, "spin", (0, 1), levels=levels, check=check_levels(levels)))


def test_more(cell):
    """Three and four CPUs."""
    for cpus in (3, 4):
        scene = Scene(cell)
        make(scene, ABOVE_DEVICES)
        levels = {cpu: (PASSIVE, DISPATCH, 5, 9)[cpu] for cpu in range(cpus)}
        explore(lock_region(scene, "spin", range(cpus), levels=levels, check=check_levels(levels)),
                preemptions=5 - cpus, most=120, pct=6, walks=6)
        cell.park()


def is_a_lock(cell):
    """One CPU has it, the other waits, and then it is the other way round: the level is not all."""
    locks = Locks(cell)
    make(locks, ABOVE_DEVICES)
    for first, second in ((0, 1), (1, 0)):
        locks.start(first, "probe_spin_round", 0)
        locks.inside(first)
        locks.start(second, "probe_spin_round", 0)
        locks.waits(second)
        locks.finish(first)
        locks.inside(second)
        locks.finish(second)
    cell.park()


def test_interrupt(cell):
    """Before each instruction a device interrupts, and its handler takes the same lock.  The CPU finds it
    free; or it has waited, and it is free now."""
    is_a_lock(cell)
    for waited in (False, True):
        Interrupted(cell, waited).sweep()
        cell.park()


class Interrupted:
    """A round on CPU 0, and a device's handler that takes the same lock."""

    def __init__(self, cell, waited):
        self.scene, self.waited = Scene(cell), waited
        self.m = self.scene.m
        self.vector = self.scene.vector(*DEVICES)
        make(self.scene, ABOVE_DEVICES)
        self.m.write_ptr("probe_lock_in_interrupt", 1)

    def begins(self):
        """CPU 0 is about to take the lock, or waits for it and could have it now."""
        m, cpu = self.m, self.scene.cpu
        self.scene.fresh_token()
        m.write_u32(m.elf.address("probe_count") + 4 * self.vector, 0)
        m.write_u32("probe_shared", 0)
        if self.waited:
            m.call(1, "probe_spin_take", 0)
        m.start(cpu, "probe_spin_round", 0, flags=INTERRUPTS_ON)
        m.run(cpu, "probe_spin_round", BUDGET)
        if self.waited:
            m.run(cpu, "probe_inside", SETTLED)
            m.call(1, "probe_spin_give", 0, flags=flags_for(ABOVE_DEVICES))

    def finish(self):
        try:
            self.scene.run_to("probe_returned", "spin_acquire() and spin_release() come back")
        except Fail as fail:
            if fail.failure.reason == HANG:
                fail.failure.cause = BEHIND if self.waited else BELOW
            raise
        self.scene.check_answered(self.vector)
        if self.m.u32("probe_shared") != 2:
            raise Fail(WRONG, expected="the lock taken once by the kernel and once by the handler",
                       seen=f"{self.m.u32('probe_shared')} steps of what it protects")

    def sweep(self):
        scene, m = self.scene, self.m
        event = Event(lambda: m.interrupt(scene.cpu, self.vector), "interrupt", self.vector)
        self.begins()
        start = m.snapshot()
        name = "spin_acquire() that has waited, to spin_release()" if self.waited else \
            "spin_acquire() to spin_release()"
        path = labs_own(scene, trace(scene, name, [m.elf.address("probe_returned")], "its return"))
        sweep(scene, start, path, event, self.finish, None if self.waited else self.begins)
