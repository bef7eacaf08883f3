"""Exercise 1.5: an interrupt, or a fault, of the kernel itself."""

from grader.explore.registers import DF, GENERAL, IF
from grader.explore.scene import INTERRUPTS_ON, SUBJECT, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

UNMAPPED = 0x7000_0000
LEVELS = range(0x50, 0xC0, 0x10)        # the lowest vector of each; 0x80 is no device's
HARMLESS_FLAGS = 0x8D5  # CF PF AF ZF SF OF


def sled(scene, more_flags=0):
    """CPU 0 in ring 0 on a NOP, interrupts on, with random registers."""
    m, layout = scene.m, scene.layout
    m.start(SUBJECT, "probe_sled", flags=INTERRUPTS_ON)
    scene.run_to("probe_sled", "the grader's own code")
    flags = 2 | IF | more_flags | scene.random.getrandbits(16) & HARMLESS_FLAGS
    general = {name: scene.random.getrandbits(layout.width) for name in GENERAL[layout.width]}
    m.set_regs(SUBJECT, **general, **{"rflags" if layout.width == 64 else "eflags": flags})
    sp = m.regs(SUBJECT).sp
    return general, flags, sp, m.elf.address("probe_sled")


def check(scene, before, pc):
    """The kernel goes on at pc with everything as it was."""
    general, flags, sp, _ = before
    regs = scene.m.regs(SUBJECT)
    layout = scene.layout
    seen = {name: getattr(regs, name) for name in general} | {"sp": regs.sp, "flags": regs.flags}
    for name, value in (general | {"sp": sp, "flags": flags}).items():
        if seen[name] & layout.mask(name) != value:
            cause = ""
            if name == "flags":
                cause = "IRET takes the flags from the frame; another word of the stack is not it."
            raise Fail(WRONG, expected=f"{layout.title(name)} = {value:x} in the kernel again",
                       seen=f"{seen[name]:x}", cause=cause)
    if regs.pc != pc or regs.cpl:
        raise Fail(WRONG, expected=f"the kernel at {scene.m.elf.where(pc)}",
                   seen=scene.m.elf.where(regs.pc))


def test_kernel_resumes(cell):
    """Ring 0 is interrupted at three instructions, once while it copies downwards (DF), and does
    not notice; nor if each handler is interrupted again."""
    for at, more_flags in ((0, 0), (1, DF), (6, 0)):
        scene = Scene(cell)
        m = scene.m
        before = sled(scene, more_flags)
        general, flags, sp, pc = before
        if at:
            m.step(SUBJECT, at, hold=True)
        own = m.read(sp, 64)                      # the caller's frames
        vector = scene.vector()
        scene.fresh_token()
        place = m.place(pc + at)
        place.label = "interrupt came before"
        m.interrupt(SUBJECT, vector)
        scene.run_to("kintr", "kintr() called within the budget", at=place)
        saved = scene.saved(scene.argument(0))
        if saved["ip"] != pc + at or saved["cs"] & 3:
            raise Fail(WRONG, expected=f"{m.elf.where(pc + at)} in struct regs",
                       seen=m.elf.where(saved["ip"]), at=place)
        if m.regs(SUBJECT).sp > sp:
            raise Fail(WRONG, expected=f"the stack that the kernel used, below {sp:#x}",
                       seen=f"{scene.layout.title('sp')} = {m.regs(SUBJECT).sp:#x}", at=place,
                       cause="switching stacks again writes over what the kernel has on it.")
        scene.check_c("kintr", at=place)
        scene.run_to(pc + at + 1, "the interrupted kernel code again", at=place)
        check(scene, before, pc + at + 1)
        scene.check_answered(vector, at=place)
        if m.read(sp, 64) != own:
            raise Fail(WRONG, expected="the stack above untouched",
                       seen="words of the interrupted function changed", at=place)
        cell.park()
    levels(Scene(cell))


def levels(scene):
    """An interrupt in an interrupt, as deep as the levels of devices allow."""
    m = scene.m
    before = sled(scene)
    vectors = [scene.vector(level + 1, level + 0x10) for level in LEVELS]
    place = m.place(before[3])
    place.label, place.note = "interrupt came before", "and another one in the handler of each"
    scene.fresh_token()
    for number, vector in enumerate(vectors, start=1):
        m.interrupt(SUBJECT, vector)
        scene.run_to("kintr", f"kintr() for interrupt {number} of {len(vectors)}, each in the handler "
                     "of the one before", at=place)
    scene.run_to(before[3] + 1, "the interrupted kernel code again", at=place)
    check(scene, before, before[3] + 1)
    for vector in vectors:
        scene.check_answered(vector, at=place)


def test_fault_in_handler(cell):
    """A handler copies from an address of ring 3 that is not there: its own locals survive."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    m = scene.m
    # Honest in GS: a fault that repairs it would come before the one that this test is about.
    regs = scene.layout.random_program(scene.random, scene.sled(2), **scene.honest)
    scene.enter(regs)
    vector = scene.vector()
    scene.fresh_token()
    m.write_ptr("probe_touch", UNMAPPED)
    place = scene.user_place()
    m.interrupt(SUBJECT, vector)
    scene.run_to("ktrap", "the copy's fault arrives in ktrap()", at=place)
    saved = scene.saved(scene.argument(0))
    if saved["cs"] & 3 or saved["vector"] != 14:
        raise Fail(WRONG, expected="a page fault of ring 0 in struct regs",
                   seen=f"vector {saved['vector']:#x}, CS {saved['cs']:#x}", at=place)
    if scene.argument(1) != UNMAPPED:
        raise Fail(WRONG, expected=f"cr2 = {UNMAPPED:#x} as ktrap()'s second argument",
                   seen=f"{scene.argument(1):#x}", at=place)
    scene.check_c("ktrap", at=place)
    scene.run_to_leave(at=place)
    scene.check_answered(vector, at=place)
    result = m.u32("probe_touch_result") - (1 << 32)
    if (result, m.u32("probe_touch_good")) != (-14, 1):
        raise Fail(WRONG, expected="the copy fails with -EFAULT (-14), the handler's locals intact",
                   seen=f"result {result}, locals {'intact' if m.u32('probe_touch_good') else 'lost'}",
                   at=place, cause="the fault came from ring 0: its stack must not start again.")
    scene.check_canaries(at=place)


def test_sweep(cell):
    """Before each instruction from ring 0 to ring 0, another interrupt."""
    scene = Scene(cell)
    m = scene.m
    before = sled(scene)
    pc = before[3]
    low, high = scene.vector(0x50, 0x80), scene.vector(0xA0, 0xC0)
    scene.fresh_token()
    m.interrupt(SUBJECT, low)
    start = m.snapshot()
    path = labs_own(scene, trace(scene, "from ring 0", [pc], "the way back to ring 0"))
    last = pc + 8

    def finish():
        scene.run_to(last, "the kernel's own code, after both interrupts")
        check(scene, before, last)
        scene.check_answered(low)
        scene.check_answered(high)

    sweep(scene, start, path, Event(lambda: m.interrupt(SUBJECT, high), "interrupt", high), finish)
