"""Exercises 4.2 and 4.7: a lock for any level, and what comes in while a CPU waits for it."""

from grader.explore.explore import explore
from grader.explore.locks import LEVEL, lock_region
from grader.explore.scene import BUDGET, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

PASSIVE, DISPATCH, ABOVE_DEVICES, HIGH = 0, 2, 12, 15
INTERRUPTS_ON = 1
DEVICES = (0x50, 0x80)


def make(scene, level, which=0, flags=0):
    """A free lock of this level."""
    scene.m.call(0, "probe_spin_init", which, level, flags)


def check_levels(levels):
    """At the end each CPU is back at its own level."""
    def check(run):
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
                preemptions=1, most=120, pct=16, walks=16)
        cell.park()


def test_interrupt(cell):
    """Before each instruction a device interrupts, and its handler takes the same lock."""
    scene = Scene(cell)
    make(scene, ABOVE_DEVICES)
    m = scene.m
    vector = scene.vector(*DEVICES)
    m.write_ptr("probe_lock_in_interrupt", 1)

    def again():
        scene.fresh_token()
        m.write_u32(m.elf.address("probe_count") + 4 * vector, 0)
        m.write_u32("probe_shared", 0)
        m.start(scene.cpu, "probe_spin_round", 0, flags=INTERRUPTS_ON)
        m.run(scene.cpu, "probe_spin_round", BUDGET)

    def finish():
        scene.run_to("probe_returned", "spin_acquire() and spin_release() come back")
        scene.check_answered(vector)
        if m.u32("probe_shared") != 2:
            raise Fail(WRONG, expected="the lock taken once by the kernel and once by the handler",
                       seen=f"{m.u32('probe_shared')} steps of what it protects")

    event = Event(lambda: m.interrupt(scene.cpu, vector), "interrupt", vector)
    again()
    start = m.snapshot()
    path = labs_own(scene, trace(scene, "spin_acquire() to spin_release()",
                                 [m.elf.address("probe_returned")], "its return"))
    sweep(scene, start, path, event, finish, again)


def test_levels(cell):
    """From each level up to the lock's, on each CPU: raised inside, and put back."""
    for cpu in range(2):
        scene = Scene(cell, cpu)
        for level in (DISPATCH, ABOVE_DEVICES, HIGH):
            make(scene, level)
            for before in (PASSIVE, DISPATCH, level):
                inside, after = levels_of(scene, before)
                if (inside, after) != (level, before):
                    raise Fail(WRONG, expected=f"level {level} while it has the lock, {before} again "
                               "behind spin_release()", seen=f"{inside} and {after}")
        cell.park()


def levels_of(scene, before):
    """This CPU's level inside a lock that it takes at level `before`, and afterwards."""
    m = scene.m
    m.start(scene.cpu, "probe_spin_round", 0, flags=before << LEVEL | INTERRUPTS_ON)
    scene.run_to("probe_inside", "spin_acquire() takes a lock that is free")
    scene.run_to("probe_returned", "spin_release() comes back")
    levels = m.elf.address("probe_level_inside"), m.elf.address("probe_level")
    return tuple(m.u32(at + 4 * scene.cpu) for at in levels)


def test_waiting(cell):
    """CPU 1 waits at PASSIVE level for a lock of level HIGH: whatever comes is answered."""
    scene = Scene(cell, 1)
    make(scene, HIGH)
    m = scene.m
    m.start(0, "probe_spin_round", 0, flags=DISPATCH << LEVEL | INTERRUPTS_ON)
    m.run(0, "probe_inside", BUDGET)
    m.start(1, "probe_spin_round", 0, flags=INTERRUPTS_ON)
    m.run(1, "probe_inside", 600)
    for _ in range(24):
        vector = scene.vector()
        m.step(1, cell.random.randrange(1, 30))
        scene.fresh_token()
        m.write_u32(m.elf.address("probe_count") + 4 * vector, 0)
        m.interrupt(1, vector)
        m.run(1, "probe_inside", 3000)
        if m.u32(m.elf.address("probe_count") + 4 * vector) != 1:
            raise Fail(WRONG, expected=f"an interrupt of level {vector >> 4} is answered while CPU 1 "
                       "waits at level 0", seen="it is not",
                       went_wrong=m.place(m.pc(1)),
                       cause="a CPU that waits at the lock's level keeps everything out that its "
                       "caller would let in, and another CPU may wait for just that answer.")
    scene.run_cpu(0, "probe_returned", "CPU 0 gives the lock back")
    scene.run_to("probe_returned", "CPU 1 gets the lock and gives it back")
