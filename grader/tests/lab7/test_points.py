"""Exercise 7.2: trace points that are switched while the code runs."""

from grader.explore.ipis import ON, ROUNDS, TURN, Turns
from grader.explore.traces import (CLOCK, KINDS, NMI, SWITCH, SYSCALL, TraceScene, end, switch)
from grader.verdict import WRONG, Fail

POINTS = (SYSCALL, SWITCH, CLOCK)
NOP = bytes.fromhex("0f1f440000")
TOGETHER, SLICES = 4, 20        # tries of two CPUs that switch; a turn of theirs is a part of a turn


def passes(turns, reader, cpu, kind, on):
    """A CPU comes by the point of a kind: an event, or none."""
    value = reader.value()
    reader.pass_by(kind, value, cpu)
    if on:
        reader.check(reader.next(cpu), kind, cpu, value)
    elif (event := reader.next(cpu)) is not None:
        raise Fail(WRONG, expected=f"no event: {KINDS[kind]} is off", seen=f"one of kind {event.kind}")


def test_switch(cell):
    """Each kind on and off again, by each CPU, seen by each; the other kinds stay as they are."""
    turns, reader = Turns(cell), TraceScene(cell)
    for caller in turns.cpus:
        for kind in POINTS:
            switch(turns, caller, kind, 1)
            for cpu in turns.cpus:
                for each in POINTS:
                    passes(turns, reader, cpu, each, each == kind)
            switch(turns, caller, kind, 0)
            passes(turns, reader, caller, kind, False)
    twice(turns, reader)
    refused(turns, reader)


def twice(turns, reader):
    """Off is off, however often it was switched on."""
    for on in (0, 1, 1, 0):
        switch(turns, 0, CLOCK, on)
        passes(turns, reader, 1, CLOCK, bool(on))


def refused(turns, reader):
    """With interrupts off text_poke() refuses, and nothing has changed; then it is done."""
    for on in (1, 0):
        turns.m.write_u32("probe_trace_kind", SWITCH)
        turns.m.write_u32("probe_trace_on", on)
        if turns.m.call(0, "probe_trace_set") & 0xFF:
            raise Fail(WRONG, expected="with interrupts off trace_set() is false: text_poke() refuses",
                       seen="true")
        passes(turns, reader, 1, SWITCH, not on)
        switch(turns, 0, SWITCH, on)
        passes(turns, reader, 1, SWITCH, bool(on))


def test_kernel(cell):
    """A system call and the switch of threads really are recorded; all points of a kind are switched."""
    turns, reader = Turns(cell), TraceScene(cell)
    are_on = set()
    for on in (1, 0):
        for kind in POINTS:
            switch(turns, 0, kind, on)
            are_on ^= {kind}
            check_sites(reader, are_on)


def check_sites(reader, are_on, cause=""):
    """The code at each site is the jump, if its kind is on, or the NOP."""
    elf, word = reader.m.elf, reader.layout.word
    low, high = elf.address("trace_sites"), elf.address("trace_sites_end")
    raw = elf.read(low, high - low)
    for start in range(0, len(raw), 3 * word):
        at, hit, its = (int.from_bytes(raw[start + word * n:start + word * (n + 1)], "little")
                        for n in range(3))
        code = reader.m.read(at, 5)
        jump = b"\xe9" + ((hit - at - 5) % (1 << 32)).to_bytes(4, "little")
        wanted = jump if its in are_on else NOP
        if code != wanted:
            raise Fail(WRONG, expected=f"{elf.where(at)}: {wanted.hex(' ')} ({KINDS[its]})",
                       seen=code.hex(" "), cause=cause)


def test_nmi(cell):
    """NMIs are recorded while trace_nmi_on is set, which trace_set() does; no code is written."""
    turns, reader = Turns(cell), TraceScene(cell)
    text = reader.m.read("knmi", 64)
    for on in (0, 1, 1, 0):
        switch(turns, 1, NMI, on)
        if bool(reader.m.u32("trace_nmi_on")) != bool(on):
            raise Fail(WRONG, expected=f"trace_nmi_on is {on}", seen="it is not")
        if reader.m.read("knmi", 64) != text:
            raise Fail(WRONG, expected="the code that NMIs execute as it was", seen="it was written",
                       cause="an NMI that meets INT3 executes an IRET too early.")


