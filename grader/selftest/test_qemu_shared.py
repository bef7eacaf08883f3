"""What the grader and QEMU share: registers, breakpoints, a timer and RAM, and QEMU without all that."""

from __future__ import annotations

import pytest

from grader.machine import Cell, Machine, Unmapped, boot, smm
from grader.machine.ram import Ram
from grader.machine.shared import Shared
from grader.selftest.oncpu import HALT, LOOP, enter

CPUS = 3
NAMES = {64: ("rip", "rsp", "rax"), 32: ("eip", "esp", "eax")}


def made(arch: str, kernels) -> Machine:
    return boot(Cell(arch, "qemu"), kernels[arch] / "kernel.elf", kernels[arch] / "corral.iso", cpus=CPUS)


@pytest.fixture(scope="module", params=("x86_64", "i386"))
def booted(request, kernels):
    with made(request.param, kernels) as machine:
        yield machine, machine.snapshot()


def use_none(monkeypatch) -> None:
    """From here on QEMU uses the shared memory, and the grader does not."""
    monkeypatch.setattr(Shared, "ready", False)
    monkeypatch.setattr(Ram, "read", lambda *_: None)


def asked(m: Machine, cpu: int) -> dict[str, int]:
    """The registers as the gdbstub tells them."""
    rsp = m._qemu.rsp
    rsp.select(cpu)
    rsp.moved(cpu)
    return rsp.registers()


def test_qemu_uses_it(m):
    assert m._qemu.shared.ready


def test_registers_are_those_that_the_gdbstub_tells(m):
    ip, sp, result = NAMES[m.width]
    for cpu in range(CPUS):
        at = enter(m, cpu, LOOP)
        for move in (lambda: m.step(cpu), lambda: m.run(cpu, at + 13, 100, exact=False),
                     lambda: m.hop(cpu, frozenset({at + 11, at + 13})), lambda: m.run(cpu, (), 7),
                     lambda: m.set_regs(cpu, **{result: 0x1234_5678}), lambda: m.nmi(cpu)):
            move()
            shown = [m._all_registers(each) for each in range(CPUS)]
            assert shown == [asked(m, each) for each in range(CPUS)]
        assert shown[cpu][result] == 0x1234_5678


def test_registers_after_a_restore_are_those_of_then(m):
    ip, _, _ = NAMES[m.width]
    at = enter(m, 1, LOOP)
    before = m.snapshot()
    m.run(1, at + 13, 100)
    m.restore(before)
    assert m.pc(1) == at == asked(m, 1)[ip]


def test_a_run_that_is_not_exact_has_its_budget(m):
    """It may have up to twice as many; here it need not."""
    at = enter(m, 0, LOOP)
    before = m.snapshot()
    for budget in range(1, 10):
        m.restore(before)
        m.step(0, budget)
        stepped = m.pc(0)
        m.restore(before)
        stop = m.run(0, at + 17, budget, exact=False)
        assert (stop.reason, stop.pc) == ("budget", stepped), budget


def test_a_budget_that_ends_at_a_stop_leaves_nothing_behind(m):
    """Each run stops where its budget ends, or just before: the next has all of its own."""
    at = enter(m, 0, LOOP)
    before = m.snapshot()
    for budget in (2, 3, 4):
        m.restore(before)
        assert m.run(0, at + 6, budget).reason == "address"
        assert m.run(0, at + 13, 4, exact=False).reason == "address"


def test_a_cpu_in_hlt_stays_there(m):
    """Also when an SMI comes that no budget of its own has sent."""
    enter(m, 1, HALT)
    for exact in (True, False, False):
        assert m.run(1, "probe_returned", 50_000, exact=exact).reason == "halted"
        m._qemu.qtest.write32(smm.APIC | 1 << 12, smm.MESSAGE_SMI)


def test_code_that_the_kernel_has_written_may_halt(m):
    at = m.elf.address("kmain")
    m.start(1, at)
    rsp = m._qemu.rsp
    rsp.select(1)
    assert rsp.write(at, HALT)
    for _ in range(3):
        assert m.run(1, "probe_returned", 50_000, exact=False).reason == "halted"


def test_a_budget_is_not_used_up_by_an_earlier_one(m):
    """All CPUs get the SMI that ends a hop; one of them takes it at the beginning of a short run."""
    assert m.hop(0, frozenset({m.elf.address("panic_stop")})) is not None
    before = m.snapshot()
    for budget in (20, 60, 100, 150, 300):
        m.restore(before)
        assert m.run(1, "probe_returned", budget, exact=False).reason == "budget"


def test_there_may_be_thousands_of_breakpoints(m):
    at = enter(m, 0, LOOP)
    elsewhere = at + 0x20_0000
    stop = m.run(0, {*range(elsewhere, elsewhere + 7000), at + 11}, 100)
    assert (stop.reason, stop.pc) == ("address", at + 11)
    elsewhere += 7000
    assert m.run(0, set(range(elsewhere, elsewhere + 7000)), 2, exact=False).reason == "budget"


def places(m: Machine) -> list[bytes]:
    """Memory of all kinds, as CPU 1 sees it."""
    text, data = m.elf.address("kmain"), m.elf.address("probe_mailbox")
    return [m.read(text, 16, 1), m.read(data, 64, 1), m.read(m.regs(1).sp, 32, 1),
            m.read(text & ~0xFFF, 3 * 4096 + 5, 1), m.read_all([(text + 1, 3), (data, 9)], 1)]


def test_memory_is_what_the_gdbstub_tells(m, monkeypatch):
    use_none(monkeypatch)
    told = places(m)
    monkeypatch.undo()
    assert places(m) == told
    m.write("probe_mailbox", b"corral", 1)
    assert m.read("probe_mailbox", 6, 2) == b"corral"


@pytest.mark.parametrize("address", [0x10, 0x7FFF_F000, 0xFFFF_FFF0])
def test_memory_that_is_not_there(m, address):
    with pytest.raises(Unmapped):
        m.read(address, 8)


def story(m: Machine) -> list[tuple]:
    """Stops of many kinds; how many instructions came before is known better with the shared memory."""
    at = enter(m, 0, LOOP)
    told = []
    for stop in (m.step(0), m.run(0, at + 11, 50), m.run(0, (), 4), m.run(0, at + 15, 100),
                 m.run(0, "probe_returned", 200_000)):
        told.append((stop.reason, stop.pc))
    points = frozenset({at + 6, at + 13})
    enter(m, 2, LOOP)
    for _ in range(3):
        told.append((m.hop(2, points), m.pc(2)))
    m.start(1, at)
    m.nmi(1)
    stop = m.run(1, "probe_returned", 100_000)
    return [*told, (stop.reason, stop.pc), m.result(1)]


@pytest.mark.parametrize("arch", ["x86_64", "i386"])
def test_it_decides_nothing(kernels, arch, monkeypatch):
    with made(arch, kernels) as m:
        usual = story(m)
    use_none(monkeypatch)
    with made(arch, kernels) as m:
        assert story(m) == usual
