"""The words in which both emulators speak: cells, stops, registers, snapshots."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Callable, Mapping

WIDTHS = {"x86_64": 64, "i386": 32}
EMULATORS = ("qemu", "bochs")
FLAG_VM = 1 << 17
OUTPUT_LIMIT = 1 << 20          # bytes of serial output that are kept

# Why a machine stopped.
ADDRESS = "address"             # it is about to execute an address asked for
STEPS = "steps"                 # it did the number of steps asked for
BUDGET = "budget"               # it executed its budget of instructions
HALTED = "halted"               # HLT, and nothing that could wake it is pending
TRIPLE = "triple fault"
RESET = "reset"
POWER_OFF = "power off"
OUTPUT = "output limit"
PANIC = "panic"                 # the kernel's panic(); Stop.text is its message


@dataclass(frozen=True)
class Cell:
    """A width and an emulator: Cell("x86_64", "qemu")."""

    arch: str
    emu: str

    def __post_init__(self) -> None:
        if self.arch not in WIDTHS or self.emu not in EMULATORS:
            raise ValueError(f"no such cell: {self.arch}/{self.emu}")

    @property
    def width(self) -> int:
        return WIDTHS[self.arch]

    def __str__(self) -> str:
        return f"{self.arch}/{self.emu}"


CELLS = tuple(Cell(arch, emu) for arch in WIDTHS for emu in EMULATORS)


@dataclass(frozen=True)
class Stop:
    """Why one CPU stopped, and where: `pc` is the instruction it would execute next."""

    reason: str
    cpu: int
    pc: int
    steps: int = 0              # instructions executed, an interrupt's delivery included
    text: str = ""              # the panic message, or a remark
    place: Any = None           # verdict.Place of pc, for a stop that nobody wanted

    def __str__(self) -> str:
        where = self.place.where if self.place else f"{self.pc:#x}"
        return f"CPU {self.cpu}: {self.reason} at {where}" + (f": {self.text}" if self.text else "")


@dataclass(frozen=True)
class Table:
    """A descriptor table register, or TR with its selector."""

    base: int
    limit: int
    selector: int = 0


@dataclass(frozen=True)
class System:
    """What few tests ask of a CPU."""

    halted: bool
    gdt: Table
    idt: Table
    tr: Table


@dataclass(frozen=True)
class Regs:
    """One CPU's registers at one moment.

    Each entry of `values` is also an attribute: rax..r15, rip, rflags (eax.., eip, eflags in 32
    bits), cs ss ds es fs gs (selectors), cr0 cr2 cr3 cr4 cr8 efer, fs_base, gs_base and, in 64
    bits, kernel_gs_base.  `pc`, `sp` and `flags` name the same thing in both widths.  `halted`,
    `gdt`, `idt` and `tr` must be read before the CPU moves again.
    """

    width: int
    values: Mapping[str, int]
    load_system: Callable[[], System] = field(repr=False, compare=False)

    def __getattr__(self, name: str) -> int:
        try:
            return self.__dict__["values"][name]
        except KeyError:
            raise AttributeError(f"no register {name}") from None

    @property
    def pc(self) -> int:
        return self.values["rip" if self.width == 64 else "eip"]

    @property
    def sp(self) -> int:
        return self.values["rsp" if self.width == 64 else "esp"]

    @property
    def flags(self) -> int:
        return self.values["rflags" if self.width == 64 else "eflags"]

    @property
    def cpl(self) -> int:
        return cpl_of(self.values["cs"], self.flags)

    @cached_property
    def system(self) -> System:
        return self.load_system()

    @property
    def halted(self) -> bool:
        return self.system.halted

    @property
    def gdt(self) -> Table:
        return self.system.gdt

    @property
    def idt(self) -> Table:
        return self.system.idt

    @property
    def tr(self) -> Table:
        return self.system.tr


def cpl_of(cs: int, flags: int) -> int:
    """The privilege level in protected mode; virtual-8086 mode is always 3."""
    return 3 if flags & FLAG_VM else cs & 3


@dataclass(frozen=True)
class TraceStep:
    """One CPU just before it executes the instruction at `pc`."""

    pc: int
    cpl: int
    sp: int
    flags: int
    gs_base: int


@dataclass
class Snap:
    """A state to come back to.  It lives until an older one is restored."""

    depth: int
    serial: bytes
    handle: Any = field(default=None, repr=False)
    live: bool = True


class MachineStopped(Exception):
    """The machine stopped for a reason that the caller did not expect: see `stop`."""

    def __init__(self, stop: Stop, doing: str = ""):
        self.stop = stop
        super().__init__(f"{doing}: {stop}" if doing else str(stop))


class BootFailed(MachineStopped):
    """The kernel did not reach its parked state."""


class CallFailed(MachineStopped):
    """A function called on a parked CPU did not come back."""


class Unmapped(Exception):
    """No page is mapped at `address` in the page tables of that CPU."""

    def __init__(self, address: int, cpu: int):
        self.address, self.cpu = address, cpu
        super().__init__(f"{address:#x} is not mapped on CPU {cpu}")
