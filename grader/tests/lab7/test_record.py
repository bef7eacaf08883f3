"""Exercise 7.1: events, from every level."""

from grader.explore.nmi import NmiScene
from grader.explore.scene import flags_for
from grader.explore.sweep import labs_own, sweep, trace
from grader.explore.traces import CLOCK, NMI, RECORDS, SYSCALL, SWITCH, TraceScene
from grader.verdict import WRONG, Fail

MANY = (1 << 16) + 44   # events; more than 16 bits can count
LEVELS = ((0, True), (2, True), (13, True), (15, True), (0, False), (15, False))


def test_kinds(cell):
    """One of each kind, on each of up to eight CPUs: kind, CPU, value; stamps and numbers go up, and the
    stamp is the time."""
    for cpus in (1, 2, 3, 4, 8) if cell.emu == "qemu" else (2, 4, 8):
        cell.use(cpus)
        scene = TraceScene(cell)
        for cpu in range(cpus):
            made = [(kind, scene.value()) for kind in (SYSCALL, SWITCH, CLOCK, NMI, SYSCALL)]
            times = []
            scene.clock_near(0)
            for kind, value in made:
                scene.hit(kind, value, cpu)
                times.append(scene.clock())
            seen = scene.logged(cpu)
            for number, (kind, value) in enumerate(made):
                scene.check(seen[number] if number < len(seen) else None, kind, cpu, value)
            check_numbers(seen, 0)
            if any(a.stamp >= b.stamp for a, b in zip(seen, seen[1:])):
                raise Fail(WRONG, expected="each stamp above the one before it",
                           seen=", ".join(f"{event.stamp:#x}" for event in seen))
            for event, (before, behind) in zip(seen, times):
                if not before <= event.stamp <= behind:
                    raise Fail(WRONG, expected="a stamp by RDTSC, all 64 bits of it: from "
                               f"{before:#x} to {behind:#x}", seen=f"{event.stamp:#x}")


def check_numbers(seen, first):
    """The events of one CPU are numbered one by one."""
    numbers = [event.number for event in seen]
    if numbers != list(range(first, first + len(seen))):
        raise Fail(WRONG, expected=f"the numbers {first}, {first + 1}, .. of a CPU's events",
                   seen=", ".join(map(str, numbers)))


def one(events):
    """The only event, or None."""
    return events[0] if len(events) == 1 else None


def hit_at(scene, cpu, level, interrupts, kind, value):
    """An event at a level: fails unless level and IF stay as they were."""
    scene.check_keeps(cpu, "probe_trace_hit", kind, value, level=level, interrupts=interrupts)


def test_levels(cell):
    """At any level, with interrupts on or off; the level stays as it was."""
    scene = TraceScene(cell)
    for cpu in (0, 1):
        for level, interrupts in LEVELS:
            value = scene.value()
            hit_at(scene, cpu, level, interrupts, CLOCK, value)
            scene.check(one(scene.logged(cpu)), CLOCK, cpu, value)


def test_full(cell):
    """The log of a CPU is full: what came last is dropped, its numbers are used up."""
    scene = TraceScene(cell)
    values = [scene.value() for _ in range(RECORDS + 5)]
    for value in values[:RECORDS]:
        scene.hit(SWITCH, value, 1)
    for number, value in enumerate(values[RECORDS:]):
        hit_at(scene, 1, *LEVELS[number], SWITCH, value)
    scene.hit(SWITCH, 77, 0)                # another CPU's log has room
    first, others = scene.logged(1), scene.logged(0)
    if [event.value for event in first] != values[:RECORDS] or len(others) != 1:
        raise Fail(WRONG, expected=f"the first {RECORDS} events of CPU 1 and the one of CPU 0",
                   seen=f"{len(first)} events of CPU 1 and {len(others)} of CPU 0")
    check_numbers(first, 0)
    scene.hit(SWITCH, 78, 1)
    later = one(scene.logged(1))
    scene.check(later, SWITCH, 1, 78)
    if later.number != RECORDS + 5:
        raise Fail(WRONG, expected=f"number {RECORDS + 5}: 5 events were dropped",
                   seen=f"number {later.number}")
    scene.hit(SWITCH, 79, 1, more=MANY - 1)
    scene.logged(1)
    scene.hit(SWITCH, 80, 1)
    last = one(scene.logged(1))
    scene.check(last, SWITCH, 1, 80)
    if last.number != RECORDS + 6 + MANY:
        raise Fail(WRONG, expected=f"number {RECORDS + 6 + MANY}, after so many events",
                   seen=f"number {last.number}", cause="a number has 32 bits.")


def test_thread(cell):
    """An event knows the present thread, and where that left ring 3."""
    scene = TraceScene(cell)
    scene.tss()
    value = scene.value()
    scene.hit(CLOCK, value)
    event = one(scene.logged(0))
    scene.check(event, CLOCK, 0, value)
    if event.tid or event.ip:
        raise Fail(WRONG, expected="no thread while the CPU has none",
                   seen=f"thread {event.tid}, ip {event.ip:#x}")
    for kind in (SYSCALL, SWITCH, CLOCK, NMI):
        thread = scene.present()
        regs = scene.layout.random_program(scene.random, scene.value())     # anywhere, 64 bits of it
        scene.m.write(scene.thread_regs(thread), scene.layout.pack(regs))
        scene.hit(kind, value)
        event = one(scene.logged(0))
        tid = scene.m.u32(thread)
        if event is None or (event.tid, event.ip) != (tid, regs["ip"]):
            raise Fail(WRONG, expected=f"thread {tid}, which left ring 3 at {regs['ip']:#x}",
                       seen=f"thread {event.tid}, {event.ip:#x}" if event else "no event")


def test_nmi(cell):
    """An NMI at each instruction of trace_hit(), whose handler records an event too."""
    scene = NmiScene(cell)
    reader = TraceScene(cell)
    scene.ready()
    scene.m.write_u32("trace_nmi_on", 1)
    scene.forget()
    outer = scene.random.getrandbits(31)
    scene.m.start(0, "probe_trace_hit", CLOCK, outer, flags=flags_for(2, True))
    scene.run_to("probe_trace_hit", "the grader's own code")
    start = scene.m.snapshot()
    path = labs_own(scene, trace(scene, "trace_hit() that an NMI interrupts",
                                 (scene.m.elf.address("probe_returned"),), "trace_hit() returns",
                                 nmis=True))

    def finish():
        scene.run_to("probe_returned", "trace_hit() and the NMI's own are over")
        scene.check_nmis()
        interrupted = scene.nmis().ip
        seen = reader.logged(0)
        outers = [event for event in seen if event.same(CLOCK, 0, outer)]
        inners = [event for event in seen if event.same(NMI, 0, interrupted)]
        if len(seen) != 2 or len(outers) != 1 or len(inners) != 1:
            raise Fail(WRONG, expected="the event that was interrupted and the NMI's, whole, once",
                       seen=f"{len(seen)} events, {len(outers)} and {len(inners)} of them right")
        if sorted(event.number for event in seen) != [0, 1]:
            raise Fail(WRONG, expected="the numbers 0 and 1",
                       seen=", ".join(str(event.number) for event in seen))

    sweep(scene, start, path, scene.event, finish)
