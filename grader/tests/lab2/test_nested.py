"""Exercise 2.3: the kernel is interrupted, faults, or cannot return."""

from grader.explore import gs
from grader.explore.registers import NARROW_CS, USER_CS
from grader.explore.scene import INTERRUPTS_ON, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

UNMAPPED = 0x7000_0000
KERNEL_CS = 0x08
FREE_STACK = 1024                       # bytes below the parked CPU's stack pointer
BAD = ({"cs": 0x63}, {"ss": 0x63})      # a selector beyond the GDT


def test_nested(cell):
    """Interrupts of ring 3 and of its handler, each with a fault inside; then one of the kernel."""
    scene, _ = gs.prepared(cell, 1)
    start = scene.m.snapshot()
    for each in gs.hostile(scene):
        nested(scene, each)
        scene.m.restore(start)
    cell.park()
    in_ring_0(Scene(cell, 1))
    cell.park()
    entering(Scene(cell, 1))


def entering(scene):
    """gs_enter %rbp (%ebp): with struct regs there, and not where the stack pointer is."""
    start = scene.m.snapshot()
    wide = scene.m.width == 64
    each = gs.hostile(scene)[1]
    user, iret, other = USER_CS[scene.m.width], *map(scene.m.elf.address, ("user_iret", "kintr"))
    cases = [(user, scene.sled(1), True), (user, other, True), (user, iret, True),
             (KERNEL_CS, iret, True)]
    cases += [(NARROW_CS, scene.sled(1), True), (KERNEL_CS, other, False)] if wide else []
    for cs, ip, ring_3s in cases:
        enters(scene, each, cs, ip, ring_3s)
        scene.m.restore(start)


def enters(scene, each, cs, ip, ring_3s):
    """One gs_enter, with ring 3's GS there or not."""
    m, layout = scene.m, scene.layout
    wide = m.width == 64
    at, bp = m.elf.address("probe_regs"), "rbp" if wide else "ebp"
    where = m.elf.where(ip) if m.elf.symbol_at(ip) else scene.checker.where(ip)
    words = (f"gs_enter %{bp}, with CS = {cs:#x} and {layout.title('ip')} = {where} in the struct regs "
             f"to which {bp.upper()} points")
    if ring_3s:
        m.start(scene.cpu, "probe_with_gs", each.value, m.elf.address("probe_gs_enter"), 0)
    else:
        m.start(scene.cpu, "probe_gs_enter")
    scene.run_to("probe_gs_enter", "the grader's own code")
    regs = {"cs": cs, "ip": ip, "gs": each.value}
    m.write(at, layout.pack(regs))
    other = {"cs": KERNEL_CS if cs != KERNEL_CS else USER_CS[m.width], "ip": m.elf.address("kintr")}
    sp = m.regs(scene.cpu).sp - FREE_STACK
    m.write(sp, layout.pack(other))
    general = {name: scene.random.getrandbits(m.width) for name in layout.general} | {bp: at}
    m.set_regs(scene.cpu, **general, **{"rsp" if wide else "esp": sp})
    scene.run_to("probe_gs_entered", f"the end of {words}")
    now = m.regs(scene.cpu)
    for name, value in general.items():
        if getattr(now, name) != value:
            raise Fail(WRONG, expected=f"{layout.title(name)} as it was, behind {words}",
                       seen=f"{layout.title(name)} changed",
                       cause="gs_enter may change the flags and no register: lab 1 may still need it.")
    if wide and now.gs_base != scene.block:
        raise Fail(WRONG, expected=f"GS base {scene.block:#x} behind {words}",
                   seen=f"{now.gs_base:#x}",
                   cause="CS says that ring 3's GS is there, whatever IP is." if cs & 3 else
                   "an IRET to ring 3 has faulted: ring 3's GS is there already." if ring_3s else
                   "the kernel was interrupted: its GS is there already.")


def nested(scene, each):
    m = scene.m
    low, high = scene.vector(0x50, 0x80), scene.vector(0xA0, 0xC0)
    regs = gs.program(scene, scene.sled(5), each)
    gs.enter(scene, regs, each)
    scene.fresh_token()
    m.write_ptr("probe_touch", UNMAPPED)
    place = scene.user_place()
    place.note = f"ring 3, with {each} in GS"
    m.interrupt(scene.cpu, low)
    scene.run_to("kintr", "kintr() called within the budget", at=place)
    m.interrupt(scene.cpu, high)
    scene.run_to_leave(at=place)
    gs.check_found(scene, low, at=place)
    gs.check_found(scene, high, at=place)
    result, good = m.u32("probe_touch_result") - (1 << 32), m.u32("probe_touch_good")
    if (result, good) != (-14, 2):
        raise Fail(WRONG, expected="two copies from a page that is not there fail with -14",
                   seen=f"result {result}; {good} handlers found their locals intact", at=place,
                   cause="a fault of a copy has nothing to do with GS, whatever ring 3 had there.")
    gs.back_in_ring_3(scene, regs, each, place)
    scene.check_canaries(at=place)


