"""Exercise 1.6: nobody can run."""

from grader.explore.registers import IF
from grader.explore.scene import BUDGET, SUBJECT, WITNESS, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace
from grader.verdict import WRONG, Fail

ROUNDS = 12


def idle(scene):
    """Has CPU 0 go idle, and runs it to its HLT."""
    scene.m.start(SUBJECT, "idle_loop")
    return to_hlt(scene)


def to_hlt(scene):
    """Runs CPU 0 until it halts; gives its registers."""
    stop = scene.m.run(SUBJECT, (), BUDGET)
    if stop.reason != "halted":
        raise scene.failed(stop, "HLT, while there is nothing to do")
    regs = scene.m.regs(SUBJECT)
    if not regs.flags & IF:
        raise Fail(WRONG, expected="interrupts on at HLT", seen="IF = 0: nothing can wake the CPU",
                   went_wrong=scene.m.place(stop.pc))
    return regs


def test_stack_stays(cell):
    """Twelve interrupts of the idle CPU: each time it halts with the same stack pointer."""
    scene = Scene(cell)
    scene.tss()
    first = idle(scene)
    low, top = scene.kernel_stack()
    if not low < first.sp <= top:
        raise Fail(WRONG, expected=f"the kernel stack, {low:#x} to {top:#x}, at HLT",
                   seen=f"{first.sp:#x}")
    for turn in range(1, ROUNDS + 1):
        vector = scene.vector()
        times = scene.m.u32(scene.m.elf.address("probe_count") + 4 * vector) + 1
        scene.fresh_token()
        scene.m.interrupt(SUBJECT, vector)
        regs = to_hlt(scene)
        scene.check_answered(vector, times)
        if regs.sp != first.sp:
            raise Fail(WRONG, expected=f"stack pointer {first.sp:#x} at each HLT",
                       seen=f"{regs.sp:#x} after {turn} interrupt{'s' if turn > 1 else ''}",
                       went_wrong=scene.m.place(regs.pc),
                       cause="what the interrupts left on the stack adds up until it is full.")


def test_sweep(cell):
    """A thread is made ready before each instruction of the idle loop: it runs, with no other
    interrupt to help."""
    scene = Scene(cell)
    scene.tss()
    thread = scene.thread()
    scene.guard(thread)
    m = scene.m
    regs = scene.layout.random_program(scene.random, scene.sled(3))
    m.write(scene.thread_regs(thread), scene.layout.pack(regs))
    low, high = scene.vector(0x50, 0x80), scene.vector(0xA0, 0xC0)
    scene.fresh_token()
    idle(scene)
    m.interrupt(SUBJECT, low)
    start = m.snapshot()
    path = labs_own(scene, trace(scene, "from idle", (), "the idle loop's next HLT", "halted"))

    def wake():
        m.write_ptr("probe_wake", thread, WITNESS)
        m.interrupt(SUBJECT, high)

    def finish():
        scene.run_to(regs["ip"], "the thread that became ready runs")
        scene.check_user(regs)
        scene.check_answered(high)
        scene.check_canaries()

    sweep(scene, start, path, Event(wake, "interrupt", high), finish)
