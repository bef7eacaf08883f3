"""The instruction budget of QEMU: an HPET timer that raises an SMI, and the way back from it.

The SMI handler is one RSM in SMRAM, and a breakpoint stops the CPU before it.  SMM state of every
CPU lies in SMRAM (0xA0000), where no kernel can see it; the firmware arranges that for CPU 0 only.
"""

from __future__ import annotations

import re

from grader.errors import GraderError
from grader.machine.monitor import Qmp, Qtest
from grader.machine.rsp import Rsp
from grader.machine.shared import Shared

SMRAM = 0xA0000
OFFSET = 0x8000                  # the handler's offset in its segment, which pc shows
ENTRY = SMRAM + OFFSET
RESET_BASE = 0x30000             # where a CPU's SMM area lies after reset
SAVE_AREA = 0xFC00               # the saved state, within the area
BASE_FIELD = {64: 0xFF00, 32: 0xFEF8}
RSM = b"\x0f\xaa"

HPET = 0xFED00000
HPET_ENABLE = HPET + 0x10
HPET_COUNTER = HPET + 0xF0
TIMER = HPET + 0x100             # timer 0: configuration
TIMER_AT = TIMER + 0x08          # the counter's value at which it fires
TIMER_DATA = TIMER + 0x10        # what it writes
TIMER_TO = TIMER + 0x14          # and where
TIMER_ON = 0x4004                # interrupt enabled, delivered as a message
MESSAGE_SMI = 0x200
APIC = 0xFEE00000
ALL = 0xFF                       # instead of a CPU: the destination that each local APIC takes for its own
PROTECTED = 1                    # in CR0
INSTRUCTION_NS = 128             # -icount shift=7
TICK_NS = 10
LOOKS = 3                        # steps until an RSM is done: a look at the local APIC is one to QEMU

# In what the monitor says of a CPU and of its local APIC.
IF = 0x200
FLAGS = re.compile(r"(?:RFL|EFL)=([0-9a-f]+)")
REQUESTS = re.compile(r"IRR\s+((?:\d+\s+)*)")
PRIORITY = re.compile(r"PPR 0x([0-9a-f]+)")


def count(qtest: Qtest) -> None:
    """Lets the counter run."""
    qtest.write32(HPET_ENABLE, 1)


def now(qtest: Qtest) -> int:
    return qtest.read64(HPET_COUNTER)


def executed(qtest: Qtest, began: int) -> int:
    """Instructions since the counter stood at `began`."""
    return instructions(now(qtest) - began)


def instructions(ticks: int) -> int:
    """So many are executed in this time."""
    return round(ticks * TICK_NS / INSTRUCTION_NS)


def arm(qtest: Qtest, shared: Shared, cpu: int, budget: int) -> int:
    """Raises an SMI on this CPU, or on ALL, after a budget of instructions.  Gives the counter's value,
    or 0 where shared.since_timer() tells the time until the next stop."""
    whom, ticks = APIC | cpu << 12, budget * INSTRUCTION_NS // TICK_NS
    if shared.ready:
        shared.set_timer(HPET_COUNTER, TIMER_AT, TIMER_TO, ticks, whom)
        return 0
    began = int(qtest.commands(f"writel {TIMER_TO:#x} {whom:#x}", f"readq {HPET_COUNTER:#x}")[1], 16)
    qtest.write64(TIMER_AT, began + ticks)
    return began


def armed(qtest: Qtest) -> bool:
    """Whether the timer is as the grader set it: the kernel under test could change it."""
    return (qtest.read64(HPET_ENABLE) & 1 == 1 and qtest.read64(TIMER) & TIMER_ON == TIMER_ON
            and qtest.read64(TIMER_DATA) & 0xFFFFFFFF == MESSAGE_SMI)


def prepare(rsp: Rsp, qtest: Qtest, cpus: int, width: int) -> None:
    """Moves every CPU's SMM area to SMRAM, puts the handler there, and sets up the timer."""
    count(qtest)
    qtest.write64(TIMER, TIMER_ON)
    qtest.write32(TIMER_DATA, MESSAGE_SMI)
    rsp.step_mode(hold=True)
    for cpu in range(cpus):
        base = RESET_BASE if cpu else SMRAM
        kept = [(at, qtest.read(at, size)) for at, size in (
            (base + OFFSET, len(RSM)), (base + SAVE_AREA, 0x400))] if cpu else []
        rsp.breakpoints([base + OFFSET])
        qtest.write32(APIC | cpu << 12, MESSAGE_SMI)
        rsp.resume(cpu)
        if rsp.receive(10) is None:
            raise GraderError("QEMU takes no SMI: this QEMU was not tested, run `make doctor`")
        rsp.breakpoints([], [base + OFFSET])
        rsp.select(cpu)
        rsp.write(base + OFFSET, RSM)
        if cpu:
            rsp.write(base + BASE_FIELD[width], SMRAM.to_bytes(4, "little"))
        leave(rsp, cpu)
        for at, data in kept:
            qtest.write(at, data)


def leave(rsp: Rsp, cpu: int) -> None:
    """Executes the RSM: the CPU stands again where the SMI found it."""
    for _ in range(LOOKS):
        rsp.begin_step(cpu)
        if rsp.receive(10) is None:
            break
        rsp.select(cpu)
        if not inside(rsp.registers()):
            return
    raise GraderError("QEMU does not come back from an SMI: run the grade again")


def inside(registers: dict[str, int]) -> bool:
    """Whether a CPU with these registers is about to leave system management mode: at the handler, in
    a segment that no kernel has in protected mode, and without that."""
    pc = registers["rip" if "rip" in registers else "eip"]
    return pc == OFFSET and registers["cs"] == SMRAM >> 4 and not registers["cr0"] & PROTECTED


def halted(qmp: Qmp, cpu: int, masked: bool) -> bool:
    """Whether the CPU is in HLT for good, however slow the host is.

    An interrupt that it will take wakes it, unless the step masks interrupts.  The local APIC is
    asked first: a request that is gone by then was taken before, and HLT came after it.
    """
    apic = qmp.human("info lapic", cpu)
    now = qmp.human("info registers", cpu)
    if "HLT=1" not in now:
        return False
    flags = int(FLAGS.search(now)[1], 16)
    requests = [int(vector) for vector in REQUESTS.search(apic)[1].split()]
    level = int(PRIORITY.search(apic)[1], 16) >> 4
    wakes = flags & IF and not masked and any(vector >> 4 > level for vector in requests)
    return not wakes
