"""The machine interface, with the same test body for both emulators and both widths.

What the CPUs execute here is written by the tests themselves: see oncpu.py.
"""

from __future__ import annotations

import pytest

from grader.explore.trace import TraceFailed, trace
from grader.machine import CELLS, CallFailed, Machine, Unmapped, boot
from grader.selftest.oncpu import HALT, LOOP, enter, put

SPIN = bytes.fromhex("ebfe")
LOOP_STEPS = 3 + 3 * 3 + 1
ROUNDS = bytes.fromhex("b980130000 ffc9 75fc 83c001 ebf2")      # 2 + 2 * 4992 + 1 instructions, and again
STI_HALT = bytes.fromhex("fb f4 b807000000 c3")
TRIPLE = bytes.fromhex("6a00 6a00 0f011c24 0f0b")        # an IDT without entries, then UD2
PAUSES = bytes.fromhex("f390 f390 b801000000 c3")
LEAVES = bytes.fromhex("b800000000 ffe0")                 # jumps to 0
VECTOR = 0x91
INTERRUPTS_ON = 1


@pytest.fixture(scope="module", params=CELLS, ids=str)
def booted(request, kernels):
    folder = kernels[request.param.arch]
    with boot(request.param, folder / "kernel.elf", folder / "corral.iso") as machine:
        yield machine, machine.snapshot()


def handler(m: Machine, vector: int) -> int:
    """Where the IDT sends a vector."""
    size = 16 if m.width == 64 else 8
    gate = m.read(m.regs(0).idt.base + vector * size, size)
    parts = gate[0:2] + gate[6:8] + (gate[8:12] if m.width == 64 else b"")
    return int.from_bytes(parts, "little")


def test_call_returns_the_value(m):
    code = put(m, LOOP)
    assert [m.call(cpu, code) for cpu in range(m.cpus)] == [11] * m.cpus
    assert m.call(0, "irql_raise", 2) == 0
    assert b"Corral" in m.serial()


def test_snapshots_nest(m):
    address = m.elf.address("probe_token")
    m.write_u32(address, 1)
    enter(m, 0, LOOP)
    one, registers = m.snapshot(), m.regs(0).values
    m.step(0, 4)
    m.write_u32(address, 2)
    two = m.snapshot()
    m.step(0, 2)
    m.write_u32(address, 3)
    m.restore(two)
    assert m.u32(address) == 2
    m.restore(one)
    assert m.u32(address) == 1 and m.regs(0).values == registers
    assert not two.live


def test_budget_is_exact_and_repeats(m):
    for cpu in range(m.cpus):
        code = enter(m, cpu, LOOP + SPIN)
        start = m.snapshot()
        for budget in (1, 2, 7, 12):
            seen = []
            for _ in range(3):
                m.restore(start)
                stop = m.run(cpu, "probe_ready", budget)
                seen.append((stop.reason, stop.pc, stop.steps))
            m.restore(start)
            stepped = m.step(cpu, budget).pc
            assert set(seen) == {("budget", stepped, budget)}
        m.restore(start)
        m.set_regs(cpu, **{"rip" if m.width == 64 else "eip": code + len(LOOP)})
        stop = m.run(cpu, "probe_ready", 123_456)
        assert (stop.reason, stop.pc, stop.steps) == ("budget", code + len(LOOP), 123_456)


def test_run_counts_instructions(m):
    code = enter(m, 0, LOOP)
    stop = m.run(0, code + len(LOOP) - 1, 1000)
    assert (stop.reason, stop.steps) == ("address", LOOP_STEPS - 1)


@pytest.mark.parametrize("known", (False, True))
def test_hops_go_from_point_to_point(m, known):
    """Long hops of two CPUs in turn: a budget for many of them that ends in one is not this one's."""
    start = enter(m, 0, ROUNDS)
    m.start(1, start)
    assert m.run(1, start, 10_000).reason == "address"
    counter = "rax" if m.width == 64 else "eax"
    points, ways = frozenset([start]), {start: frozenset([start + len(ROUNDS) - 2])} if known else {}
    for number in range(60):
        cpu = number % 2
        m.set_regs(cpu, **{counter: number})
        assert m.hop(cpu, points, ways) is None, number
        assert m.pc(cpu) == start
        assert m.regs(cpu).values[counter] == number + 1     # one round


def test_a_hop_that_comes_to_no_point_ends(m):
    start = enter(m, 0, ROUNDS)
    assert m.hop(0, frozenset([m.elf.address("panic_stop")])).reason == "budget"
    assert m.hop(0, frozenset([start])) is None


