"""Bochs 2.7 and 3.0: a machine is a process, a snapshot is a fork.

bochs_fork.c, preloaded, serves the grader in place of Bochs' debugger prompt.  It steps CPUs one
instruction at a time, so runs end after exactly their budget, and it can stop between the delivery
of an interrupt and its handler's first instruction.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Iterable, Mapping

from grader import processes, sandbox
from grader.errors import GraderError
from grader.machine import bochslink, bochsprogram, private
from grader.machine.bochslink import PHYSICAL, Link, Ran
from grader.machine.bochsregs import NAMES, PC, registers_of
from grader.machine.machine import HOP_LIMIT, NO_WAYS, Machine
from grader.machine.private import PrivateDir
from grader.machine.shim import preloaded
from grader.machine.types import (
    POWER_OFF, RESET, STEPS, TRIPLE, Cell, Regs, Snap, Stop, TraceStep, Unmapped)

MEMORY = 16                              # MiB
SWITCHED_OFF = "soft power off"          # Bochs' last words then
OFF = -1                                 # beside bochslink's reasons: the process is gone
FIXED, NMI = 0, 4                        # delivery modes of the local APIC
BIOS = Path("/usr/share/bochs/BIOS-bochs-latest")
VGABIOS = Path("/usr/share/bochs/VGABIOS-lgpl-latest")
FIRMWARE_TURN, KERNEL_TURN = 500, 5      # instructions before the next CPU has its turn
FIRMWARE_BUDGET = 400_000_000            # instructions of firmware and boot loader
CONFIGURATION = """\
config_interface: textconfig
display_library: term
plugin_ctrl: unmapped=true, biosdev=true, speaker=false, extfpuirq=false, parallel=false, \
gameport=false, iodebug=false, serial=true
cpu: model=corei7_icelake_u, count={cpus}, ips=5000000, reset_on_triple_fault=0, ignore_bad_msrs=1
megs: {memory}
romimage: file={bios}, options=fastboot
vgaromimage: file={vgabios}
ata0-master: type=cdrom, path=kernel.iso, status=inserted
boot: cdrom
clock: sync=none, time0=1577836800
com1: enabled=1, mode=file, dev=serial
port_e9_hack: enabled=0
magic_break: enabled=0
log: log
panic: action=report
error: action=ignore
info: action=ignore
debug: action=ignore
"""


class BochsMachine(Machine):
    """See Machine."""

    def __init__(self, cell: Cell, elf_path: str | Path, iso_path: str | Path, cpus: int = 2,
                 workdir: str | Path | None = None):
        super().__init__(cell, elf_path, cpus)
        if shutil.which(bochsprogram.PROGRAM) is None or not BIOS.exists() or not VGABIOS.exists():
            raise GraderError("Bochs is not installed: run ./setup "
                              "(packages bochs, bochs-term, bochsbios, vgabios)")
        if cpus < 2:
            raise GraderError("Bochs needs two CPUs: with one, HLT never comes back to the grader")
        self._closed = False
        self._process: subprocess.Popen | None = None
        self._templates: list[Link] = []
        self._now: Link | None = None
        # Registers of CPUs, until any of them moves: as they came, and read.
        self._raw: dict[int, tuple[int, ...]] = {}
        self._known: dict[int, Regs] = {}
        self._private = PrivateDir()
        self._dir = self._private.path
        self._serial_path = self._dir / "serial"
        try:
            self._launch(Path(iso_path))
        except BaseException:
            self.close()
            raise

    # ---- starting and ending ----

    def _launch(self, iso: Path) -> None:
        sandbox.lend(iso, self._dir / "kernel.iso")
        (self._dir / "bochsrc").write_text(CONFIGURATION.format(
            cpus=self.cpus, memory=MEMORY, bios=BIOS, vgabios=VGABIOS))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._dir / "link"))
        self._listener.listen(4)
        self._listener.settimeout(bochslink.TIMEOUT)
        command = sandbox.emulator(
            bochsprogram.command(), self._dir, TERM="dumb",
            LD_PRELOAD=preloaded("bochs", self._dir), CORRAL_SOCKET=str(self._dir / "link"),
            GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
        with (self._dir / "output").open("wb") as output:
            self._process = processes.start(
                command, cwd=self._dir, env=processes.clean_environment(),
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        sandbox.watch(self._process, self._dir)
        self._listener.settimeout(0.2)
        while self._now is None:
            try:
                self._now = Link(self._listener.accept()[0])
            except TimeoutError:
                if self._process.poll() is not None:
                    said = private.text(self._dir / "output").strip()[-300:]
                    raise GraderError(f"Bochs did not start: {said}") from None
        self._listener.settimeout(bochslink.TIMEOUT)
        self._now.name_registers(NAMES)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for link in (self._now, *reversed(self._templates)):
            if link is not None:
                link.close()
        if self._process is not None:
            processes.kill(self._process)
        if hasattr(self, "_listener"):
            self._listener.close()
        self._private.close()

    def _free_run(self, address: int, budget: int | None) -> Stop:
        limit, turn = (budget, KERNEL_TURN) if budget else (FIRMWARE_BUDGET, FIRMWARE_TURN)
        self._forget()
        why, cpu, steps, pc = self._now.run_all(limit, turn, {address, *self._ends})
        ran = Ran(why, steps, pc, [])
        return self._judge(cpu, ran, {address}, "")

    # ---- running ----

    def step(self, cpu: int, n: int = 1, hold: bool = False) -> Stop:
        return self._judge(cpu, self._ran(cpu, n, set(self._ends), hold, False), set(), STEPS)

    def run(self, cpu: int, until: Iterable[int | str] | int | str, budget: int,
            exact: bool = True) -> Stop:
        wanted = self._addresses(until)
        ran = self._ran(cpu, budget, wanted | set(self._ends), False, False)
        return self._judge(cpu, ran, wanted, "")

    def walk(self, cpu: int, until: Iterable[int | str] | int | str, limit: int,
             hold: bool = False) -> tuple[list[TraceStep], Stop]:
        wanted = self._addresses(until)
        ran = self._ran(cpu, limit, wanted | set(self._ends), hold, True)
        return ran.trace, self._judge(cpu, ran, wanted, STEPS)

    def hop(self, cpu: int, points: frozenset[int],
            ways: Mapping[int, frozenset[int]] = NO_WAYS) -> Stop | None:
        ran = self._ran(cpu, HOP_LIMIT, points | set(self._ends), False, False)
        if ran.why == bochslink.AT_ADDRESS and ran.pc in points:
            return None
        return self._judge(cpu, ran, set(), "")

    def _ran(self, cpu: int, limit: int, until: set[int], hold: bool, trace: bool) -> Ran:
        """A run of the present process, which ends with it if the kernel switches it off."""
        self._forget()
        try:
            ran = self._now.run(cpu, limit, until, hold, trace)
            if not trace:
                self._raw[cpu] = ran.registers
            return ran
        except bochslink.Ended:
            if SWITCHED_OFF not in private.text(self._dir / "log"):
                raise
            return Ran(OFF, 0, 0, [])

    def _judge(self, cpu: int, ran: Ran, wanted: set[int], when_counted: str) -> Stop:
        """The stop of a run that bochs_fork.c ended."""
        if ran.why == OFF:
            return Stop(POWER_OFF, cpu, ran.pc, ran.steps)
        if ran.why == bochslink.HALT:
            return self._halted(cpu, ran.pc, ran.steps)
        if ran.why in (bochslink.SHUTDOWN, bochslink.WAS_RESET):
            reason = TRIPLE if ran.why == bochslink.SHUTDOWN else RESET
            return self._stop(reason, cpu, ran.pc, ran.steps)
        arrived = self._arrived(cpu, ran.pc, ran.steps, wanted)
        if arrived:
            return arrived
        if when_counted:
            return self._stop(when_counted, cpu, ran.pc, ran.steps)
        return self._spent(cpu, ran.pc, ran.steps)

    # ---- interrupts, registers, memory ----

    def interrupt(self, cpu: int, vector: int) -> None:
        self._now.interrupt(vector, cpu, FIXED)

    def nmi(self, cpu: int) -> None:
        self._now.interrupt(0, cpu, NMI)

    def pc(self, cpu: int) -> int:
        return self._raw_registers(cpu)[PC] & (1 << self.width) - 1

    def regs(self, cpu: int) -> Regs:
        if cpu not in self._known:
            self._known[cpu] = registers_of(self._raw_registers(cpu), self.width)
        return self._known[cpu]

    def _raw_registers(self, cpu: int) -> tuple[int, ...]:
        if cpu not in self._raw:
            self._raw[cpu] = self._now.registers(cpu)
        return self._raw[cpu]

    def _forget(self) -> None:
        """The registers may have changed."""
        self._raw.clear()
        self._known.clear()

    def set_regs(self, cpu: int, **values: int) -> None:
        self._forget()
        named = []
        for name, value in values.items():
            wide = name.upper() if self.width == 64 else "R" + name[1:].upper()
            wide = {"RFLAGS": "EFLAGS"}.get(wide, wide)
            if wide not in NAMES:
                raise ValueError(f"no register {name}")
            named.append((NAMES.index(wide), value))
        self._now.set_registers(cpu, named)

    def read(self, address: int | str, size: int, cpu: int = 0) -> bytes:
        address = self.elf.address(address)
        data = self._now.read(cpu, [(address, size)])
        if data is None:
            raise Unmapped(address, cpu)
        return data

    def read_all(self, ranges: list[tuple[int, int]], cpu: int = 0) -> bytes:
        data = self._now.read(cpu, ranges)
        return super().read_all(ranges, cpu) if data is None else data      # says which is missing

    def write(self, address: int | str, data: bytes, cpu: int = 0) -> None:
        address = self.elf.address(address)
        if not self._now.write(cpu, [(address, data)]):
            raise Unmapped(address, cpu)

    def write_all(self, parts: list[tuple[int, bytes]], cpu: int = 0) -> None:
        if not self._now.write(cpu, parts):
            super().write_all(parts, cpu)

    def read_physical(self, address: int, size: int) -> bytes:
        data = self._now.read(PHYSICAL, [(address, size)])
        if data is None:
            raise GraderError(f"there is no RAM at {address:#x}")
        return data

    def write_physical(self, address: int, data: bytes) -> None:
        if not self._now.write(PHYSICAL, [(address, data)]):
            raise GraderError(f"there is no RAM at {address:#x}")

    # ---- snapshots ----

    def _take_snapshot(self, depth: int) -> object:
        template = self._now
        self._templates.append(template)
        self._now = template.fork(self._listener)
        return template

    def _go_back(self, snap: Snap) -> None:
        self._forget()
        self._now.close()
        while self._templates[-1] is not snap.handle:
            self._templates.pop().close()
        self._now = snap.handle.fork(self._listener)

    # ---- a person's debugger ----

    def debug_handoff(self, cpu: int = 0) -> None:
        sys.stdout.flush()
        names = self._dir / "symbols"
        names.write_text("".join(f"{symbol.address:x} {symbol.name}\n"
                                 for symbol in self.elf.symbols.values()))
        self._now.command(f'ldsym global "{names}"')
        self._now.command(f"set $cpu = {cpu}")
        self._now.hand_over([0, 1])
        self._now.wait_for_end()
