"""Exercise 2.1: %gs:0 is this CPU's block."""

from grader.explore import gs
from grader.explore.gs import gdt
from grader.explore.scene import Scene
from grader.verdict import WRONG, Fail


def test_own_block(cell):
    """Each CPU, parked since its start: where does its GS point, and may the kernel write there?"""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        regs = scene.m.regs(cpu)
        if regs.gs_base != scene.block:
            raise Fail(WRONG, expected=f"GS base {scene.block:#x}, CPU {cpu}'s struct cpu",
                       seen=f"{regs.gs_base:#x} on CPU {cpu}")
        if cell.width == 32:
            check_descriptor(scene, regs.gs)
        cell.park()
        check_init(Scene(cell, cpu))


def check_init(scene):
    """percpu_init() once more, with something else in GS: it is right when the call is back."""
    m, cpu = scene.m, scene.cpu
    each = gs.hostile(scene)[1]
    m.start(cpu, "probe_with_gs", each.value, m.elf.address("percpu_init"), scene.block)
    scene.run_to("percpu_init", "the grader's own code")
    scene.run_to(m.ptr(m.regs(cpu).sp), "the return of percpu_init()")
    regs = m.regs(cpu)
    if regs.gs_base != scene.block:
        raise Fail(WRONG, expected=f"GS base {scene.block:#x} behind percpu_init()",
                   seen=f"{regs.gs_base:#x} on CPU {cpu}, as before it",
                   cause="GS is loaded here; its first use comes before anything could repair it.")
    if m.width == 64 and regs.kernel_gs_base:
        raise Fail(WRONG, expected="0 in KERNEL_GS_BASE behind percpu_init()",
                   seen=f"{regs.kernel_gs_base:#x} on CPU {cpu}, as before it",
                   cause="the first way to ring 3 gives it that base: whatever was left there.")


def check_descriptor(scene, selector):
    """What the selector would load again."""
    slot = selector // 8
    table = gdt(scene)
    if not 0 < slot < len(table) or selector & 4:
        raise Fail(WRONG, expected="a selector of CPU %d's GDT in GS" % scene.cpu,
                   seen=f"{selector:#x}")
    seen, size = table[slot], scene.offset["cpu_size"]
    at = f"GDT slot {slot} on CPU {scene.cpu}"
    if not (seen.present and seen.writable):
        raise Fail(WRONG, expected=f"a present data segment that may be written in {at}",
                   seen=f"{seen.raw:#018x}")
    if seen.base != scene.block:
        raise Fail(WRONG, expected=f"base {scene.block:#x} in {at}", seen=f"{seen.base:#x}",
                   cause="GS keeps what it loaded; the next load of the selector takes this one.")
    if seen.limit < size - 1:
        raise Fail(WRONG, expected=f"a limit of at least {size - 1} in {at}, the last byte of "
                   "struct cpu", seen=str(seen.limit),
                   cause="an access beyond the limit faults, though QEMU does not show it.")


def test_reach_of_ring_3(cell):
    """Each CPU's GDT: what would GS show if ring 3 loaded this selector?"""
    for cpu in range(cell.machine.cpus):
        scene = Scene(cell, cpu)
        if scene.m.regs(cpu).gs_base != scene.block:
            raise Fail(WRONG, expected=f"GS base {scene.block:#x}, CPU {cpu}'s struct cpu",
                       seen=f"{scene.m.regs(cpu).gs_base:#x}")
        for slot, seen in enumerate(gdt(scene)):
            if not seen.for_ring_3 or seen.base in (0, scene.block):
                continue
            raise Fail(WRONG, expected=f"segments at 0 and at {scene.block:#x} for ring 3 of CPU "
                       f"{cpu}, no others", seen=f"slot {slot}, selector {slot * 8 | 3:#x}, has "
                       f"base {seen.base:#x}",
                       cause="ring 3 may load this selector into GS; no access through it faults, "
                       "and the kernel works on with what is there.")
