"""Exercise 4.6: try, also in an NMI."""

from grader.explore.access import touches
from grader.explore.lockcalls import CHECKED, ROUND, STUCK_TICKS, Locks
from grader.explore.nmi import NmiScene
from grader.explore.scene import CLOCK, DISPATCH, HIGH, PASSIVE, flags_for
from grader.explore.sweep import labs_own, sweep, trace
from grader.verdict import WRONG, Fail


def test_try(cell):
    for level in (DISPATCH, CLOCK):
        from_kernel(cell, level)
    for taker in ("probe_spin_try", "probe_spin_take"):
        for owner, other in ((0, 1), (1, 0)):
            place(cell, taker, owner, other)
    place_meanwhile(cell)
    stuck_anyway(cell)
    for level in (DISPATCH, HIGH):
        for held in (False, True):
            from_nmi(cell, level, held)
    anywhere(cell)
    for held in (False, True):
        in_a_try(cell, held)


def from_kernel(cell, level):
    """Free: taken, at the lock's level.  Not free: nothing changes."""
    for cpu, other in ((0, 1), (1, 0)):
        locks = Locks(cell)
        m = locks.m
        m.call(0, "probe_spin_init", 0, level, CHECKED)
        locks.start(cpu, "probe_spin_try", 0)
        locks.to(cpu, "probe_after", "spin_try() returns")
        locks.check_level(cpu, level, "with a lock that spin_try() took")
        locks.check_flag(cpu, False, "after spin_try()")
        locks.finish(cpu)
        if not m.result(cpu):
            raise Fail(WRONG, expected="spin_try() takes a free lock", seen="false")
        for before in (PASSIVE, level):
            interrupts = before == level
            locks.start(other, "probe_spin_try", 0, level=before, interrupts=interrupts)
            locks.to(other, "probe_after", "spin_try() returns")
            locks.check_level(other, before, "after a try in vain")
            locks.check_flag(other, interrupts, "after spin_try()")
            locks.finish(other)
            if m.result(other):
                raise Fail(WRONG, expected="spin_try() of a lock that another CPU has is false",
                           seen="true")
        locks.start(cpu, "probe_spin_give", 0, level=level)
        locks.finish(cpu)
        locks.round(other, "probe_spin_round", 0)
        cell.park()


def place(cell, taker, owner, other):
    """Where the owner took it is where it called; and a try in vain leaves that as it is."""
    locks = Locks(cell)
    locks.m.call(0, "probe_spin_init", 0, DISPATCH, CHECKED)
    locks.start(owner, taker, 0)
    locks.finish(owner)
    locks.start(other, "probe_spin_try", 0)
    locks.finish(other)
    names_owner(locks, other, owner, taker)
    cell.park()


def names_owner(locks, cpu, owner, taker):
    """The CPU gives back what it has not got, and the report of that names the owner and where it took the
    lock.  Gives whether there is one: else 4.5 is at fault, not 4.6."""
    locks.start(cpu, "probe_spin_give", 0, level=DISPATCH)
    locks.to(cpu, ("spin_report", "probe_returned"), "SPIN_OWNER reported")
    reported = locks.m.pc(cpu) == locks.m.elf.address("spin_report")
    if reported:
        locks.check_report(locks.told(cpu), "SPIN_OWNER", cpu, "probe_spin_give", owner,
                           owner_caller=taker)
    return reported


def place_meanwhile(cell):
    """CPU 1 is in the middle of a try in vain: CPU 2, which makes a mistake, is told who has the lock."""
    locks = Locks(cell)
    m = locks.m
    m.call(0, "probe_spin_init", 0, DISPATCH, CHECKED)
    locks.start(0, "probe_spin_take", 0)
    locks.finish(0)
    locks.start(1, "probe_spin_try", 0)
    start = m.snapshot()
    steps, _ = m.walk(1, "probe_returned", ROUND)
    for number, step in enumerate(steps):
        if not touches(m.elf, step.pc):
            continue
        m.restore(start)
        m.step(1, number + 1)
        if not names_owner(locks, 2, 0, "probe_spin_take"):
            break
    cell.park()


