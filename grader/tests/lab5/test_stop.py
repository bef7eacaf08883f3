"""Bonus 5.8: a panic stops every other CPU, for good."""

from grader.explore.ipis import ON, Turns
from grader.explore.scene import flags_for
from grader.verdict import WRONG, Fail

ENDS = ("ipi_send_nmi", "probe_returned")
STEPS = 200             # of stop_others() that are looked at, up to its first NMI
WHOLE = 3000            # more than it has


def with_nmis(cell):
    """A scene in which every CPU takes NMIs."""
    scene = Turns(cell)
    for cpu in scene.cpus:
        scene.m.call(cpu, "cpu_take_events", scene.block_of(cpu))
    return scene


def test_stop(cell):
    """CPUs that rest, and CPUs whose interrupts are off; none goes on."""
    for flags in (ON, 0, flags_for(15)):
        scene = with_nmis(cell)
        for cpu in scene.cpus:
            goes_on(scene, cpu, "nobody stops anybody")
        for cpu in scene.others:
            scene.m.start(cpu, "probe_normal", 1 << 30, flags=flags)
            scene.settle(cpu)
        scene.m.call(0, "stop_others")
        for cpu in scene.others:
            scene.m.run(cpu, (), 4000)
            steps = scene.line("probe_steps", cpu)[0]
            stop = scene.m.run(cpu, (), 4000)
            if scene.line("probe_steps", cpu)[0] != steps:
                raise Fail(WRONG, expected=f"CPU {cpu} is stopped", seen="it goes on")
            if stop.reason not in ("halted", "budget"):
                raise scene.failed_on(stop, "a CPU that stands still")
            takes_none(scene, cpu)
        goes_on(scene, 0, "it is the one that stopped the others")
        cell.park()
    two_stop(cell)


def takes_none(scene, cpu):
    """A CPU that is stopped runs no handler either."""
    vector = scene.vector(0x50, 0xC0)
    scene.m.interrupt(cpu, vector)
    scene.m.run(cpu, (), 4000)
    if scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector):
        raise Fail(WRONG, expected=f"CPU {cpu} is stopped", seen="a device's interrupt runs its handler")


def goes_on(scene, cpu, why):
    """An NMI that does not stop the CPU."""
    scene.m.nmi(cpu)
    scene.m.start(cpu, "probe_normal", 3)
    scene.run_until(cpu, "probe_returned", f"CPU {cpu} goes on after an NMI: {why}")


def two_stop(cell):
    """CPU 1 is about to stop the others, at each access to memory up to its first NMI; CPU 0 does so,
    whole.  Then CPU 1 goes on, and the NMIs come when both have sent what they send."""
    scene = with_nmis(cell)
    scene.m.start(1, "stop_others")
    scene.run_until(1, "stop_others", "CPU 1 stops the others")
    for at in scene.at_each(1, lambda: scene.accesses(1, ENDS, STEPS)):
        scene.m.start(0, "stop_others")
        back = [cpu for cpu in (0, 1) if
                scene.m.walk(cpu, "probe_returned", WHOLE, hold=True)[1].reason == "address"]
        for cpu in back:
            scene.m.start(cpu, "probe_normal", 3)
        going = [cpu for cpu in back if scene.m.run(cpu, "probe_returned", 4000).reason == "address"]
        if len(going) != 1:
            raise Fail(WRONG, expected="two CPUs stop the others: one of the two goes on",
                       seen=f"{'both go on' if going else 'each has stopped the other'}; CPU 1 was at "
                       f"{scene.m.elf.where(at)} when CPU 0 began")
