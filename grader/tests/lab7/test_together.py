"""Exercise 7.5: all six labs at once."""

from grader.explore.ipis import Turns
from grader.explore.nmi import NmiScene
from grader.explore.registers import IF, USER_DS
from grader.explore.sweep import sweep, trace
from grader.explore.traces import FIRST_SLOT, KERNEL, NMI, SYSCALL, WORDS, TraceScene, switch
from grader.verdict import WRONG, Fail

UNKNOWN = (0x1000, 1 << 31)     # system calls that there are not


def prepared(cell):
    """System calls are recorded; the subject has a thread, and can take NMIs."""
    reader = TraceScene(cell)
    switch(Turns(cell), 0, SYSCALL, 1)
    scene = NmiScene(cell)
    scene.ready()
    thread = scene.present()
    return scene, reader, scene.m.u32(thread)


def calls(scene, name):
    """The subject is in ring 3, before a system call by the checker's instruction of this name."""
    start, after = (scene.checker.address(f"checker_{name}{end}") for end in ("", "_next"))
    number = scene.random.randrange(*UNKNOWN)
    regs = scene.layout.random_program(scene.random, start, flags=2 | IF)
    if scene.m.width == 64:
        regs["rax"] = number
    else:
        regs |= {"eax": number, "ecx": regs["sp"], "edx": after}
    scene.enter(regs)
    return number, after


def check_event(reader, event, number, tid, after, **details):
    reader.check(event, SYSCALL, 0, number, **details)
    if (event.tid, event.ip) != (tid, after):
        raise Fail(WRONG, expected=f"thread {tid}, which left ring 3 at {after:#x}",
                   seen=f"thread {event.tid}, {event.ip:#x}", **details)


def recorded(cell, name):
    """A system call of ring 3 is in the timeline, with its thread, and nothing else is."""
    scene, reader, tid = prepared(cell)
    start = scene.m.snapshot()
    for _ in range(3):
        scene.m.restore(start)
        number, after = calls(scene, name)
        scene.run_to(after, "ring 3 again")
        seen = events(scene, reader)
        check_event(reader, seen[0] if seen else None, number, tid, after)
        if len(seen) != 1:
            raise Fail(WRONG, expected="one event for one system call", seen=f"{len(seen)} events")


def events(scene, reader):
    """The timeline, read on CPU 1: the subject is in ring 3."""
    found = []
    while (event := reader.next(1)) is not None and len(found) < 100:
        found.append(event)
    return found


def test_call(cell):
    """INT $0x80."""
    recorded(cell, "syscall")


def test_fast(cell):
    """SYSCALL in 64 bits, SYSENTER in 32."""
    recorded(cell, "fast")


def test_nmis(cell):
    """An NMI, which is recorded too, at each instruction of this lab in a system call of ring 3."""
    scene, reader, tid = prepared(cell)
    scene.m.write_u32("trace_nmi_on", 1)
    number, after = calls(scene, "syscall")
    scene.forget()
    start = scene.m.snapshot()
    path = trace(scene, "a system call that is recorded", (after,), "ring 3 again", nmis=True)
    low, high = lab_code(scene)
    path.boundaries = [b for b in path.boundaries if low <= b.pc < high]
    if not path.boundaries:
        raise Fail(WRONG, expected="a system call comes through this lab's trace_hit()",
                   seen="it does not")

    def finish():
        scene.run_to(after, "ring 3 again")
        scene.check_nmis()
        seen = events(scene, reader)
        own = [event for event in seen if event.kind == SYSCALL]
        nmis = [event for event in seen if event.same(NMI, 0, scene.nmis().ip)]
        if len(seen) != 2 or len(own) != 1 or len(nmis) != 1:
            raise Fail(WRONG, expected="the system call's event and the NMI's, whole, once",
                       seen=f"{len(seen)} events, {len(own)} and {len(nmis)} of them right")
        check_event(reader, own[0], number, tid, after)

    sweep(scene, start, path, scene.event, finish)


def lab_code(scene):
    """The bounds of trace_hit(), in which the rest of the lab may be inlined."""
    symbol = scene.m.elf.symbols["trace_hit"]
    return symbol.address, symbol.address + symbol.size


def test_ring3(cell):
    """Ring 3 itself reads the count and a slot."""
    reader = TraceScene(cell)
    reader.tss()
    thread = reader.present()
    if reader.m.call(1, "probe_trace_map", thread) & 0xFFFFFFFF:
        raise Fail(WRONG, expected="trace_map() gives 0", seen="an error")
    value = reader.value()
    reader.hit(SYSCALL, value, 1)
    reader.m.call(1, "probe_trace_export")
    start = reader.m.snapshot()
    for address, wanted in ((KERNEL, 1), (KERNEL + FIRST_SLOT + 8, value % WORDS)):
        reader.m.restore(start)
        seen = read_in_ring3(reader, address)
        if seen != wanted:
            raise Fail(WRONG, expected=f"ring 3 reads {wanted:#x} at {address:#x}", seen=f"{seen:#x}")


def read_in_ring3(scene, address):
    """The checker reads 4 bytes at an address of its own."""
    base, result = ("rbx", "rax") if scene.m.width == 64 else ("ebx", "eax")
    regs = scene.layout.random_program(scene.random, scene.checker.address("checker_touch"),
                                       **{base: address})
    if scene.m.width == 32:
        regs["ds"] = USER_DS
    scene.enter(regs)
    scene.run_to(scene.checker.address("checker_touch_next"), "ring 3 reads its own memory", budget=60)
    return getattr(scene.m.regs(scene.cpu), result) & 0xFFFFFFFF