def test_pause_is_one_step(m):
    code = enter(m, 1, PAUSES)
    assert [m.step(1).pc - code for _ in range(3)] == [2, 4, 9]


def test_halt_is_seen(m):
    code = enter(m, 1, HALT)
    stop = m.run(1, "probe_returned", 50_000)
    assert (stop.reason, stop.pc) == ("halted", code + 2) and m.regs(1).halted
    assert m.step(1).reason == "halted" and m.run(1, "probe_returned", 1000).reason == "halted"
    m.nmi(1)
    assert m.step(1).pc == handler(m, 2)


def test_halt_is_seen_by_a_run_that_begins_behind_it(m):
    """In a loop that waits, the place behind HLT is where the CPU stands before it and after it."""
    before = m.snapshot()
    for exact in (True, False):
        m.restore(before)
        code = enter(m, 0, bytes.fromhex("eb01 f4 ebfd"))       # jmp 3; 2: hlt; 3: jmp 2
        assert m.run(0, code + 3, 1000, exact=exact).pc == code + 3
        stop = m.run(0, "probe_returned", 1000, exact=exact)
        assert (stop.reason, m.regs(0).halted) == ("halted", True)


def test_interrupt_wakes_from_halt(m):
    code = enter(m, 0, STI_HALT, INTERRUPTS_ON)
    assert m.run(0, "probe_returned", 50_000).reason == "halted"
    m.interrupt(0, VECTOR)
    assert m.step(0).pc == handler(m, VECTOR)
    assert m.ptr(m.regs(0).sp) == code + 2
    assert m.run(0, "probe_returned", 50_000).reason == "address" and m.result(0) == 7


def test_a_hop_ends_in_halt_until_something_wakes_the_cpu(m):
    """Whether HLT itself is a point, or the CPU runs into it."""
    before = m.snapshot()
    for at_hlt in (True, False):
        m.restore(before)
        code = enter(m, 0, STI_HALT, INTERRUPTS_ON)
        end = m.elf.address("probe_returned")
        points = frozenset([end, code + 1] if at_hlt else [end])
        if at_hlt:
            assert m.hop(0, points) is None and m.pc(0) == code + 1
        for _ in range(2):
            assert (m.hop(0, points).reason, m.pc(0)) == ("halted", code + 2)
        m.interrupt(0, VECTOR)
        assert m.hop(0, points) is None and m.pc(0) == end and m.result(0) == 7


def test_a_cpu_that_halts_does_not_hold_the_others_up(m):
    """CPU 0 has stopped last when CPU 1 halts in a step; then CPU 0's budget still ends."""
    enter(m, 1, HALT)
    assert m.step(1).reason == m.step(0).reason == "steps"
    assert m.step(1).reason == "halted"
    assert m.hop(0, frozenset([m.elf.address("panic_stop")])).reason == "budget" and not m.dead


def test_triple_fault_and_recovery(m):
    for cpu in range(m.cpus):
        code = enter(m, cpu, TRIPLE)
        start = m.snapshot()
        for how in (m.run, m.walk):
            m.restore(start)
            stop = how(cpu, "probe_returned", 1000)
            stop = stop[1] if isinstance(stop, tuple) else stop
            assert stop.reason == "triple fault" and stop.place.where.startswith("kmain")
        m.restore(start)
        put(m, LOOP)
        assert m.pc(cpu) == code and m.run(cpu, "probe_returned", 1000).reason == "address"
        assert m.result(cpu) == 11


def test_interrupt_lands_at_each_boundary(m):
    enter(m, 0, LOOP, INTERRUPTS_ON)
    start = m.snapshot()
    path = trace(m, 0, "probe_returned")
    entry = handler(m, VECTOR)
    inside = [step for step in path if step.flags & 0x200]
    assert len(inside) >= LOOP_STEPS
    for index in range(LOOP_STEPS):
        m.restore(start)
        if index:
            m.step(0, index)
        assert m.pc(0) == path[index].pc
        m.interrupt(0, VECTOR)
        assert m.step(0).pc == entry
        assert m.ptr(m.regs(0).sp) == path[index].pc          # the frame's instruction pointer
        assert m.run(0, "probe_returned", 10_000).reason == "address" and m.result(0) == 11


