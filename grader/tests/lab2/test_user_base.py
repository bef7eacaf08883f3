"""Exercise 2.6: the GS base that belongs to a thread of ring 3 (64 bits; in 32 there is none)."""

from grader.explore import gs
from grader.explore.scene import BUDGET
from grader.verdict import WRONG, Fail

SYS_SET_GS = 16
EINVAL = -22 & (1 << 64) - 1
ENOSYS = -38 & (1 << 32) - 1
WAITING = 3             # enum thread_state
NON_CANONICAL = 1 << 63


def base(scene):
    """A base that a thread library might have."""
    return scene.random.randrange(0x10000, 1 << 47, 16)


def check_base(scene, wanted, words, place=None):
    """In ring 3: its GS base."""
    seen = scene.m.regs(scene.cpu).gs_base
    if seen != wanted:
        raise Fail(WRONG, expected=f"GS base {wanted:#x} in ring 3: {words}", seen=f"{seen:#x}",
                   at=place, cause="what a thread keeps at its GS belongs to it alone.")


def turn_over(scene, wakes=0):
    """A device interrupt ends the present turn, and makes a thread ready."""
    scene.m.write_ptr("probe_wake", wakes)
    scene.m.write_u32("probe_resched", 1)
    scene.fresh_token()
    place = scene.user_place()
    scene.m.interrupt(scene.cpu, scene.vector())
    return place


def write_base(scene, value):
    """Ring 3 goes on at its WRGSBASE."""
    scene.m.set_regs(scene.cpu, rip=scene.checker.address("checker_gs_base"), rbx=value)
    scene.run_to(scene.checker.address("checker_gs_base_next"), "ring 3's own WRGSBASE", budget=8)


def test_two_threads(cell):
    """A, B, A, B, idle, B: each finds its own base, which it wrote itself."""
    for cpu in (1, 0):
        scene, first = gs.prepared(cell, cpu)
        second = scene.thread()
        m, layout = scene.m, scene.layout
        mine, other = base(scene), base(scene)
        its = layout.random_program(scene.random, scene.sled(9))
        m.write(scene.thread_regs(second), layout.pack(its))
        scene.enter(layout.random_program(scene.random, scene.sled(1)))
        write_base(scene, mine)
        here = scene.checker.address("checker_gs_base_next")
        place = turn_over(scene, second)
        scene.run_to(its["ip"], "the other thread's turn", at=place)
        write_base(scene, other)
        for wanted, words in ((mine, "thread A's, after B's turn"), (other, "thread B's, after A's")):
            place = turn_over(scene)
            scene.run_to(here, "the other thread's turn", at=place)
            check_base(scene, wanted, words, place)
        other = base(scene)
        write_base(scene, other)
        idle(scene, first, second, here)
        check_base(scene, other, "thread B's, after the CPU was idle")
        cell.park()


def idle(scene, first, second, here):
    """Both threads wait, until an interrupt of the idle CPU makes the second one ready."""
    m, cpu = scene.m, scene.cpu
    state = scene.offset["thread_state"]
    place = turn_over(scene)
    scene.run_to_leave(at=place)
    for thread in (first, second):
        m.write_u32(thread + state, WAITING)
    stop = m.run(cpu, (), BUDGET)
    if stop.reason != "halted":
        raise scene.failed(stop, "HLT, since both threads wait", place)
    m.write_ptr("probe_wake", second)
    m.interrupt(cpu, scene.vector())
    scene.run_to(here, "the thread that became ready", at=place)


def set_gs(scene, value):
    """SYS_SET_GS of the present thread; gives its result and where it was."""
    m, cpu = scene.m, scene.cpu
    m.set_regs(cpu, rip=scene.checker.address("checker_syscall"), rax=SYS_SET_GS, rdi=value)
    place = scene.user_place("ring 3 was at")
    scene.run_to(scene.checker.address("checker_syscall_next"), "ring 3 after SYS_SET_GS", at=place)
    return m.regs(cpu).rax, place


def test_system_call(cell):
    """A base of ring 3 is there at its next instruction, and later; another one is refused.  In 32
    bits each is."""
    scene, _ = gs.prepared(cell, 1)
    if cell.width == 32:
        has_none(scene)
        return
    scene.enter(scene.layout.random_program(scene.random, scene.sled(1)))
    write_base(scene, base(scene))
    wanted = base(scene)
    result, place = set_gs(scene, wanted)
    if result:
        raise Fail(WRONG, expected="SYS_SET_GS = 0", seen=f"{result:#x}", at=place)
    check_base(scene, wanted, "what SYS_SET_GS was given", place)
    for bad in (scene.block, NON_CANONICAL, (1 << 47) + scene.random.getrandbits(40)):
        result, place = set_gs(scene, bad)
        if result != EINVAL:
            raise Fail(WRONG, expected=f"SYS_SET_GS of {bad:#x} = -22", seen=f"{result:#x}",
                       at=place)
        check_base(scene, wanted, f"SYS_SET_GS of {bad:#x} changes nothing", place)
    here = scene.m.pc(scene.cpu)
    place = turn_over(scene)
    scene.run_to(here, "ring 3 again", at=place)
    check_base(scene, wanted, "what SYS_SET_GS was given, after an interrupt", place)
    _, place = set_gs(scene, 0)
    check_base(scene, 0, "SYS_SET_GS of 0; that is a base like any other", place)


def has_none(scene):
    """32 bits: SYS_SET_GS says so, and GS stays."""
    regs = scene.layout.random_program(
        scene.random, scene.checker.address("checker_syscall"), **scene.honest, eax=SYS_SET_GS,
        ebx=scene.random.randrange(0x10000, 0xB000_0000, 16))
    scene.enter(regs)
    place = scene.user_place("ring 3 was at")
    after = scene.checker.address("checker_syscall_next")
    scene.run_to(after, "ring 3 after SYS_SET_GS", at=place)
    result = scene.m.regs(scene.cpu).eax
    if result != ENOSYS:
        raise Fail(WRONG, expected="SYS_SET_GS = -38 in 32 bits", seen=f"{result:#x}", at=place,
                   cause="the program would believe that %gs:0 is where it has said.")
    scene.check_user(regs | {"eax": result, "ip": after}, at=place)


def test_new_thread(cell):
    """A thread that never had a turn comes after one with a base: it finds 0."""
    for cpu in (1, 0):
        scene, _ = gs.prepared(cell, cpu)
        second = scene.thread()
        m, layout = scene.m, scene.layout
        its = layout.random_program(scene.random, scene.sled(9))
        m.write(scene.thread_regs(second), layout.pack(its))
        each = gs.Hostile(base(scene), "its base")
        gs.enter(scene, layout.random_program(scene.random, scene.sled(1)), each)
        place = turn_over(scene, second)
        scene.run_to(its["ip"], "the new thread's turn", at=place)
        check_base(scene, 0, "a new thread's", place)
        cell.park()
    in_a_used_place(cell)


def in_a_used_place(cell):
    """A thread with a base ends, and the next one gets its place in threads[]."""
    scene, first = gs.prepared(cell, 0)
    second = scene.thread()
    m = scene.m
    m.call(0, "gs_set_user_base", base(scene))
    m.call(0, "sched_switch", second)
    m.call(0, "thread_exit", first, 0, budget=3_000_000)
    m.call(0, "sched_switch", scene.thread())
    seen = m.regs(0).kernel_gs_base
    if seen:
        raise Fail(WRONG, expected="base 0 for a new thread, in the place of one that has ended",
                   seen=f"{seen:#x}", cause="lab2_thread_area() is zero for a new thread; a table of "
                   "your own is not.")
