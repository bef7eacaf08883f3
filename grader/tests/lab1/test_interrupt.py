"""Exercise 1.2: a device interrupts ring 3."""

from grader.explore.registers import AC, DF, IF, NARROW_CS
from grader.explore.scene import SUBJECT, Scene
from grader.explore.sweep import Event, sweep, trace
from grader.verdict import WRONG, Fail

KERNEL_DS = 0x10
TO_KINTR = "kintr() called within the budget"


def interrupted(scene, at, ip=None, **fixed):
    """A thread of ring 3, interrupted; gives its registers, the vector, and where it was.

    `ip`: where it has just jumped to; the interrupt comes before that instruction is fetched.
    """
    regs = scene.layout.random_program(scene.random, scene.sled(at), **fixed)
    vector = scene.vector()
    scene.enter(regs)
    scene.fresh_token()
    place = scene.user_place()
    if ip is not None:
        scene.jump(ip)
        place.note = f"ring 3, which has just jumped to {scene.m.elf.where(ip)}"
    scene.m.interrupt(SUBJECT, vector)
    scene.run_to("kintr", TO_KINTR, at=place)
    return regs, vector, place


def test_registers_are_saved(cell):
    """At four addresses of ring 3, two of them odd: kintr() gets every register."""
    for at in (0, 1, 6, 15):
        scene = Scene(cell)
        scene.tss()
        scene.present()
        regs, vector, place = interrupted(scene, at)
        saved = scene.saved(scene.argument(0))
        scene.check_saved(saved, regs, "struct regs as kintr() got it", at=place)
        if saved["vector"] != vector:
            raise Fail(WRONG, expected=f"vector {vector:#x} in struct regs",
                       seen=f"{saved['vector']:#x}", at=place)
        cell.park()


def test_kernel_stack(cell):
    """kintr() runs on the CPU's kernel stack, whatever ring 3 had in its registers.

    The saved IP's low bits look like ring 3's once, like ring 0's once; once IP is the kernel's, to
    which ring 3 has jumped, and in 64 bits CS is once not the usual one.
    """
    kernel = cell.machine.elf.address("kintr")
    for at, ip, fixed in ((3, None, {}), (8, None, {}), (5, kernel, {}),
                          *(((6, None, {"cs": NARROW_CS}),) if cell.width == 64 else ())):
        scene = Scene(cell)
        scene.tss()
        scene.present()
        low, top = scene.kernel_stack()
        _, _, place = interrupted(scene, at, ip, sp=low + 512, **fixed)
        sp = scene.m.regs(SUBJECT).sp
        if not low < sp <= top:
            raise Fail(WRONG, expected=f"the kernel stack, {low:#x} to {top:#x}",
                       seen=f"{scene.layout.title('sp')} = {sp:#x} in kintr()"
                       f"{scene.memory(sp)}", at=place,
                       cause="the save area is no stack: C code would write over its neighbours.")
        if top - sp > 1024:
            raise Fail(WRONG, expected="the kernel stack used from its top",
                       seen=f"{top - sp} bytes are in use already", at=place)
        scene.check_c("kintr", at=place)
        cell.park()


def test_c_state(cell):
    """Ring 3 sets DF and empties its data segments; C code must not notice."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    empty = {name: 0 for name in ("ds", "es")} if cell.width == 32 else {}
    _, vector, place = interrupted(scene, 2, flags=2 | IF | DF | AC, **empty)
    regs = scene.m.regs(SUBJECT)
    scene.check_c("kintr", at=place)
    for name in empty:
        if getattr(regs, name) != KERNEL_DS:
            raise Fail(WRONG, expected=f"{name.upper()} = {KERNEL_DS:#x} in kintr()",
                       seen=f"{name.upper()} = {getattr(regs, name):#x}, ring 3's", at=place,
                       cause="an interrupt changes CS and SS; the data segments stay as they were.")
    scene.run_to_leave(at=place)
    scene.check_answered(vector, at=place)


def test_accessor_and_neighbours(cell):
    """When the thread is out of the kernel's hands, thread_regs() has its registers."""
    scene = Scene(cell)
    scene.tss()
    thread = scene.present()
    regs, vector, place = interrupted(scene, 5)
    scene.run_to_leave(at=place)
    scene.check_answered(vector, at=place)
    saved = scene.saved(scene.thread_regs(thread))
    scene.check_saved(saved, regs, "struct regs as thread_regs() finds it", at=place)
    scene.check_canaries(at=place)


def test_two_threads(cell):
    """A, B, A: each is interrupted, and each comes back with its own registers."""
    scene = Scene(cell)
    scene.tss()
    first = scene.present()
    second = scene.thread()
    scene.guard(second)
    layout, m = scene.layout, scene.m
    mine = layout.random_program(scene.random, scene.sled(1))
    other = layout.random_program(scene.random, scene.sled(9))
    m.write(scene.thread_regs(second), layout.pack(other))
    depths: list[int] = []
    scene.enter(mine)
    for turn, (wakes, after) in enumerate(((second, other), (first, mine), (second, other))):
        place = scene.user_place()
        m.write_ptr("probe_wake", wakes if turn == 0 else 0)
        m.write_u32("probe_resched", 1)
        scene.fresh_token()
        m.interrupt(SUBJECT, scene.vector())
        scene.run_to("kintr", TO_KINTR, at=place)
        depths.append(m.regs(SUBJECT).sp)
        if depths[-1] != depths[0]:
            raise Fail(WRONG, expected=f"{layout.title('sp')} = {depths[0]:#x} in kintr()",
                       seen=f"{depths[-1]:#x} at interrupt {len(depths)}", at=place,
                       cause="each entry starts where the last one ended, until the stack is full.")
        scene.run_to(after["ip"], "the other thread's turn", at=place)
        scene.check_user(after, at=place)
    scene.check_canaries()


def test_sweep(cell):
    """Before each instruction from ring 3 to ring 3, another interrupt."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    m = scene.m
    regs = scene.layout.random_program(scene.random, scene.sled(4))
    low, high = scene.vector(0x50, 0x80), scene.vector(0xA0, 0xC0)
    scene.enter(regs)
    scene.fresh_token()
    m.interrupt(SUBJECT, low)
    start = m.snapshot()
    path = trace(scene, "from ring 3", [regs["ip"]], "the way back to ring 3")
    last = dict(regs, ip=scene.sled(8))

    def finish():
        scene.run_to(last["ip"], "ring 3, after both interrupts")
        scene.check_user(last)
        scene.check_answered(low)
        scene.check_answered(high)
        scene.check_canaries()

    sweep(scene, start, path, Event(lambda: m.interrupt(SUBJECT, high), "interrupt", high), finish)