def test_masked_interrupt_waits(m):
    code = enter(m, 0, LOOP)
    m.interrupt(0, VECTOR)
    assert m.step(0).pc == code + 5
    stop = m.run(0, "probe_returned", 10_000)
    assert stop.reason == "address" and m.result(0) == 11


def test_an_interrupt_comes_before_a_fetch_that_faults(m):
    """As on a machine: it is taken between two instructions, and there is no next one to fetch."""
    ip = "rip" if m.width == 64 else "eip"
    before = m.snapshot()
    for exact in (True, False):
        m.restore(before)
        enter(m, 1, LOOP, flags=INTERRUPTS_ON)
        m.set_regs(1, **{ip: 0x10})
        m.interrupt(1, VECTOR)
        stop = m.run(1, (handler(m, VECTOR), handler(m, 14)), 10_000, exact=exact)
        assert (stop.reason, stop.pc) == ("address", handler(m, VECTOR)), exact


def test_held_interrupt_waits(m):
    code = enter(m, 0, LOOP, INTERRUPTS_ON)
    m.interrupt(0, VECTOR)
    assert [m.step(0, hold=True).pc - code for _ in range(2)] == [5, 6]
    assert m.step(0).pc == handler(m, VECTOR)


def test_nmi_goes_to_the_chosen_cpu(m):
    code = enter(m, 1, LOOP)
    before = m.regs(0).values
    m.step(1, 2)
    m.nmi(1)
    stop = m.run(1, handler(m, 2), 10)
    assert (stop.reason, stop.steps) == ("address", 1)
    assert m.ptr(m.regs(1).sp, 1) == code + 6
    assert m.regs(0).values == before


def test_panic_and_power_off(m):
    m.start(0, "machine_halt")
    assert m.run(0, "probe_returned", 1000).reason == "power off"


def test_a_jump_to_nowhere_is_a_panic(m):
    with pytest.raises(CallFailed) as caught:
        m.call(0, put(m, LEAVES), budget=3_000_000)
    assert caught.value.stop.reason == "panic" and caught.value.stop.text


def test_trace_has_a_limit(m):
    enter(m, 0, SPIN)
    with pytest.raises(TraceFailed) as caught:
        trace(m, 0, "probe_returned", 100)
    assert len(caught.value.steps) == 100


def test_memory(m):
    address = m.elf.address("panic_message")
    data = bytes(range(256)) * 2
    m.write(address, data)
    assert m.read(address, len(data)) == data and m.ptr("panic_message") & 0xFFFF == 0x0100
    with pytest.raises(Unmapped):
        m.read(0x1000, 4)
    m.write_physical(0x5000, data * 20)
    assert m.read_physical(0x5000, len(data) * 20) == data * 20


def test_registers(m):
    enter(m, 0, LOOP)
    wide, ip = ("r", "rip") if m.width == 64 else ("e", "eip")
    value = 0x1234_5678_9ABC_DEF0 & (1 << m.width) - 1
    m.set_regs(0, **{wide + "bx": value, wide + "di": 1})
    regs = m.regs(0)
    assert getattr(regs, wide + "bx") == value and getattr(regs, ip) == regs.pc == m.pc(0)
    assert regs.cpl == 0 and not regs.halted and regs.cr0 & 1 and regs.gdt.limit > 8
    assert regs.flags & 0x200 == 0 and regs.cs == 8


def test_elf_names_places(m):
    elf = m.elf
    start = elf.address("kintr")
    third = elf.boundaries("kintr")[2]
    assert elf.where(third) == "kintr+2" and elf.find("kintr+2") == third
    assert elf.find(elf.name(third)) == third and elf.find("gone+1") is None
    assert str(elf.line(start)).startswith("kernel/")
    assert elf.line(elf.address("tss_init")).file.startswith("solutions/lab1-stack-switch/")
    assert m.read(start, 16) == elf.code(start, 16)


def test_a_cpu_caught_in_one_instruction(kernels):
    """CR3 beyond the physical addresses: QEMU never comes back from it, and the grader does."""
    cell = next(cell for cell in CELLS if str(cell) == "x86_64/qemu")
    folder = kernels[cell.arch]
    with boot(cell, folder / "kernel.elf", folder / "corral.iso") as machine:
        code = enter(machine, 0, bytes.fromhex("48c7c000401180 0f22d8 c3"))
        stop = machine.run(0, code + 10, 1000)
        assert (stop.reason, machine.dead) == ("budget", True)
        assert stop.pc == code + 7 and "nothing any more" in stop.text
        assert machine.run(0, code + 10, 1000).reason == "budget"
