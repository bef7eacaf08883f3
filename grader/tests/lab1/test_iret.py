"""Exercise 1.7: the IRET to ring 3 faults, because a thread's saved registers are bad."""

from grader.explore.registers import USER_DS
from grader.explore.scene import SUBJECT, Scene
from grader.verdict import WRONG, Fail

FREE, READY, RUNNING, WAITING, DEAD = range(5)      # enum thread_state
NON_CANONICAL = 0x8000_0000_0000

# What is wrong with the frame.  A selector 0x60 is beyond the GDT; 0x10 is the kernel's data.
BAD = ({"cs": 0x63}, {"ss": 0x63}, {"ss": 0x10}, {"cs": USER_DS})
# In QEMU this IRET succeeds and ring 3 faults at once, which is another path to the same end.
BAD_64 = ({"ip": NON_CANONICAL},)


def poisoned(scene, wrong):
    """A thread whose IRET will fail, and another that is ready; CPU 0 leaves the kernel."""
    bad, good = scene.thread(), scene.thread()
    scene.guard(bad, good)
    m, layout = scene.m, scene.layout
    # In 32 bits the kernel has ring 3's empty data segments when the IRET faults.
    empty = {"ds": 0, "es": 0} if m.width == 32 else {}
    program = layout.random_program(scene.random, scene.sled(2)) | empty | wrong
    m.write(scene.thread_regs(bad), layout.pack(program))
    regs = layout.random_program(scene.random, scene.sled(11))
    m.write(scene.thread_regs(good), layout.pack(regs))
    m.call(SUBJECT, "thread_ready", bad)
    m.call(SUBJECT, "thread_ready", good)
    m.start(SUBJECT, "ret_to_user")
    return bad, good, regs, program


def words(wrong):
    return ", ".join(f"{name.upper()} = {value:#x}" for name, value in wrong.items())


def test_thread_ends(cell):
    """Bad CS, bad SS, bad IP: the thread ends, and the kernel lives."""
    for wrong in BAD + (BAD_64 if cell.width == 64 else ()):
        scene = Scene(cell)
        scene.tss()
        bad, _, regs, program = poisoned(scene, wrong)
        scene.run_to("thread_fault", f"thread_fault() for a thread with {words(wrong)}",
                     budget=200_000)
        if scene.argument(0) != bad:
            raise Fail(WRONG, expected="thread_fault() of the thread whose IRET failed",
                       seen="of another thread")
        scene.check_saved(scene.saved(scene.thread_regs(bad)), program,
                          "struct regs as thread_regs() finds it, after the failed IRET")
        scene.run_to(regs["ip"], "the other thread's turn", budget=3_000_000)
        state = scene.m.u32(bad + scene.offset["thread_state"])
        if state not in (FREE, DEAD):
            raise Fail(WRONG, expected=f"the thread with {words(wrong)} ended",
                       seen="it can still run")
        cell.park()


def test_others_go_on(cell):
    """After it, the other thread has its registers, and a stack for its next interrupt."""
    scene = Scene(cell)
    scene.tss()
    _, good, regs, _ = poisoned(scene, scene.random.choice(BAD))
    scene.run_to(regs["ip"], "the other thread's turn", budget=3_000_000)
    scene.check_user(regs)
    scene.check_canaries()
    vector = scene.vector()
    scene.fresh_token()
    scene.m.interrupt(SUBJECT, vector)
    scene.run_to_leave()
    scene.check_answered(vector)
    low, top = scene.kernel_stack()
    sp = scene.m.regs(SUBJECT).sp
    if top - sp > 1024 or sp > top:
        raise Fail(WRONG, expected="the kernel stack used from its top again",
                   seen=f"{top - sp} bytes in use",
                   cause="what the failed IRET left on the stack is still there.")
    scene.check_saved(scene.saved(scene.thread_regs(good)), regs,
                      "struct regs as thread_regs() finds it")
