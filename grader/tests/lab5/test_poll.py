"""Exercise 5.7: a CPU that spins answers where its IPIs cannot come."""

from grader.explore.ipis import ON, Turns
from grader.explore.scene import flags_for
from grader.verdict import WRONG, Fail

WHERE = (("interrupts off", 0), ("at IPI_LEVEL", flags_for(14, True)), ("at HIGH_LEVEL", flags_for(15)),
         ("at CLOCK_LEVEL, interrupts off", flags_for(13)))


def alone(cell):
    """CPUs 0 and 1 have work, the others rest; returns the scene."""
    scene = Turns(cell)
    scene.rest(*scene.others[1:])
    return scene


def spinning(scene, flags):
    """CPU 1 polls in a loop, at this level; returns the fresh words of the call to come."""
    scene.forget()
    words = scene.fresh_words()
    scene.m.write_u32("probe_go", 0)
    scene.m.start(1, "probe_spin_wait", flags=flags)
    scene.settle(1)
    return words


def test_spins(cell):
    """A CPU waits like this for what another one has, which calls."""
    for words, flags in WHERE:
        scene = alone(cell)
        argument = spinning(scene, flags)
        scene.m.start(0, "probe_call", flags=ON)
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(argument, *scene.cpus)
        check_as_before(scene, words, flags)
        if flags & ON:
            check_level(scene)
        scene.m.write_u32("probe_go", 1)
        scene.run_until(1, "probe_returned", "the CPU that waited goes on")
        cell.park()


def check_as_before(scene, words, flags):
    """CPU 1, which has answered, polls again: its interrupts and its level are as they were."""
    scene.run_until(1, "ipi_poll", "CPU 1 polls again")
    now = scene.m.regs(1)
    if bool(now.flags & 0x200) != bool(flags & ON):
        raise Fail(WRONG, expected=f"interrupts as they were, {words}", seen="they are not")
    if now.cr8 != flags >> 8 & 15:
        raise Fail(WRONG, expected=f"level {flags >> 8 & 15} as before, {words}", seen=f"level {now.cr8}")


def check_level(scene):
    """CPU 1 is still at a level that keeps a device's interrupt waiting."""
    vector = scene.vector(0x50, 0xC0)
    scene.fresh_token()
    scene.m.interrupt(1, vector)
    scene.settle(1)
    if scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector):
        raise Fail(WRONG, expected="ipi_poll() leaves the level as it was",
                   seen="a device's interrupt came to a CPU that was at IPI_LEVEL before")


def test_late_ipi(cell):
    """The IPI comes when the CPU has answered already: the function has run once."""
    for flags in (0, ON, flags_for(14)):
        scene = alone(cell)
        for _ in range(2):
            argument = spinning(scene, flags)
            scene.m.start(0, "probe_call", flags=ON)
            scene.returned(0)
            scene.check_got(argument, *scene.cpus)
            scene.forget()
            scene.m.write_u32("probe_go", 1)
            scene.run_until(1, "probe_returned", "the CPU that waited goes on")
            scene.m.call(1, "probe_sled", flags=ON)
            if scene.line("probe_got", 1)[:4] != (0,) * 4:
                raise Fail(WRONG, expected="the function runs once on each CPU",
                           seen="the IPI that came late ran it again on CPU 1")
        cell.park()


def test_inside(cell):
    """fn() itself calls ipi_poll(): it finds nothing, and fn() runs once on each CPU."""
    for flags in (ON, 0):
        scene = alone(cell)
        argument = spinning(scene, flags)
        scene.m.write_u32("probe_poll_inside", 1)
        scene.m.start(0, "probe_call", flags=ON)
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(argument, *scene.cpus)
        often = [scene.line("probe_got", cpu)[4] for cpu in scene.cpus]
        if set(often) != {1}:
            raise Fail(WRONG, expected="the function, which polls, runs once on each CPU",
                       seen=f"it ran {often} times")
        cell.park()


def test_low(cell):
    """A CPU that polls below IPI_LEVEL, before the IPI was sent, runs the function at IPI_LEVEL."""
    scene = alone(cell)
    argument = spinning(scene, ON)
    scene.m.start(0, "probe_call", flags=ON)
    scene.run_until(0, "ipi_send", "CPU 0 asks CPU 1")
    scene.settle(1)
    scene.together({1: "probe_phase"}, "the function begins")
    vector = scene.vector(0x50, 0x80)
    scene.fresh_token()
    scene.m.interrupt(1, vector)
    scene.m.run(1, "probe_phase", 2000, exact=False)
    if scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector):
        raise Fail(WRONG, expected="a device's interrupt waits until the function is done",
                   seen="its handler ran in the middle of it",
                   cause="the CPU polled below IPI_LEVEL, and stayed there.")
    scene.returned(0)
    scene.settle(1)
    scene.check_got(argument, *scene.cpus)
    scene.check_answered(vector)
