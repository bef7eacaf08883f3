"""Exercise 1.6: nobody can run."""

from grader.explore.registers import IF
from grader.explore.scene import BUDGET, SUBJECT, WITNESS, Scene
from grader.explore.sweep import Event, labs_own, sweep, trace, walk
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
    """Twelve interrupts of the idle CPU: each time it halts with the same stack pointer.

    Every second one says that a turn is over, as the clock does, though there is no turn.
    """
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
        scene.m.write_u32("probe_resched", turn % 2)
        scene.m.interrupt(SUBJECT, vector)
        regs = to_hlt(scene) if turn > 1 else choices(scene)
        scene.check_answered(vector, times)
        if regs.sp != first.sp:
            raise Fail(WRONG, expected=f"stack pointer {first.sp:#x} at each HLT",
                       seen=f"{regs.sp:#x} after {turn} interrupt{'s' if turn > 1 else ''}",
                       went_wrong=scene.m.place(regs.pc),
                       cause="what the interrupts left on the stack adds up until it is full.")


def choices(scene):
    """As to_hlt(), step by step: interrupts are off whenever a thread is chosen."""
    choice = scene.m.elf.address("sched_next")
    for step in walk(scene, (), "the idle loop's next HLT", "halted"):
        if step.pc == choice and step.flags & IF:
            raise Fail(WRONG, expected="interrupts off in sched_next()", seen="IF = 1",
                       cause="an interrupt in it changes what it is just looking at.")
    return scene.m.regs(SUBJECT)


def check_entry_stack(scene, thread):
    """In ring 3, come from the idle loop: its next interrupt has this thread's stack."""
    m = scene.m
    where = m.regs(SUBJECT).tr.base + 4
    seen = m.ptr(where)
    m.call(WITNESS, "tss_set_sp0", scene.block, thread)
    right, name = m.ptr(where), f"{scene.layout.title('sp')}0"
    if seen != right:
        raise Fail(WRONG, expected=f"{name} = {right:#x}, as tss_set_sp0() sets it for the thread "
                   "that became ready", seen=f"{seen:#x}",
                   cause="the idle loop's sched_next() has made it the present one already.")


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
        scene.run_to("exit_work", "the thread that became ready is returned to")
        if m.regs(SUBJECT).flags & IF:
            raise Fail(WRONG, expected="interrupts off when the idle loop is left", seen="IF = 1",
                       cause="an interrupt now may end the turn of the thread that was chosen.")
        scene.run_to(regs["ip"], "the thread that became ready runs")
        scene.check_user(regs)
        check_entry_stack(scene, thread)
        scene.check_answered(high)
        scene.check_canaries()

    sweep(scene, start, path, Event(wake, "interrupt", high), finish)
