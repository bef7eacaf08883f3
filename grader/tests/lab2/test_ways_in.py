"""Exercise 2.3: ring 3 comes into the kernel with anything in GS."""

from grader.explore import gs
from grader.explore.registers import USER_DS
from grader.explore.scene import KERNEL_FROM
from grader.verdict import WRONG, Fail

SYS_GETCPU = 15
FIRST = 40          # instructions within which a call has another stack
ROUNDS = 4          # of the same program with every GS
BEYOND = 0x60       # a selector beyond the GDT
TRAPS = (("divide", {"rcx": 0, "ecx": 0}), ("opcode", {}), ("breakpoint", {}),
         ("protection", {"rcx": BEYOND | 3, "ecx": BEYOND | 3}))


def test_interrupt(cell):
    """On both CPUs, with each GS: the right stack, the right CPU, and ring 3's GS is its own."""
    for cpu in (1, 0):
        scene, _ = gs.prepared(cell, cpu)
        start = scene.m.snapshot()
        for each in gs.hostile(scene):
            regs, vector, place = gs.interrupted(scene, each)
            gs.check_found(scene, vector, at=place)
            gs.back_in_ring_3(scene, regs, each, place)
            gs.check_no_page_0(scene, at=place)
            scene.check_canaries(at=place)
            scene.m.restore(start)
        cell.park()


def getcpu(scene, each, name="syscall", enter=gs.enter, **fixed):
    """SYS_GETCPU with this GS; gives where ring 3 was and what it has to have afterwards."""
    result = "rax" if scene.m.width == 64 else "eax"
    after = scene.checker.address(f"checker_{name}_next")
    regs = gs.program(scene, scene.checker.address(f"checker_{name}"), each,
                      **{result: SYS_GETCPU}, **fixed)
    expected = dict(regs, ip=after, **{result: scene.cpu})
    if name == "fast":
        changed = ("rcx", "r11") if scene.m.width == 64 else ("ecx", "edx")
        regs |= {} if scene.m.width == 64 else {"ecx": regs["sp"], "edx": after}
        expected = {key: value for key, value in expected.items() if key not in changed}
    enter(scene, regs, each)
    place = scene.user_place("ring 3 was at")
    place.note = f"ring 3 of CPU {scene.cpu}, with {each} in GS"
    return expected, place


def check_getcpu(scene, each, expected, place):
    """Back in ring 3 with the number of its CPU."""
    result = "rax" if scene.m.width == 64 else "eax"
    gs.run_back(scene, expected["ip"], "ring 3 again after SYS_GETCPU", place)
    seen = getattr(scene.m.regs(scene.cpu), result)
    if seen != scene.cpu:
        raise Fail(WRONG, expected=f"SYS_GETCPU = {scene.cpu}", seen=f"{seen:#x}", at=place,
                   cause="the kernel worked with a block that is not this CPU's, and nothing "
                   "faulted.")
    scene.check_user(gs.kept(expected), at=place)
    gs.check_own(scene, each, at=place)


def selectors(scene):
    """Every selector that ring 3 may load, as the GDT says."""
    return [gs.Hostile(slot * 8 | rpl, "a selector that ring 3 may load")
            for slot, seen in enumerate(gs.gdt(scene)) if seen.for_ring_3 for rpl in (3, 0)]


def test_system_call(cell):
    """SYS_GETCPU with each GS on both CPUs."""
    for cpu in (1, 0):
        scene, _ = gs.prepared(cell, cpu)
        start = scene.m.snapshot()
        for each in gs.hostile(scene) + (selectors(scene) if cell.width == 32 else []):
            expected, place = getcpu(scene, each)
            check_getcpu(scene, each, expected, place)
            scene.m.restore(start)
        one_after_another(scene)
        cell.park()


def one_after_another(scene):
    """The same program asks again and again, each time with another GS."""
    expected, place = getcpu(scene, gs.Hostile(scene.honest.get("gs", 0), "its first one"))
    check_getcpu(scene, gs.Hostile(0, "its first one"), expected, place)
    stays = {name: value for name, value in expected.items()
             if name in ("cs", "ss", "sp", "flags", "ds", "es", "fs")}
    for each in ROUNDS * gs.hostile(scene):
        expected, place = getcpu(scene, each, enter=gs.again, **stays)
        place.note += ", and with others before it"
        check_getcpu(scene, each, expected, place)


def test_traps(cell):
    """Every kind of trap, with and without an error code."""
    scene, _ = gs.prepared(cell, 1)
    start = scene.m.snapshot()
    for name, needs in TRAPS:
        for each in gs.some(scene, 2):
            trap(scene, name, needs, each)
            scene.m.restore(start)
    cell.park()
    scene, thread = gs.prepared(cell, 1)
    start = scene.m.snapshot()
    for each in gs.some(scene, 2):
        for target, interrupted in (("kintr", False), ("kintr", True), ("user_iret", False)):
            jumps_into_the_kernel(scene, thread, each, target, interrupted)
            scene.m.restore(start)


