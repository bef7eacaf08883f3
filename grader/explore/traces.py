"""The flight recorder for lab 7's tests: events in, the timeline out."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from grader.explore.ipis import ON, Turns
from grader.explore.scene import BUDGET, DISPATCH, PASSIVE, Scene, flags_for
from grader.verdict import WRONG, Fail

SYSCALL, SWITCH, CLOCK, NMI = range(4)          # kernel/include/trace_abi.h
KINDS = ("TRACE_SYSCALL", "TRACE_SWITCH", "TRACE_CLOCK", "TRACE_NMI")
RECORDS, SLOTS = 64, 64
USER, KERNEL = 0x1000_4000, 0x1000_5000
EVENT = struct.Struct("<3Q4I")
FIRST_SLOT = 64                                 # in struct trace_kernel
LIES = -1
WORDS = 1 << 32


@dataclass(frozen=True)
class Traced:
    """struct trace_event."""

    stamp: int
    value: int
    ip: int
    kind: int
    cpu: int
    tid: int
    number: int

    @staticmethod
    def of(raw: bytes) -> Traced:
        return Traced(*EVENT.unpack(raw))

    def same(self, kind: int, cpu: int, value: int) -> bool:
        """Whether it is what the host made."""
        return (self.kind, self.cpu, self.value) == (kind, cpu, value)


class TraceScene(Scene):
    """A scene in which every CPU may record, and the host reads."""

    def __init__(self, cell):
        super().__init__(cell)
        self.m.call(0, "trace_init", budget=2_000_000)

    def value(self) -> int:
        """Something to record that nobody can guess."""
        return self.random.getrandbits(self.m.width)

    def hit(self, kind: int, value: int, cpu: int = 0, level: int = DISPATCH,
            interrupts: bool = True, more: int = 0) -> None:
        """trace_hit() on a CPU, and so many more."""
        self.m.call(cpu, "probe_trace_hit", kind, value, more, flags=flags_for(level, interrupts),
                    budget=BUDGET + 1000 * more)

    def clock_near(self, below: int) -> None:
        """Every CPU's counter of time is so far below 2^32 (Bochs), where its low half begins anew."""
        for cpu in range(self.m.cpus):
            self.m.call(cpu, "probe_clock_near", below)

    def clock(self) -> tuple[int, int]:
        """The counter before and behind the last hit()."""
        at = self.m.elf.address("probe_trace_times")
        return self.m.u64(at), self.m.u64(at + 8)

    def pass_by(self, kind: int, value: int, cpu: int = 0, times: int = 1) -> None:
        """A CPU comes by a trace point."""
        self.m.call(cpu, "probe_trace_points", kind, value, times, flags=flags_for(DISPATCH, True))

    def next(self, cpu: int = 0) -> Traced | None:
        """trace_next() on a CPU."""
        if not self.m.call(cpu, "probe_trace_next", flags=flags_for(DISPATCH, True)) & 0xFF:
            return None
        return Traced.of(self.m.read("probe_event", EVENT.size))

    def logged(self, of: int, cpu: int = 0) -> list[Traced]:
        """All events in the log of CPU `of`, as they lie there; read on another one."""
        found = []
        while self.m.call(cpu, "probe_trace_logged", of, flags=flags_for(DISPATCH, True)) & 0xFF:
            found.append(Traced.of(self.m.read("probe_event", EVENT.size)))
        return found

    def rest_of(self, most: int = 600) -> list[Traced]:
        """All events that there are, in the order of the timeline."""
        found = []
        while (event := self.next()) is not None:
            found.append(event)
            if len(found) > most:
                raise Fail(WRONG, expected=f"no more than {most} events, which is all there were",
                           seen="trace_next() goes on giving events")
        return found

    def check_stays(self, function: str, *args: int) -> None:
        """A call up to DISPATCH, with interrupts on and off: level and IF stay as they are."""
        for level in (PASSIVE, DISPATCH):
            for interrupts in (True, False):
                self.check_keeps(0, function, *args, level=level, interrupts=interrupts)

    def check(self, event: Traced | None, kind: int, cpu: int, value: int, **details) -> None:
        """Fails unless this is the event that the host made."""
        expected = f"{KINDS[kind]} of CPU {cpu} with the value {value:#x}"
        if event is None:
            raise Fail(WRONG, expected=expected, seen="no event", **details)
        if not event.same(kind, cpu, value):
            raise Fail(WRONG, expected=expected, seen=say(event), **details)


def say(event: Traced) -> str:
    """An event in words."""
    kind = KINDS[event.kind] if event.kind < len(KINDS) else f"kind {event.kind}"
    return f"{kind} of CPU {event.cpu} with the value {event.value:#x}"


# ---- switching, which all CPUs take part in ----

def begin(turns: Turns, caller: int, kind: int, on: int) -> None:
    """The CPU is about to call trace_set(); the others answer when they are asked."""
    for cpu in turns.cpus:
        if cpu != caller:
            turns.m.write_u32("probe_go", 0)
            turns.m.start(cpu, "probe_spin_wait", flags=ON)
            turns.settle(cpu)
    turns.m.write_u32("probe_trace_kind", kind)
    turns.m.write_u32("probe_trace_on", on)
    turns.m.start(caller, "probe_trace_set", flags=ON)


def end(turns: Turns, caller: int, kind: int, on: int, back: bool = False) -> None:
    """trace_set() comes back, if it is not `back` yet, and has done it; all CPUs are parked."""
    if not back:
        turns.returned(caller)
    result = turns.m.result(caller)
    turns.m.write_u32("probe_go", 1)
    for cpu in turns.cpus:
        if cpu != caller:
            turns.run_until(cpu, "probe_returned", "a CPU that waited goes on")
    if not result & 0xFF:
        raise Fail(WRONG, expected=f"trace_set({KINDS[kind]}, {bool(on)}) with interrupts on, at "
                   "PASSIVE_LEVEL, is done", seen="false")


def switch(turns: Turns, caller: int, kind: int, on: int) -> None:
    """trace_set() on a CPU."""
    begin(turns, caller, kind, on)
    end(turns, caller, kind, on)