def in_ring_0(scene):
    """The kernel itself is interrupted: it finds its own GS again."""
    m = scene.m
    vector = scene.vector()
    scene.fresh_token()
    m.start(scene.cpu, "probe_sled", flags=INTERRUPTS_ON)
    scene.run_to("probe_sled", "the grader's own code")
    before = gs.selector_and_bases(scene)
    place = m.place(m.pc(scene.cpu))
    place.label = "interrupt came before"
    m.interrupt(scene.cpu, vector)
    scene.run_to(m.elf.address("probe_sled") + 3, "the interrupted kernel code again", at=place)
    gs.check_found(scene, vector, at=place)
    gs.check_unchanged(scene, before, at=place,
                       cause="the kernel was interrupted, with its own GS, and must find it again.")


def test_failed_iret(cell):
    """The IRET to a thread with a bad frame faults with ring 3's GS: another thread goes on, and
    its next interrupt finds the kernel's."""
    for wrong in BAD:
        scene, bad = gs.prepared(cell, 1)
        good = scene.thread()
        scene.guard(good)
        m, layout = scene.m, scene.layout
        its = layout.random_program(scene.random, scene.sled(11), **scene.honest)
        m.write(scene.thread_regs(good), layout.pack(its))
        m.call(scene.cpu, "thread_ready", good)
        start = m.snapshot()
        for each in gs.some(scene, 3):
            regs, _, place = gs.interrupted(scene, each)
            m.write(scene.thread_regs(bad), layout.pack(regs | wrong))
            fails(scene, bad, each, place)
            later(scene, its, place)
            m.restore(start)
        cell.park()


def fails(scene, bad, each, place):
    """The IRET faults, and the thread ends."""
    scene.run_to("thread_fault", f"thread_fault() after the IRET, with {each} in GS", at=place,
                 budget=200_000)
    if scene.argument(0) != bad:
        raise Fail(WRONG, expected="thread_fault() of the thread whose IRET failed",
                   seen="of another thread", at=place,
                   cause="the fault came with a kernel's CS and with ring 3's GS.")


def later(scene, its, place):
    """The other thread has its turn, and is interrupted."""
    scene.run_to(its["ip"], "the other thread's turn", at=place, budget=3_000_000)
    scene.check_user(its, at=place)
    vector = scene.vector()
    scene.m.write_u32(scene.m.elf.address("probe_count") + 4 * vector, 0)
    scene.fresh_token()
    again = scene.user_place()
    scene.m.interrupt(scene.cpu, vector)
    scene.run_to("kintr", "kintr() called within the budget", at=again)
    gs.check_stack(scene, "kintr", at=again)
    scene.run_to_leave(at=again)
    gs.check_found(scene, vector, at=again)
    gs.back_in_ring_3(scene, its, gs.Hostile(0, "nothing"), again)
    scene.check_canaries(at=again)


def test_sweep(cell):
    """Before each instruction of the labs from ring 3 to ring 3, another interrupt."""
    scene, _ = gs.prepared(cell, 1)
    m = scene.m
    each = gs.hostile(scene)[2]
    regs = gs.program(scene, scene.sled(4), each)
    low, high = scene.vector(0x50, 0x80), scene.vector(0xA0, 0xC0)
    gs.enter(scene, regs, each)
    scene.fresh_token()
    m.interrupt(scene.cpu, low)
    start = m.snapshot()
    path = labs_own(scene, trace(scene, "from ring 3 with its GS", [regs["ip"]],
                                 "the way back to ring 3"))
    last = dict(regs, ip=scene.sled(8))

    def finish():
        scene.run_to(last["ip"], "ring 3, after both interrupts")
        scene.check_user(gs.kept(last))
        gs.check_own(scene, each)
        gs.check_found(scene, low)
        gs.check_found(scene, high)
        scene.check_canaries()

    event = Event(lambda: m.interrupt(scene.cpu, high), "interrupt", high)
    sweep(scene, start, path, event, finish)
