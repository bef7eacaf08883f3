"""Exercise 1.4: the way back to ring 3."""

from grader.explore.registers import IF, NT, SEGMENTS, TF, USER_DS
from grader.explore.scene import SUBJECT, WITNESS, Scene
from grader.verdict import WRONG, Fail

WAITING = 3     # enum thread_state


def leave(scene, thread, regs):
    """Gives the thread registers, makes it ready, and has CPU 0 leave the kernel."""
    scene.m.write(scene.thread_regs(thread), scene.layout.pack(regs))
    scene.m.call(SUBJECT, "thread_ready", thread)
    scene.m.start(SUBJECT, "ret_to_user")


def test_registers_come_back(cell):
    """Three times random registers in thread_regs(): ring 3 has exactly these.

    In 32 bits the data segments are all empty once, and all full once.  The last one single-steps.
    """
    for at, segments in ((0, {name: 0 for name in SEGMENTS[cell.width]}),
                         (7, {name: USER_DS for name in SEGMENTS[cell.width]}), (13, {})):
        scene = Scene(cell)
        scene.tss()
        thread = scene.thread()
        scene.guard(thread)
        regs = scene.layout.random_program(scene.random, scene.sled(at), **segments)
        if not segments:
            regs["flags"] |= TF
        leave(scene, thread, regs)
        stop = scene.run_to(("exit_work", regs["ip"]), "exit_work(), and the return to ring 3")
        if stop.pc == regs["ip"]:
            raise Fail(WRONG, expected="exit_work() called before the return to ring 3",
                       seen="ring 3 without it", cause="work that was put off is never done.")
        if scene.m.regs(SUBJECT).flags & IF:
            raise Fail(WRONG, expected="interrupts off in exit_work()", seen="IF = 1",
                       cause="an interrupt now may end the turn of the thread that was chosen.")
        scene.run_to(regs["ip"], "ring 3 at the thread's saved IP")
        scene.check_user(regs)
        scene.check_canaries()
        cell.park()


def test_choice(cell):
    """Two threads, one ready: its registers, its memory, and its stack for the next interrupt."""
    scene = Scene(cell)
    scene.tss()
    present, ready = scene.present(), scene.thread()
    scene.guard(ready)
    m, layout = scene.m, scene.layout
    space = m.ptr(ready + scene.offset["thread_as"])
    root = m.u64(space)
    m.write_u32(present + scene.offset["thread_state"], WAITING)
    regs = layout.random_program(scene.random, scene.sled(5))
    leave(scene, ready, regs)
    scene.run_to(regs["ip"], "ring 3, the ready thread")
    scene.check_user(regs)
    if m.regs(SUBJECT).cr3 & ~0x1F != root:
        raise Fail(WRONG, expected=f"CR3 = {root:#x}, the address space of the ready thread",
                   seen=f"CR3 = {m.regs(SUBJECT).cr3:#x}",
                   cause="ring 3 runs with another process's memory.")
    sp0 = m.ptr(m.regs(SUBJECT).tr.base + 4)
    m.call(WITNESS, "tss_set_sp0", scene.block, ready)
    right = m.ptr(m.regs(SUBJECT).tr.base + 4)
    if sp0 != right:
        raise Fail(WRONG, expected=f"{layout.title('sp')}0 = {right:#x}, as tss_set_sp0() sets it "
                   "for this thread", seen=f"{sp0:#x}",
                   cause="the next interrupt would save this thread's registers in another's area.")
    scene.check_canaries()


def test_no_leaks(cell):
    """One thread with every flag set, one with none: each finds its own after a switch."""
    scene = Scene(cell)
    scene.tss()
    scene.present()
    second = scene.thread()
    scene.guard(second)
    m, layout = scene.m, scene.layout
    flags = {"flags": 0x246 | 0x8D5 | 0x400 | NT | 0x40000}
    loud = layout.random_program(scene.random, scene.sled(1), **flags)
    quiet = layout.random_program(scene.random, scene.sled(9), flags=0x202)
    m.write(scene.thread_regs(second), layout.pack(quiet))
    m.write_ptr("probe_wake", second)
    scene.enter(loud)
    for after in (quiet, loud, quiet):
        place = scene.user_place()
        m.write_u32("probe_resched", 1)
        scene.fresh_token()
        m.interrupt(SUBJECT, scene.vector())
        scene.run_to(after["ip"], "the other thread's turn", at=place)
        scene.check_user(after, at=place)
    scene.check_canaries()
    _same_thread_again(scene, quiet)


def _same_thread_again(scene, regs):
    """The thread stays, and the kernel has left its address space meanwhile, as when one ends."""
    m = scene.m
    root = m.regs(SUBJECT).cr3
    place = scene.user_place()
    m.write_ptr("probe_call_in_interrupt", m.elf.address("as_activate"))
    scene.fresh_token()
    m.interrupt(SUBJECT, scene.vector())
    if scene.run_to(("exit_work", regs["ip"]), "exit_work()", at=place).pc == regs["ip"]:
        raise Fail(WRONG, expected="exit_work() called before each return to ring 3",
                   seen="ring 3 without it, since the thread is the same", at=place,
                   cause="work that was put off is never done.")
    stop = scene.run_to((regs["ip"], "ktrap"), "the same thread again", at=place)
    if stop.pc != regs["ip"] or m.regs(SUBJECT).cr3 != root:
        raise Fail(WRONG, expected=f"CR3 = {root:#x}, the thread's address space", at=place,
                   seen=f"CR3 = {m.regs(SUBJECT).cr3:#x}",
                   cause="cpu->as says what CR3 holds; it may be another one than when this thread "
                         "ran last.")
    scene.check_user(regs, at=place)
