"""QEMU 7.2: the gdbstub runs CPUs, qtest sends interrupts, QMP keeps snapshots.

Counting.  With -icount shift=7 each guest instruction takes 128 ns of virtual time, and the HPET's
counter shows that time in units of 10 ns.  A budget is an HPET timer that sends an SMI when the
last instruction is done: it comes whatever the kernel masks, stops at a breakpoint on the SMI
handler, and one RSM later the CPU stands exactly where the budget ended.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import Iterable

from grader import processes
from grader.errors import GraderError
from grader.machine import smm
from grader.machine.machine import Machine
from grader.machine.monitor import Qmp, Qtest, connect
from grader.machine.private import PrivateDir
from grader.machine.qemuregs import registers_of
from grader.machine.rsp import Rsp
from grader.machine.types import (
    BUDGET, OUTPUT, POWER_OFF, RESET, STEPS, TRIPLE, Cell, Regs, Snap, Stop, TraceStep,
    Unmapped)

CPU_MODEL = "qemu64,vendor=GenuineIntel,+fsgsbase,+smep,+smap,+umip,+sep,+nx"
MEMORY = 16                      # MiB
MESSAGE_NMI = 0x400
HLT, PAUSE = b"\xf4", b"\xf3\x90"
SECONDS = 60.0                   # only to notice an emulator that hangs
SLICE = 0.25                     # how often a long run is looked at
HALT_POLL = 0.01                 # how long a step may take before HLT is suspected


class QemuMachine(Machine):
    """See Machine."""

    def __init__(self, cell: Cell, elf_path: str | Path, iso_path: str | Path, cpus: int = 2,
                 workdir: str | Path | None = None):
        super().__init__(cell, elf_path, cpus)
        self._binary = f"qemu-system-{cell.arch}"
        for tool, package in ((self._binary, "qemu-system-x86"), ("qemu-img", "qemu-utils")):
            if shutil.which(tool) is None:
                raise GraderError(f"{tool} is not installed: run ./setup (package {package})")
        self._ip, self._sp, self._flags = (
            ("rip", "rsp", "rflags") if self.width == 64 else ("eip", "esp", "eflags"))
        self._pauses = self.elf.occurrences(PAUSE)
        self._breakpoints: set[int] = set()
        self._hold: bool | None = None
        # CPUs whose next step only looks at the local APIC: QEMU counts that as a step.
        self._polled: set[int] = set()
        self._down = False              # shut down: nothing runs before a restore
        self._log_read = 0
        self._closed = False
        self._private = PrivateDir()
        self._dir = self._private.path
        self._serial_path = self._dir / "serial"
        self._serial_path.touch()
        self._process: subprocess.Popen | None = None
        try:
            self._launch(Path(iso_path))
        except BaseException:
            self.close()
            raise

    # ---- starting and ending ----

    def _launch(self, iso: Path) -> None:
        # The ISO's path may hold commas or spaces, which QEMU's options cannot.
        (self._dir / "kernel.iso").symlink_to(iso.resolve())
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", self._dir / "snap.qcow2", "1G"],
                       check=True, stdin=subprocess.DEVNULL)
        place = self._dir
        command = [
            self._binary, "-M", "pc", "-accel", "tcg,thread=single", "-icount", "shift=7",
            "-cpu", CPU_MODEL, "-m", str(MEMORY), "-smp", f"{self.cpus},sockets={self.cpus}",
            "-nodefaults", "-vga", "none", "-display", "none", "-no-user-config",
            "-no-reboot", "-no-shutdown", "-S", "-boot", "d", "-cdrom", f"{place}/kernel.iso",
            "-chardev", f"file,id=com1,path={place}/serial,append=on", "-serial", "chardev:com1",
            "-chardev", f"socket,id=gdb,path={place}/gdb,server=on,wait=off", "-gdb", "chardev:gdb",
            "-chardev", f"socket,id=qmp,path={place}/qmp,server=on,wait=off",
            "-mon", "chardev=qmp,mode=control",
            "-qtest", f"unix:{place}/qtest,server=on,wait=off", "-qtest-log", "none",
            "-drive", f"if=none,id=snap,format=qcow2,file={place}/snap.qcow2,cache=unsafe",
            "-d", "cpu_reset", "-D", f"{place}/log",
        ]  # fmt: skip
        with (place / "stderr").open("wb") as errors:
            self._process = processes.start(command, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=errors)
        try:
            self._qmp = Qmp(connect(place / "qmp", self._alive))
            self._qtest = Qtest(connect(place / "qtest", self._alive))
            self._rsp = Rsp(str(place / "gdb"))
        except GraderError as error:
            said = (place / "stderr").read_text(errors="replace").strip()[-300:]
            raise GraderError(f"{error} {said}".strip()) from None

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._process is not None:
            processes.kill(self._process)
        for link in ("_rsp", "_qmp", "_qtest"):
            if hasattr(self, link):
                getattr(self, link).close()
        self._private.close()

    def boot(self) -> None:
        super().boot()
        smm.prepare(self._rsp, self._qtest, self.cpus, self.width)
        self._hold = None
        for address in (smm.ENTRY, *self._ends):
            self._insert(address)

    # ---- running ----

    def step(self, cpu: int, n: int = 1, hold: bool = False) -> Stop:
        pc = self.pc(cpu)
        for done in range(n):
            pc, stop = self._step(cpu, pc, done, hold)
            stop = stop or self._arrived(cpu, pc, done + 1, set())
            if stop:
                return stop
        return self._stop(STEPS, cpu, pc, n)

    def run(self, cpu: int, until: Iterable[int | str] | int | str, budget: int) -> Stop:
        wanted = self._addresses(until)
        pc, stop = self._step(cpu, self.pc(cpu), 0, hold=False)
        stop = stop or self._arrived(cpu, pc, 1, wanted)
        if stop:
            return stop
        if budget <= 1:
            return self._spent(cpu, pc, 1)
        added = wanted - self._breakpoints
        for address in added:
            self._insert(address)
        try:
            return self._run(cpu, wanted, budget)
        finally:
            for address in added:
                self._remove(address)

    def _run(self, cpu: int, wanted: set[int], budget: int) -> Stop:
        """The rest of run(), after its first instruction and with the breakpoints set."""
        began = smm.arm(self._qtest, cpu, budget - 1)
        self._rsp.resume(cpu)
        reply, tampered = self._wait(10 + budget / 200_000)
        steps = 1 + smm.executed(self._qtest, began)
        pc = self._select(cpu)
        late = steps >= budget and pc != smm.OFFSET
        if tampered:
            return self._stop(BUDGET, cpu, pc, budget, "the kernel changed the HPET, which counts")
        ended = self._ended(reply, cpu, pc, steps)
        if ended:
            return ended
        if pc == smm.OFFSET and smm.inside(self._qmp, cpu):
            steps = budget
            self._step_mode(hold=True)
            smm.leave(self._rsp, cpu)
            pc = self._select(cpu)
            if self._stands_after_hlt(cpu, pc):
                self._halt_again(cpu, pc)
                return self._halted(cpu, pc, steps)
        elif late:
            self._drain(cpu, pc)
        return self._arrived(cpu, pc, steps, wanted) or self._spent(cpu, pc, steps)

    def walk(self, cpu: int, until: Iterable[int | str] | int | str, limit: int,
             hold: bool = False) -> tuple[list[TraceStep], Stop]:
        wanted = self._addresses(until)
        trace: list[TraceStep] = []
        while len(trace) < limit:
            self._rsp.select(cpu)
            now = self._rsp.registers()
            trace.append(TraceStep(now[self._ip], now["cs"] & 3, now[self._sp], now["eflags"],
                                   now["gs_base"]))
            pc, stop = self._step(cpu, now[self._ip], len(trace) - 1, hold)
            stop = stop or self._arrived(cpu, pc, len(trace), wanted)
            if stop:
                return trace, stop
        return trace, self._stop(STEPS, cpu, pc, len(trace))

    def _step(self, cpu: int, pc: int, before: int, hold: bool,
              again: bool = False) -> tuple[int, Stop | None]:
        """One instruction; `before` were done already.  The new pc, and a stop if it went wrong."""
        start = pc
        if not hold and cpu in self._polled:
            self._polled.discard(cpu)
            self._rsp.select(cpu)
            sp = self._rsp.register(self._sp)
            now, stop = self._step(cpu, pc, before, hold)
            if stop or now != pc or self._rsp.register(self._sp) != sp:
                return now, stop
        self._step_mode(hold)
        # TCG ends PAUSE without the stop of a single step and goes on to the next instruction.
        after = pc + len(PAUSE)
        guard = self._is_pause(pc) and after not in self._breakpoints
        if guard:
            self._rsp.insert(after)
        self._rsp.begin_step(cpu)
        deadline = time.monotonic() + SECONDS
        halted = False
        while (reply := self._rsp.receive(HALT_POLL)) is None:
            if not halted and smm.halted(self._qmp, cpu):
                halted = True
                self._rsp.interrupt()
            elif self._qmp.status() == "shutdown":
                reply = ""          # a triple fault inside the step: the stub says nothing
                break
            elif time.monotonic() > deadline:
                raise GraderError("QEMU hangs in a single step: run the grade again")
        if guard:
            self._rsp.remove(after)
        pc = self._select(cpu)
        if pc == smm.OFFSET and smm.inside(self._qmp, cpu):
            self._step_mode(hold=True)
            smm.leave(self._rsp, cpu)
            return self._step(cpu, self._select(cpu), before, hold)
        if halted:
            return pc, self._halted(cpu, pc, before + 1)
        # The first step after qtest made an interrupt pending may end before anything happened.
        if pc == start and not again and not self._may_stay(pc):
            return self._step(cpu, pc, before, hold, again=True)
        return pc, self._ended(reply, cpu, pc, before + 1)

    def _may_stay(self, pc: int) -> bool:
        """Whether the instruction at pc can leave the CPU there: a repeat prefix, a short jump."""
        first = self._rsp.read(pc, 2) or b""
        return first[:1] in (b"\xf2", b"\xf3") or first[1:] == b"\xfe"

    def _is_pause(self, pc: int) -> bool:
        """Whether PAUSE stands at pc: known for the kernel, read for what is not in its file."""
        if pc in self._pauses:
            return True
        if self.elf.code(pc, 1):
            return False
        return self._rsp.read(pc, len(PAUSE)) == PAUSE

    def _drain(self, cpu: int, pc: int) -> None:
        """Takes the SMI of a timer that ran out while the CPU was already stopping at pc.

        With a breakpoint at pc nothing is executed, and nothing else is pending unmasked: it would
        have been taken before the CPU came here.
        """
        guard = pc not in self._breakpoints
        if guard:
            self._rsp.insert(pc)
        self._rsp.resume(cpu)
        if self._rsp.receive(SECONDS) is None:
            raise GraderError("QEMU does not stop at a breakpoint: run the grade again")
        if self._select(cpu) == smm.OFFSET:
            self._step_mode(hold=True)
            smm.leave(self._rsp, cpu)
        if guard:
            self._rsp.remove(pc)

    def _stands_after_hlt(self, cpu: int, pc: int) -> bool:
        """Whether an SMI that found the CPU here most likely woke it from HLT."""
        symbol = self.elf.symbol_at(pc - 1)
        return (symbol is not None and self.elf.code(pc - 1, 1) == HLT
                and pc - 1 in self.elf.boundaries(symbol.name)
                and self._rsp.register("cs") & 3 == 0)

    def _halt_again(self, cpu: int, pc: int) -> None:
        """Puts a CPU that an SMI woke back into HLT."""
        self._rsp.set_register(self._ip, pc - 1)
        self._rsp.begin_step(cpu)
        while self._rsp.receive(HALT_POLL) is None:
            if smm.halted(self._qmp, cpu):
                self._rsp.interrupt()

    def _free_run(self, address: int, budget: int | None) -> Stop:
        ends = (address, *self._ends)
        for end in ends:
            self._insert(end)
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
        for end in ends:
            self._remove(end)
        cpu = int(reply.partition("thread:p01.")[2].rstrip(";") or "1", 16) - 1
        pc = self._select(cpu)
        return (self._ended(reply, cpu, pc, 0) or self._arrived(cpu, pc, 0, {address})
                or self._stop(spent or BUDGET, cpu, pc, 0))

    def _wait(self, seconds: float) -> tuple[str, bool]:
        """The reply of a running CPU, and whether it came only because the timer was changed."""
        deadline = time.monotonic() + seconds
        tampered = asked = False
        while (reply := self._rsp.receive(SLICE)) is None:
            late = time.monotonic() > deadline
            if asked and time.monotonic() > deadline + SECONDS:
                raise GraderError("QEMU does not stop its CPU: run the grade again")
            if not asked and (late or self.flooded()):
                tampered = not self.flooded()
                if tampered and smm.armed(self._qtest):
                    deadline += SECONDS      # a slow host: the budget's end is still to come
                    tampered = False
                    seconds, asked = 0.0, seconds == 0.0
                    continue
                asked = True
                self._rsp.interrupt()
        return reply, tampered

    def _ended(self, reply: str, cpu: int, pc: int, steps: int) -> Stop | None:
        """The stop of a machine that cannot go on until a snapshot is restored."""
        if reply[:3] in ("T05", "T02") or self._qmp.status() != "shutdown":
            return None
        self._down = True
        causes = [event.get("data", {}).get("reason") for event in self._qmp.events]
        self._qmp.events.clear()
        if "guest-shutdown" in causes:
            return self._stop(POWER_OFF, cpu, pc, steps)
        with (self._dir / "log").open(errors="replace") as log:
            log.seek(self._log_read)
            triple = "Triple fault" in log.read()
            self._log_read = log.tell()
        return self._stop(TRIPLE if triple else RESET, cpu, pc, steps)

    # ---- breakpoints ----

    def _insert(self, address: int) -> None:
        if address not in self._breakpoints:
            self._breakpoints.add(address)
            self._rsp.insert(address)

    def _remove(self, address: int) -> None:
        self._breakpoints.discard(address)
        self._rsp.remove(address)

    def _step_mode(self, hold: bool) -> None:
        if hold != self._hold:
            self._rsp.step_mode(hold)
            self._hold = hold

    def _select(self, cpu: int) -> int:
        """Chooses a CPU for what follows and gives its pc."""
        self._rsp.select(cpu)
        return self._rsp.register(self._ip)

    # ---- interrupts, registers, memory ----

    def interrupt(self, cpu: int, vector: int) -> None:
        self._qtest.write32(smm.APIC | cpu << 12, vector)
        self._polled.add(cpu)

    def nmi(self, cpu: int) -> None:
        self._qtest.write32(smm.APIC | cpu << 12, MESSAGE_NMI)

    def pc(self, cpu: int) -> int:
        return self._select(cpu)

    def regs(self, cpu: int) -> Regs:
        self._rsp.select(cpu)
        return registers_of(self._rsp.registers(), self._qmp.human("info registers", cpu),
                            self.width)

    def set_regs(self, cpu: int, **values: int) -> None:
        self._rsp.select(cpu)
        for name, value in values.items():
            name = {self._flags: "eflags"}.get(name, name)
            if name not in self._rsp.slots:
                raise ValueError(f"no register {name}")
            self._rsp.set_register(name, value)

    def read(self, address: int | str, size: int, cpu: int = 0) -> bytes:
        address = self.elf.address(address)
        self._rsp.select(cpu)
        data = self._rsp.read(address, size)
        if data is None:
            raise Unmapped(address, cpu)
        return data

    def write(self, address: int | str, data: bytes, cpu: int = 0) -> None:
        address = self.elf.address(address)
        self._rsp.select(cpu)
        if not self._rsp.write(address, data):
            raise Unmapped(address, cpu)

    def read_physical(self, address: int, size: int) -> bytes:
        return self._qtest.read(address, size)

    def write_physical(self, address: int, data: bytes) -> None:
        self._qtest.write(address, data)

    # ---- snapshots ----

    def _take_snapshot(self, depth: int) -> object:
        self._monitor(f"savevm snap{depth}")
        return frozenset(self._polled)

    def _go_back(self, snap: Snap) -> None:
        if self._down:
            self._revive()
        self._monitor(f"loadvm snap{snap.depth}")
        self._polled = set(snap.handle)

    def _revive(self) -> None:
        """After a shutdown the machine must be reset before a snapshot can be loaded and run."""
        self._qmp.command("set-action", reboot="reset")
        self._qmp.command("system_reset")
        deadline = time.monotonic() + SECONDS
        while self._qmp.status() == "shutdown":
            if time.monotonic() > deadline:
                raise GraderError("QEMU does not reset its machine: run the grade again")
            time.sleep(0.0005)
        self._qmp.command("set-action", reboot="shutdown")
        self._down = False

    def _monitor(self, line: str) -> None:
        said = self._qmp.human(line).strip()
        if said:
            raise GraderError(f"QEMU refused `{line}`: {said}")

    # ---- a person's debugger ----

    def debug_handoff(self) -> list[str]:
        for address in list(self._breakpoints):
            self._remove(address)
        self._rsp.close()
        return ["gdb", "-nx", str(self.elf.path), "-ex", f"target remote {self._dir}/gdb"]
