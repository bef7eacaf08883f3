"""Exercise 2.3: the kernel is interrupted, faults, or cannot return."""

from grader.explore import gs
from grader.explore.scene import INTERRUPTS_ON, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

UNMAPPED = 0x7000_0000
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
