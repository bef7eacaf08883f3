"""Bonus 5.8: a panic stops every other CPU, for good."""

from grader.explore.ipis import ON, Turns
from grader.explore.scene import flags_for
from grader.verdict import WRONG, Fail


def test_stop(cell):
    """CPUs that rest, and CPUs whose interrupts are off; none goes on."""
    for flags in (ON, 0, flags_for(15)):
        scene = Turns(cell)
        for cpu in scene.cpus:
            scene.m.call(cpu, "cpu_take_events", scene.block_of(cpu))
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
        scene.m.call(0, "probe_normal", 3)      # and the one that stopped them goes on
        cell.park()
