"""Exercise 4.6: try, also in an NMI."""

from grader.explore.lockcalls import CHECKED, CLOCK, DISPATCH, HIGH, PASSIVE, Locks
from grader.explore.nmi import NmiScene
from grader.verdict import WRONG, Fail


def test_try(cell):
    for level in (DISPATCH, CLOCK):
        from_kernel(cell, level)
    for level in (DISPATCH, HIGH):
        for held in (False, True):
            from_nmi(cell, level, held)


def from_kernel(cell, level):
    """Free: taken, at the lock's level.  Not free: nothing changes."""
    for cpu, other in ((0, 1), (1, 0)):
        locks = Locks(cell)
        m = locks.m
        m.call(0, "probe_spin_init", 0, level, CHECKED)
        locks.start(cpu, "probe_spin_try", 0)
        locks.to(cpu, "probe_after", "spin_try() returns")
        locks.check_level(cpu, level, "with a lock that spin_try() took")
        locks.finish(cpu)
        if not m.result(cpu):
            raise Fail(WRONG, expected="spin_try() takes a free lock", seen="false")
        for before in (PASSIVE, level):
            locks.start(other, "probe_spin_try", 0, level=before)
            locks.to(other, "probe_after", "spin_try() returns")
            locks.check_level(other, before, "after a try in vain")
            locks.finish(other)
            if m.result(other):
                raise Fail(WRONG, expected="spin_try() of a lock that another CPU has is false",
                           seen="true")
        locks.start(cpu, "probe_spin_give", 0, level=level)
        locks.finish(cpu)
        locks.round(other, "probe_spin_round", 0)
        cell.park()


def from_nmi(cell, level, held):
    """An NMI finds the lock free, at a level above it or below, or finds it in use on its own CPU."""
    scene = NmiScene(cell)
    scene.ready()
    m = scene.m
    m.call(0, "probe_spin_init", 0, level, CHECKED)
    scene.order(lock=True)
    scene.forget()
    if held:
        m.start(0, "probe_spin_round", 0)
        scene.run_to("probe_inside", "the lock is taken")
    else:
        m.start(0, "probe_sled", flags=HIGH << 8)
        scene.run_to("probe_sled", "the sled")
    before = m.regs(0).cr8
    m.nmi(0)
    scene.run_to("probe_returned", "spin_try() in an NMI comes back")
    seen = scene.check_nmis()
    wanted = (1, 0 if held else 1, before, before)
    if (seen.tries, seen.taken, seen.level_before, seen.level_after) != wanted:
        raise Fail(WRONG, expected=f"tries, taken, level before and after in the NMI: {wanted}",
                   seen=str((seen.tries, seen.taken, seen.level_before, seen.level_after)))
    if not held and seen.level_held != max(before, level):
        raise Fail(WRONG, expected=f"level {max(before, level)} in the lock",
                   seen=f"level {seen.level_held}")
    cell.park()