def test_meanwhile(cell):
    """CPU 1 comes by the point while CPU 0 switches it: an event each time, or none."""
    for on in (1, 0):
        turns, reader = Turns(cell), TraceScene(cell)
        if not on:
            switch(turns, 0, SWITCH, 1)
        start = turns.m.snapshot()
        alone(turns, on)
        for turn in range(40, 1800, 160):
            turns.m.restore(start)
            meanwhile(turns, reader, turn, on)
        cell.park()
    turns, reader = Turns(cell), TraceScene(cell)
    start = turns.m.snapshot()
    for _ in range(TOGETHER):
        turns.m.restore(start)
        two_switch(turns, reader)


def two_switch(turns, reader):
    """CPU 0 and CPU 1 switch a kind each, at the same time."""
    m, kinds = turns.m, {0: SWITCH, 1: CLOCK}
    turns.rest(*turns.cpus[len(kinds):])
    for cpu, kind in kinds.items():
        m.write_u32("probe_trace_kind", kind)
        m.write_u32("probe_trace_on", 1)
        m.start(cpu, "probe_trace_set", flags=ON)
        turns.run_until(cpu, "trace_set", "the grader's own code")
    missing = set(kinds)
    for _ in range(ROUNDS * SLICES):
        for cpu in turns.cpus:
            turn = turns.random.randrange(1, TURN // SLICES)
            if turns.give(cpu, "probe_returned" if cpu in missing else (), turn):
                missing.discard(cpu)
                m.start(cpu, "probe_rest", flags=ON)    # the other one may still ask it
        if not missing:
            break
    else:
        turns.run_until(min(missing), "probe_returned", "trace_set() on two CPUs comes back")
    check_sites(reader, set(kinds.values()), "CPU 0 and CPU 1 have each switched on another kind, at "
                "the same time: what is written belongs to one call.")


def alone(turns, on):
    """CPU 0 switches, and no other CPU has had a turn: it waits for them."""
    turns.m.write_u32("probe_trace_kind", SWITCH)
    turns.m.write_u32("probe_trace_on", on)
    turns.m.start(0, "probe_trace_set", flags=ON)
    for _ in range(3):
        if turns.give(0, "probe_returned"):
            raise Fail(WRONG, expected="every other CPU serialises before trace_set() comes back",
                       seen="it came back, and CPU 1 has had no turn",
                       cause="a CPU may execute what it has fetched before.")


def meanwhile(turns, reader, turn, on):
    """CPU 0 has `turn` instructions, then CPU 1 comes by the point three times, and so on."""
    others = [cpu for cpu in turns.cpus if cpu > 1]
    for cpu in others:
        turns.rest(cpu)
    turns.m.write_u32("probe_trace_kind", SWITCH)
    turns.m.write_u32("probe_trace_on", on)
    turns.m.start(0, "probe_trace_set", flags=ON)
    done = False
    for _ in range(4):
        done = done or turns.give(0, "probe_returned", turn)
        turns.m.start(1, "probe_trace_points", SWITCH, turn, 3, flags=ON)
        for _ in range(ROUNDS):         # it may be asked on its way, and has to wait for CPU 0
            if turns.give(1, "probe_returned"):
                break
            done = done or turns.give(0, "probe_returned")
        else:
            turns.run_until(1, "probe_returned", "a CPU goes on behind the trace point")
    turns.m.write_u32("probe_go", 0)
    turns.m.start(1, "probe_spin_wait", flags=ON)
    end(turns, 0, SWITCH, on, done)
    seen = reader.rest_of()
    if any(not event.same(SWITCH, 1, turn) for event in seen) or len(seen) > 12:
        raise Fail(WRONG, expected="whole events of CPU 1, 12 at most", seen=f"{len(seen)} events")
    passes(turns, reader, 1, SWITCH, bool(on))