def stuck_anyway(cell):
    """CPU 1 waits, and CPU 2 tries in vain: that is no other acquisition."""
    for tries in (0, 1):
        locks = Locks(cell)
        locks.m.call(0, "probe_spin_init", 0, DISPATCH, CHECKED)
        locks.start(0, "probe_spin_take", 0)
        locks.finish(0)
        locks.start(1, "probe_spin_round", 0)
        locks.waits(1)
        locks.m.write_u32("probe_clock", STUCK_TICKS // 2)
        for _ in range(tries):
            locks.start(2, "probe_spin_try", 0)
            locks.finish(2)
        locks.waits(1)
        locks.m.write_u32("probe_clock", STUCK_TICKS + 1)
        stuck = locks.m.run(1, ("spin_report", "probe_inside"), ROUND).pc == \
            locks.m.elf.address("spin_report")
        cell.park()
        if not stuck:
            break
    if tries and not stuck:
        raise Fail(WRONG, expected="SPIN_STUCK reported: nothing has changed by a try in vain",
                   seen="no report, since another CPU has tried in the middle of the time")


def anywhere(cell):
    """An NMI tries before each instruction of spin_acquire() and spin_release()."""
    scene = NmiScene(cell)
    scene.ready()
    m = scene.m
    m.call(0, "probe_spin_init", 0, DISPATCH, CHECKED)
    scene.order(lock=True)

    def again():
        scene.forget()
        m.write_u32("probe_shared", 0)
        m.start(0, "probe_spin_round", 0)
        scene.run_to("probe_spin_round", "the round begins")

    def finish():
        scene.run_to("probe_returned", "the round comes back, and the NMI in it does")
        seen = scene.check_nmis()
        if seen.tries != 1 or seen.level_after != seen.level_before:
            raise Fail(WRONG, expected=f"one try, and level {seen.level_before} again after it",
                       seen=f"{seen.tries}, and level {seen.level_after}")
        if m.u32("probe_shared") != 1 + seen.taken:
            raise Fail(WRONG, expected=f"{1 + seen.taken} steps of what the lock protects",
                       seen=str(m.u32("probe_shared")))
        if m.u32("probe_level") != PASSIVE:
            raise Fail(WRONG, expected=f"CPU 0 at level {PASSIVE} again, as before its spin_acquire()",
                       seen=f"level {m.u32('probe_level')}",
                       cause="the level to go back to was kept where the NMI's try writes too.")

    again()
    start = m.snapshot()
    path = labs_own(scene, trace(scene, "spin_acquire() to spin_release()",
                                 [m.elf.address("probe_returned")], "its return", nmis=True))
    sweep(scene, start, path, scene.event, finish, again)


def in_a_try(cell, held):
    """An NMI tries before each instruction of spin_try(), of a lock that is free or another CPU's.  The
    try that it interrupted may be in vain, but must say so."""
    scene = NmiScene(cell)
    scene.ready()
    m = scene.m
    m.call(0, "probe_spin_init", 0, DISPATCH, CHECKED)
    if held:
        m.call(1, "probe_spin_take", 0)
    scene.order(lock=True)

    scene.forget()
    m.start(0, "probe_spin_try", 0)
    scene.run_to("probe_spin_try", "the try begins")
    start = m.snapshot()

    def level_after(what):
        scene.run_to("probe_after", f"{what} comes back, and the NMI in it does")
        seen = m.regs(0).cr8
        scene.run_to("probe_returned", "the grader's own code")
        return seen

    def finish():
        level = level_after("spin_try()")
        taken, seen = bool(m.result(0) & 0xFF), scene.check_nmis()
        if held and (taken or seen.taken):
            raise Fail(WRONG, expected="spin_try() of a lock that another CPU has is false", seen="true")
        if not held and bool(m.call(1, "probe_spin_try", 0) & 0xFF) == taken:
            raise Fail(WRONG, expected=f"after a spin_try() that was {str(taken).lower()}, one of another "
                       f"CPU that is {str(not taken).lower()}", seen=str(taken).lower())
        wanted = DISPATCH if taken else PASSIVE
        if taken and level == wanted:
            m.start(0, "probe_spin_give", 0, flags=flags_for(DISPATCH))
            wanted, level = PASSIVE, level_after("spin_release()")
        if level != wanted:
            raise Fail(WRONG, expected=f"level {wanted} {'in the lock' if wanted else 'without it'}",
                       seen=f"level {level}")

    path = labs_own(scene, trace(scene, "spin_try()" + ", of another CPU's lock" * held,
                                 [m.elf.address("probe_returned")], "its return", nmis=True))
    sweep(scene, start, path, scene.event, finish)


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
