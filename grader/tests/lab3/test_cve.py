"""Bonus 3.8: two things that real kernels got wrong, with an NMI before each instruction."""

from grader.explore.nmi import FromRing3, NmiScene
from grader.explore.scene import SUBJECT
from grader.explore.sweep import labs_own, path_of, sweep, trace, walk
from grader.verdict import WRONG, Fail

BAD = ({"cs": 0x63}, {"ss": 0x63})      # a selector beyond the GDT


def test_fast_call(cell):
    """SYSCALL leaves the stack pointer as ring 3 had it: on the NMI stack, say."""
    scene = NmiScene(cell)
    nmi_top = scene.own_tops[1]
    stacks = [None] + [nmi_top - down for down in (0, 8, 128, 200)] if cell.width == 64 else [None]
    for sp in stacks:
        scene = NmiScene(cell)
        scene.ready()
        name = "fast system call" + (f", RSP {nmi_top - sp} below the NMI stack's top" if sp else "")
        go = FromRing3(scene, name, "fast", {"sp": sp} if sp else None)
        start = go.start()
        path = labs_own(scene, trace(scene, name, go.until(), "ring 3 again", nmis=True))
        if sp:      # once RSP is the kernel's, all is as before
            path.boundaries = [b for b in path.boundaries
                               if scene.m.elf.where(b.pc).startswith("syscall_entry")][:6]
        sweep(scene, start, path, scene.event, go.finish, go.again)
        cell.park()


def test_bad_frame(cell):
    """A thread's saved registers make IRET fault, with its GS loaded already."""
    keys = set()
    for wrong in BAD:
        scene = NmiScene(cell)
        scene.ready()
        m, layout = scene.m, scene.layout
        thread = scene.present()
        empty = {"ds": 0, "es": 0} if cell.width == 32 else {}
        regs = layout.random_program(cell.random, scene.sled(2)) | empty | wrong
        m.write(scene.thread_regs(thread), layout.pack(regs))
        scene.forget()
        m.start(SUBJECT, "ret_to_user")
        scene.run_to("ret_to_user", "the lab's own way out")
        sp = m.regs(SUBJECT).sp
        start = m.snapshot()
        words = ", ".join(f"{name.upper()} = {value:#x}" for name, value in wrong.items())
        steps = walk(scene, [m.elf.address("thread_fault")], "thread_fault() of the thread")
        path = labs_own(scene, path_of(scene, f"IRET with {words}", steps, nmis=True, keys=keys))

        def finish():
            scene.see()
            scene.run_to("thread_fault", "thread_fault() for the thread whose IRET failed")
            if scene.argument(0) != thread:
                raise Fail(WRONG, expected="thread_fault() of the thread whose IRET failed",
                           seen="of another")
            scene.check_nmis()
            scene.check_canaries()

        def again():
            """The thread did not end yet, and its saved registers are as they were."""
            scene.forget()
            names = ("rip", "rsp") if cell.width == 64 else ("eip", "esp")
            m.set_regs(SUBJECT, **dict(zip(names, (m.elf.address("ret_to_user"), sp))))

        sweep(scene, start, path, scene.event, finish, again)
        cell.park()
