"""Exercise 2.4: which CPU is this, without GS?"""

from grader.explore import gs
from grader.explore.scene import OWN_STACKS, Scene
from grader.verdict import WRONG, Fail


LONGEST = 200           # instructions of a call after which CPU 0 asks
ROOM = 256              # bytes of a stack that an entry may have used already


def check(scene, seen, words):
    if seen != scene.block:
        raise Fail(WRONG, expected=f"cpu_from_hw() = {scene.block:#x} on CPU {scene.cpu}{words}",
                   seen=f"{seen:#x}{gs.whose(scene, seen)}")


def test_each_cpu(cell):
    """Called on each CPU, with the kernel's GS there, on the kernel stack and on each other one."""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        m = scene.m
        check(scene, m.call(cpu, "cpu_from_hw"), "")
        start = m.snapshot()
        for name, top in zip(OWN_STACKS, scene.own_tops):
            m.start(cpu, "cpu_from_hw")
            scene.run_to("cpu_from_hw", "the grader's own code")
            regs = m.regs(cpu)
            back, sp = m.ptr(regs.sp), top - ROOM - scene.layout.word
            m.write_ptr(sp, back)
            m.set_regs(cpu, **{"rsp" if m.width == 64 else "esp": sp})
            scene.run_to(back, "the return of cpu_from_hw()")
            seen = m.regs(cpu)
            check(scene, seen.rax if m.width == 64 else seen.eax,
                  f", called on the stack of the {name}")
            m.restore(start)
        cell.park()
    at_once(cell)


def at_once(cell):
    """CPU 0 asks after each instruction of CPU 1's call."""
    scene = Scene(cell, 1)
    m = scene.m
    m.start(1, "cpu_from_hw")
    scene.run_to("cpu_from_hw", "the grader's own code")
    back = m.ptr(m.regs(1).sp)
    for _ in range(LONGEST):
        m.step(1)
        if m.pc(1) == back:
            break
        m.call(0, "cpu_from_hw")
    scene.run_to("probe_returned", "the return of cpu_from_hw()")
    check(scene, m.result(1), ", while CPU 0 asks, too")


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
