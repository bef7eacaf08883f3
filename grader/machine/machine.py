"""The machine as a test sees it: what both emulators share is written here once."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Iterable, Mapping

from grader.elf import elf_of
from grader.errors import GraderError
from grader.machine import private
from grader.machine.types import (
    ADDRESS, BUDGET, HALTED, OUTPUT, OUTPUT_LIMIT, PANIC, POWER_OFF, STEPS, BootFailed, CallFailed,
    Cell, Regs, Snap, Stop, TraceStep)
from grader.verdict import Place

MAILBOX = struct.Struct("<7Q")          # fn, arg[4], ret, flags: kernel/include/probe.h
MAILBOX_SIZE = 64
MAILBOX_RET = 40
BOOT_BUDGET = 50_000_000               # instructions, from boot_choice to probe_ready
PANIC_TEXT = 512
GRACE = 1_000_000                       # instructions in which a panic is printed
HOP_LIMIT = 20_000                     # instructions from one point to the next
NO_WAYS: Mapping[int, frozenset[int]] = MappingProxyType({})     # of hop()
WANTED = (ADDRESS, STEPS)               # stops that need no place for a report


class Machine(ABC):
    """A booted machine of which at most one CPU runs at a time, and only when told.

    Addresses are numbers or names of symbols.  A CPU stands between two instructions; `step` and
    `run` take a pending interrupt first, and its delivery counts as one instruction.
    """

    def __init__(self, cell: Cell, elf_path: str | Path, cpus: int):
        self.cell = cell
        self.cpus = cpus
        self.elf = elf_of(elf_path)
        self.width: int = cell.width
        if self.elf.width != self.width:
            raise GraderError(f"{elf_path} is not a kernel for {cell.arch}")
        self.word = self.width // 8
        self.dead = False               # it cannot be restored: close it and boot another
        self.boot_steps = 0             # of each CPU, from boot_choice() on; 0 where it is not counted
        self._snaps: list[Snap] = []
        self._places: dict[int, Place] = {}     # what place() said
        self._serial_before = b""       # output up to the restored snapshot
        self._serial_from = 0           # where later output begins in the file
        self._serial_path = Path()      # each emulator sets it
        self._ends = {self.elf.symbols[name].address: reason
                      for name, reason in (("panic_stop", PANIC), ("machine_halt", POWER_OFF))
                      if name in self.elf}

    # ---- the verbs that each emulator has of its own ----

    @abstractmethod
    def step(self, cpu: int, n: int = 1, hold: bool = False) -> Stop:
        """Executes n instructions of one CPU; with `hold`, pending interrupts stay pending."""

    @abstractmethod
    def run(self, cpu: int, until: Iterable[int | str] | int | str, budget: int,
            exact: bool = True) -> Stop:
        """Runs one CPU until it is about to execute one of the addresses.

        It executes at least one instruction, so an address where it stands does not count.  It
        also stops at the kernel's panic and power-off, when it halts with nothing to wake it, and
        after exactly `budget` instructions.  Without `exact` that may be up to twice as many, and
        Stop.steps means nothing: faster, for short runs.
        """

    @abstractmethod
    def walk(self, cpu: int, until: Iterable[int | str] | int | str, limit: int,
             hold: bool = False) -> tuple[list[TraceStep], Stop]:
        """As run(), one instruction at a time; gives the state before each of them."""

    @abstractmethod
    def hop(self, cpu: int, points: frozenset[int],
            ways: Mapping[int, frozenset[int]] = NO_WAYS) -> Stop | None:
        """Executes the instruction where a CPU stands, then runs it to the next of the points.

        Interrupts that are pending come first.  None: it stands at a point; else what came instead,
        HOP_LIMIT instructions without a point among it (in QEMU up to nine times as many).  The
        cheapest way to move one CPU among several by small steps; give the same set of points again
        and again.  `ways` makes it cheaper: by address, instructions of which a CPU executes one before
        it comes there, unless an interrupt or exception returns there, whose entry must be a point.
        """

    @abstractmethod
    def interrupt(self, cpu: int, vector: int) -> None:
        """Makes a fixed, edge-triggered interrupt pending at this CPU's local APIC."""

    @abstractmethod
    def nmi(self, cpu: int) -> None:
        """Makes an NMI pending at this CPU."""

    @abstractmethod
    def regs(self, cpu: int) -> Regs:
        """All registers of a CPU."""

    @abstractmethod
    def pc(self, cpu: int) -> int:
        """The address of the next instruction: cheaper than regs()."""

    @abstractmethod
    def set_regs(self, cpu: int, **values: int) -> None:
        """Sets general registers, the instruction pointer or the flags."""

    @abstractmethod
    def read(self, address: int | str, size: int, cpu: int = 0) -> bytes:
        """Memory as this CPU's page tables show it to ring 0.  Raises Unmapped."""

    @abstractmethod
    def write(self, address: int | str, data: bytes, cpu: int = 0) -> None:
        """Writes through this CPU's page tables, read-only pages included.  Raises Unmapped."""

    @abstractmethod
    def read_physical(self, address: int, size: int) -> bytes:
        """RAM by physical address."""

    @abstractmethod
    def write_physical(self, address: int, data: bytes) -> None:
        """RAM by physical address."""

    @abstractmethod
    def debug_handoff(self, cpu: int = 0) -> list[str] | None:
        """Leaves the machine to a person's debugger at the present point.

        Gives the command that attaches one; None if the debugger ran on this terminal and ended.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends the emulator.  May be called twice."""

    @abstractmethod
    def _free_run(self, address: int, budget: int | None) -> Stop:
        """Runs all CPUs to an address; without a budget, a stop elsewhere is the grader's fault."""

    @abstractmethod
    def _take_snapshot(self, depth: int) -> object:
        """Keeps the present state; the result is Snap.handle."""

    @abstractmethod
    def _go_back(self, snap: Snap) -> None:
        """Makes a kept state the present one."""

    # ---- boot ----

    def boot(self) -> None:
        """From power-on to the parked state: every CPU waits for calls, the host drives."""
        stop = self._free_run(self.elf.address("boot_choice"), None)
        if stop.reason != ADDRESS:
            raise GraderError(f"the kernel did not boot: {stop}")
        self.write("probe_boot", (1).to_bytes(4, "little"))
        stop = self._free_run(self.elf.address("probe_ready"), BOOT_BUDGET)
        if stop.reason != ADDRESS:
            raise BootFailed(stop, "the kernel did not reach its parked state")
        self.boot_steps = stop.steps

    # ---- snapshots ----

    def snapshot(self) -> Snap:
        """Keeps the present state.  Snapshots nest."""
        snap = Snap(len(self._snaps), self.serial())
        snap.handle = self._take_snapshot(snap.depth)
        self._snaps.append(snap)
        return snap

    def restore(self, snap: Snap) -> None:
        """Goes back to a snapshot.  Those taken after it are gone."""
        if not snap.live or snap not in self._snaps:
            raise GraderError("this snapshot was dropped when an older one was restored")
        for later in self._snaps[snap.depth + 1:]:
            later.live = False
        del self._snaps[snap.depth + 1:]
        self._go_back(snap)
        self._serial_before = snap.serial
        size = self._serial_path.lstat().st_size
        if size // OUTPUT_LIMIT > self._serial_from // OUTPUT_LIMIT:
            private.give_back(self._serial_path, size)
        self._serial_from = size

    # ---- memory ----

    def read_all(self, ranges: list[tuple[int, int]], cpu: int = 0) -> bytes:
        """Several ranges (address, size), one behind the other.  Raises Unmapped."""
        return b"".join(self.read(address, size, cpu) for address, size in ranges)

    def write_all(self, parts: list[tuple[int, bytes]], cpu: int = 0) -> None:
        """Bytes at several addresses.  Raises Unmapped."""
        for address, data in parts:
            self.write(address, data, cpu)

    def read_uint(self, address: int | str, size: int, cpu: int = 0) -> int:
        return int.from_bytes(self.read(address, size, cpu), "little")

    def u8(self, address: int | str, cpu: int = 0) -> int:
        return self.read_uint(address, 1, cpu)

    def u16(self, address: int | str, cpu: int = 0) -> int:
        return self.read_uint(address, 2, cpu)

    def u32(self, address: int | str, cpu: int = 0) -> int:
        return self.read_uint(address, 4, cpu)

    def u64(self, address: int | str, cpu: int = 0) -> int:
        return self.read_uint(address, 8, cpu)

    def ptr(self, address: int | str, cpu: int = 0) -> int:
        """A word as wide as the machine."""
        return self.read_uint(address, self.word, cpu)

    def write_uint(self, address: int | str, value: int, size: int, cpu: int = 0) -> None:
        self.write(address, (value & (1 << size * 8) - 1).to_bytes(size, "little"), cpu)

    def write_u32(self, address: int | str, value: int, cpu: int = 0) -> None:
        self.write_uint(address, value, 4, cpu)

    def write_u64(self, address: int | str, value: int, cpu: int = 0) -> None:
        self.write_uint(address, value, 8, cpu)

    def write_ptr(self, address: int | str, value: int, cpu: int = 0) -> None:
        self.write_uint(address, value, self.word, cpu)

    def cstring(self, address: int | str, limit: int = PANIC_TEXT, cpu: int = 0) -> str:
        """A C string of at most `limit` bytes."""
        return self.read(address, limit, cpu).split(b"\0")[0].decode("utf-8", "replace")

    def serial(self) -> bytes:
        """What the present history wrote to the serial port, capped at OUTPUT_LIMIT."""
        with private.reading(self._serial_path) as file:
            file.seek(self._serial_from)
            return (self._serial_before + file.read(OUTPUT_LIMIT))[:OUTPUT_LIMIT]

    def flooded(self) -> bool:
        """Whether the serial output reached its limit."""
        new = self._serial_path.lstat().st_size - self._serial_from
        return len(self._serial_before) + new >= OUTPUT_LIMIT

    # ---- calls on a parked CPU ----

    def mailbox(self, cpu: int) -> int:
        return self.elf.address("probe_mailbox") + cpu * MAILBOX_SIZE

    def start(self, cpu: int, fn: int | str, *args: int, flags: int = 0) -> None:
        """Fills a parked CPU's mailbox: it will call fn(args) as soon as it runs."""
        if len(args) > 4:
            raise ValueError("a call takes at most four arguments")
        mask = (1 << 64) - 1
        padded = [arg & mask for arg in args] + [0] * (4 - len(args))
        box = self.mailbox(cpu)
        self.write(box, MAILBOX.pack(self.elf.address(fn), *padded, 0, flags), cpu)

    def call(self, cpu: int, fn: int | str, *args: int, flags: int = 0,
             budget: int = 100_000) -> int:
        """Calls a function on a parked CPU and gives its result; CallFailed if it stays away."""
        self.start(cpu, fn, *args, flags=flags)
        stop = self.run(cpu, "probe_returned", budget)
        if stop.reason != ADDRESS:
            stop = self.grace(stop)
            name = fn if isinstance(fn, str) else self.elf.name(fn)
            raise CallFailed(stop, f"{name}() did not return")
        return self.result(cpu)

    def grace(self, stop: Stop) -> Stop:
        """Of a CPU that has used its budget: the panic that it is about to print, if it is."""
        if stop.reason != BUDGET:
            return stop
        later = self.run(stop.cpu, (), GRACE)
        return later if later.reason == PANIC else stop

    def result(self, cpu: int) -> int:
        """What the last call on this CPU returned, as wide as a register."""
        return self.ptr(self.mailbox(cpu) + MAILBOX_RET, cpu)

    # ---- describing ----

    def place(self, pc: int, cpu: int | None = None) -> Place:
        """An instruction in a report's words; bytes outside the kernel are read from the CPU."""
        if pc not in self._places:
            self._places[pc] = Place(f"{pc:#x}")
            if self.elf.symbol_at(pc) is not None:
                line = self.elf.line(pc)
                self._places[pc] = Place(
                    self.elf.where(pc), self.elf.instruction(pc).text, str(line or ""))
        return replace(self._places[pc])        # a test may add to it

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # ---- for the emulators ----

    def _addresses(self, until: Iterable[int | str] | int | str) -> set[int]:
        items = (until,) if isinstance(until, (int, str)) else until
        return {self.elf.address(item) for item in items}

    def _stop(self, reason: str, cpu: int, pc: int, steps: int, text: str = "") -> Stop:
        place = None if reason in WANTED else self.place(pc)
        return Stop(reason, cpu, pc, steps, text, place)

    def _arrived(self, cpu: int, pc: int, steps: int, until: set[int]) -> Stop | None:
        """The stop for a CPU at this pc, if the pc is one to stop at."""
        if pc in until:
            return Stop(ADDRESS, cpu, pc, steps)
        if pc in self._ends:
            reason = self._ends[pc]
            text = self.cstring("panic_message", cpu=cpu) if reason == PANIC else ""
            return self._stop(reason, cpu, pc, steps, text)
        return None

    def _spent(self, cpu: int, pc: int, steps: int) -> Stop:
        """The stop for a CPU that used up its budget."""
        if self.flooded():
            return self._stop(OUTPUT, cpu, pc, steps)
        return self._stop(BUDGET, cpu, pc, steps)

    def _halted(self, cpu: int, pc: int, steps: int) -> Stop:
        return self._stop(HALTED, cpu, pc, steps)