def jumps_into_the_kernel(scene, thread, each, target, interrupted):
    """Ring 3 jumps to a page that it may not execute: its thread ends, by the right CPU.

    Its IP is the kernel's then, and only CS says that GS is ring 3's; once an interrupt comes first.
    """
    m = scene.m
    gs.enter(scene, gs.program(scene, scene.sled(6), each), each)
    place = scene.user_place("ring 3 was at")
    place.note = f"ring 3, with {each} in GS, which then jumped to the kernel's {target}"
    scene.jump(m.elf.address(target))
    if interrupted:
        place.note += ", and a device interrupted it there"
        vector = scene.vector()
        scene.fresh_token()
        m.interrupt(scene.cpu, vector)
        scene.run_to_leave(at=place)
        gs.check_found(scene, vector, at=place)
    scene.run_to("thread_fault", "thread_fault() for a jump into the kernel", at=place)
    gs.check_stack(scene, "thread_fault", each, at=place)
    if scene.argument(0) != thread:
        raise Fail(WRONG, expected="thread_fault() of the thread that jumped", seen="of another",
                   at=place, cause="CS says whose GS it is; IP is where ring 3 has jumped to.")
    scene.check_canaries(at=place)


def trap(scene, name, needs, each):
    """One trap; the kernel skips its instruction and ring 3 goes on."""
    skip = 1 if name == "breakpoint" else scene.trap_size(name)
    at = scene.checker.address(f"checker_{name}")
    regs = gs.program(scene, at, each, **{k: v for k, v in needs.items() if k in scene.layout.names})
    scene.m.write_u32("probe_trap_skip", skip)
    gs.enter(scene, regs, each)
    place = scene.user_place("ring 3 was at")
    place.note = f"ring 3, with {each} in GS"
    scene.run_to("probe_trap", "the trap of ring 3 in ktrap()", at=place)
    gs.check_stack(scene, "ktrap", each, at=place)
    after = dict(regs, ip=scene.checker.address(f"checker_{name}_next") + (name == "breakpoint"))
    gs.back_in_ring_3(scene, after, each, place)
    scene.check_canaries(at=place)


def test_fast_call(cell):
    """SYSCALL and SYSENTER on both CPUs with each GS: the right CPU's stack, the right answer."""
    for cpu in (1, 0):
        scene, _ = gs.prepared(cell, cpu)
        start = scene.m.snapshot()
        for each in gs.hostile(scene):
            expected, place = getcpu(scene, each, "fast")
            to_ksyscall(scene, each, place)
            check_getcpu(scene, each, expected, place)
            scene.check_canaries(at=place)
            scene.m.restore(start)
        cell.park()
    both_at_once(cell)


def both_at_once(cell):
    """CPU 0 makes its call while CPU 1 is between the first instructions of its own."""
    other, _ = gs.prepared(cell, 0)
    scene, _ = gs.prepared(cell, 1)
    each = gs.hostile(scene)[1]
    expected, place = getcpu(scene, each, "fast")
    mine = scene.m.regs(1).sp
    getcpu(other, each, "fast")
    low = KERNEL_FROM[scene.m.width]
    for _ in range(FIRST):
        scene.m.step(1)
        if scene.m.regs(1).sp >= low:
            break
    to_ksyscall(other, each, place)
    to_ksyscall(scene, each, place)
    seen = scene.saved(scene.argument(0))["sp"]
    if seen != mine:
        raise Fail(WRONG, expected=f"{scene.layout.title('sp')} = {mine:#x} saved on CPU 1",
                   seen=f"{seen:#x}", at=place,
                   cause="CPU 0 made a system call meanwhile; syscall_stack keeps it for each CPU.")
    check_getcpu(scene, each, expected, place)


def to_ksyscall(scene, each, place):
    """On to ksyscall(), on this CPU's kernel stack; a repair on the way has a stack to run on."""
    expected = "ksyscall() called within the budget"
    stop = scene.run_to(("ksyscall", "ktrap"), expected, at=place)
    while stop.pc == scene.m.elf.address("ktrap"):
        regs = scene.argument(0)
        if scene.stack_of(regs) == "SYSENTER":
            raise Fail(WRONG, expected="no fault before the stack is an interrupt's",
                       seen=f"one at {scene.m.elf.where(scene.saved(regs)['ip'])}", at=place,
                       cause="SYSENTER_ESP has a few words; what the repair pushes below them "
                       "overwrites the CPU's own block.")
        stop = scene.run_to(("ksyscall", "ktrap"), expected, at=place)
    gs.check_stack(scene, "ksyscall", each, at=place)


def test_page_fault(cell):
    """A page fault of ring 3 with each GS: ktrap() gets its address and its error code."""
    scene, _ = gs.prepared(cell, 1)
    scene.m.write_u32("probe_trap_skip", scene.trap_size("page"))
    start = scene.m.snapshot()
    for each in gs.hostile(scene):
        address = scene.random.randrange(0x6000_0000, 0x6FFF_0000)
        regs = gs.program(scene, scene.checker.address("checker_page"), each, rbx=address,
                          **({"ebx": address, "ds": USER_DS} if cell.width == 32 else {}))
        gs.enter(scene, regs, each)
        place = scene.user_place("ring 3 was at")
        place.note = f"ring 3, with {each} in GS"
        scene.run_to("probe_trap", "ring 3's page fault in ktrap()", at=place)
        seen, saved = scene.argument(1), scene.saved(scene.argument(0))
        if seen != address:
            raise Fail(WRONG, expected=f"cr2 = {address:#x} in ktrap()", seen=f"{seen:#x}", at=place,
                       cause="CR2, or the register that held it, changed on the way to ktrap().")
        if (saved["vector"], saved["error"]) != (14, 4):
            raise Fail(WRONG, expected="vector 0xe, error code 0x4 (a read by ring 3)",
                       seen=f"vector {saved['vector']:#x}, error code {saved['error']:#x}", at=place)
        scene.check_saved(saved, regs, "struct regs as ktrap() got it", at=place)
        gs.back_in_ring_3(scene, dict(regs, ip=scene.checker.address("checker_page_next")), each,
                          place)
        scene.m.restore(start)
