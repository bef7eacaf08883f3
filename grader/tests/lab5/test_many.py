"""Exercise 5.1: other numbers of CPUs, a CPU that is not there, and ring 3."""

from grader.explore.ipis import ON, Turns
from grader.verdict import WRONG, Fail


def call_each(cell, callers):
    """Each of these calls, twice."""
    for caller in callers:
        scene = Turns(cell)
        scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
        for _ in range(2):
            scene.forget()
            words = scene.fresh_words()
            scene.m.start(caller, "probe_call", flags=ON)
            scene.returned(caller)
            scene.accepted(caller)
            scene.check_got(words, *scene.cpus)
        cell.park()


def test_many(cell):
    """Four CPUs; in QEMU also eight, and one, where there is nobody to wait for.  (Bochs has two at
    least, and takes long to start eight.)"""
    for cpus in (4, 8, 1) if cell.emu == "qemu" else (4,):
        cell.use(cpus)
        call_each(cell, {0, cpus - 1})


def test_offline(cell):
    """Four CPUs, of which one is not online: it is neither asked nor waited for."""
    cell.use(4)
    for absent in (1, 3):
        scene = Turns(cell)
        scene.without(absent)
        offline = scene.m.snapshot()
        for caller in (0, 2):
            scene.m.restore(offline)
            scene.rest(*(cpu for cpu in scene.cpus if cpu != caller))
            scene.forget()
            words = scene.fresh_words()
            scene.m.start(caller, "probe_call", flags=ON)
            scene.returned(caller)
            scene.accepted(caller)
            scene.check_got(words, *scene.cpus)
            scene.m.start(absent, "probe_sled", flags=ON)
            if scene.give(absent, "kintr"):
                raise Fail(WRONG, expected=f"CPU {absent} is not online, so it is not asked",
                           seen="an interrupt came to it")
        cell.park()
    for init in (True, False):
        comes_online(cell, init)
    comes_meanwhile(cell)
    comes_early(cell)


def without(cell, absent):
    """Four CPUs, of which one is not online, and CPU 0 is about to call."""
    scene = Turns(cell)
    scene.set_online(absent, False)
    scene.rest(*(cpu for cpu in scene.others if cpu != absent))
    scene.forget()
    scene.fresh_words()
    scene.m.start(0, "probe_call", flags=ON)
    return scene


def comes_online(cell, init, absent=3):
    """A CPU comes when others have called already, before its ipi_init(), or between that and its coming
    online: it has no part in that call, and takes part in the next one."""
    scene = without(cell, absent)
    scene.returned(0, held=(absent,))
    if init:
        scene.m.call(absent, "ipi_init", scene.block_of(absent))
    scene.set_online(absent, True)
    scene.m.start(absent, "ipi_poll", flags=ON)
    if not scene.give(absent, "probe_returned") or absent in scene.ran:
        raise Fail(WRONG, expected=f"CPU {absent} was not online in the call before, and is not asked",
                   seen="ipi_poll() takes part in a call there")
    scene.rest(absent)
    for again in (False, True):
        scene.forget()
        words = scene.fresh_words()
        scene.m.start(0, "probe_call", flags=ON)
        if not (init or again):
            for _ in scene.at_each(0, lambda: scene.labs_accesses(0)):
                begins_early(scene, absent, 2)
        begins_early(scene, 0, absent, 2, 0, absent)
        with scene.told(f"CPU {absent} was not online in an earlier call"):
            scene.returned(0)
            scene.accepted(0)
            scene.check_got(words, *scene.cpus)
    cell.park()


def begins_early(scene, *turns):
    """These CPUs have turns, CPU 1 has not: none of them begins."""
    for cpu in turns:
        if scene.give(cpu, "probe_phase"):
            raise Fail(WRONG, expected="no CPU begins before CPU 1 has come",
                       seen=f"CPU {cpu} has begun; one of them was not online in an earlier call")


def comes_meanwhile(cell, absent=3):
    """A CPU comes in the middle of a call, which does not wait for it: it was not asked."""
    scene = without(cell, absent)
    scene.together({0: "probe_phase"}, "the function begins", held=(absent,))
    scene.set_online(absent, True)
    with scene.told(f"CPU {absent} came online in the middle of it, so it was not asked"):
        scene.returned(0, held=(absent,))
    cell.park()


def comes_early(cell, absent=3):
    """A CPU comes online while the caller asks the others, at each access on its way: it is asked and waited
    for, or neither; and the next call has it."""
    scene = without(cell, absent)
    scene.rest(absent)
    for place in scene.at_each(0, lambda: scene.labs_accesses(0)):
        scene.set_online(absent, True)
        with scene.told(f"CPU {absent} came online while CPU 0 was at {scene.m.elf.where(place)}"):
            scene.returned(0)
            scene.accepted(0)
            scene.settle(absent)
            scene.forget()
            words = scene.fresh_words()
            scene.m.start(0, "probe_call", flags=ON)
            scene.returned(0)
            scene.check_got(words, *scene.cpus)
    cell.park()


def test_ring3(cell):
    """CPU 0 is in ring 3, CPU 1 calls: the program goes on with all its registers."""
    for _ in range(2):
        scene = Turns(cell)
        scene.forget()
        scene.tss()
        scene.present()
        place = scene.checker.address("checker_spin")
        before = scene.layout.random_program(cell.random, place, **scene.honest)
        scene.enter(before)
        words = scene.fresh_words()
        scene.m.start(1, "probe_call", flags=ON)
        scene.returned(1)
        scene.accepted(1)
        scene.check_got(words, *scene.cpus)
        scene.cpu = 0
        if scene.m.regs(0).cpl != 3:
            scene.run_to(place, "ring 3 goes on")
        scene.check_user(before)
        scene.check_canaries()
        cell.park()
