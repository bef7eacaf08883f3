"""QEMU 7.2: the gdbstub runs CPUs, qtest sends interrupts, QMP keeps snapshots.

Counting.  With -icount shift=7 each guest instruction takes 128 ns of virtual time, and the HPET's
counter shows that time in units of 10 ns.  A budget is an HPET timer that sends an SMI when the
last instruction is done: it comes whatever the kernel masks, stops at a breakpoint on the SMI
handler, and one RSM later the CPU stands exactly where the budget ended.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import AbstractSet as Set
from typing import Iterable, Mapping

from grader.errors import GraderError
from grader.machine import smm
from grader.machine.machine import HOP_LIMIT, NO_WAYS, Machine
from grader.machine.qemuprocess import QemuProcess
from grader.machine.qemuregs import registers_of, system_of
from grader.machine.types import (
    ADDRESS, BUDGET, OUTPUT, POWER_OFF, RESET, STEPS, TRIPLE, Cell, Regs, Snap, Stop, System, TraceStep,
    Unmapped, cpl_of)

MESSAGE_NMI = 0x400
HLT, PAUSE, NOP = b"\xf4", b"\xf3\x90", b"\x66\x90"
SECONDS = 60.0                   # only to notice a QEMU that hangs
SLICE = 0.25                     # how often a long run is looked at
STUCK_SECONDS = 1.0              # of processor time without an instruction
RIP = re.compile(r"[RE]IP=([0-9a-f]+)")
HOPS = 64                        # so many of the longest hops have one budget, which real time uses up, too
HALT_POLL = 0.01                 # how long a step may take before HLT is suspected


class QemuMachine(Machine):
    """See Machine."""

    def __init__(self, cell: Cell, elf_path: str | Path, iso_path: str | Path, cpus: int = 2,
                 workdir: str | Path | None = None):
        super().__init__(cell, elf_path, cpus)
        self._ip, self._sp, self._flags = (
            ("rip", "rsp", "rflags") if self.width == 64 else ("eip", "esp", "eflags"))
        self._pauses = self.elf.occurrences(PAUSE)
        self._patched = False           # a test wrote over the kernel's code, ..
        self._written: list[range] = [] # .. here
        self._breakpoints: Set[int] = frozenset()
        self._hold: bool | None = None  # how steps treat interrupts just now
        self._settled: set[int] = set() # CPUs that stopped at a breakpoint: no time is owed
        self._down = False              # shut down: nothing runs before a restore
        self._log_read = 0
        self._known: list[tuple[int, dict]] = [(-1, {})] * cpus     # by CPU: its moves, its registers then
        self._points: frozenset[int] = frozenset()      # those of the last hop, ..
        self._hop_stops: frozenset[int] = frozenset()   # .. with what else stops it
        self._hops_end = False          # a budget for hops, of whichever CPU, is under way
        # CPUs whose next step only looks at the local APIC: to QEMU that is a step.
        self._polled: set[int] = set()
        self._asleep: set[int] = set()  # CPUs that were left in HLT
        self._qemu = QemuProcess(cell, Path(iso_path), cpus)
        self._serial_path = self._qemu.serial
        self._rsp, self._qmp, self._qtest = self._qemu.rsp, self._qemu.qmp, self._qemu.qtest
        self._shared, self._ram = self._qemu.shared, self._qemu.ram

    def close(self) -> None:
        self._qemu.close()

    def boot(self) -> None:
        super().boot()
        smm.prepare(self._rsp, self._qtest, self.cpus, self.width)
        self._hold = None

    def _free_run(self, address: int, budget: int | None) -> Stop:
        self._break_at({address, *self._ends})
        smm.count(self._qtest)
        began = smm.now(self._qtest)
        deadline = time.monotonic() + SECONDS
        spent = ""
        self._rsp.resume(None)
        while (reply := self._rsp.receive(SLICE)) is None:
            if budget is None:
                if time.monotonic() > deadline:
                    raise GraderError(f"the kernel did not boot in QEMU within {SECONDS:.0f} s")
            elif not spent:
                over = smm.executed(self._qtest, began) > budget
                spent = OUTPUT if self.flooded() else BUDGET if over else ""
                if spent:
                    self._rsp.interrupt()
        cpu = self._rsp.selected
        pc = self.pc(cpu)
        return (self._ended(reply, cpu, pc, 0) or self._arrived(cpu, pc, 0, {address})
                or self._stop(spent or BUDGET, cpu, pc, 0))

    # ---- running ----

    def step(self, cpu: int, n: int = 1, hold: bool = False) -> Stop:
        pc = self.pc(cpu)
        for done in range(1, n + 1):
            pc, stop = self._step(cpu, pc, done, hold)
            stop = stop or self._arrived(cpu, pc, done, set())
            if stop:
                return stop
        return self._stop(STEPS, cpu, pc, n)

    def walk(self, cpu: int, until: Iterable[int | str] | int | str, limit: int,
             hold: bool = False) -> tuple[list[TraceStep], Stop]:
        wanted = self._addresses(until)
        trace: list[TraceStep] = []
        pc = self.pc(cpu)
        while len(trace) < limit:
            now = self._all_registers(cpu)
            trace.append(TraceStep(now[self._ip], cpl_of(now["cs"], now["eflags"]), now[self._sp],
                                   now["eflags"], now["gs_base"]))
            pc, stop = self._step(cpu, now[self._ip], len(trace), hold)
            stop = stop or self._arrived(cpu, pc, len(trace), wanted)
            if stop:
                return trace, stop
        return trace, self._stop(STEPS, cpu, pc, len(trace))

    def _all_registers(self, cpu: int) -> dict[str, int]:
        """All registers of a CPU, by gdb's names; kept until it moves."""
        self._rsp.select(cpu)
        now = self._rsp.moves(cpu)
        if self._known[cpu][0] != now:
            self._known[cpu] = (now, self._rsp.registers())
        return self._known[cpu][1]

    def run(self, cpu: int, until: Iterable[int | str] | int | str, budget: int,
            exact: bool = True) -> Stop:
        # The first instruction is stepped: QEMU does not leave a breakpoint otherwise, and a pending
        # interrupt counts as one.  A run that need not be exact does without where it can, as the step
        # costs a third of a short one.  Without qemu_stop.c the step also absorbs the real time that
        # virtual time gained when the CPU last stopped, so there a budget that ends gets an exact run.
        if self.dead:
            return self._stuck(cpu, budget)
        wanted = self._addresses(until)
        pc, first = self.pc(cpu), 0
        hurry = (not exact and pc not in wanted and pc not in self._ends and cpu not in self._polled
                 and (cpu in self._settled or self._shared.ready and self._executes(cpu, pc)))
        if not hurry:
            first = 1
            pc, stop = self._step(cpu, pc, 1, hold=False)
            stop = stop or self._arrived(cpu, pc, 1, wanted)
            if stop:
                return stop
        if budget <= first:
            return self._spent(cpu, pc, first)
        stop = self._run_on(cpu, wanted, budget, first, exact)
        if stop.reason == ADDRESS:
            self._settled.add(cpu)
        elif hurry and stop.reason == BUDGET and not (self._shared.ready or self.dead):
            return self.run(cpu, until, budget)
        return stop

    def hop(self, cpu: int, points: frozenset[int],
            ways: Mapping[int, frozenset[int]] = NO_WAYS) -> Stop | None:
        if points is not self._points:
            self._points, self._hop_stops = points, points | {smm.ENTRY, *self._ends}
        stops = self._hop_stops
        pc, stop = self.pc(cpu), None
        asleep = cpu in self._asleep    # a step tells soon whether something wakes it
        if pc in stops or asleep:       # QEMU does not leave a breakpoint, ..
            ways_back = None if asleep else ways.get(pc)
            if ways_back is not None:   # .. so it has none there until the CPU is about to come back
                pc, stop = self._hop_on(cpu, stops - {pc} | ways_back)
            else:
                pc, stop = self._hop_step(cpu)
        if stop is None and pc not in stops:
            pc, stop = self._hop_on(cpu, stops)
        if stop is None and pc not in points:
            stop = self._arrived(cpu, pc, 0, set()) or self._stop(BUDGET, cpu, pc, HOP_LIMIT)
        return stop

    def _hop_step(self, cpu: int) -> tuple[int, Stop | None]:
        """The first instruction of a hop."""
        before = self.pc(cpu)
        self._step_mode(hold=False)
        pc, stop = self._step_once(cpu, before, 1)
        if stop is None and pc == before:    # a look at the local APIC, which to QEMU is a step
            pc, stop = self._step_once(cpu, before, 1)
        self._polled.discard(cpu)
        return pc, stop

    def _hop_on(self, cpu: int, stops: frozenset[int]) -> tuple[int, Stop | None]:
        """The rest of a hop, to the next of these breakpoints."""
        # One budget for many hops, since to arm it for each would double the cost of one.  All CPUs
        # get the SMI, so whichever runs when it ends, or next, stops there.
        if not self._hops_end:
            self._hops_end = True
            smm.arm(self._qtest, self._shared, smm.ALL, HOPS * HOP_LIMIT)
        self._resume(cpu, stops)
        reply, tampered = self._wait(10)
        if self.dead:
            return 0, self._stuck(cpu, HOP_LIMIT)
        pc = self._all_registers(cpu)[self._ip]     # whoever asked for the hop wants them all
        ended = self._ended(reply, cpu, pc, 0)
        if ended or tampered:
            return pc, ended or self._stop(BUDGET, cpu, pc, HOP_LIMIT, "the kernel changed the HPET")
        if not self._in_smm(cpu):
            return pc, None
        # The budget ended, and not in this hop alone: it gets one of its own.  An exact one, whose
        # first step absorbs what virtual time gained: on a host with much to do that can be more than
        # the whole budget.
        pc = self._leave_smm(cpu)
        if pc not in stops and self._stands_after_hlt(cpu, pc):
            self._halt_again(cpu, pc)       # the SMI woke it, and that is nobody's doing
            pc = self.pc(cpu)
        if pc in stops:
            return pc, None
        stop = self.run(cpu, stops, HOP_LIMIT)
        return stop.pc, None if stop.reason == ADDRESS else stop

    def _run_on(self, cpu: int, wanted: set[int], budget: int, first: int, exact: bool) -> Stop:
        """The rest of run(), after `first` instructions."""
        began_at = self.pc(cpu)
        self._hops_end = False
        began = smm.arm(self._qtest, self._shared, cpu, budget - first)
        self._resume(cpu, frozenset((*wanted, smm.ENTRY, *self._ends)))
        reply, tampered = self._wait(10 + budget / 200_000)
        if self.dead:
            return self._stuck(cpu, budget)
        if self._shared.ready:
            ticks, executed = self._shared.since_timer()
            steps, expired = first + executed, first + smm.instructions(ticks) >= budget
        else:
            steps = first + smm.executed(self._qtest, began) if exact else 0
            expired = steps >= budget
        pc = self.pc(cpu)
        if tampered:
            return self._stop(BUDGET, cpu, pc, budget, "the kernel changed the HPET, which counts")
        ended = self._ended(reply, cpu, pc, steps)
        if ended:
            return ended
        if self._in_smm(cpu):
            pc = self._leave_smm(cpu)
            if self._shared.ready and not steps:    # the SMI of an earlier budget came first
                return self.run(cpu, wanted, budget)
            steps = budget
            # Where it began right behind HLT, it may not have run at all.
            if (self._shared.ready or first or pc != began_at) and self._stands_after_hlt(cpu, pc):
                self._halt_again(cpu, pc)
                return self._halted(cpu, pc, steps)
        elif expired:
            self._drain(cpu, pc)
        return self._arrived(cpu, pc, steps, wanted) or self._spent(cpu, pc, steps)

    def _resume(self, cpu: int, stops: frozenset[int]) -> None:
        """Lets a CPU run, with breakpoints there and nowhere else."""
        self._asleep.discard(cpu)
        self._settled.discard(cpu)
        self._polled.discard(cpu)
        self._rsp.resume(cpu, stops - self._breakpoints, self._breakpoints - stops)
        self._breakpoints = stops

    def _stuck(self, cpu: int, steps: int) -> Stop:
        """The stop of a machine that is dead; the debugger's port does not answer any more."""
        pc = int(RIP.search(self._qmp.human("info registers", cpu))[1], 16)
        return self._stop(BUDGET, cpu, pc, steps, "QEMU executes nothing any more")

    def _wait(self, seconds: float) -> tuple[str, bool]:
        """The reply of a running CPU, and whether it had to be stopped: its timer was changed."""
        deadline = time.monotonic() + seconds
        asked = False
        began = None
        while (reply := self._rsp.receive(SLICE)) is None:
            now = self._progress()
            if began is None or now[0] != began[0]:
                began = now
            elif now[1] - began[1] > STUCK_SECONDS:
                self.dead = True
                return "", False
            late = time.monotonic() - deadline
            if late > SECONDS:
                raise GraderError("QEMU does not stop its CPU: run the grade again")
            flooded = self.flooded()
            if not asked and (flooded or late > 0 and not smm.armed(self._qtest)):
                asked = True
                self._rsp.interrupt()
        return reply, asked and not self.flooded()

    def _progress(self) -> tuple[int, float]:
        """Virtual time, and the processor time that QEMU has used: if only the second grows, QEMU
        is caught in one instruction (a CR3 beyond the physical addresses does that)."""
        return smm.now(self._qtest), self._qemu.cpu_seconds()

    # ---- one step ----

    def _step(self, cpu: int, pc: int, number: int, hold: bool) -> tuple[int, Stop | None]:
        """One instruction, the number-th.  The new pc, and a stop if the CPU cannot go on."""
        self._step_mode(hold)
        if not hold and cpu in self._polled:
            self._polled.discard(cpu)
            sp = self._rsp.register(self._sp)
            now, stop = self._step_once(cpu, pc, number)
            if stop or now != pc or self._rsp.register(self._sp) != sp:
                return now, stop
        return self._step_once(cpu, pc, number)

    def _step_once(self, cpu: int, pc: int, number: int) -> tuple[int, Stop | None]:
        asleep = cpu in self._asleep
        self._asleep.discard(cpu)
        # TCG ends PAUSE without the stop of a single step and goes on to the next instruction, so
        # for the time of the step it is a NOP of the same length.
        pause = pc if self._is_pause(cpu, pc) else None
        if pause is not None:
            self._rsp.write(pause, NOP)
        halts = asleep or self._bytes(cpu, pc, 1) == HLT
        self._rsp.begin_step(cpu, halts)
        reply, halted = self._wait_step(cpu, halts)
        if pause is not None:
            self._rsp.write(pause, PAUSE)
        pc = self.pc(cpu)
        if self._in_smm(cpu):           # the SMI of an earlier budget came first
            pc = self._leave_smm(cpu)
            if asleep:                  # .. and woke it
                self._halt_again(cpu, pc)
            return self._step_once(cpu, pc, number)
        if halted:
            return pc, self._halted(cpu, pc, number)
        return pc, self._ended(reply, cpu, pc, number)

    def _wait_step(self, cpu: int, halts: bool = False) -> tuple[str, bool]:
        """The reply to a step, and whether it ended in HLT.  Empty when the machine shut down."""
        deadline = time.monotonic() + SECONDS
        halted = False
        while (reply := self._rsp.receive(HALT_POLL / 10 if halts else HALT_POLL)) is None:
            if time.monotonic() > deadline:
                raise GraderError("QEMU hangs in a single step: run the grade again")
            if not halted and smm.halted(self._qmp, cpu, bool(self._hold)):
                halted = True
                self._rsp.interrupt()
            elif self._qmp.status() == "shutdown":
                return "", False         # the stub says nothing of a triple fault in a step
        return reply, halted

    def _executes(self, cpu: int, pc: int) -> bool:
        """Whether a CPU that stands there surely is not in HLT."""
        return self._ram.read(self._all_registers(cpu), pc - 1, 1) not in (None, HLT)

    def _is_pause(self, cpu: int, pc: int) -> bool:
        """Whether PAUSE stands at pc: by the kernel's file while that still says what is there."""
        if not self._patched and self.elf.code(pc, 1):
            return pc in self._pauses
        return self._bytes(cpu, pc, len(PAUSE)) == PAUSE

    def _step_mode(self, hold: bool) -> None:
        if hold != self._hold:
            self._rsp.step_mode(hold)
            self._hold = hold

    # ---- the SMI that ends a budget ----

    def _in_smm(self, cpu: int) -> bool:
        return smm.inside(self._all_registers(cpu))

    def _leave_smm(self, cpu: int) -> int:
        self._hops_end = False
        smm.leave(self._rsp, cpu)
        return self.pc(cpu)

    def _drain(self, cpu: int, pc: int) -> None:
        """Takes the SMI of a timer that ran out while the CPU was already stopping at pc.

        With a breakpoint at pc nothing is executed, and nothing else is pending unmasked: it would
        have been taken before the CPU came here.
        """
        self._break_at(self._breakpoints | {pc})
        self._rsp.resume(cpu)
        if self._rsp.receive(SECONDS) is None:
            raise GraderError("QEMU does not stop at a breakpoint: run the grade again")
        if self._in_smm(cpu):
            self._leave_smm(cpu)

    def _halted(self, cpu: int, pc: int, steps: int) -> Stop:
        self._asleep.add(cpu)
        return super()._halted(cpu, pc, steps)

    def _stands_after_hlt(self, cpu: int, pc: int) -> bool:
        """Whether an SMI that found the present CPU here most likely woke it from HLT."""
        if self._bytes(cpu, pc - 1, 1) != HLT or self._all_registers(cpu)["cs"] & 3:
            return False
        symbol = self.elf.symbol_at(pc - 1)
        return symbol is None or pc - 1 in self.elf.boundaries(symbol.name) \
            or any(pc - 1 in written for written in self._written)

    def _halt_again(self, cpu: int, pc: int) -> None:
        """Puts a CPU that an SMI woke back into HLT, where it stays unless something else wakes it too."""
        self._rsp.set_register(self._ip, pc - 1)
        self._rsp.begin_step(cpu, halts=True)
        _, halted = self._wait_step(cpu, halts=True)
        if halted:
            self._asleep.add(cpu)

    # ---- why it stopped ----

    def _ended(self, reply: str, cpu: int, pc: int, steps: int) -> Stop | None:
        """The stop of a machine that cannot go on until a snapshot is restored."""
        if reply[:3] in ("T05", "T02") or self._qmp.status() != "shutdown":
            return None
        self._down = True
        causes = [event.get("data", {}).get("reason") for event in self._qmp.events]
        self._qmp.events.clear()
        if "guest-shutdown" in causes:
            return self._stop(POWER_OFF, cpu, pc, steps)
        triple, self._log_read = self._qemu.triple_fault(self._log_read)
        return self._stop(TRIPLE if triple else RESET, cpu, pc, steps)

    # ---- breakpoints ----

    def _break_at(self, addresses: Set[int]) -> None:
        """Has breakpoints there and nowhere else.  They stay until others are wanted: a step does
        not care, and in a sweep most are wanted again."""
        self._rsp.breakpoints(addresses - self._breakpoints, self._breakpoints - addresses)
        self._breakpoints = set(addresses)

    # ---- interrupts, registers, memory ----

    def interrupt(self, cpu: int, vector: int) -> None:
        self._qtest.write32(smm.APIC | cpu << 12, vector)
        self._polled.add(cpu)

    def nmi(self, cpu: int) -> None:
        self._qtest.write32(smm.APIC | cpu << 12, MESSAGE_NMI)

    def pc(self, cpu: int) -> int:
        return self._all_registers(cpu)[self._ip]       # one costs as much as all

    def regs(self, cpu: int) -> Regs:
        moves = self._rsp.moves(cpu)

        def system() -> System:
            if self._rsp.moves(cpu) != moves:
                raise GraderError("a test reads gdt, idt, tr or halted of registers that are "
                                  "older than the CPU's last move: read them before it")
            return system_of(self._rsp.monitor(f"info registers {cpu}"))

        return registers_of(self._all_registers(cpu), self.width, system)

    def set_regs(self, cpu: int, **values: int) -> None:
        self._rsp.select(cpu)
        named = {{self._flags: "eflags"}.get(name, name): value for name, value in values.items()}
        for name in named:
            if name not in self._rsp.slots:
                raise ValueError(f"no register {name}")
        self._rsp.set_registers(named)

    def read(self, address: int | str, size: int, cpu: int = 0) -> bytes:
        address = self.elf.address(address)
        data = self._bytes(cpu, address, size)
        if data is None:
            raise Unmapped(address, cpu)
        return data

    def _bytes(self, cpu: int, address: int, size: int) -> bytes | None:
        """Memory as a CPU's page tables show it; None where there is none."""
        data = self._ram.read(self._all_registers(cpu), address, size)
        if data is None:
            self._rsp.select(cpu)
            data = self._rsp.read(address, size)
        return data

    def write(self, address: int | str, data: bytes, cpu: int = 0) -> None:
        address = self.elf.address(address)
        self._writes_code(address, len(data))
        self._rsp.select(cpu)
        if not self._rsp.write(address, data):
            raise Unmapped(address, cpu)

    def write_all(self, parts: list[tuple[int, bytes]], cpu: int = 0) -> None:
        for address, data in parts:
            self._writes_code(address, len(data))
        self._rsp.select(cpu)
        if not self._rsp.write_all(parts):
            super().write_all(parts, cpu)

    def _writes_code(self, address: int, size: int) -> None:
        """Notes a write, if it is to the kernel's code."""
        if self.elf.code(address, 1):
            self._patched = True
            written = range(address, address + size)
            if written not in self._written:
                self._written.append(written)

    def read_physical(self, address: int, size: int) -> bytes:
        return self._qtest.read(address, size)

    def write_physical(self, address: int, data: bytes) -> None:
        self._qtest.write(address, data)

    # ---- snapshots ----

    def _take_snapshot(self, depth: int) -> object:
        self._qemu.save(f"snap{depth}")
        return frozenset(self._polled), frozenset(self._asleep)

    def _go_back(self, snap: Snap) -> None:
        self._qemu.load(f"snap{snap.depth}", revive=self._down)
        self._down = False
        self._polled, self._asleep = map(set, snap.handle)
        self._settled.clear()
        self._hops_end = False

    # ---- a person's debugger ----

    def debug_handoff(self, cpu: int = 0) -> list[str]:
        self._break_at(set())
        self._rsp.close()
        return ["gdb", "-nx", str(self.elf.path), "-ex", f"target remote {self._qemu.dir}/gdb",
                "-ex", f"thread {cpu + 1}"]
