"""Exercise 5.7: a CPU that spins answers where its IPIs cannot come."""

from grader.explore.ipis import ON, Turns, level
from grader.verdict import WRONG, Fail

WHERE = (("interrupts off", 0), ("at IPI_LEVEL", ON | level(14)), ("at HIGH_LEVEL", level(15)),
         ("at CLOCK_LEVEL, interrupts off", level(13)))


def test_spins(cell):
    """A CPU waits like this for what another one has, which calls."""
    for words, flags in WHERE:
        scene = Turns(cell)
        scene.rest(*scene.others[1:])
        scene.forget()
        argument = scene.argument()
        scene.m.start(1, "probe_spin_wait", flags=flags)
        scene.settle(1)
        scene.m.start(0, "probe_call", flags=ON)
        scene.returned(0)
        scene.accepted(0)
        scene.check_got(argument, *scene.cpus)
        before = scene.m.regs(1).flags & 0x200
        if bool(before) != bool(flags & ON):
            raise Fail(WRONG, expected=f"interrupts as they were, {words}", seen="they are not")
        scene.m.write_u32("probe_go", 1)
        scene.run_until(1, "probe_returned", "the CPU that waited goes on")
        cell.park()


def test_late_ipi(cell):
    """The IPI comes when the CPU has answered already: the function has run once."""
    for flags in (0, ON, level(14)):
        scene = Turns(cell)
        scene.rest(*scene.others[1:])
        for _ in range(2):
            scene.forget()
            argument = scene.argument()
            scene.m.write_u32("probe_go", 0)
            scene.m.start(1, "probe_spin_wait", flags=flags)
            scene.settle(1)
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
