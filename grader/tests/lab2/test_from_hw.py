"""Exercise 2.4: which CPU is this, without GS?"""

from grader.explore import gs
from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail


def check(scene, seen, words):
    if seen != scene.block:
        raise Fail(WRONG, expected=f"cpu_from_hw() = {scene.block:#x} on CPU {scene.cpu}{words}",
                   seen=f"{seen:#x}{gs.whose(scene, seen)}")


def test_each_cpu(cell):
    """Called on each CPU, with the kernel's GS there."""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        check(scene, scene.m.call(cpu, "cpu_from_hw"), "")


def test_any_gs(cell):
    """Called on each CPU with each GS that ring 3 can leave there: no fault, and the right CPU."""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        m = scene.m
        start = m.snapshot()
        for each in gs.hostile(scene):
            m.start(cpu, "probe_with_gs", each.value, m.elf.address("cpu_from_hw"), 0)
            scene.run_to("cpu_from_hw", "the grader's own code")
            stop = scene.run_to(("probe_returned", "trap_common"),
                                f"cpu_from_hw() returns; {each} is in GS")
            if stop.pc == m.elf.address("trap_common"):
                raise Fail(WRONG, expected=f"cpu_from_hw() without a fault; {each} is in GS",
                           seen="a fault in it", cause="it has to work where GS is not to be "
                           "trusted: it may not use GS.")
            check(scene, m.result(cpu), f"; {each} is in GS")
            m.restore(start)
        cell.park()
