"""Locks for lab 4's tests: rounds on CPUs that the host lets run one at a time."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from grader.explore.registers import IF
from grader.explore.scene import PASSIVE, flags_for
from grader.machine.types import ADDRESS, BUDGET
from grader.stops import failure_of_stop
from grader.verdict import HANG, WRONG, Fail

ROUND = 20_000          # instructions that a round needs at most, if nobody is in the way
GRACE = 400_000         # .. and for a panic to be printed
PATIENCE = 4000         # instructions for which a CPU is watched while it has to wait: it has looked then,
                        # however long it pauses
CHECKED = 1             # SPIN_CHECKED
STUCK_TICKS = 200
TROUBLE = {1: "SPIN_RECURSION", 2: "SPIN_OWNER", 3: "SPIN_LEVEL", 4: "SPIN_STUCK"}


@dataclass(frozen=True)
class Report:
    """struct spin_report."""

    what: str
    lock: int
    name: int
    cpu: int
    place: int
    owner: int
    owner_place: int


class Locks:
    """What the CPUs of a cell do with the grader's locks."""

    def __init__(self, cell):
        self.m = cell.machine
        self.random = cell.random
        self.wanted = 0             # what probe_shared must be

    # ---- moves ----

    def start(self, cpu: int, fn: str, *args: int, level: int = PASSIVE,
              interrupts: bool = False) -> None:
        """The CPU will call fn() as soon as it runs."""
        self.m.start(cpu, fn, *args, flags=flags_for(level, interrupts))

    def to(self, cpu: int, where: str | tuple[str, ...], expected: str, budget: int = ROUND) -> None:
        """Runs a CPU to a function, or to one of several; else it is the student's failure."""
        stop = self.m.run(cpu, where, budget)
        if stop.reason != ADDRESS:
            raise self.failed(stop, expected)

    def inside(self, cpu: int) -> None:
        self.to(cpu, "probe_inside", f"CPU {cpu} gets the lock, which is free for it")

    def finish(self, cpu: int) -> None:
        self.to(cpu, "probe_returned", f"CPU {cpu} gives the lock back and returns")

    def waits(self, cpu: int, expected: str = "") -> None:
        """Watches a CPU that may not get the lock now."""
        stop = self.m.run(cpu, ("probe_inside", "probe_returned"), PATIENCE)
        if stop.reason == ADDRESS:
            raise Fail(WRONG, expected=expected or f"CPU {cpu} waits while another has the lock",
                       seen="both have it", went_wrong=self.m.place(stop.pc))
        if stop.reason != BUDGET:
            raise self.failed(stop, f"CPU {cpu} waits")

    def round(self, cpu: int, fn: str, *args: int, **flags) -> None:
        """A whole round, with nobody else about."""
        self.start(cpu, fn, *args, **flags)
        self.to(cpu, fn, "the round begins")
        before = self.m.regs(cpu).flags & IF, self.level(cpu)
        self.inside(cpu)
        self.to(cpu, "probe_after", f"CPU {cpu} gives the lock back")
        if (self.m.regs(cpu).flags & IF, self.level(cpu)) != before:
            raise Fail(WRONG, expected="IF and the level afterwards as they were before",
                       seen="they are not")
        self.finish(cpu)
        self.wanted += 1
        self.check_shared()

    def failed(self, stop, expected: str) -> Exception:
        stop = self.m.grace(stop)
        failure = failure_of_stop(stop)
        return Fail(failure.reason if failure else HANG, expected=expected,
                    seen=failure.seen if failure else str(stop),
                    went_wrong=failure.went_wrong if failure else None)

    # ---- looks ----

    def level(self, cpu: int) -> int:
        return self.m.regs(cpu).cr8

    def check_level(self, cpu: int, wanted: int, when: str) -> None:
        seen = self.level(cpu)
        if seen != wanted:
            raise Fail(WRONG, expected=f"CPU {cpu} at level {wanted} {when}", seen=f"level {seen}")

    def check_flag(self, cpu: int, wanted: bool, when: str) -> None:
        seen = bool(self.m.regs(cpu).flags & IF)
        if seen != wanted:
            raise Fail(WRONG, expected=f"IF {int(wanted)} {when}, as before", seen=f"IF {int(seen)}",
                       cause="what keeps interrupts away is the level; IF is the caller's, and "
                             "stays 0 in an NMI.")

    def check_shared(self) -> None:
        seen = self.m.u32("probe_shared")
        if seen != self.wanted:
            raise Fail(WRONG, expected=f"{self.wanted} rounds have added {self.wanted}",
                       seen=f"the sum is {seen}", cause="an update was lost: two were inside.")

    def report(self, cpu: int, expected: str, budget: int = ROUND) -> Report:
        """Runs a CPU to spin_report(), and reads what it is told."""
        self.to(cpu, ("spin_report", "probe_returned"), expected, budget)
        if self.m.pc(cpu) != self.m.elf.address("spin_report"):
            raise Fail(WRONG, expected=expected, seen="no report: the call returns")
        return self.told(cpu)

    def told(self, cpu: int) -> Report:
        """What spin_report() is told, on a CPU that is about to enter it."""
        regs = self.m.regs(cpu)
        at = regs.rdi if self.m.width == 64 else self.m.ptr(regs.esp + 4)
        code = "<I4xQQI4xQi4xQ" if self.m.width == 64 else "<IIIIIiI"
        what, *rest = struct.unpack(code, self.m.read(at, struct.calcsize(code)))
        return Report(TROUBLE.get(what, str(what)), *rest)

    def check_report(self, seen: Report, what: str, cpu: int, caller: str, owner: int,
                     which: int = 0, owner_caller: str = "") -> None:
        """Fails unless it says what is wrong, of which lock, on which CPU and where."""
        m = self.m
        lock = m.elf.address("probe_spin") + 64 * which
        wanted = [("the trouble", what, seen.what), ("the lock", f"{lock:#x}", f"{seen.lock:#x}"),
                  ("its name", f"probe {which}", m.cstring(seen.name, 16) if seen.name else "none"),
                  ("the CPU", cpu, seen.cpu), ("the place", caller, self.caller(seen.place)),
                  ("the owner", owner, seen.owner)]
        if owner == -1:
            wanted.append(("the owner's place, of nobody,", "0x0", self.caller(seen.owner_place)))
        if owner_caller:
            wanted.append(("the owner's place", owner_caller, self.caller(seen.owner_place)))
        for name, right, found in wanted:
            if right != found:
                raise Fail(WRONG, expected=f"{name} in the report is {right}", seen=str(found))

    def caller(self, address: int) -> str:
        symbol = self.m.elf.symbol_at(address - 1) if address else None
        return symbol.name if symbol else f"{address:#x}"
